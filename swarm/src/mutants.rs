//! Mutants: bugs planted in the runtime, which the swarm must find.
//!
//! A mutant may make the runtime abort the process, or run for ever. So each is searched for in a
//! process of its own, which prints every seed before running it.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

#[cfg(nexus_mutants)]
use nexus_actors::mutants::{Mutant, with_mutant};

/// A planted bug, and how soon it must be found.
#[derive(Clone, Copy, Debug)]
pub struct Planted {
    /// Its name.
    pub name: &'static str,
    /// The number of seeds within which it must be found.
    pub bound: u64,
    /// What it makes wrong in the runtime.
    pub what: &'static str,
}

/// Every planted bug that the swarm is to find.
pub const ALL: [Planted; 37] = [
    Planted {
        name: "TurnForgotten",
        bound: 20,
        what: "mail that comes to an actor in its turn does not get it another one",
    },
    Planted {
        name: "BatchesReordered",
        bound: 3000,
        what: "a full batch is published after the one that follows it",
    },
    Planted {
        name: "SlotLeaked",
        bound: 20,
        what: "the slot of an actor that failed is never let again",
    },
    Planted {
        name: "NextTenantServed",
        bound: 20,
        what: "mail to an actor that has stopped reaches whoever has its slot now",
    },
    Planted {
        name: "LateReplyServed",
        bound: 20,
        what: "an answer that comes too late ends the next wait in the same place",
    },
    Planted {
        name: "HandledWhileWaiting",
        bound: 20,
        what: "an actor whose handler waits is given turns",
    },
    Planted {
        name: "NameKept",
        bound: 20,
        what: "the name of an actor that stops because its parent does is not freed",
    },
    Planted {
        name: "TimerEarly",
        bound: 20,
        what: "a time-out fires a little before its time",
    },
    Planted {
        name: "StopOvertakesMail",
        bound: 20,
        what: "a stop goes ahead of the mail that was sent before it",
    },
    Planted {
        name: "ParentStopsFirst",
        bound: 20,
        what: "a parent does not wait for its children to stop",
    },
    Planted {
        name: "RestartedTwice",
        bound: 60,
        what: "an actor is restarted a second time for the same failure",
    },
    Planted {
        name: "ChildOutlivesRestart",
        bound: 300,
        what: "a restart does not wait for the children to stop",
    },
    Planted {
        name: "PlaceLeaked",
        bound: 60,
        what: "the place of a message in a bounded mailbox is not given up",
    },
    Planted {
        name: "ToldTwice",
        bound: 60,
        what: "whoever watches an actor is told twice of its end",
    },
    Planted {
        name: "TimerNotCancelled",
        bound: 60,
        what: "a timer that was cancelled rings all the same",
    },
    Planted {
        name: "TaskOutlivesActor",
        bound: 100,
        what: "an actor that stops does not wait for its tasks to end",
    },
    Planted {
        name: "TaskOutlivesRestart",
        bound: 2000,
        what: "a restart does not wait for the tasks of the instance before",
    },
    Planted {
        name: "KeptMailLost",
        bound: 60,
        what: "a message that waits for a passive actor is lost when it is built again",
    },
    Planted {
        name: "StashTurnedRound",
        bound: 3000,
        what: "what an actor that passivates has put aside comes back in the wrong order",
    },
    Planted {
        name: "PassivationLate",
        bound: 60,
        what: "an order to passivate lets the mail be handled first",
    },
    Planted {
        name: "UnsubscribedTold",
        bound: 1000,
        what: "a topic tells somebody who has unsubscribed",
    },
    Planted {
        name: "SubscriberToldTwice",
        bound: 60,
        what: "a topic tells a subscriber twice",
    },
    Planted {
        name: "DeadMemberKept",
        bound: 100,
        what: "a member of a group that has stopped is not removed",
    },
    Planted {
        name: "RouteeSkipped",
        bound: 2000,
        what: "a router passes over a routee in its turn",
    },
    Planted {
        name: "RouteeDoubled",
        bound: 300,
        what: "a router that broadcasts sends one copy too many",
    },
    Planted {
        name: "KeysWander",
        bound: 1000,
        what: "the keys of a router move between its routees",
    },
    Planted {
        name: "SilenceUnbroken",
        bound: 20,
        what: "mail does not put a receive time-out off",
    },
    Planted {
        name: "SilenceNotCancelled",
        bound: 20,
        what: "a receive time-out that was taken away is told all the same",
    },
    Planted {
        name: "SilenceUntold",
        bound: 20,
        what: "an actor that has nothing to do is not told of its receive time-out",
    },
    Planted {
        name: "LineTurnedRound",
        bound: 20,
        what: "who waits last for room in a bounded mailbox is let in first",
    },
    Planted {
        name: "BeatsMadeUp",
        bound: 20,
        what: "a timer at a fixed rate makes up for the beats that were missed",
    },
    Planted {
        name: "DroppedToldAgain",
        bound: 20,
        what: "a router sends a routee again what that one's full mailbox has dropped",
    },
    Planted {
        name: "BackoffUnwaited",
        bound: 300,
        what: "a restart does not wait for its delay",
    },
    Planted {
        name: "WatchKept",
        bound: 300,
        what: "what an instance watches that is restarted is watched by the next one",
    },
    Planted {
        name: "ToldOfTwoEnds",
        bound: 3000,
        what: "an instance that was told of its restart is told of its end as well",
    },
    Planted {
        name: "NextInstanceTold",
        bound: 100,
        what: "the next instance is told what the one before began to watch when it ended",
    },
    Planted {
        name: "LateTaskLeft",
        bound: 20,
        what: "an actor does not wait for the tasks that it begins when it is told of its end",
    },
];

/// Whether this build contains the mutants.
pub const ARE_PLANTED: bool = cfg!(nexus_mutants);

/// Runs something with a mutant switched on, on this thread. `None` if there is no such mutant in
/// this build.
#[cfg(nexus_mutants)]
pub fn with<R>(name: &str, run: impl FnOnce() -> R) -> Option<R> {
    let mutant = match name {
        "TurnForgotten" => Mutant::TurnForgotten,
        "BatchesReordered" => Mutant::BatchesReordered,
        "SlotLeaked" => Mutant::SlotLeaked,
        "NextTenantServed" => Mutant::NextTenantServed,
        "LateReplyServed" => Mutant::LateReplyServed,
        "HandledWhileWaiting" => Mutant::HandledWhileWaiting,
        "NameKept" => Mutant::NameKept,
        "TimerEarly" => Mutant::TimerEarly,
        "StopOvertakesMail" => Mutant::StopOvertakesMail,
        "ParentStopsFirst" => Mutant::ParentStopsFirst,
        "RestartedTwice" => Mutant::RestartedTwice,
        "ChildOutlivesRestart" => Mutant::ChildOutlivesRestart,
        "PlaceLeaked" => Mutant::PlaceLeaked,
        "ToldTwice" => Mutant::ToldTwice,
        "TimerNotCancelled" => Mutant::TimerNotCancelled,
        "TaskOutlivesActor" => Mutant::TaskOutlivesActor,
        "TaskOutlivesRestart" => Mutant::TaskOutlivesRestart,
        "KeptMailLost" => Mutant::KeptMailLost,
        "StashTurnedRound" => Mutant::StashTurnedRound,
        "PassivationLate" => Mutant::PassivationLate,
        "UnsubscribedTold" => Mutant::UnsubscribedTold,
        "SubscriberToldTwice" => Mutant::SubscriberToldTwice,
        "DeadMemberKept" => Mutant::DeadMemberKept,
        "RouteeSkipped" => Mutant::RouteeSkipped,
        "RouteeDoubled" => Mutant::RouteeDoubled,
        "KeysWander" => Mutant::KeysWander,
        "SilenceUnbroken" => Mutant::SilenceUnbroken,
        "SilenceNotCancelled" => Mutant::SilenceNotCancelled,
        "SilenceUntold" => Mutant::SilenceUntold,
        "LineTurnedRound" => Mutant::LineTurnedRound,
        "BeatsMadeUp" => Mutant::BeatsMadeUp,
        "DroppedToldAgain" => Mutant::DroppedToldAgain,
        "BackoffUnwaited" => Mutant::BackoffUnwaited,
        "WatchKept" => Mutant::WatchKept,
        "ToldOfTwoEnds" => Mutant::ToldOfTwoEnds,
        "NextInstanceTold" => Mutant::NextInstanceTold,
        "LateTaskLeft" => Mutant::LateTaskLeft,
        _ => return None,
    };
    Some(with_mutant(mutant, run))
}

/// As above, in a build without mutants.
#[cfg(not(nexus_mutants))]
pub fn with<R>(_name: &str, _run: impl FnOnce() -> R) -> Option<R> {
    None
}

/// What the process that searches for a mutant prints before each seed.
pub const AT_SEED: &str = "at seed ";
/// What it prints when it has found the mutant.
pub const FOUND: &str = "found: ";

/// The result of a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Search {
    /// The mutant was found.
    Found {
        /// At this seed.
        seed: u64,
        /// By this violation.
        by: String,
    },
    /// It was not found within its bound.
    NotFound,
    /// The search could not be run.
    Failed(String),
}

/// A seed takes milliseconds: a process that is silent for this long runs for ever.
const SILENCE: Duration = Duration::from_secs(20);

/// Searches for a mutant, with a command that runs seeds from `first` up to the bound.
pub fn search(mut command: Command) -> Search {
    let began = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .stdin(Stdio::null())
        .spawn();
    let mut child = match began {
        Ok(child) => child,
        Err(error) => return Search::Failed(error.to_string()),
    };
    let lines = lines_of(&mut child);
    let mut seed = None;
    let mut by = None;
    let silent = loop {
        match lines.recv_timeout(SILENCE) {
            Ok(line) => match line.strip_prefix(AT_SEED) {
                Some(number) => seed = number.parse().ok().or(seed),
                None => by = line.strip_prefix(FOUND).map(str::to_owned).or(by),
            },
            Err(RecvTimeoutError::Timeout) => break true,
            Err(RecvTimeoutError::Disconnected) => break false,
        }
    };
    conclude(child, silent, seed, by)
}

fn lines_of(child: &mut Child) -> Receiver<String> {
    let (sender, lines) = channel();
    if let Some(output) = child.stdout.take() {
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
    }
    if let Some(mut errors) = child.stderr.take() {
        // Read, so that the child is never blocked on it.
        std::thread::spawn(move || std::io::copy(&mut errors, &mut std::io::sink()));
    }
    lines
}

fn conclude(mut child: Child, silent: bool, seed: Option<u64>, by: Option<String>) -> Search {
    if silent {
        let _ = child.kill();
    }
    let status = match child.wait() {
        Ok(status) => status,
        Err(error) => return Search::Failed(error.to_string()),
    };
    match (seed, by) {
        (None, _) => Search::Failed(format!("no seed was run: {status}")),
        (Some(seed), _) if silent => Search::Found {
            seed,
            by: "it goes on for ever".to_owned(),
        },
        (Some(seed), Some(by)) => Search::Found { seed, by },
        (Some(_), None) if status.success() => Search::NotFound,
        (Some(seed), None) => Search::Found {
            seed,
            by: format!("the process ended: {status}"),
        },
    }
}

/// Searches for a mutant, and prints a line about the result. Returns whether it was found in time.
pub fn report(planted: &Planted, command: Command) -> bool {
    let Planted { name, bound, what } = planted;
    let began = Instant::now();
    let search = search(command);
    let took = began.elapsed();
    match search {
        Search::Found { seed, by } => {
            println!("{name:<20} seed {seed:>4} of {bound}, {took:.1?}: {what}\n    {by}");
            true
        }
        Search::NotFound => {
            println!("{name:<20} NOT FOUND within {bound} seeds, {took:.1?}: {what}");
            false
        }
        Search::Failed(error) => {
            println!("{name:<20} was not looked for: {error}");
            false
        }
    }
}
