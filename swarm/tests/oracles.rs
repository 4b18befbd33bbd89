//! Each oracle is shown something wrong, and must say so: a check that cannot fail checks nothing.

use nexus_actors::failure::TerminationReason;
use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;
use nexus_swarm::oracles::{
    Asks, Check, Counter, Decision, Failures, Ids, LateAnswers, Life, Names, OneAtATime, Oracles,
    Origin, Outcome, Sequences, Sight, Sums, Tally, Watches, When, WhenWatched, never_early,
};
use std::sync::Arc;
use std::time::Duration;

#[track_caller]
fn says(check: Check, part: &str) {
    let wrong = check.expect_err("this is wrong");
    assert!(wrong.contains(part), "{wrong}");
}

fn running(number: u32, parent: Option<Arc<Life>>) -> Arc<Life> {
    let life = Arc::new(Life::new(number, parent));
    life.starts().unwrap();
    life
}

#[test]
fn messages_come_in_order_without_gap_and_once() {
    let mut mail = Sequences::default();
    mail.arrives(1, 1).unwrap();
    mail.arrives(2, 1).unwrap();
    mail.arrives(1, 2).unwrap();
    says(mail.arrives(1, 4), "where 3 was to come");
    says(mail.arrives(1, 3), "where 5 was to come");
    says(mail.arrives(2, 1), "where 2 was to come");
}

#[test]
fn handlers_run_one_at_a_time() {
    let turn = OneAtATime::default();
    let (guard, first) = turn.enter();
    first.unwrap();
    says(turn.enter().1, "two handlers");
    drop(guard);
    turn.enter().1.unwrap();
}

#[test]
fn a_life_has_its_order() {
    let life = Life::new(1, None);
    says(life.handles(), "phase 0");
    says(
        Life::new(1, None).is_told_of_stop([].into_iter()),
        "phase 0",
    );
    life.starts().unwrap();
    says(life.starts(), "told of its start");
    life.starts().unwrap_err();
    life.handles().unwrap();
    life.is_told_of_stop([].into_iter()).unwrap();
    says(life.handles(), "handles a message");
    says(life.is_told_of_stop([].into_iter()), "told of its stop");
}

#[test]
fn children_stop_before_their_parents() {
    let parent = running(1, None);
    let child = running(2, Some(Arc::clone(&parent)));
    says(
        parent.is_told_of_stop([&*child].into_iter()),
        "before its child 2",
    );
}

#[test]
fn nobody_stops_for_no_reason_or_untold() {
    let mail = Sequences::default();
    let untold = running(1, None);
    untold.is_asked_to_stop(9, 0);
    says(
        untold.is_dropped_after(&mail, false),
        "not after it was told",
    );
    let without_reason = running(2, None);
    without_reason.is_told_of_stop([].into_iter()).unwrap();
    says(
        without_reason.is_dropped_after(&mail, false),
        "nobody had asked it to",
    );
    let unbuilt = Life::new(3, None);
    says(unbuilt.is_dropped_after(&mail, false), "phase 0");
}

#[test]
fn mail_before_a_stop_is_handled_and_mail_after_it_is_not() {
    let stopped_after = |sent: u32, handled: u32| {
        let life = running(1, None);
        let mut mail = Sequences::default();
        (1..=handled).for_each(|number| mail.arrives(9, number).unwrap());
        life.is_asked_to_stop(9, sent);
        life.is_told_of_stop([].into_iter()).unwrap();
        life.is_dropped_after(&mail, false)
    };
    stopped_after(3, 3).unwrap();
    says(stopped_after(3, 2), "of which it had handled 2");
    says(stopped_after(3, 4), "which had stopped it after 3");
}

#[test]
fn asks_end_once_with_their_own_answer() {
    let asks = Asks::default();
    let other = Asks::answer_to(7);
    let ask = asks.begins(None, 5, false);
    asks.arrives(ask).unwrap();
    says(asks.arrives(ask), "handled twice");
    says(asks.are_over(), "is not over");
    asks.is_answered(ask, None).unwrap();
    says(asks.is_answered(ask, None), "answered twice");
    asks.is_gone(ask);
    says(asks.are_over(), "is not over");
    says(
        asks.ends(ask, Outcome::Answer(other), None, true),
        "answer to another",
    );
    says(asks.ends(ask, Outcome::NoReply, None, true), "ended twice");
    asks.are_over().unwrap();
}

#[test]
fn asks_end_with_what_has_happened() {
    let begun = |asks: &Asks| asks.begins(None, 5, false);
    let asks = Asks::default();
    let ask = begun(&asks);
    let own = Outcome::Answer(Asks::answer_to(ask));
    says(asks.ends(ask, own, None, true), "never answered");
    let ask = begun(&asks);
    says(
        asks.ends(ask, Outcome::NoReply, None, true),
        "had no reply, but",
    );
    let ask = begun(&asks);
    says(
        asks.ends(ask, Outcome::TargetStopped, None, true),
        "ended with TargetStopped",
    );
    let ask = begun(&asks);
    asks.is_answered(ask, None).unwrap();
    asks.is_gone(ask);
    says(
        asks.ends(ask, Outcome::TargetFailed, None, true),
        "ended with TargetFailed",
    );
}

#[test]
fn asks_end_for_a_reason() {
    let asks = Asks::default();
    let ask = asks.begins(None, 5, false);
    let reason = |outcome, any_failed| asks.has_reason(ask, outcome, any_failed);
    says(reason(Outcome::PoolClosed, true), "for no reason");
    says(reason(Outcome::TargetFailed, false), "for no reason");
    reason(Outcome::TargetFailed, true).unwrap();
    reason(Outcome::TargetStopped, false).unwrap();
    asks.is_given_up(ask, None);
    says(reason(Outcome::TargetStopped, false), "for no reason");
}

#[test]
fn time_outs_are_neither_early_nor_waited_for_in_vain() {
    let long = 5_000_000_000;
    let asks = Asks::default();
    let ask = asks.begins(Some(10), long, false);
    says(
        asks.ends(ask, Outcome::Timeout, Some(long), true),
        "timed out after",
    );
    let in_vain = asks.begins(Some(10), long, true);
    let late = Some(long + 10);
    says(
        asks.ends(in_vain, Outcome::Timeout, late, true),
        "its end was certain",
    );
    let given_up = asks.begins(Some(10), long, false);
    asks.is_given_up(given_up, Some(20));
    says(
        asks.ends(given_up, Outcome::Timeout, late, true),
        "its end was certain",
    );
    let answered = asks.begins(Some(10), long, false);
    asks.is_answered(answered, Some(20)).unwrap();
    says(
        asks.ends(answered, Outcome::Timeout, late, true),
        "its end was certain",
    );
    says(
        never_early("sleep", 10, 19, 10),
        "sleep of 10 ns was over after 9",
    );
    never_early("sleep", 10, 20, 10).unwrap();
}

#[test]
fn failures_are_planned_and_reported_once() {
    let failures = Failures::default();
    let text = failures.plan(1, When::Handling);
    assert!(failures.any() && Failures::is_planned(&text));
    says(failures.are_reported(true, true), "never reported");
    failures.is_reported(&text, When::Handling).unwrap();
    says(
        failures.is_reported(&text, When::Handling),
        "reported twice",
    );
    failures.are_reported(true, true).unwrap();
    says(
        failures.is_reported("index out of bounds", When::Handling),
        "nobody planned",
    );
    let start = failures.plan(1, When::Starting);
    failures.are_reported(false, true).unwrap();
    says(failures.are_reported(true, true), "never reported");
    says(
        failures.is_reported(&start, When::Stopping),
        "while Stopping",
    );
    failures.plan(1, When::Restarting);
    failures.are_reported(true, false).unwrap();
    says(failures.are_reported(true, true), "never reported");
}

#[test]
fn names_are_given_once_and_come_free() {
    let names = Names::default();
    names.born("/user/a", 1).unwrap();
    says(names.born("/user/a", 2), "given twice");
    names.died("/user/a", 2);
    assert_eq!(names.in_use(), 1);
    let claim = names.claim("/user/a");
    names.claimed(&claim, true).unwrap();
    names.died("/user/a", 1);
    assert_eq!(names.free_again(), ["/user/a"]);
    let claim = names.claim("/user/a");
    says(names.claimed(&claim, true), "nobody had it");
    let (first, second) = (names.claim("/user/a"), names.claim("/user/a"));
    names.claimed(&second, true).unwrap();
    names.claimed(&first, true).unwrap();
}

#[test]
fn lookups_find_what_is_there() {
    let there = Sight {
        ran_before: true,
        gone_before: false,
        there_after: true,
        found: true,
    };
    there.check("/user/a").unwrap();
    let unfound = Sight {
        found: false,
        ..there
    };
    says(unfound.check("/user/a"), "was not found");
    let gone = Sight {
        gone_before: true,
        ..there
    };
    says(gone.check("/user/a"), "had stopped");
}

#[test]
fn sums_are_right() {
    let right = Sums {
        sent: 10,
        handled: 6,
        dead_letters: 4,
        unhandled: 1,
        own_sent: 10,
        own_handled: 6,
        own_unhandled: 1,
        ..Sums::default()
    };
    right.check().unwrap();
    let of = |change: fn(&mut Sums)| {
        let mut sums = right;
        change(&mut sums);
        sums.check()
    };
    says(of(|sums| sums.dead_letters = 3), "not accounted for");
    says(
        of(|sums| (sums.dead_letters, sums.queued) = (3, 1)),
        "are left",
    );
    says(of(|sums| sums.own_sent = 9), "counts otherwise");
    says(of(|sums| sums.own_handled = 7), "counts otherwise");
    says(of(|sums| sums.own_unhandled = 0), "counts otherwise");
    let reasons: [fn(&mut Sums); 3] = [
        |sums| sums.failed = 1,
        |sums| sums.too_late = 1,
        |sums| sums.forced = 1,
    ];
    for reason in reasons {
        let mut sums = right;
        reason(&mut sums);
        sums.check_reasons(true, true, true).unwrap();
        says(sums.check_reasons(false, false, false), "for no reason");
    }
}

#[test]
fn late_replies_are_those_that_are_late() {
    let late = LateAnswers {
        certain: 2,
        possible: 1,
    };
    let counted = |late_replies| Sums {
        late_replies,
        ..Sums::default()
    };
    counted(3).check_late(late, 0, true).unwrap();
    says(
        counted(4).check_late(late, 0, true),
        "more replies came late",
    );
    counted(4).check_late(late, 1, true).unwrap();
    says(counted(1).check_late(late, 0, true), "were not counted");
    counted(1).check_late(late, 0, false).unwrap();
}

#[test]
fn envelopes_say_where_messages_come_from() {
    let ids = Ids::default();
    ids.is_new(7).unwrap();
    says(ids.is_new(7), "has come twice");
    let pool = WorkerPool::builder().workers(1).start().unwrap();
    let props = Props::new(|| {
        Behavior::receive(|ctx, reply: Reply<(Check, Check)>| {
            let envelope = ctx.envelope();
            let outside = Origin::default();
            let inside = Origin {
                sender: Some(ctx.self_ref().id()),
                ..outside
            };
            reply.send((outside.check(&envelope), inside.check(&envelope)));
        })
    });
    let actor = pool.spawn("actor", props).unwrap();
    let asked = actor.ask(|reply| reply, Duration::from_secs(5));
    let (outside, inside) = asked.wait().unwrap();
    outside.unwrap();
    says(inside, "sent as");
    pool.shutdown(Duration::from_secs(5)).unwrap();
}

#[test]
fn what_is_left_is_counted_and_what_is_wrong_is_kept() {
    let tally = Tally::default();
    let one = tally.one_more();
    says(tally.is_empty("messages"), "1 messages are left");
    drop(one);
    tally.is_empty("messages").unwrap();
    let oracles = Oracles::default();
    oracles.note(|| "nobody".to_owned(), Ok(()));
    assert!(oracles.found().is_empty());
    oracles.note(|| "somebody".to_owned(), Err("is wrong".to_owned()));
    assert_eq!(oracles.found(), ["somebody: is wrong"]);
}

#[test]
fn whoever_is_killed_or_suspended_handles_nothing() {
    let killed = running(1, None);
    killed.is_to_be_killed(9, 1);
    killed.handles().unwrap();
    killed.is_killed();
    says(killed.handles(), "after it was killed");
    killed.is_told_of_stop([].into_iter()).unwrap();
    let mut mail = Sequences::default();
    (1..=2).for_each(|number| mail.arrives(9, number).unwrap());
    says(
        killed.is_dropped_after(&mail, false),
        "which had killed it after 1",
    );
    let suspended = running(2, None);
    suspended.is_suspended(true);
    says(suspended.handles(), "while it is suspended");
    suspended.is_suspended(false);
    suspended.handles().unwrap();
    suspended.is_suspended(true);
    suspended.is_resumed_from_afar();
    suspended.handles().unwrap();
}

fn ended(number: u32) -> Arc<Life> {
    let life = running(number, None);
    life.is_asked_to_stop(9, 0);
    life.is_told_of_stop([].into_iter()).unwrap();
    life.is_dropped_after(&Sequences::default(), false).unwrap();
    life
}

#[test]
fn ends_have_the_reasons_that_are_told() {
    let stopped = |life: &Life, reason| life.is_told_to_have_ended(reason, false);
    says(
        stopped(&running(1, None), TerminationReason::Stopped),
        "which is there",
    );
    let asked = ended(2);
    stopped(&asked, TerminationReason::Stopped).unwrap();
    says(
        stopped(&asked, TerminationReason::Failed),
        "there is no reason",
    );
    says(
        stopped(&asked, TerminationReason::Killed),
        "there is no reason",
    );
    asked
        .is_told_to_have_ended(TerminationReason::Killed, true)
        .unwrap();
    let failed = running(3, None);
    failed.is_failing();
    failed.is_told_of_stop([].into_iter()).unwrap();
    failed
        .is_dropped_after(&Sequences::default(), false)
        .unwrap();
    stopped(&failed, TerminationReason::Failed).unwrap();
    says(
        stopped(&failed, TerminationReason::Stopped),
        "there is no reason",
    );
}

#[test]
fn those_below_end_for_the_reason_of_whoever_is_above() {
    type Ends = fn(&Life);
    let ways: [(Ends, TerminationReason); 4] = [
        (Life::is_failing, TerminationReason::Failed),
        (
            |parent| parent.is_to_be_killed(9, 0),
            TerminationReason::Killed,
        ),
        (
            |parent| parent.is_asked_to_stop(9, 0),
            TerminationReason::Stopped,
        ),
        (
            |parent| parent.is_to_passivate_from_afar(),
            TerminationReason::Stopped,
        ),
    ];
    for (ends, reason) in ways {
        let parent = running(1, None);
        let below = running(2, Some(running(3, Some(Arc::clone(&parent)))));
        ends(&parent);
        below.is_told_of_stop([].into_iter()).unwrap();
        below
            .is_dropped_after(&Sequences::default(), false)
            .unwrap();
        for other in [
            TerminationReason::Stopped,
            TerminationReason::Failed,
            TerminationReason::Killed,
        ] {
            let told = below.is_told_to_have_ended(other, false);
            if other == reason {
                told.unwrap();
            } else {
                says(told, "there is no reason");
            }
        }
    }
}

#[test]
fn whoever_watches_is_told_once_and_not_after_it_let_go() {
    let target = ended(7);
    let told = |watches: &Watches, reason| watches.is_told(&target, reason, false);
    let watches = Watches::default();
    says(
        told(&watches, TerminationReason::Stopped),
        "which it does not watch",
    );
    watches.begins(&target, WhenWatched::Unknown);
    says(watches.are_all_told(), "never told of the end of 7");
    watches.are_told_at_once().unwrap();
    told(&watches, TerminationReason::Stopped).unwrap();
    says(
        told(&watches, TerminationReason::Stopped),
        "which it does not watch",
    );
    watches.begins(&target, WhenWatched::Runs);
    says(told(&watches, TerminationReason::Unknown), "not told why");
    watches.begins(&target, WhenWatched::Gone);
    says(watches.are_told_at_once(), "was not told of 7");
    says(
        told(&watches, TerminationReason::Stopped),
        "before it was watched",
    );
    watches.begins(&target, WhenWatched::Gone);
    watches.ends(&target);
    watches.are_told_at_once().unwrap();
    watches.are_all_told().unwrap();
    says(
        told(&watches, TerminationReason::Unknown),
        "which it does not watch",
    );
}

#[test]
fn restarts_come_once_for_a_failure_and_in_order() {
    let life = running(1, None);
    life.is_built([].into_iter()).unwrap();
    says(life.is_built([].into_iter()), "built again in phase");
    let life = running(2, None);
    life.is_built([].into_iter()).unwrap();
    life.is_told_of_restart(Some(5), 10).unwrap();
    says(life.handles(), "handles a message in phase");
    assert!(life.is_dropped_between());
    let child = running(3, Some(Arc::clone(&life)));
    says(
        life.is_built([&*child].into_iter()),
        "before its child 3 had stopped",
    );
    says(life.starts(), "told of its start");
    let life = running(4, None);
    life.is_built([].into_iter()).unwrap();
    life.is_told_of_restart(Some(5), 10).unwrap();
    life.is_dropped_between();
    life.is_built([].into_iter()).unwrap();
    assert_eq!(life.starts_again(Some(5), 30), Ok(Some(20)));
    life.handles().unwrap();
    says(life.is_told_of_restart(Some(5), 40), "twice for failure");
    life.is_dropped_between();
    life.is_built([].into_iter()).unwrap();
    says(
        life.starts_again(Some(6), 50).map(|_| ()),
        "and told so for",
    );
    let twice = running(7, None);
    twice.is_built([].into_iter()).unwrap();
    twice.is_told_of_restart(Some(5), 10).unwrap();
    twice.is_dropped_between();
    twice.is_built([].into_iter()).unwrap();
    twice.fails_again(6);
    assert_eq!(twice.starts_again(Some(7), 30), Ok(None));
    let orphan = Arc::new(Life::new(6, Some(ended(5))));
    orphan.is_built([].into_iter()).unwrap();
    orphan.starts().unwrap();
    orphan.is_told_of_restart(None, 0).unwrap();
    orphan.is_dropped_between();
    says(
        orphan.is_built([].into_iter()),
        "when its parent is in phase",
    );
}

#[test]
fn decisions_are_carried_out() {
    let failures = Failures::default();
    let mut sim = Sim::builder().start().unwrap();
    let mut spawn = |name| {
        let props = Props::new(|| Behavior::receive(|_ctx, ()| ()));
        sim.spawn(name, props).unwrap().id()
    };
    let (actor, other) = (spawn("actor"), spawn("other"));
    let decision = |directive| Decision {
        actor,
        directive,
        counter: Counter {
            supervisor: None,
            alone: Some(actor),
        },
        limit: Some(1),
        delay: 10,
    };
    says(failures.leads_to_restart(0), "was decided: None");
    says(failures.is_restarted(0, actor), "which is open");
    failures.is_decided(0, decision(Directive::Resume));
    says(failures.leads_to_restart(0), "Resume");
    says(failures.is_escalated_to(0, other), "though decided");
    failures.is_decided(0, decision(Directive::Escalate));
    says(failures.is_escalated_to(0, other), "twice that of");
    failures.is_escalated_to(0, actor).unwrap();
    failures.is_decided(0, decision(Directive::Restart));
    failures.leads_to_restart(0).unwrap();
    failures.is_restarted(0, actor).unwrap();
    failures.is_restarted(0, other).unwrap();
    says(failures.is_restarted(0, actor), "restarted 2 times");
    failures.was_restarted_after(0, 10).unwrap();
    says(failures.was_restarted_after(0, 9), "was over after 9");
}

#[test]
fn a_question_in_the_hands_of_a_handler_that_fails_has_failed() {
    let asks = Asks::default();
    let ask = asks.begins(None, 5, false);
    asks.arrives(ask).unwrap();
    asks.is_failed(ask, None);
    asks.is_gone(ask);
    says(
        asks.ends(ask, Outcome::NoReply, None, true),
        "its handler failed",
    );
}

#[test]
fn losses_leave_the_order_as_it_was() {
    let mut mail = Sequences::default();
    mail.arrives_after_losses(1, 2).unwrap();
    mail.arrives_after_losses(1, 5).unwrap();
    says(mail.arrives_after_losses(1, 5), "after 5");
    says(mail.arrives_after_losses(1, 4), "after 5");
}
