//! The oracles of tasks, passivation, topics, groups and routers find fault with what is wrong.

use nexus_actors::failure::TerminationReason;
use nexus_swarm::oracles::{
    Check, Groups, Life, Names, Routings, Scattered, Sequences, TaskOutcome, Tasks, Topics, Way,
};

fn says(check: Check, text: &str) {
    let wrong = check.expect_err("it is wrong");
    assert!(wrong.contains(text), "{wrong}");
}

#[test]
fn tasks_go_on_as_long_as_their_instance_and_not_after_they_are_cancelled() {
    let tasks = Tasks::default();
    let task = tasks.is_spawned(1, false);
    tasks.begins(task, 1).unwrap();
    says(tasks.begins(task, 1), "began twice");
    tasks.goes_on(task, 1).unwrap();
    says(tasks.goes_on(task, 2), "goes on in incarnation 2");
    says(tasks.are_gone(), "task 0 is left");
    tasks.is_finished(task, false).unwrap();
    tasks.is_cancelled(task);
    says(tasks.goes_on(task, 1), "and was cancelled");
    tasks.is_its_actors(task, 1).unwrap();
    tasks.is_gone(task);
    says(tasks.is_finished(task, false), "is finished: false");
    tasks.are_gone().unwrap();
}

#[test]
fn whoever_waits_for_a_task_is_told_how_it_ended() {
    let tasks = Tasks::default();
    let [returned, panicked, cut] = [1; 3].map(|instance| tasks.is_spawned(instance, false));
    tasks.returns(returned);
    let right = TaskOutcome::Result(Tasks::result_of(returned));
    says(tasks.is_told(returned, &right, false), "is said to have");
    tasks.is_gone(returned);
    tasks.is_told(returned, &right, false).unwrap();
    let wrong = TaskOutcome::Result(Tasks::result_of(panicked));
    says(tasks.is_told(returned, &wrong, false), "is said to have");
    assert!(!tasks.panics(panicked));
    tasks.is_left_alone(panicked);
    assert!(tasks.panics(panicked));
    tasks.is_gone(panicked);
    tasks
        .is_told(panicked, &TaskOutcome::Panicked, false)
        .unwrap();
    let cancelled = TaskOutcome::Cancelled;
    says(tasks.is_told(panicked, &cancelled, false), "is said to");
    tasks.is_gone(cut);
    says(tasks.is_told(cut, &cancelled, false), "is said to have");
    tasks.is_cancelled(cut);
    tasks.is_told(cut, &cancelled, false).unwrap();
}

fn running() -> Life {
    let life = Life::new(1, None);
    life.is_built([].into_iter()).unwrap();
    life.starts().unwrap();
    life.handles().unwrap();
    life
}

#[test]
fn whoever_is_to_passivate_handles_nothing_before_it_is_built_again() {
    let life = running();
    life.is_to_passivate(false);
    says(life.handles(), "and was to passivate");
    life.is_told_of_stop([].into_iter()).unwrap();
    assert!(life.is_dropped_between());
    assert!(life.is_passive_for_certain() && life.is_there());
    says(
        life.is_told_to_have_ended(TerminationReason::Stopped, false),
        "there is no reason",
    );
    life.is_built([].into_iter()).unwrap();
    says(life.starts_again(None, 0).map(drop), "restart's end");
    let life = running();
    life.is_to_passivate(false);
    life.is_told_of_stop([].into_iter()).unwrap();
    life.is_dropped_between();
    life.is_built([].into_iter()).unwrap();
    life.starts().unwrap();
    life.handles().unwrap();
    says(life.starts(), "told of its start");
}

#[test]
fn a_passive_actor_may_have_stopped_and_obeys_as_any_other() {
    let life = running();
    life.is_to_passivate_from_afar();
    life.handles().unwrap();
    life.is_told_of_stop([].into_iter()).unwrap();
    assert!(life.is_dropped_between());
    life.is_asked_to_stop(9, 1);
    assert!(life.is_passive() && !life.is_passive_for_certain());
    let mut mail = Sequences::default();
    mail.arrives(9, 1).unwrap();
    life.has_obeyed(&mail).unwrap();
    mail.arrives(9, 2).unwrap();
    says(life.has_obeyed(&mail), "which had stopped it after 1");
}

#[test]
fn a_name_is_not_free_while_its_actor_is_passive() {
    let names = Names::default();
    names.born("/user/a", 1).unwrap();
    names.rests("/user/a", 1);
    assert!(names.free_again().is_empty());
    assert_eq!(names.in_use(), 0);
    names.claimed(&names.claim("/user/a"), true).unwrap();
    names.born("/user/a", 1).unwrap();
    names.died("/user/a", 1);
    assert_eq!(names.free_again(), ["/user/a"]);
}

#[test]
fn subscribers_are_told_once_in_order_and_nobody_else_is() {
    let topic = Topics::default();
    let [early, late] = [5; 2].map(|publisher| topic.publishes(publisher, true));
    says(topic.tells(early, 5), "published unsubscribed");
    topic.tells(late, 7).unwrap();
    says(topic.tells(late, 7), "told twice");
    says(topic.tells(early, 7), "after number 2");
    topic.subscribes(5);
    let own = topic.publishes(5, true);
    says(topic.are_told(|_| true), "never told");
    topic.are_told(|_| false).unwrap();
    topic.tells(own, 5).unwrap();
    topic.are_told(|_| true).unwrap();
    let last = topic.publishes(9, false);
    says(topic.is_told_to_all(last, |_| Some(true)), "was not told");
    topic.tells(last, 5).unwrap();
    topic.is_told_to_all(last, |_| Some(true)).unwrap();
    says(topic.is_told_to_all(last, |_| Some(false)), "not having");
    topic.counts(1, 4, 6).unwrap();
    says(topic.counts(2, 4, 6), "2 subscribers of 1");
    says(topic.counts(1, 3, 6), "3 messages of 4");
    says(topic.counts(1, 4, 5), "5 copies of 6");
}

#[test]
fn members_are_those_who_have_joined() {
    let group = Groups::default();
    group.joins(1);
    group.joins(2);
    group.leaves(2);
    assert!(group.has(1) && !group.has(2));
    group.lists(&[1, 3], 1).unwrap();
    says(group.lists(&[1, 1], 1), "twice");
    says(group.lists(&[3], 1), "1 has joined: true");
    says(group.lists(&[1, 2], 2), "2 has joined: false");
    group.are(&[1], |_| Some(true)).unwrap();
    group.are(&[], |_| None).unwrap();
    says(group.are(&[], |_| Some(true)), "Some(1) is missing");
    says(group.are(&[1, 2], |_| Some(true)), "Some(2) is in it");
    says(group.are(&[1], |_| Some(false)), "Some(1) is in it");
}

#[test]
fn routees_get_each_message_once_and_in_turn() {
    let router = Routings::new(Way::InTurn, true);
    (1..=2).for_each(|routee| router.has(routee));
    let numbers = [0; 4].map(|key| router.is_sent(9, key, false));
    router.arrives(numbers[1], 1, false).unwrap();
    says(router.arrives(numbers[1], 2, false), "came to 2 as well");
    says(router.arrives(numbers[0], 1, false), "after number 2");
    says(router.are_all_there(), "has not come");
    router.arrives(numbers[2], 1, false).unwrap();
    router.arrives(numbers[3], 1, false).unwrap();
    says(router.are_all_there(), "have got");
    let all = Routings::new(Way::ToAll, true);
    (1..=2).for_each(|routee| all.has(routee));
    let one = all.is_sent(9, 0, false);
    all.arrives(one, 1, false).unwrap();
    says(all.are_all_there(), "has not come to 2");
    all.arrives(one, 2, false).unwrap();
    all.are_all_there().unwrap();
    says(all.arrives(one, 2, false), "as well");
}

#[test]
fn keys_stay_with_their_routee() {
    let router = Routings::new(Way::ByKey, true);
    let [first, second, other] = [3, 3, 4].map(|key| router.is_sent(9, key, false));
    assert_eq!(router.key_of(other), 4);
    router.arrives(first, 1, false).unwrap();
    says(router.arrives(second, 2, false), "of its key to 1");
    router.arrives(other, 2, false).unwrap();
}

#[test]
fn a_question_to_all_ends_with_the_first_answer_or_the_last_refusal() {
    let question = Scattered::default();
    question.is_copied();
    says(question.ends(None, true), "ended with None");
    says(question.ends(Some(7), true), "ended with Some(7)");
    question.is_answered(7);
    question.is_answered(8);
    question.ends(Some(7), true).unwrap();
    question.ends(Some(8), false).unwrap();
    says(question.ends(Some(8), true), "ended with Some(8)");
    let refused = Scattered::default();
    refused.is_copied();
    refused.is_gone();
    refused.ends(None, true).unwrap();
}

#[test]
fn what_routees_have_no_room_for_is_lost_once() {
    let router = Routings::new(Way::InTurn, true);
    let numbers = [0; 3].map(|key| router.is_sent(9, key, false));
    router.arrives(numbers[0], 1, false).unwrap();
    router.arrives(numbers[1], 1, false).unwrap();
    router.are_all_there_but(1).unwrap();
    says(router.are_all_there_but(2), "2 have come, and 2 were lost");
    says(router.are_all_there_but(0), "of 3 messages");
    let all = Routings::new(Way::ToAll, true);
    all.is_sent(9, 0, false);
    all.are_all_there_but(0).unwrap();
    (0..3).for_each(|_| all.is_copied());
    all.part_comes();
    says(all.are_all_there_but(1), "of 3 messages 1 have come");
    all.are_all_there_but(2).unwrap();
}

#[test]
fn a_task_that_is_spawned_at_the_end_is_late() {
    let tasks = Tasks::default();
    let [early, late] = [false, true].map(|late| tasks.is_spawned(1, late));
    assert!(!tasks.is_late(early) && tasks.is_late(late));
    tasks.are_cancelled();
    says(tasks.begins(late, 1), "and was cancelled");
    says(tasks.are_gone(), "is left");
}
