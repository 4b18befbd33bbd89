//! Named ways to break a protocol, so that a model check can be shown able to fail.
//!
//! In a normal build [`ordering`] and [`is_mutated`] are constants that the compiler removes.
//! Under `--cfg nexus_loom`, or `--cfg nexus_mutants`, a test may switch one [`Mutant`] on for its
//! thread (loom runs a whole model on the thread that called it, and so does the simulation) and
//! expects the model checker, or the swarm, to reject the result.

use std::cell::Cell;
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
    /// A push that finds the sleeping mark does not wake the consumer.
    PushWithoutWaking,
    /// The one-shot's value is announced before it is certain to be visible.
    OneshotPublishRelaxed,
    /// The one-shot's waiter gives up without checking whether the value came first.
    OneshotTimeoutByStore,
    /// The one-shot's sender does not wake a waiter that has announced itself.
    OneshotSendWithoutWaking,
    /// A task that polls the one-shot again writes its waker without taking the cell back first.
    OneshotAnnouncedTwice,
    /// A task that polls the one-shot again leaves its previous waker in place.
    OneshotWakerKept,
    /// A thread waits for a one-shot that a task has polled, without taking the task's waker back first.
    OneshotWaitUnclaimed,
    /// A permit of a bounded mailbox is taken by a store, over what others took meanwhile.
    GateEnteredByStore,
    /// The thread that returns a permit does not check whether a sender waits for it.
    GateLeftUnseen,
    /// The waiters' mark is set and cleared by a store, over what others did meanwhile.
    GateMarkedByStore,
    /// A gate is closed by a store, over what others did meanwhile.
    GateClosedByStore,
    /// Whether a gate is closed is checked only before the first try to enter.
    GateClosedSeenOnce,
    /// A claim on an ingress commits without a release, so the reader may see it half written.
    IngressCommitRelaxed,
    /// A claim does not acquire what was done to its segment before that was installed.
    IngressClaimRelaxed,
    /// The reader goes to sleep without comparing what was claimed with what it has read.
    IngressSleepUnseen,
    /// A claim that found the reader asleep, and its segment full, does not wake the reader.
    IngressWakeForgotten,
    /// Closing does not wait for earlier claims.
    IngressCloseUnwaited,
    /// A segment is installed again with the words that were read from it before.
    IngressNotZeroed,
    /// Stale claims that fill a segment install the next one before theirs is current.
    IngressNextTooEarly,
    /// A claim that waits for another segment does not see that its own is installed again.
    IngressTailUnseen,
    /// A segment takes claims as soon as it was read, before it is installed again.
    IngressTailResetEarly,
    /// The gate is marked only after the owner has tried to enter for the waiter.
    LineMarkedLate,
    /// The mark is cleared with the first waiter, though others still wait.
    LineUnmarkedEarly,
    /// The mark stays when no waiter is left.
    LineMarkKept,
    /// The owner is not told of a permit that is returned unused.
    RoomUntold,
    /// The nudge for an order is sent before the order is given.
    OrderNudgedEarly,
    /// The flag that says that there are orders is set before the order is on the list.
    OrderFlaggedEarly,
    /// The flag is cleared after the list was emptied.
    OrdersClearedLate,
    /// Orders that go behind the mail are taken after it.
    OrdersTakenBehindMail,
    /// Orders that go ahead of the mail are not looked for after the mail was taken in.
    OrdersUnseenAfterMail,
    /// The number of a turn is written without a release, so it may be seen before the fields are
    /// written.
    BeatTurnUnreleased,
    /// A look at the turn reads the number without an acquire.
    BeatTurnUnacquired,
    /// The fields of a turn are written without a release, so the end of the turn before may be seen
    /// later.
    BeatFieldsUnreleased,
    /// A look at the turn reads the fields without an acquire.
    BeatFieldsUnacquired,
    /// A look at the turn does not read the number again.
    BeatSeenOnce,
    /// A watched thread checks, without a fence, whether the watcher sleeps.
    BeatNeverEven,
    /// A watched thread checks whether the watcher sleeps without a fence.
    NapUnfenced,
    /// It checks this before it says that it is awake.
    NapAwakeLate,
    /// The watcher checks, without a fence, whether a thread works.
    NapWakeForgotten,
    /// The watcher checks whether a thread works without a fence.
    NapSleepUnfenced,
    /// The watcher sleeps without checking whether a thread works.
    NapSleepUnseen,
    /// The watcher's end is written after the watcher was woken for it.
    NapEndLate,
    /// Arrivals are counted by a load and a store.
    QuorumCountedByStore,
    /// Arrivals are counted without an order between what was done before each of them.
    QuorumRelaxed,
    /// A thread whose time is over ends without checking whether a job has come.
    JobLeftAtTheEnd,
    /// A job is left to an idle thread, however many jobs there are already.
    JobsUncounted,
    /// An idle thread is not notified of a job.
    JobUntold,
    /// An idle thread is not notified that there will be no more jobs.
    JobsEndUntold,
    /// A job is taken after the queue was closed.
    JobTakenAfterClose,
    /// A reader of a table does not compare the number of what it finds.
    TableNumberUnseen,
    /// Forgetting a number empties its place though another number has it by now.
    TableForgetsAnother,
    /// The lock is released before the registered value is entered.
    TableUnlockedEarly,
    /// While it is noted that an ask was given up, earlier ones in the same place are not given up.
    CancellationClearedFirst,
    /// A check whether an ask was given up does not compare which one in that place.
    CancellationOfAnyWait,
    /// A value that has ended is forgotten at once.
    EndedForgotten,
    /// The mark that a part was woken is cleared after its poll.
    PartPolledFirst,
    /// The parts that were woken are taken before the new waker of the whole is in place.
    PartsTakenFirst,

    /// Mail that arrives at an actor during its turn does not get it another turn.
    TurnForgotten,
    /// A full batch is published after the one that follows it.
    BatchesReordered,
    /// The slot of a failed actor is never reused.
    SlotLeaked,
    /// A message to a stopped actor is accepted by the actor that has its slot now.
    NextTenantServed,
    /// A reply that comes too late ends the next wait in the same place.
    LateReplyServed,
    /// An actor whose handler waits is given turns.
    HandledWhileWaiting,
    /// The name of an actor that stops because its parent stops is not freed.
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
    /// The permit of a message in a bounded mailbox is not returned when the message is handled.
    PlaceLeaked,
    /// A watcher of an actor is told twice of its end.
    ToldTwice,
    /// A timer that was cancelled fires all the same.
    TimerNotCancelled,
    /// An actor that stops does not wait for its tasks to end.
    TaskOutlivesActor,
    /// A restart does not cancel the tasks of the previous instance, and does not wait for them.
    TaskOutlivesRestart,
    /// A message that waits for a passive actor is lost when the actor is built again.
    KeptMailLost,
    /// The stash of a passivating actor comes back in the wrong order.
    StashTurnedRound,
    /// An order to passivate is followed only after the mail was handled.
    PassivationLate,
    /// A topic tells an actor that has unsubscribed.
    UnsubscribedTold,
    /// A topic tells a subscriber twice.
    SubscriberToldTwice,
    /// A stopped member of a group is not removed.
    DeadMemberKept,
    /// A router skips a routee in its turn.
    RouteeSkipped,
    /// A router that broadcasts sends one copy too many.
    RouteeDoubled,
    /// The keys of a router move between its routees.
    KeysWander,
    /// An actor is told of a receive time-out that was cancelled.
    SilenceUnbroken,
    /// An actor is told of a receive time-out that it has cancelled.
    SilenceNotCancelled,
    /// An idle actor is not told of its receive time-out.
    SilenceUntold,
    /// The last waiter for a permit of a bounded mailbox is admitted first.
    LineTurnedRound,
    /// A timer at a fixed rate catches up on the ticks that were missed.
    BeatsMadeUp,
    /// A router sends a routee again what the routee's full mailbox has dropped.
    DroppedToldAgain,
    /// A restart does not wait for its delay.
    BackoffUnwaited,
    /// What a restarted instance watches is watched by the next one.
    WatchKept,
    /// An instance that was told of its restart is told of its end as well, if the end comes instead.
    ToldOfTwoEnds,
    /// The next instance of an actor is told what the previous one began to watch when it ended.
    NextInstanceTold,
    /// An actor does not wait for the tasks that it starts when it is told of its end.
    LateTaskLeft,
}

/// Whether this build can have mistakes in it. No build that ships can.
const ARE_PLANTED: bool = cfg!(any(nexus_loom, nexus_mutants));

thread_local! {
    static ACTIVE: Cell<Option<Mutant>> = const { Cell::new(None) };
}

/// The ordering that a site uses: the strong one, in every build that ships.
#[inline(always)]
pub(crate) fn ordering(strong: Ordering, weakened_by: Mutant) -> Ordering {
    if is_mutated(weakened_by) {
        Ordering::Relaxed
    } else {
        strong
    }
}

/// Whether a mistake is switched on: never, in every build that ships.
#[inline(always)]
pub(crate) fn is_mutated(mutant: Mutant) -> bool {
    ARE_PLANTED && ACTIVE.get() == Some(mutant)
}

/// Runs `model` with `mutant` switched on, on this thread only.
#[cfg_attr(not(any(nexus_loom, nexus_mutants)), allow(dead_code, unreachable_pub))]
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
