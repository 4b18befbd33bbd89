"""Run by gdb (`ci/gdb.sh`), on the program of this folder or on its core: checks what the commands of
tools/gdb/nexus.py print. The last line says how many checks there were; the exit code, whether all passed."""

import re
import traceback

import gdb

passed = 0


def run(command):
    print("(gdb) " + command)
    text = gdb.execute(command, to_string=True)
    print(text)
    return text


def check(what, holds):
    global passed
    if not holds:
        raise AssertionError(what)
    passed += 1


def has_line(text, pattern):
    return re.search(pattern, text, re.MULTILINE) is not None


def number_of(listed, path):
    found = re.search(r"^#(\d+) +%s, actor " % path, listed, re.MULTILINE)
    check("%s is listed" % path, found)
    return found.group(1)


def check_list():
    listed = run("nexus fibers")
    # The other worker may be about to rest, on a fiber as well.
    check("the counts", has_line(listed, r"^4 handlers wait; (1 fiber runs|2 fibers run), .*; \d+ (is|are) idle$"))
    check("no more are listed", len(re.findall(r"^#", listed, re.MULTILINE)) == 4)
    for line in (
        r"/user/napper, actor 0\.\d+#1, handles nexus_gdb_tests::Nap$",
        r"/user/other-napper, actor 1\.\d+#1, handles nexus_gdb_tests::Nap$",
        r"/user/worker/\$task-\d+\.1, actor 0\.\d+#1, ",
        r"/user/wonderer/\$0\.\d+\.\d+, actor 0\.\d+#1, handles nexus_gdb_tests::Wonder$",
    ):
        check(line, has_line(listed, r"^#\d+ +" + line))
    in_helper = r"^ +in nexus_gdb_tests::naps_in_a_helper at gdb-tests/src/main\.rs:\d+$"
    check("where the two wait", len(re.findall(in_helper, listed, re.MULTILINE)) == 2)
    check("fewer are listed", "and 3 more" in run("nexus fibers 1"))
    return listed


def check_backtraces(listed):
    nap = run("nexus bt " + number_of(listed, "/user/napper"))
    functions = r"(?s)Context<nexus_gdb_tests::Nap>::sleep.*\n#\d+ +nexus_gdb_tests::naps_in_a_helper at .*\n#\d+ +nexus_gdb_tests::naps at "
    check("the functions of a handler that sleeps", re.search(functions, nap))
    wonder = run("nexus bt " + number_of(listed, r"/user/wonderer/\S+"))
    check("those of one that asks", re.search(r"(?s)Ask<u32>::wait.*\n#\d+ +nexus_gdb_tests::wonders at ", wonder))
    check("the library's are left out", "fiber_body" not in wonder)
    every = run("nexus bt full")
    check("all four", every.count("fiber_body at ") == 4 and every.count("naps_in_a_helper at ") == 2)
    check("only those", every.count("\nfiber ") == 3)


def check_locals(listed):
    run("nexus fiber " + number_of(listed, "/user/napper"))
    check("a variable of the function that waits", has_line(run("info locals"), r"^sheep = 4711$"))
    run("up")
    check("its caller", "nexus_gdb_tests::naps (" in run("frame"))
    run("nexus leave")
    check("the thread's own stack", "naps" not in run("bt"))


def check_live():
    gdb.execute("break nexus_gdb_tests::all_wait")
    gdb.execute("run")
    listed = check_list()
    check_backtraces(listed)
    check_locals(listed)
    check("the thread's stack is as it was", "nexus_gdb_tests::looks" in run("bt"))
    # Resuming ends what is shown, and nothing of the process was changed.
    run("nexus fiber " + number_of(listed, "/user/napper"))
    check("the fiber is shown again", "naps_in_a_helper" in run("bt"))
    exits = []
    gdb.events.exited.connect(lambda event: exits.append(getattr(event, "exit_code", None)))
    run("continue")
    check("the program ends as it would", exits == [0])


def check_many():
    gdb.execute("break nexus_gdb_tests::all_wait")
    gdb.execute("run")
    listed = run("nexus fibers 2")
    check("all are counted", has_line(listed, r"^1504 handlers wait; "))
    check("two are listed", len(re.findall(r"^#", listed, re.MULTILINE)) == 2)
    # One on each side of the border between two groups of cells.
    for n in (900, 1400):
        check("one of many", "nexus_gdb_tests::naps_in_a_helper at " in run("nexus bt %d" % n))


def check_core():
    listed = check_list()
    check_backtraces(listed)
    check_locals(listed)


try:
    for setting in ("pagination off", "debuginfod enabled off", "width 0", "python print-stack full"):
        gdb.execute("set " + setting)
    gdb.execute("source tools/gdb/nexus.py")
    if gdb.selected_thread() is not None:
        check_core()
    elif "many" in gdb.execute("show args", to_string=True):
        check_many()
    else:
        check_live()
    print("gdb: %d checks passed" % passed)
except BaseException:
    traceback.print_exc()
    gdb.execute("quit 1")
