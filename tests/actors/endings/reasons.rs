//! The reasons, for each way to end.

use super::{Do, Rebuilt, Stage, ends, ends_plainly, escalates, restarts, stopping};
use crate::common::{LONG, SECOND};
use nexus_actors::failure::TerminationReason;
use nexus_actors::prelude::*;
use nexus_actors::supervision::Backoff;
use std::time::Duration;

use TerminationReason::{Failed, Killed, Stopped};

#[test]
fn s4_11_an_actor_that_ends_by_itself_has_stopped_and_so_have_its_descendants() {
    let all = [None, Some(Stopped), Some(Stopped)];
    let ends = |way: &str, end: fn(&mut Stage<'_>)| ends(way, &stopping(), end, all);
    ends("stops", |stage| stage.child.tell(Do::Stop));
    ends("becomes stopped", |stage| {
        stage.child.tell(Do::BecomeStopped);
    });
    ends("is asked to stop", |stage| stage.child.stop());
    ends("stops at a signal", |stage| {
        stage.child.tell(Do::StopIn(SECOND));
        stage.sim.run_for(2 * SECOND);
    });
    ends("is asked to stop while passive", |stage| {
        stage.child.passivate();
        stage.sim.run_until_idle();
        stage.child.stop();
    });
    ends("stops when it has woken up", |stage| {
        stage.child.passivate();
        stage.sim.run_until_idle();
        stage.child.tell(Do::Stop);
    });
    let all = [Some(Stopped), Some(Stopped), Some(Stopped)];
    ends_plainly("its parent stops", all, |stage| {
        stage.parent.tell(Do::Stop);
    });
    ends_plainly("its parent is asked to stop", all, |stage| {
        stage.parent.stop()
    });
    ends_plainly(
        "its parent passivates",
        [None, Some(Stopped), Some(Stopped)],
        |stage| stage.parent.passivate(),
    );
}

#[test]
fn s4_11_an_actor_that_is_killed_was_killed_and_so_were_its_descendants() {
    let child = [None, Some(Killed), Some(Killed)];
    ends_plainly("it is killed", child, |stage| stage.child.kill());
    ends_plainly("it is killed while it waits", child, |stage| {
        stage.child.tell(Do::Sleep(SECOND));
        stage.sim.run_until_idle();
        stage.child.kill();
        stage.sim.run_for(2 * SECOND);
    });
    let alone = [None, Some(Killed), Some(Stopped)];
    ends_plainly("it is killed while passive", alone, |stage| {
        stage.child.passivate();
        stage.sim.run_until_idle();
        stage.child.kill();
    });
    let all = [Some(Killed), Some(Killed), Some(Killed)];
    ends_plainly("its parent is killed", all, |stage| stage.parent.kill());
    ends_plainly(
        "it is killed while its parent, which failed, waits for it",
        [Some(Failed), Some(Killed), Some(Killed)],
        |stage| {
            stage.child.tell(Do::Sleep(SECOND));
            stage.sim.run_until_idle();
            stage.parent.tell(Do::Fail);
            stage.sim.run_until_idle();
            stage.child.kill();
            stage.sim.run_for(2 * SECOND);
        },
    );
}

#[test]
fn s4_11_an_actor_that_fails_has_failed_and_so_have_its_descendants() {
    let child = [None, Some(Failed), Some(Failed)];
    ends_plainly("it fails", child, |stage| stage.child.tell(Do::Fail));
    ends_plainly("it panics", child, |stage| stage.child.tell(Do::Panic));
    ends_plainly("its task fails", child, |stage| {
        stage.child.tell(Do::FailInTask)
    });
    let together = SupervisorStrategy::all_for_one().always(Directive::Stop);
    ends(
        "its sibling fails, and all of them stop",
        &stopping().of_child(together),
        |stage| stage.sibling.tell(Do::Fail),
        child,
    );
    let undecided = SupervisorStrategy::one_for_one().decide(|_| panic!("planned"));
    ends(
        "its parent does not come to a decision",
        &stopping().of_child(undecided),
        |stage| stage.child.tell(Do::Fail),
        child,
    );
    ends(
        "it fails once too often",
        &stopping().of_child(restarts()),
        |stage| (0..4).for_each(|_| stage.child.tell(Do::Fail)),
        [None, Some(Failed), Some(Failed)],
    );
    ends(
        "it cannot be built again",
        &stopping().of_child(restarts()).rebuilt(Rebuilt::Fails),
        |stage| stage.child.tell(Do::Fail),
        child,
    );
    ends(
        "it cannot be built when it wakes up",
        &stopping().rebuilt(Rebuilt::Fails),
        |stage| {
            stage.child.passivate();
            stage.sim.run_until_idle();
            stage.child.tell(Do::Sleep(SECOND));
        },
        [None, Some(Failed), Some(Stopped)],
    );
}

#[test]
fn s4_11_descendants_end_for_the_reason_of_their_ancestor() {
    let all = [Some(Failed), Some(Failed), Some(Failed)];
    ends_plainly("its parent fails", all, |stage| stage.parent.tell(Do::Fail));
    ends_plainly("its parent panics", all, |stage| {
        stage.parent.tell(Do::Panic)
    });
    let alone = [Some(Failed), Some(Failed), Some(Stopped)];
    ends_plainly("its parent fails while it is passive", alone, |stage| {
        stage.child.passivate();
        stage.sim.run_until_idle();
        stage.parent.tell(Do::Fail);
    });
    let again = [None, Some(Failed), Some(Failed)];
    ends(
        "its parent fails and is restarted",
        &stopping().of_parent(restarts()),
        |stage| stage.parent.tell(Do::Fail),
        again,
    );
    ends_plainly(
        "it stops of itself, and then its parent fails",
        [Some(Failed), Some(Stopped), Some(Stopped)],
        |stage| {
            stage.child.tell(Do::Sleep(SECOND));
            stage.sim.run_until_idle();
            stage.child.stop();
            stage.sim.run_until_idle();
            stage.parent.tell(Do::Fail);
            stage.sim.run_for(2 * SECOND);
        },
    );
    ends_plainly(
        "it fails itself while its parent, which stops, waits for it",
        [Some(Stopped), Some(Failed), Some(Failed)],
        |stage| {
            stage.child.tell(Do::Sleep(SECOND));
            stage.child.tell(Do::Fail);
            stage.sim.run_until_idle();
            stage.parent.stop();
            stage.sim.run_for(2 * SECOND);
        },
    );
}

#[test]
fn s4_11_an_actor_whose_failure_is_escalated_has_failed() {
    let all = [Some(Failed), Some(Failed), Some(Failed)];
    ends(
        "its failure stops its parent",
        &stopping().of_child(escalates()),
        |stage| stage.child.tell(Do::Fail),
        all,
    );
    ends(
        "its failure restarts its parent",
        &stopping().of_parent(restarts()).of_child(escalates()),
        |stage| stage.child.tell(Do::Fail),
        [None, Some(Failed), Some(Failed)],
    );
    // The parent is asked to stop before the grandparent, which is to decide, comes to it.
    ends(
        "its failure is open when its parent ends",
        &stopping().of_child(escalates()),
        |stage| {
            stage.parent.tell(Do::Sleep(SECOND));
            stage.sim.run_until_idle();
            stage.child.tell(Do::Fail);
            stage.sim.run_until_idle();
            stage.parent.kill();
            stage.sim.run_for(2 * SECOND);
        },
        [Some(Killed), Some(Failed), Some(Failed)],
    );
}

#[test]
fn s4_11_a_restart_a_resumption_and_a_passivation_are_no_end() {
    let nobody = [None, None, None];
    let resumes = SupervisorStrategy::one_for_one().always(Directive::Resume);
    ends(
        "it fails and is resumed",
        &stopping().of_child(resumes),
        |stage| stage.child.tell(Do::Fail),
        nobody,
    );
    // A restart is the end of the actors below.
    ends(
        "it fails and is restarted",
        &stopping().of_child(restarts()),
        |stage| stage.child.tell(Do::Fail),
        [None, None, Some(Failed)],
    );
    ends(
        "it passivates and wakes up",
        &stopping(),
        |stage| {
            stage.child.passivate();
            stage.sim.run_until_idle();
            stage.child.tell(Do::Sleep(Duration::ZERO));
        },
        [None, None, Some(Stopped)],
    );
    ends(
        "it is restarted, and its behaviour is stopped then",
        &stopping().of_child(restarts()).rebuilt(Rebuilt::Stops),
        |stage| stage.child.tell(Do::Fail),
        [None, Some(Stopped), Some(Failed)],
    );
}

/// What is done, and the reasons for which the parent and the child end.
type Case = (
    &'static str,
    fn(&mut Stage<'_>),
    [Option<TerminationReason>; 2],
);

#[test]
fn s4_11_what_ends_a_backoff_is_the_reason() {
    let delay = Backoff::new(LONG, LONG).unwrap();
    let slow = || stopping().of_child(restarts().backoff(delay));
    let fail = |stage: &mut Stage<'_>| {
        stage.child.tell(Do::Fail);
        stage.sim.run_until_idle();
    };
    let cases: [Case; 4] = [
        ("stop", |stage| stage.child.stop(), [None, Some(Stopped)]),
        ("kill", |stage| stage.child.kill(), [None, Some(Killed)]),
        (
            "the parent stops",
            |stage| stage.parent.stop(),
            [Some(Stopped), Some(Stopped)],
        ),
        (
            "the parent fails",
            |stage| stage.parent.tell(Do::Fail),
            [Some(Failed), Some(Failed)],
        ),
    ];
    for (way, end, [parent, child]) in cases {
        ends(
            way,
            &slow(),
            |stage| {
                fail(stage);
                end(stage);
            },
            [parent, child, Some(Failed)],
        );
    }
}
