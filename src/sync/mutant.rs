//! Named ways to break a protocol, so that a model check can be shown able to fail.
//!
//! In a normal build [`ordering`] and [`is_mutated`] are constants that the compiler removes.
//! Under `--cfg nexus_loom`, or `--cfg nexus_mutants`, a test may switch one [`Mutant`] on for its
//! thread (loom runs a whole model on the thread that called it, and so does the simulation) and
//! expects the model checker, or the swarm, to reject the result.

use std::sync::atomic::Ordering;

/// One deliberate mistake in one protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(any(nexus_loom, nexus_mutants)), allow(dead_code, unreachable_pub))]
pub enum Mutant {
    /// A push publishes its node without a release, so the consumer may see it half written.
    InboxPublishRelaxed,
    /// The consumer takes the list without an acquire.
    InboxTakeRelaxed,
    /// Closing stores over the word instead of swapping it, losing what was queued.
    InboxCloseByStore,
    /// Going to sleep stores the sleeping mark without looking at what is queued.
    SleepWithoutLooking,
    /// A push that finds the sleeping mark does not wake the sleeper.
    PushWithoutWaking,
    /// The one-shot's value is announced before it is certain to be visible.
    OneshotPublishRelaxed,
    /// The one-shot's waiter gives up without looking whether the value came first.
    OneshotTimeoutByStore,
    /// The one-shot's sender does not wake a waiter that has announced itself.
    OneshotSendWithoutWaking,
    /// A task that polls the one-shot again writes its waker without taking the cell back first.
    OneshotAnnouncedTwice,
    /// A task that polls the one-shot again leaves the waker of the time before in its place.
    OneshotWakerKept,
    /// A thread waits for a one-shot that a task has polled, without taking the task's waker back first.
    OneshotWaitUnclaimed,
    /// A place in a bounded mailbox is taken by a store, over what others took meanwhile.
    GateEnteredByStore,
    /// Whoever gives a place up does not look whether somebody waits for it.
    GateLeftUnseen,
    /// The mark of those who wait is set and taken away by a store, over what others did meanwhile.
    GateMarkedByStore,
    /// A gate is closed by a store, over what others did meanwhile.
    GateClosedByStore,
    /// Whether a gate is closed is looked at before the first try to enter only.
    GateClosedSeenOnce,
    /// A claim on an ingress commits without a release, so the reader may see it half written.
    IngressCommitRelaxed,
    /// A claim does not acquire what was done to its segment before that was installed.
    IngressClaimRelaxed,
    /// The reader goes to sleep without comparing what was claimed with what it has read.
    IngressSleepUnseen,
    /// A claim that found the reader asleep, and its segment full, does not wake the reader.
    IngressWakeForgotten,
    /// Closing does not wait for what was claimed before.
    IngressCloseUnwaited,
    /// A segment is installed again with what was read from it before.
    IngressNotZeroed,
    /// Stale claims that fill a segment have the next one installed before theirs is current.
    IngressNextTooEarly,
    /// A claim that waits for another segment does not see that its own is installed again.
    IngressTailUnseen,
    /// A segment takes claims as soon as it was read, before it is installed again.
    IngressTailResetEarly,
    /// The gate is marked only after the owner has tried to enter for whoever waits.
    LineMarkedLate,
    /// The mark is taken away with the first of those who wait, though others still do.
    LineUnmarkedEarly,
    /// The mark stays when nobody waits any more.
    LineMarkKept,
    /// A place that is given back unused is not told of.
    RoomUntold,
    /// The nudge for an order is sent before the order is given.
    OrderNudgedEarly,
    /// The flag that says that there are orders is set before the order is on the list.
    OrderFlaggedEarly,
    /// The flag is cleared after the list was emptied.
    OrdersClearedLate,
    /// Orders that go behind the mail are taken after it.
    OrdersTakenBehindMail,
    /// Orders that go ahead of the mail are not looked for after it was taken in.
    OrdersUnseenAfterMail,
    /// What a worker is at is numbered without a release, so that it may be seen before it is written.
    BeatTurnUnreleased,
    /// Whoever looks at it reads the number without an acquire.
    BeatTurnUnacquired,
    /// It is written without a release, so that the end of the turn before may be seen later.
    BeatFieldsUnreleased,
    /// Whoever looks at it reads it without an acquire.
    BeatFieldsUnacquired,
    /// Whoever looks at it does not look at the number again.
    BeatSeenOnce,
    /// It is changed while the number says that a handler runs.
    BeatNeverEven,
    /// One that is watched looks whether the watcher sleeps without a fence.
    NapUnfenced,
    /// It looks so before it says that it is awake.
    NapAwakeLate,
    /// It does not wake the watcher that sleeps.
    NapWakeForgotten,
    /// The watcher looks whether anybody works without a fence.
    NapSleepUnfenced,
    /// The watcher sleeps without looking whether anybody works.
    NapSleepUnseen,
    /// The watcher's end is written after it was woken for that.
    NapEndLate,
    /// Those who have come so far are counted by a load and a store.
    QuorumCountedByStore,
    /// They are counted without an order between what each of them has done.
    QuorumRelaxed,
    /// A thread whose time is over ends without looking whether a job has come.
    JobLeftAtTheEnd,
    /// A job is left to an idle thread, however many there are already.
    JobsUncounted,
    /// An idle thread is not told of a job.
    JobUntold,
    /// An idle thread is not told that there will be no more.
    JobsEndUntold,
    /// A job is taken after the end.
    JobTakenAfterClose,
    /// Whoever looks into a table does not compare the number of what it finds.
    TableNumberUnseen,
    /// What is forgotten is forgotten though another one has its place by now.
    TableForgetsAnother,
    /// The lock is left before what is registered is entered.
    TableUnlockedEarly,
    /// While it is noted that an ask was given up, those before it in the same place are not.
    CancellationClearedFirst,
    /// Whoever looks whether an ask was given up does not compare which one in that place.
    CancellationOfAnyWait,
    /// What has ended is forgotten at once.
    EndedForgotten,

    /// Mail that comes to an actor while it has its turn does not get it another one.
    TurnForgotten,
    /// A batch that is full is published after the one that follows it.
    BatchesReordered,
    /// The slot of an actor that failed is never let again.
    SlotLeaked,
    /// A message to an actor that has stopped is let in by whoever has its slot now.
    NextTenantServed,
    /// An answer that comes too late ends the next wait in the same place.
    LateReplyServed,
    /// An actor whose handler waits is given turns.
    HandledWhileWaiting,
    /// The name of an actor that stops because its parent does is not freed.
    NameKept,
    /// A time-out fires a little before its time.
    TimerEarly,
    /// A stop goes ahead of the mail that was sent before it.
    StopOvertakesMail,
    /// A parent does not wait for its children to stop before it does.
    ParentStopsFirst,
    /// An actor is restarted a second time for the same failure.
    RestartedTwice,
    /// A restart does not wait for the children to stop.
    ChildOutlivesRestart,
    /// The place of a message in a bounded mailbox is not given up when it is handled.
    PlaceLeaked,
    /// Whoever watches an actor is told twice of its end.
    ToldTwice,
    /// A timer that was cancelled rings all the same.
    TimerNotCancelled,
    /// An actor that stops does not wait for its tasks to end.
    TaskOutlivesActor,
    /// A restart does not cancel the tasks of the instance before, and does not wait for them.
    TaskOutlivesRestart,
    /// A message that waits for a passive actor is lost when it is built again.
    KeptMailLost,
    /// What an actor that passivates has put aside comes back in the wrong order.
    StashTurnedRound,
    /// An order to passivate lets the mail be handled first.
    PassivationLate,
    /// A topic tells somebody who has unsubscribed.
    UnsubscribedTold,
    /// A topic tells a subscriber twice.
    SubscriberToldTwice,
    /// A member of a group that has stopped is not removed.
    DeadMemberKept,
    /// A router passes over a routee in its turn.
    RouteeSkipped,
    /// A router that broadcasts sends one copy too many.
    RouteeDoubled,
    /// The keys of a router move between its routees.
    KeysWander,
    /// Mail does not put a receive time-out off.
    SilenceUnbroken,
    /// A receive time-out that was taken away is told all the same.
    SilenceNotCancelled,
    /// An actor that has nothing to do is not told of its receive time-out.
    SilenceUntold,
    /// Who waits last for room in a bounded mailbox is let in first.
    LineTurnedRound,
    /// A timer at a fixed rate makes up for the beats that were missed.
    BeatsMadeUp,
    /// A router sends a routee again what that one's full mailbox has dropped.
    DroppedToldAgain,
    /// A restart does not wait for its delay.
    BackoffUnwaited,
    /// What an instance watches that is restarted is watched by the next one.
    WatchKept,
    /// An instance that was told of its restart is told of its end as well, if it has that instead.
    ToldOfTwoEnds,
    /// The next instance of an actor is told what the one before began to watch when it ended.
    NextInstanceTold,
    /// An actor does not wait for the tasks that it begins when it is told of its end.
    LateTaskLeft,
}

#[cfg(not(any(nexus_loom, nexus_mutants)))]
mod active {
    use super::{Mutant, Ordering};

    /// The ordering that a site uses: the strong one, in every build that ships.
    #[inline(always)]
    pub(crate) const fn ordering(strong: Ordering, _weakened_by: Mutant) -> Ordering {
        strong
    }

    /// Whether a mistake is switched on: never, in every build that ships.
    #[inline(always)]
    pub(crate) const fn is_mutated(_mutant: Mutant) -> bool {
        false
    }
}

#[cfg(any(nexus_loom, nexus_mutants))]
mod active {
    use super::{Mutant, Ordering};
    use std::cell::Cell;

    thread_local! {
        static ACTIVE: Cell<Option<Mutant>> = const { Cell::new(None) };
    }

    pub(crate) fn ordering(strong: Ordering, weakened_by: Mutant) -> Ordering {
        if is_mutated(weakened_by) {
            Ordering::Relaxed
        } else {
            strong
        }
    }

    pub(crate) fn is_mutated(mutant: Mutant) -> bool {
        ACTIVE.get() == Some(mutant)
    }

    /// Runs `model` with `mutant` switched on, on this thread only.
    pub fn with_mutant<R>(mutant: Mutant, model: impl FnOnce() -> R) -> R {
        struct Reset;
        impl Drop for Reset {
            fn drop(&mut self) {
                ACTIVE.set(None);
            }
        }
        ACTIVE.set(Some(mutant));
        let _reset = Reset;
        model()
    }
}

#[cfg(any(nexus_loom, nexus_mutants))]
pub use active::with_mutant;
pub(crate) use active::{is_mutated, ordering};
