"""gdb commands for handlers that wait: where they are, and whose they are.

A handler that waits is on no thread's stack, so gdb's own `thread apply all backtrace` does not show it. These
commands find the stacks on which handlers wait, in a live process or in a core file. They read memory only.

    (gdb) source tools/gdb/nexus.py
    (gdb) nexus fibers          lists the handlers that wait
    (gdb) nexus bt 3            prints where fiber 3 waits; without a number, where each fiber waits
    (gdb) nexus bt full 3       prints the library's functions around that as well
    (gdb) nexus fiber 3         shows fiber 3 as the stack of this thread, for `frame`, `up`, `info locals`
    (gdb) nexus leave           ends that; so does resuming the program

They need full debug information of the crate, which line tables are not: a dependency has it in the dev profile
unless the profile says otherwise; in this repository, build with CARGO_PROFILE_DEV_DEBUG=2. They know the
stacks of x86-64 only.

Which fields of which structures are read is in the functions under "the library". `ci/gdb.sh` fails if one of
them has changed.
"""

import gdb
from gdb.unwinder import Unwinder

LIST = "nexus_actors::fiber::listed::SETS"
NO_DEBUG_INFO = (
    "there is no debug information of nexus-actors in this program, or too little of it: line tables are not "
    "enough. Build with CARGO_PROFILE_DEV_DEBUG=2, or with `debug = true` in the profile"
)

# ---- values ----------------------------------------------------------------------------------------------


def word(address):
    """The word of memory at an address."""
    return int.from_bytes(gdb.selected_inferior().read_memory(address, 8).tobytes(), "little")


def field(value, path):
    """A field of a field of a value. Cells are passed through."""
    for name in path.split("."):
        value = uncelled(value)[name]
    return uncelled(value)


def uncelled(value):
    while value.type.name and value.type.name.startswith(("core::cell::Cell<", "core::cell::UnsafeCell<")):
        value = value["value"]
    return value


def number(value):
    """The number in a type around a number."""
    value = uncelled(value)
    while value.type.strip_typedefs().code == gdb.TYPE_CODE_STRUCT:
        value = uncelled(value[value.type.fields()[0]])
    return int(value)


def pointee(kind):
    """The type to which a `Box`, an `Option<Box>` or another type around one pointer points."""
    kind = kind.strip_typedefs()
    if kind.code == gdb.TYPE_CODE_PTR:
        return kind.target()
    if kind.code not in (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION):
        return None
    found = (pointee(inner.type) for inner in kind.fields())
    return next((target for target in found if target is not None), None)


def followed(value):
    """What a `Box`, an `Option<Box>` or another type around one pointer points to, or None."""
    address = word(int(value.address))
    return at(address, pointee(value.type)) if address else None


def at(address, kind):
    return gdb.Value(address).cast(kind.pointer()).dereference()


# ---- the library -----------------------------------------------------------------------------------------

# Of `memory/arena.rs`: GROUP.
CELLS_OF_GROUP = 1024
# The bit of a slot's flags that marks a task.
TASK = 1 << 6
# Of `fiber/current.rs`: FiberId::NONE.
NO_FIBER = 0xFFFF_FFFF
GUARDIAN = 0


class Fiber:
    """A fiber, as far as it can be read from outside."""

    def __init__(self, fibers, index, place):
        self.set = fibers
        self.index = index
        routine = followed(field(place, "routine"))
        self.is_suspended = routine is not None
        if routine is None:
            return
        self.base = number(field(routine, "stack.base"))
        self.limit = number(field(routine, "stack.limit"))
        self.first = number(field(routine, "initial_stack_ptr"))
        self.saved = word(int(routine["stack_ptr"].address))

    def has_begun(self):
        return self.saved != self.first

    def registers(self):
        """Its registers, as they are after the switch back to it: see `switch_yield` in corosensei's
        `arch/x86_64.rs`."""
        saved = self.saved
        return {"rip": word(saved), "rbx": word(saved + 8), "rbp": word(saved + 16), "rsp": saved + 24}

    def is_root(self, rip, rsp):
        """Whether these are the registers of the trampoline below everything else. Its return address is the
        first word that was pushed."""
        return rip == word(self.first) and rsp == self.first + 8


def cells(arena):
    """The cells of an arena that were ever made, with their indices."""
    table = field(arena, "table")
    for index in range(int(field(arena, "made"))):
        group = table[index // CELLS_OF_GROUP]
        yield index, group[index % CELLS_OF_GROUP]


def cell(arena, index):
    return field(arena, "table")[index // CELLS_OF_GROUP][index % CELLS_OF_GROUP]


def vacant(arena):
    """The indices of an arena's vacant cells."""
    vacant = field(arena, "reserve.vacant")
    first, count = word_of_pointer(vacant["buf"]), int(vacant["len"])
    memory = gdb.selected_inferior().read_memory(first, 4 * count).tobytes() if count else b""
    return {int.from_bytes(memory[i : i + 4], "little") for i in range(0, len(memory), 4)}


def word_of_pointer(value):
    """The first pointer in a value."""
    for inner in value.type.strip_typedefs().fields():
        part = value[inner]
        if part.type.strip_typedefs().code == gdb.TYPE_CODE_PTR:
            return int(part)
        if part.type.strip_typedefs().code == gdb.TYPE_CODE_STRUCT:
            found = word_of_pointer(part)
            if found is not None:
                return found
    return None


def sets():
    """The sets of fibers in the process, one of each worker that has needed a fiber."""
    symbol = gdb.lookup_static_symbol(LIST) or gdb.lookup_global_symbol(LIST)
    if symbol is None:
        raise gdb.GdbError(NO_DEBUG_INFO)
    found = []
    entry = followed(field(symbol.value(), "data"))
    while entry is not None:
        fibers = entry["set"]
        address = word(int(fibers.address))
        if address:
            found.append(at(address, pointee(fibers.type)))
        entry = followed(entry["next"])
    # The newest is first.
    return found[::-1]


def idle(fibers):
    """The indices of the fibers that run no handler."""
    found = set()
    classes = [fibers["ordinary"]]
    larger = fibers["larger"]
    first, last = larger.type.range()
    classes += [one for one in (followed(larger[i]) for i in range(first, last + 1)) if one is not None]
    for one in classes:
        next_idle = number(field(one, "idle"))
        while next_idle != NO_FIBER and next_idle not in found:
            found.add(next_idle)
            next_idle = number(field(cell(fibers["places"], next_idle), "next_idle"))
    return found


def all_fibers():
    """The fibers of the process, with what each does: "waits", "runs" or "is idle"."""
    if gdb.selected_thread() is None:
        raise gdb.GdbError("there is no thread: start the program, or open a core file")
    found = []
    for fibers in sets():
        are_idle, are_vacant = idle(fibers), vacant(fibers["places"])
        for index, place in cells(fibers["places"]):
            if index in are_vacant:
                continue
            fiber = Fiber(fibers, index, place)
            if not fiber.is_suspended:
                found.append((fiber, "runs"))
            elif index in are_idle or not fiber.has_begun():
                found.append((fiber, "is idle"))
            else:
                found.append((fiber, "waits"))
    return found


class Owner:
    """The actor whose handler is on a fiber."""

    def __init__(self, fiber, frames):
        self.id = self.path = self.message = "?"
        self.worker = "?"
        acting = shard = None
        for frame in reversed(frames):
            acting = acting or variable(frame, {"actor", "envelope", "messages_left"})
            shard = shard or variable(frame, {"fibers", "slots", "home"})
            if acting is not None and shard is not None:
                break
        if acting is not None:
            actor = field(acting, "actor")
            key, home = number(actor["key"]), number(actor["home"])
            self.worker = home & 0xFFFF_FFFF
            self.slot, self.generation = key & 0xFFFF_FFFF, key >> 32
            self.id = "%d.%d#%d" % (self.worker, self.slot, self.generation)
        if acting is not None and shard is not None and shard["fibers"].address == fiber.set.address:
            slots = shard["slots"]
            self.path = self.path_of(slots, self.slot)
            self.message = message_type(cell(slots, self.slot))

    def path_of(self, slots, index):
        """As `path_of` of the library does: up to the nearest ancestor that was given a name."""
        generated = ""
        while index != GUARDIAN:
            slot = cell(slots, index)
            extra = followed(field(slot, "extra"))
            given = followed(extra["path"]) if extra is not None else None
            if given is not None:
                length = int(given["length"])
                text = gdb.selected_inferior().read_memory(int(given.address) + given.type.sizeof, length)
                return text.tobytes().decode("utf-8", "replace") + generated
            generation = int(field(slot, "generation"))
            if is_task(slot):
                name = "$task-%x.%x" % (index, generation)
            else:
                name = "$%x.%x.%x" % (self.worker, index, generation)
            generated = "/" + name + generated
            index = int(field(slot, "parent"))
        return "/user" + generated


def is_task(slot):
    """Whether it is not an actor, but a task of one."""
    flags = field(slot, "mailbox.beside")
    names = [one.name for one in flags.type.fields() if one.name in ("special", "attention")]
    return number(field(flags, names[0])) & TASK != 0


def message_type(slot):
    """The type of an actor's messages: the argument of the function among its mail's that would print it."""
    kind = followed(field(slot, "mail"))
    words = kind.type.sizeof // 8 if kind is not None else 0
    for i in range(words):
        name = function_at(word(int(kind.address) + 8 * i))
        if "::message_name<" in name:
            return name[name.index("<") + 1 : -1]
    return "?"


def function_at(address):
    """The name of the function at an address, or nothing."""
    name = ""
    block = gdb.block_for_pc(address)
    # The function itself is around those that are inlined into it.
    while block is not None:
        if block.function is not None:
            name = block.function.name
        block = block.superblock
    return name


def variable(frame, fields):
    """What a variable of a function is or points to, if it is a struct with these fields."""
    try:
        block = frame.block()
    except RuntimeError:
        return None
    while block is not None:
        for symbol in block:
            if not (symbol.is_variable or symbol.is_argument):
                continue
            kind = symbol.type.strip_typedefs()
            is_pointer = kind.code == gdb.TYPE_CODE_PTR
            kind = kind.target().strip_typedefs() if is_pointer else kind
            if kind.code != gdb.TYPE_CODE_STRUCT or not fields <= {one.name for one in kind.fields()}:
                continue
            try:
                value = symbol.value(frame)
                value = value.dereference() if is_pointer else value
                value.fetch_lazy()
                return value
            except (gdb.MemoryError, RuntimeError):
                continue
        if block.function is not None:
            return None
        block = block.superblock
    return None


# ---- stacks ----------------------------------------------------------------------------------------------


class FrameId:
    def __init__(self, sp, pc):
        self.sp = sp
        self.pc = pc


class View:
    """A fiber that is shown as the stack of a thread."""

    def __init__(self, fiber):
        if gdb.selected_inferior().architecture().name() != "i386:x86-64":
            raise gdb.GdbError("fibers' stacks are known on x86-64 only")
        if word(fiber.saved) == 0:
            raise gdb.GdbError("its stack is not in the core file: gdb's own `gcore` leaves it out")
        self.fiber = fiber
        self.registers = fiber.registers()
        self.thread = gdb.selected_thread().ptid
        newest = gdb.newest_frame()
        self.newest = register(newest, "rsp"), register(newest, "rip")

    def frames(self):
        """Its frames, the innermost first, up to the one in which it was begun."""
        frame = gdb.newest_frame()
        while frame is not None and register(frame, "rsp") != self.registers["rsp"]:
            frame = frame.older()
        found = []
        while frame is not None and not self.fiber.is_root(register(frame, "rip"), register(frame, "rsp")):
            found.append(frame)
            frame = frame.older()
        return found


def register(frame, name):
    return int(frame.read_register(name)) & 0xFFFF_FFFF_FFFF_FFFF


class FiberUnwinder(Unwinder):
    """Lets the fiber that is shown appear as the caller of the innermost function of its thread. Nothing is
    written, so this works with core files as well."""

    def __init__(self):
        super().__init__("nexus-fiber")
        self.view = None

    def show(self, view):
        self.view = view
        gdb.invalidate_cached_frames()

    def __call__(self, pending):
        view = self.view
        if view is None or gdb.selected_thread() is None or gdb.selected_thread().ptid != view.thread:
            return None
        rip, rsp = pending.read_register("rip"), pending.read_register("rsp")
        here = int(rsp) & 0xFFFF_FFFF_FFFF_FFFF, int(rip) & 0xFFFF_FFFF_FFFF_FFFF
        if here == view.newest:
            # Below the fiber's frames: gdb refuses a caller whose frame is below that of the called.
            unwound = pending.create_unwind_info(FrameId(gdb.Value(view.fiber.saved), rip))
            for name, value in view.registers.items():
                kind = pending.read_register(name).type
                unwound.add_saved_register(name, gdb.Value(value.to_bytes(8, "little"), kind))
            return unwound
        if view.fiber.is_root(here[1], here[0]):
            # What it was resumed from has gone on since. A return address of zero ends a backtrace.
            unwound = pending.create_unwind_info(FrameId(rsp, rip))
            unwound.add_saved_register("rip", gdb.Value(bytes(8), rip.type))
            unwound.add_saved_register("rsp", gdb.Value(view.fiber.base.to_bytes(8, "little"), rsp.type))
            return unwound
        return None


UNWINDER = FiberUnwinder()
gdb.unwinder.register_unwinder(None, UNWINDER, replace=True)
gdb.events.cont.connect(lambda _event: UNWINDER.show(None) if UNWINDER.view is not None else None)


class shown:
    """Shows a fiber for as long as a block of code runs. Its value is the fiber's frames."""

    def __init__(self, fiber):
        self.fiber = fiber

    def __enter__(self):
        self.before = UNWINDER.view
        UNWINDER.show(None)
        view = View(self.fiber)
        UNWINDER.show(view)
        return view.frames()

    def __exit__(self, *_):
        UNWINDER.show(self.before)


# ---- the commands ----------------------------------------------------------------------------------------

RUNTIME = ("nexus_actors", "corosensei", "core", "std", "alloc")


def is_users(frame):
    """Whether it is not a function of the library, of its switches or of the standard library."""
    name = (frame.name() or "").lstrip("<&")
    return name not in ("", "__rust_try") and not name.startswith(tuple(crate + "::" for crate in RUNTIME))


def where(frame):
    name = frame.name() or "??"
    line = frame.find_sal()
    return "%s at %s:%d" % (name, line.symtab.filename, line.line) if line.symtab is not None else name


def counted(number, one, more):
    return "%d %s" % (number, one if number == 1 else more)


class Nexus(gdb.Command):
    """Commands for the handlers of nexus-actors that wait."""

    def __init__(self):
        super().__init__("nexus", gdb.COMMAND_STACK, prefix=True)


class Fibers(gdb.Command):
    """nexus fibers [MOST]
List the handlers that wait: number, actor, message type, stack, and the innermost function that is not the
library's. Lists at most MOST of them, 100 by default."""

    def __init__(self):
        super().__init__("nexus fibers", gdb.COMMAND_STACK)

    def invoke(self, arguments, _from_tty):
        most = int(arguments) if arguments.strip() else 100
        fibers = all_fibers()
        count = {state: sum(1 for _, other in fibers if other == state) for state in ("waits", "runs", "is idle")}
        listed = 0
        for n, (fiber, state) in enumerate(fibers):
            if state == "waits" and listed < most:
                listed += 1
                self.describe(n, fiber)
        if count["waits"] > listed:
            print("and %d more: nexus fibers %d" % (count["waits"] - listed, count["waits"]))
        handlers = counted(count["waits"], "handler waits", "handlers wait")
        running = counted(count["runs"], "fiber runs", "fibers run")
        resting = counted(count["is idle"], "is idle", "are idle")
        print("%s; %s, or called the one that does; %s" % (handlers, running, resting))

    def describe(self, n, fiber):
        try:
            with shown(fiber) as frames:
                owner = Owner(fiber, frames)
                inner = next((frame for frame in frames if is_users(frame)), None)
                place = where(inner) if inner is not None else "no function of the user's"
        except (gdb.error, gdb.GdbError) as error:
            print("#%-3d cannot be read: %s" % (n, error))
            return
        print("#%-3d %s, actor %s, handles %s" % (n, owner.path, owner.id, owner.message))
        used = fiber.base - fiber.saved
        print("     stack %#x to %#x, %d bytes in use" % (fiber.limit, fiber.base, used))
        print("     in %s" % place)


def fiber_of(text):
    fibers = all_fibers()
    try:
        fiber, state = fibers[int(text)]
    except (ValueError, IndexError):
        raise gdb.GdbError("give the number of a fiber, as `nexus fibers` prints it") from None
    if state == "runs":
        raise gdb.GdbError("that fiber runs, or has called the one that does: see the backtraces of the threads")
    if not fiber.has_begun():
        raise gdb.GdbError("that fiber has not begun")
    return fiber


class Backtrace(gdb.Command):
    """nexus bt [full] [N]
Print the backtrace of fiber N, or of each fiber on which a handler waits: the functions of the user, and what
the innermost of them has called. With `full`, all functions that are on the stack."""

    def __init__(self):
        super().__init__("nexus bt", gdb.COMMAND_STACK)

    def invoke(self, arguments, _from_tty):
        numbers = arguments.split()
        full = numbers[:1] == ["full"]
        numbers = numbers[1:] if full else numbers
        if numbers:
            fiber = fiber_of(numbers[0])
            self.print(int(numbers[0]), fiber, full)
            return
        for n, (fiber, state) in enumerate(all_fibers()):
            if state == "waits":
                self.print(n, fiber, full)

    def print(self, n, fiber, full):
        with shown(fiber) as frames:
            owner = Owner(fiber, frames)
            print("fiber %d, %s, actor %s, handles %s:" % (n, owner.path, owner.id, owner.message))
            users = [i for i, frame in enumerate(frames) if is_users(frame)]
            if users and not full:
                frames = frames[max(users[0] - 1, 0) : users[-1] + 1]
            for frame in frames:
                print("#%-3d %s" % (frame.level(), where(frame)))


class Show(gdb.Command):
    """nexus fiber N
Show fiber N as the stack of the selected thread, below its innermost function, so that `backtrace`, `frame`,
`up` and `info locals` show the handler that waits. Ends with `nexus leave`, or when the program is resumed."""

    def __init__(self):
        super().__init__("nexus fiber", gdb.COMMAND_STACK)

    def invoke(self, arguments, _from_tty):
        UNWINDER.show(None)
        view = View(fiber_of(arguments))
        UNWINDER.show(view)
        frames = view.frames()
        chosen = next((frame for frame in frames if is_users(frame)), frames[0] if frames else None)
        if chosen is not None:
            chosen.select()
            gdb.execute("frame")


class Leave(gdb.Command):
    """nexus leave
Show the selected thread's own stack again."""

    def __init__(self):
        super().__init__("nexus leave", gdb.COMMAND_STACK)

    def invoke(self, _arguments, _from_tty):
        UNWINDER.show(None)


for command in (Nexus, Fibers, Backtrace, Show, Leave):
    command()
