//! What this crate promises, row by row, with the tests that check it. This module contains only text.
//!
//! Each row has a number, says in a few sentences what you may build on, and names tests that fail when it is
//! broken. **A row without a test is not on this page**, and a row says no more than what holds today. The
//! numbers have gaps, and nothing is promised in them. What you may miss is listed at the end. If the
//! documentation of an item, this page and the code disagree, please report it: one of the three is wrong.
//!
//! Test names begin with the number of their row. A row names those of its tests that show it best. To run
//! all of its tests, give the beginning of their names:
//!
//! ```text
//! cargo test s1_6_
//! ```
//!
//! # 1. References
//!
//! **1.1** An actor handles one message to its end before it begins the next one. This holds even when the
//! handler waits in the middle, for time or for the answer of another actor.
//!
//! - `tests/actors/references.rs: s1_1_an_actor_handles_one_message_to_the_end_before_the_next_also_when_it_waits`
//!
//! **1.2** [`Props`] are `Send`; what their factory builds need not be. State is built on the worker that
//! owns the actor and is dropped there. Each start runs the factory again, so that two actors started from
//! the same props, or one after the other under the same name, share no initial value.
//! [`Props::receive`](crate::Props::receive) and [`Props::with_state`](crate::Props::with_state) clone what
//! they are given for each start.
//!
//! - `tests/actors/references.rs: s1_2_state_need_not_be_send_and_is_built_and_dropped_on_its_worker`
//! - `tests/actors/references.rs: s1_2_every_start_makes_fresh_state`
//! - `tests/actors/starts.rs: s1_2_props_of_a_function_clone_its_state_and_what_it_has_captured_for_every_start`
//!
//! **1.3** An [`ActorRef`] has sixteen bytes and is `Copy`, `Send`, `Sync`, `Eq`, `Hash` and `Debug`. It
//! stands for one life of one actor. After that actor has stopped, anything sent, asked or ordered through
//! the reference reaches neither the next actor of the same name nor the next one in the same memory,
//! whatever its messages are.
//!
//! - `tests/actors/references.rs: s1_3_a_reference_is_a_small_value_that_names_one_incarnation`
//! - `tests/actors/references.rs: s1_3_a_stale_reference_does_not_reach_an_actor_of_another_type_in_the_same_slot`
//! - `src/actor/slot.rs: s1_3_a_key_of_an_earlier_tenancy_opens_nothing`
//!
//! **1.4** [`ActorRef::tell`] returns nothing: a message that cannot be delivered becomes a dead letter.
//! [`ActorRef::try_tell`] gives the message back, with the reason, if the failure is certain at the call:
//! [`TellError::Stopped`] for an actor of the caller's own worker, [`TellError::Full`] and
//! [`TellError::Dropped`] for one whose mailbox is full (row 3.2), [`TellError::PoolClosed`] for one of a
//! pool that has ended. An `Ok` does not say that the message will be handled.
//! [`ActorRef::send`](crate::ActorRef::send) and `send_timeout` wait until it is certain that the actor's
//! mailbox takes the message, and give it back if it does not, or not in time. In a handler the fiber waits;
//! on a thread outside the thread parks.
//!
//! - `tests/actors/references.rs: s1_4_send_says_for_certain_and_gives_the_message_back`
//! - `tests/drivers/ended_pools.rs: s1_4_what_is_sent_to_an_ended_pool_is_given_back_for_that_reason`
//! - `tests/actors/references.rs: s1_4_send_timeout_gives_up_on_a_worker_that_does_not_answer`
//! - `tests/actors/references.rs: s1_4_what_cannot_be_delivered_becomes_a_dead_letter_or_is_given_back`
//! - `tests/mail/ingress.rs: s1_4_messages_of_any_size_and_alignment_are_sent_from_outside`
//! - `tests/mail/ingress.rs: s1_4_tell_all_sends_what_an_iterator_gave_before_it_panicked`
//!
//! **1.5** `tell`, [`tell_all`](crate::ActorRef::tell_all), `try_tell` and [`ask`](crate::ActorRef::ask) are
//! called in the same way from a handler of the same worker, from one of another worker, and from a thread
//! outside of the pool. An [`Ask`] may be awaited on any executor, also in a handler under
//! [`Context::block_on`](crate::Context::block_on), and [`send_async`](crate::ActorRef::send_async) is `send`
//! (row 1.4) as a future. Such a future that is dropped before it is ready leaves nothing behind: the message
//! is not sent, and its place in the queue for room (row 3.3) is given up.
//!
//! - `tests/actors/references.rs: s1_5_the_same_calls_work_from_a_handler_another_worker_and_a_thread_outside`
//! - `tests/mail/ingress.rs: s1_5_tell_all_sends_in_order_on_every_path`
//! - `tests/asks/futures.rs: s1_5_asks_and_sends_are_awaited_on_tokio_on_a_bare_executor_and_in_handlers`
//! - `tests/asks/futures.rs: s1_5_a_send_async_that_is_dropped_sends_nothing_and_gives_its_place_in_line_up`
//!
//! **1.6** Messages from one sender to one actor arrive in the order in which they were sent, each exactly
//! once while the actor lives. This holds on one worker or across two, by `tell` and `try_tell` mixed, and
//! also when the sending handler waits in between. A sender is an actor, or a thread outside of the pool.
//! Between messages of different senders there is no order, with one exception: what a thread outside has
//! sent to an actor comes before what another actor sends it because of something that the thread sent later.
//!
//! - `tests/actors/references.rs: s1_6_messages_of_one_sender_arrive_in_order_across_workers`
//! - `tests/actors/references.rs: s1_6_messages_of_a_foreign_thread_arrive_in_order`
//! - `tests/mail/ingress.rs: s1_6_what_a_thread_sent_before_it_caused_a_message_arrives_before_that`
//! - `tests/actors/references.rs: s1_6_messages_of_many_senders_at_once_arrive_each_in_order_and_exactly_once`
//! - `tests/mail/ingress.rs: s1_6_four_foreign_threads_flood_an_actor_each_in_order`
//! - `tests/mail/ingress.rs: s1_6_messages_and_stops_of_foreign_threads_keep_their_order`
//!
//! **1.7** A [`Recipient`] is an actor narrowed to messages of one type.
//! [`ActorRef::contramap`](crate::ActorRef::contramap) makes it from a reference for other messages and a
//! conversion, so that a sender need not know the whole protocol. Messages and asks through it reach the one
//! life of the actor that the reference stands for, in the order of their sender. The conversion runs where
//! the message is sent.
//!
//! - `tests/actors/recipients.rs: s1_7_an_actor_is_sent_a_part_of_its_protocol_from_everywhere_and_in_order`
//! - `tests/actors/recipients.rs: s1_7_an_ask_goes_through_a_part_of_a_protocol`
//! - `tests/actors/recipients.rs: s1_7_what_comes_too_late_is_a_dead_letter_of_the_actors_own_type`
//!
//! **1.8** An [`ActorPath`] looks like `/user/orders/order-123`. Each name has 1 to 255 bytes of
//! `A-Z a-z 0-9 _ . -`, is neither `.` nor `..`, and begins with `$` only if it was generated. Parsing
//! accepts exactly such paths, and otherwise returns a [`PathError`] that says what is wrong and where.
//! Printing and parsing are each other's inverse. An actor can tell its own path, at any depth.
//! [`escape_name`](crate::escape_name) makes a name of any text, such as an address or a key from outside,
//! and [`unescape_name`](crate::unescape_name) gives the text back; two texts never have the same name.
//!
//! - `tests/actors/references.rs: s1_8_actors_know_their_paths`
//! - `tests/asks/errors.rs: s1_8_a_name_that_is_none_is_refused_as_it_was_given`
//! - `src/actor/path.rs: s1_8_parse_accepts_exactly_what_has_valid_segments`
//! - `src/actor/path.rs: s1_8_display_and_parse_are_inverse`
//! - `src/actor/escape.rs: s1_8_any_text_is_a_name_and_comes_back`
//! - `src/actor/escape.rs: s1_8_two_texts_never_have_the_same_name`
//! - `src/actor/escape.rs: s1_8_a_name_without_the_escape_stays_as_it_is`
//!
//! **1.9** If several callers spawn the same name, on any workers, one succeeds and the others get
//! [`SpawnError::NameTaken`]. The name is taken before the setup runs, so a setup that waits keeps it, and
//! can be used again when the actor is gone. Actors spawned without a name get one that no other actor has;
//! [`spawn_prefixed`](crate::WorkerPool::spawn_prefixed) begins it with a word, as in `$conn-17`.
//!
//! - `tests/actors/references.rs: s1_9_a_name_is_taken_while_its_actor_lives_and_free_afterwards`
//! - `tests/actors/references.rs: s1_9_a_name_is_taken_while_its_setup_waits`
//! - `tests/actors/references.rs: s1_9_of_many_that_spawn_one_name_at_once_one_succeeds`
//! - `tests/actors/first_hour/names_and_paths.rs: s1_9_a_generated_name_may_begin_with_a_word`
//!
//! **1.10** An error or a panic in the factory, in a setup, or in the handling of [`Signal::PreStart`]
//! reaches the caller that spawned the actor, as [`SpawnError::Failed`] with the cause. Nothing is left
//! behind: neither the name, nor an entry for lookups, nor the children that the setup had started. A parent
//! whose child did not start continues. An actor whose first behaviour is
//! [`stopped`](crate::Behavior::stopped), or that stops when it is told that it starts, did not start either:
//! [`SpawnError::EndedInStart`](crate::SpawnError::EndedInStart).
//!
//! - `tests/actors/references.rs: s1_10_a_failed_start_reaches_the_spawner_and_leaves_nothing_behind`
//! - `tests/actors/references.rs: s1_10_a_failed_start_reaches_a_parent_that_goes_on`
//! - `tests/actors/starts.rs: s1_10_of_many_that_start_at_once_each_has_its_own_error`
//! - `tests/actors/starts.rs: s1_10_in_an_ended_pool_no_actor_starts_and_nothing_is_kept`
//! - `tests/actors/first_behaviors.rs: s1_10_an_actor_that_ends_in_its_start_is_an_error_in_every_way_to_spawn`
//! - `tests/actors/first_behaviors.rs: s1_10_systems_simulations_and_configure_say_so_too`
//! - `tests/actors/first_behaviors.rs: s1_10_whatever_has_it_end_in_its_start_it_is_the_same_error`
//! - `tests/actors/first_behaviors.rs: s1_10_nothing_is_left_of_an_actor_that_ends_in_its_start`
//! - `tests/actors/first_behaviors.rs: s1_10_an_order_that_comes_during_a_start_is_followed_after_it`
//! - `tests/failures/payloads.rs: s1_10_a_failed_start_has_the_payload`
//! - `tests/failures/mended.rs: s1_10_a_start_by_a_node_that_lasts_past_that_of_the_pool_leaves_nothing_behind`
//!
//! **1.11** With the feature `async`, `ActorRef::sink` is a `Sink` that feeds an actor. If the mailbox is
//! bounded with [`Overflow::Backpressure`], the sink is ready when it has a place there. `stream` starts an
//! actor that hands its mail to a `Stream`, in order. At most as many messages as its mailbox holds are
//! handed over before they are read; then the mailbox fills up. The stream ends when the actor has stopped. A
//! stream that is dropped has the actor killed.
//!
//! - `tests/streams.rs: s1_11_a_sink_is_ready_when_it_has_a_place_and_gives_it_back`
//! - `tests/streams.rs: s1_11_a_sinks_errors_say_why_and_hold_the_message_that_was_sent`
//! - `tests/streams.rs: s1_11_a_stream_brings_what_its_actor_is_sent_in_order_and_then_ends`
//! - `tests/streams.rs: s1_11_the_mailbox_of_an_unread_stream_fills_up`
//! - `tests/streams.rs: s1_11_a_stream_that_is_dropped_stops_its_actor`
//! - `tests/drivers/ended_pools.rs: s1_11_streams_and_sinks_of_an_ended_pool_say_so`
//!
//! **1.12** [`get_or_spawn`](crate::WorkerPool::get_or_spawn), on a pool, a node, a system or a simulation,
//! returns the top-level actor of a name, wherever it lives, and starts it if there is none. In a handler
//! [`Context::get_or_spawn`](crate::Context::get_or_spawn) does so for a child. However many callers call it
//! at once, all of them get the same actor, and exactly one has started it. A call during the start waits for
//! it, and returns its result, the error included. A call while the previous actor is still stopping waits
//! for its end, and has a new one started. An actor with other messages under that name is a
//! [`SpawnError::WrongType`](crate::SpawnError::WrongType). Starts that wait for each other in this way, or
//! an actor that waits for its own, get [`SpawnError::Deadlock`](crate::SpawnError::Deadlock).
//!
//! - `tests/actors/first_hour/get_or_spawn.rs: s1_12_of_eight_threads_that_want_a_thousand_names_one_starts_each_and_all_have_it`
//! - `tests/actors/first_hour/get_or_spawn.rs: s1_12_handlers_nodes_systems_and_simulations_get_or_spawn_too`
//! - `tests/actors/first_hour/get_or_spawn.rs: s1_12_a_name_that_is_taken_for_other_messages_is_an_error_that_says_so`
//! - `tests/actors/first_hour/get_or_spawn.rs: s1_12_a_caller_during_the_start_waits_for_it_and_shares_its_outcome`
//! - `tests/actors/first_hour/get_or_spawn.rs: s1_12_a_caller_while_the_old_actor_stops_gets_a_new_one_afterwards`
//! - `tests/actors/first_hour/get_or_spawn.rs: s1_12_actors_whose_starts_want_each_other_are_told_of_the_deadlock`
//! - `tests/actors/first_hour/get_or_spawn.rs: s1_12_an_actor_that_wants_its_own_name_is_told_at_once_and_finds_itself_later`
//!
//! **1.13** An actor that is started from [`Once`](crate::Once) is made of values that are moved into it:
//! they need not be `Clone`. It has one instance. A failure stops it, even if its supervisor decides to
//! restart it, and so does anything that would make another actor passivate. A failure that is resumed leaves
//! it as it is. [`WorkerPool::spawn_all`](crate::WorkerPool::spawn_all) starts actors of either kind in
//! batches, and returns for each what `spawn` would have returned.
//!
//! - `tests/actors/starts.rs: s1_13_an_actor_made_once_stops_where_another_would_be_restarted`
//! - `tests/actors/starts.rs: s1_13_a_siblings_failure_stops_an_actor_made_once_and_restarts_the_others`
//! - `tests/actors/starts.rs: s1_13_what_is_set_for_an_actor_made_once_holds`
//! - `tests/actors/first_hour/plain_values.rs: s1_13_an_actor_made_of_a_plain_value_stops_at_its_first_failure_whatever_is_said`
//!
//! **1.14** [`ActorId::path`](crate::ActorId::path), and `path` of an [`ActorRef`], a [`Recipient`], a
//! router, a topic or a group, return the path of an actor on any thread, without a wait, while it lives and
//! for a while after: each worker keeps the paths of a thousand actors that have ended. An actor with a
//! generated name is known on its own worker while it lives, and elsewhere once it was asked from there. A
//! [`DeadLetter`](crate::DeadLetter) has the path of the actor that it was for, and is printed with it, as a
//! [`Failure`] is.
//!
//! - `tests/actors/first_hour/names_and_paths.rs: s1_14_a_path_is_known_everywhere_and_for_a_while_after_the_end`
//! - `tests/actors/first_hour/names_and_paths.rs: s1_14_routers_topics_groups_and_recipients_have_paths`
//! - `tests/actors/first_hour/names_and_paths.rs: s1_14_a_dead_letter_says_whose_it_was`
//!
//! **1.15** Starting actors and ending pools can be awaited as well, on any executor, without blocking a
//! thread of it: [`spawn_async`](crate::WorkerPool::spawn_async),
//! [`shutdown_async`](crate::WorkerPool::shutdown_async), [`Topic::open_async`](crate::Topic::open_async),
//! [`Group::open_async`](crate::Group::open_async), and, with the feature `async`, `stream_async`. A start or
//! an end that is not awaited happens all the same.
//!
//! - `tests/drivers/awaited.rs: s1_15_a_start_is_awaited`
//! - `tests/drivers/awaited.rs: s1_15_topics_and_groups_are_opened_by_who_awaits`
//! - `tests/drivers/awaited.rs: s1_15_the_end_of_a_pool_is_awaited`
//!
//! # 2. Behaviours
//!
//! **2.1** A functional [`Behavior`] and a type that implements [`Actor`] can do the same: continue, become
//! another behaviour, stop, leave a message unhandled, fail. State is lent as `&mut`, need not be `Clone`,
//! and is dropped with its behaviour. A handler that may fail uses `?` on any error, and ends with `Ok(())`.
//! [`Behavior::setup`] may be nested in another setup, and runs at once when a handler returns it. An error
//! reaches the failure hook as the value that the handler returned.
//!
//! - `tests/actors/behaviors.rs: s2_1_a_functional_behaviour_goes_on_becomes_stops_passes_and_fails`
//! - `tests/actors/behaviors.rs: s2_1_a_trait_goes_on_becomes_stops_passes_and_fails`
//! - `tests/actors/behaviors.rs: s2_1_a_setup_makes_the_behaviour_with_the_context_also_when_it_is_returned_from_a_handler`
//! - `tests/actors/first_hour/handlers.rs: s2_1_a_handler_with_question_marks_ends_with_a_plain_ok`
//!
//! **2.2** `setup`, `with_timers`, `with_stash`, `supervise` and `on_signal` may surround a behaviour in any
//! order. They do the same at the start, at a restart, and when a handler becomes it.
//!
//! - `tests/actors/stash.rs: s2_2_timers_stash_supervision_and_signals_surround_a_behaviour_in_any_order`
//! - `tests/actors/stash.rs: s2_2_a_stash_stays_through_a_change_of_behaviour_and_takes_the_last_capacity`
//!
//! **2.3** A message that is left unhandled, by [`Next::Unhandled`](crate::Next::Unhandled) or under
//! [`Behavior::empty`](crate::Behavior::empty), becomes a dead letter. Signals are delivered all the same.
//!
//! - `tests/failures/supervision/watch.rs: s2_3_an_empty_behaviour_loses_its_mail_and_hears_signals`
//!
//! **2.4** A finite state machine is a behaviour for each state, and a time-out of a state is a timer that
//! the state starts: `examples/turnstile.rs` is an example.
//!
//! - `tests/actors/timers/idle.rs: s2_4_states_are_behaviours_and_their_time_outs_are_timers`
//!
//! # 3. Mailboxes
//!
//! **3.1** A mailbox is unbounded unless [`Props::mailbox`] bounds it: until its actor stops it takes
//! everything that is sent to a busy actor, from its own worker and from outside (the tests send 200,000
//! messages). A bounded one never holds more than its capacity, restarts and new behaviours included.
//! Messages that have been accepted and are under way count too, except for [`Overflow::DropOldest`]; the
//! message that is being handled does not. A capacity of 0 is refused when it is requested. A message may be
//! of size zero or of odd size, strictly aligned, and not `Sync`; a very large one needs stacks that have
//! room for it.
//!
//! - `tests/mail/mailboxes.rs: s3_1_a_mailbox_takes_all_that_is_sent_while_its_actor_is_busy`
//! - `tests/mail/bounded/bound.rs: s3_1_restarting_and_becoming_keep_the_mailbox_and_its_bound`
//! - `tests/asks/wakers.rs: s3_1_a_question_withdrawn_by_the_waker_of_an_admitted_sender_frees_one_permit`
//! - `tests/failures/hostile/messages.rs: s3_1_messages_of_odd_sizes_arrive`
//!
//! **3.2** Whether a bounded mailbox takes a message is certain when `try_tell` or `send` returns, on any
//! thread: accepted; refused, with [`TellError::Full`]; or dropped, with [`TellError::Dropped`]. A message
//! that [`Overflow::DropNewest`] or [`Overflow::DropOldest`] discards becomes a dead letter with a reason of
//! its own. A message that `tell` sends to a full mailbox of another kind becomes one with the reason
//! [`Full`](crate::DeadLetterReason::Full). A question among them ends with [`AskError::MailboxFull`].
//!
//! - `tests/mail/bounded/bound.rs: s3_2_every_strategy_tells_the_truth_in_every_way_from_every_place`
//! - `tests/mail/bounded/threads.rs: s3_2_what_try_tell_accepts_is_handled_and_nothing_else`
//! - `src/queue/gate.rs: s3_2_a_gate_is_a_count_with_a_bound`
//!
//! **3.3** With [`Overflow::Backpressure`], `send` and `send_timeout` wait for room, first come first served
//! by the order in which the actor's worker hears of them, and no sender that does not wait is admitted
//! before them. Only the sender waits, and its worker runs other actors. A deadline, or the end of the actor,
//! ends the wait at once and gives the message back. Waiting for room in one's own mailbox fails at once with
//! [`SendError::Full`].
//!
//! - `tests/mail/bounded/backpressure.rs: s3_3_with_backpressure_everything_arrives_once_and_in_order`
//! - `tests/mail/bounded/backpressure.rs: s3_3_waiting_senders_are_admitted_in_order_and_never_overtaken`
//! - `tests/mail/bounded/backpressure.rs: s3_3_a_sender_that_gives_up_leaves_its_place_to_others`
//!
//! **3.4** A bound is for messages. Stops, kills, suspensions, resumptions, signals and watches are never
//! refused by a full mailbox, and take no room in it. Kills, suspensions and resumptions from elsewhere do
//! not wait until mail that was sent before them is taken in.
//!
//! - `tests/mail/bounded/faults.rs: s3_4_orders_and_signals_pass_a_full_mailbox`
//! - `tests/mail/ingress.rs: s3_4_a_kill_does_not_wait_behind_a_flood`
//! - `tests/failures/mended.rs: s3_4_messages_that_are_left_unhandled_fill_a_round_as_others_do`
//!
//! **3.5** Messages have no priorities: by whichever call they are sent, those of one sender are handled in
//! the order sent.
//!
//! - `tests/mail/mailboxes.rs: s3_5_no_way_to_send_overtakes_another`
//!
//! # 4. Lifecycle
//!
//! **4.1** An actor starts, runs, takes no more mail, and stops, in that order; after starting it may skip
//! the states in between. The runtime's own tests check that it never goes back.
//!
//! - `src/actor/slot.rs: s4_1_an_actor_moves_on_to_the_next_states_of_its_life_only`
//!
//! **4.2** [`Signal`]s are delivered in an actor's own turn, ahead of its mail. `PreStart` is delivered once,
//! after the setup and before the first message, even one that was sent during the setup. `PostStop` is
//! delivered once, after the last message, with the [reason](crate::StopReason). `PreRestart` goes to the
//! instance that failed, and `PostRestart` to the one that takes its place, both with the failure;
//! `ChildFailed` to the parent of an actor that failed and is not restarted; `Terminated` to the watchers of
//! an actor. An actor that passivates (row 6.5) has several instances, each of which is told `PreStart` and
//! `PostStop`.
//!
//! - `tests/actors/lifecycle.rs: s4_2_pre_start_comes_before_the_first_message_and_post_stop_after_the_last`
//! - `tests/actors/first_hour/restarts_and_ends.rs: s4_2_post_stop_says_why`
//!
//! **4.3** [`ActorRef::stop`] keeps its place among the messages of its caller: the actor handles what came
//! before, and what comes after becomes a dead letter. A second `stop` changes nothing.
//! [`kill`](crate::ActorRef::kill) lets the actor handle nothing after its current message.
//! [`suspend`](crate::ActorRef::suspend) makes its mail wait, a stop included, until
//! [`resume`](crate::ActorRef::resume), while signals and kills go through.
//!
//! - `tests/actors/lifecycle.rs: s4_3_a_stop_keeps_its_place_in_the_mail_from_everywhere`
//! - `tests/failures/orders.rs: s4_3_an_order_of_a_child_that_starts_comes_before_its_parents_next_message`
//! - `tests/failures/supervision/orders.rs: s4_3_a_kill_comes_after_the_running_message_and_before_all_mail`
//! - `tests/failures/supervision/orders.rs: s4_3_a_suspended_actor_keeps_its_mail_and_hears_signals`
//!
//! **4.4** An actor has stopped when its children have: each is told `PostStop` before its parent is.
//! [`WorkerPool::shutdown`] lets every actor handle the mail that it has, within one deadline for all, which
//! a later call does not extend. At the deadline the rest is stopped by force. Handlers that wait are
//! unwound, so that their destructors run; mail becomes dead letters; `PostStop` is still told; and
//! [`ShutdownReport`] counts actors and messages, and the workers that a handler which never returns holds
//! for ever. A shutdown may be requested again and from any thread, though a worker of the pool cannot wait
//! for it ([`ShutdownError::OnWorker`]). Dropping the last [`WorkerPool`] handle ends the pool too.
//!
//! With a [`CoordinatedShutdown`] the hooks of its phases run first, in order and within the same deadline,
//! once, on threads of their own. A hook that fails or overruns is reported and holds nothing up.
//!
//! - `tests/actors/lifecycle.rs: s4_4_a_shutdown_stops_families_from_the_leaves_up`
//! - `tests/coordinated_shutdown.rs: s4_4_hooks_that_overrun_fail_or_panic_are_reported_and_hold_nothing_up`
//! - `tests/failures/hostile/orders.rs: s4_4_forced_ends_run_the_destructors_of_all_that_wait_and_tell_post_stop`
//!
//! **4.5** What happens to an actor that failed is decided first by the strategies around its behaviour
//! ([`Behavior::supervise`]), the innermost before the others, then by its parent's ([`Props::supervising`]),
//! for that child, for all children, or for those started after it as well. A decider sees the [`Failure`],
//! and restarts, resumes, stops or escalates. An escalated failure is a failure of the parent, up to the
//! guardian, which is the parent of the top-level actors. The guardian's strategy is set by the builders
//! ([`supervising`](crate::WorkerPoolBuilder::supervising)). Every report of a panic carries its payload, of
//! any type ([`PanicPayload`](crate::PanicPayload)). A failure is printed with its cause, and its source is
//! what lies below that cause.
//!
//! - `tests/failures/supervision/restarts.rs: s4_5_one_all_or_the_rest_are_restarted`
//! - `tests/failures/supervision/restarts.rs: s4_5_a_behaviour_is_supervised_by_itself_first`
//! - `tests/failures/supervision/restarts.rs: s4_5_what_the_parent_makes_of_an_escalated_failure_holds_for_the_child`
//! - `tests/failures/supervision/restarts.rs: s4_5_a_child_that_could_not_be_built_again_stops_when_its_escalated_failure_is_resumed`
//! - `tests/failures/payloads.rs: s4_5_a_failure_carries_its_payload_wherever_it_is_reported`
//! - `tests/failures/payloads.rs: s4_5_the_payload_is_found_below_an_escalated_failure`
//! - `tests/failures/payloads.rs: s4_5_a_panic_with_an_error_is_reported_as_that_error`
//! - `tests/asks/errors.rs: s4_5_a_failure_says_its_cause_once_and_leads_to_what_lies_below`
//! - `tests/actors/first_hour/restarts_and_ends.rs: s4_5_a_pool_that_is_told_to_stops_a_top_level_actor_at_its_first_failure`
//! - `src/actor/panic.rs: s4_5_a_payload_is_said_as_far_as_it_is_known`
//! - `src/actor/panic.rs: s4_5_a_payload_keeps_its_type`
//!
//! **4.6** By default a parent restarts a child that fails, at most 3 times in 60 s; the next failure stops
//! the child, and its parent and its watchers are told. The guardian does so too, under every driver: a
//! top-level actor loses the message that failed, and its state, and handles the next one.
//!
//! - `tests/failures/supervision/restarts.rs: s4_6_the_default_is_three_restarts_in_a_minute_then_the_end`
//! - `tests/failures/supervision/restarts.rs: s4_6_restarts_that_lie_far_apart_never_end`
//! - `tests/actors/first_hour/restarts_and_ends.rs: s4_6_a_top_level_actor_is_restarted_under_every_driver`
//! - `tests/actors/first_hour/restarts_and_ends.rs: s4_6_the_fourth_failure_of_a_top_level_actor_stops_it`
//! - `src/supervision/decision.rs: s4_6_by_default_the_fourth_failure_in_a_minute_stops`
//!
//! **4.7** A restart keeps the slot, the name, the references and the mail, and nothing else. The old
//! instance is told; its children stop; its timers, tasks, watches, stash and receive time-out end; it is
//! dropped; the factory runs again; and the new instance is told. It hears of nothing that the old one began.
//! The failing message is not tried again, and asks that it carried fail at once with
//! [`AskError::TargetFailed`]. With a [`Backoff`](crate::Backoff) the mail waits longer each time.
//!
//! - `tests/failures/supervision/restarts.rs: s4_7_a_restart_keeps_the_mail_and_nothing_else`
//! - `tests/failures/supervision/restarts.rs: s4_7_children_stop_before_their_parent_starts_again`
//! - `tests/failures/supervision/instances.rs: s4_7_what_an_instance_began_ends_with_it_however_it_ends`
//! - `tests/failures/supervision/restarts.rs: s4_7_backoff_lets_the_mail_wait_longer_each_time`
//!
//! **4.8** An actor that is resumed keeps its state and continues with the next message.
//!
//! - `tests/failures/supervision/restarts.rs: s4_8_resume_keeps_the_state_and_drops_the_message`
//!
//! **4.9** A handler fails when it returns an error or panics. Its worker and all other actors continue; row
//! 4.5 says what happens to the actor. The [`on_failure`](crate::WorkerPoolBuilder::on_failure) hook is given
//! a [`Failure`] with the actor, its path, the type of its messages, the stage of its life and the cause. A
//! panic in the hook, in the destructor of a message, a state, an answer, an error or props, or in the waker
//! of a future that awaits an ask, takes no other actor down either. A chain of lost messages, or of answers
//! that are no longer wanted, each sent by the destructor of the one before, does not use up the stack.
//!
//! - `tests/failures/hostile/destructors.rs: s4_9_a_chain_of_lost_messages_does_not_use_up_the_stack`
//! - `tests/failures/hostile/destructors.rs: s4_9_a_chain_of_unwanted_answers_does_not_use_up_the_stack`
//! - `tests/actors/lifecycle.rs: s4_9_a_panic_in_a_handler_stops_that_actor_only`
//! - `tests/actors/lifecycle.rs: s4_9_a_failed_actor_stops_its_children_and_loses_its_mail`
//! - `tests/actors/lifecycle.rs: s4_9_a_failure_says_who_where_and_why`
//! - `tests/failures/payloads.rs: s4_9_a_payload_that_is_kept_outlives_its_pool_and_is_dropped_by_the_last_holder`
//! - `tests/asks/wakers.rs: s4_9_a_waker_that_panics_disturbs_nobody`
//! - `tests/asks/wakers.rs: s4_9_a_waker_of_a_task_elsewhere_that_panics_disturbs_nobody`
//! - `tests/failures/mended.rs: s4_9_a_message_that_is_left_unhandled_after_a_wait_does_not_end_the_process`
//!
//! **4.10** A handler, a setup or a signal handler that needs more than its stack ends the process, by the
//! same signal as ever. Before that, a report on the standard error names the owner of the stack: the actor's
//! path and id, the type of its messages, worker, pool and size of the stack. This holds under all drivers.
//! Faults that are no such overflow, and handlers of signals that were installed before the first pool
//! started, behave as without this library. Handlers have stacks of
//! [`stack_size`](crate::WorkerPoolBuilder::stack_size); those of an actor have larger ones if its
//! [`Props::stack_size`] asks for that, also to start, to restart and to stop.
//! [`WorkerStats::stack_high_water`] reports how much of a stack was used at the most, in whole pages.
//!
//! - `tests/stack/told.rs: s4_10_an_overflow_in_a_handler_is_told_with_path_and_message_type`
//! - `tests/stack/told.rs: s4_10_an_overflow_in_a_setup_is_told`
//! - `tests/stack/told.rs: s4_10_an_overflow_after_a_wait_is_told_of_the_one_that_waited`
//! - `tests/stack/told.rs: s4_10_an_overflow_is_told_where_the_caller_drives`
//! - `tests/stack/told.rs: s4_10_an_overflow_is_told_in_a_simulation`
//! - `tests/stack/not_told.rs: s4_10_another_fault_in_a_handler_ends_the_process_as_ever`
//! - `tests/stack/own.rs: s4_10_an_actor_with_a_stack_of_its_own_digs_deeper_than_the_others_could`
//! - `tests/stack/own.rs: s4_10_an_actor_has_its_own_stack_also_when_it_starts_again_and_when_it_stops`
//! - `tests/stack/own.rs: s4_10_a_deep_setup_has_the_stack_of_its_actor_and_its_spawner_waits`
//! - `tests/stack/own.rs: s4_10_stacks_of_a_size_that_cannot_be_are_refused`
//! - `tests/stack/marks.rs: s4_10_the_high_water_mark_follows_the_deepest_handler`
//!
//! **4.11** [`Context::watch`] has an actor told when another one has stopped, on any worker, and whether
//! that one was asked to, failed or was killed; at once if it has stopped already. The actors below one that
//! ends, end for its reason: a child of one that failed has failed, and a child of one that was killed was
//! killed. [`TerminationReason`](crate::TerminationReason) lists every way to end. A restart is no end. After
//! [`Context::unwatch`] nothing is told, even if the notice was under way.
//!
//! - `tests/failures/supervision/watch.rs: s4_11_a_watcher_is_told_once_why_on_one_worker_and_across_two`
//! - `tests/failures/supervision/watch.rs: s4_11_a_watcher_is_told_the_failure_and_none_where_there_was_none`
//! - `tests/failures/supervision/watch.rs: s4_11_after_unwatch_nothing_is_told_though_it_was_under_way`
//! - `tests/failures/supervision/watch.rs: s4_11_a_restart_is_no_end`
//! - `tests/actors/endings/reasons.rs: s4_11_an_actor_that_ends_by_itself_has_stopped_and_so_have_its_descendants`
//! - `tests/actors/endings/reasons.rs: s4_11_an_actor_that_fails_has_failed_and_so_have_its_descendants`
//! - `tests/actors/endings/reasons.rs: s4_11_an_actor_that_is_killed_was_killed_and_so_were_its_descendants`
//! - `tests/actors/endings/reasons.rs: s4_11_descendants_end_for_the_reason_of_their_ancestor`
//! - `tests/actors/endings/reasons.rs: s4_11_an_actor_whose_failure_is_escalated_has_failed`
//! - `tests/actors/endings/reasons.rs: s4_11_a_restart_a_resumption_and_a_passivation_are_no_end`
//! - `tests/actors/endings/reasons.rs: s4_11_what_ends_a_backoff_is_the_reason`
//! - `tests/actors/endings/others.rs: s4_11_another_pool_is_told_the_same_reasons`
//! - `tests/actors/endings/others.rs: s4_11_one_that_did_not_start_has_stopped_failed_or_was_killed_too`
//! - `tests/actors/endings/others.rs: s4_11_one_whose_start_a_deadline_cuts_short_was_killed`
//!
//! **4.12** A child that has stopped is no longer counted among the living, and its parent may give its name
//! to the next one as soon as it is gone (the test does so two thousand times).
//!
//! - `tests/actors/lifecycle.rs: s4_12_nothing_grows_with_the_actors_that_ever_lived`
//!
//! **4.13** An end never waits for a [`Backoff`](crate::Backoff). An actor that is stopped while it is down,
//! by itself, with its parent, or by a shutdown, stops at once. If mail has come before the stop, it instead
//! starts again at once and handles that mail. If it cannot be built for that, the mail becomes dead letters.
//!
//! - `tests/failures/supervision/instances.rs: s4_13_an_end_does_not_wait_for_a_backoff`
//! - `tests/failures/supervision/instances.rs: s4_13_a_siblings_failure_stops_one_in_backoff_at_once`
//! - `tests/failures/supervision/instances.rs: s4_13_one_that_is_to_stop_handles_the_mail_that_waited_at_once`
//! - `tests/failures/supervision/instances.rs: s4_13_one_that_is_to_stop_and_cannot_be_built_loses_its_mail`
//!
//! **4.14** An instance is told one last signal. That is [`PreRestart`](crate::Signal::PreRestart) if it
//! failed and was to be followed by another one, even if it is killed while its children stop or its delay
//! passes, and [`PostStop`](crate::Signal::PostStop) otherwise.
//!
//! - `tests/failures/supervision/instances.rs: s4_14_one_that_is_killed_after_pre_restart_is_told_nothing_more`
//!
//! **4.15** A shutdown ends at its deadline, or later by the time that the forced end takes: destructors and
//! `PostStop` that make progress are waited for. A worker is stuck if nothing has progressed there for two
//! seconds. It is left behind once the time is over, all other workers end, and [`ShutdownReport`] names it
//! with the handler that holds it, and the actors that were stopped by force.
//!
//! - `tests/failures/hostile/stuck.rs: s4_15_one_worker_that_is_stuck_is_named_and_the_others_end`
//! - `tests/failures/hostile/stuck.rs: s4_15_many_slow_hooks_are_progress_and_who_was_forced_is_named`
//! - `tests/failures/hostile/stuck.rs: s4_15_much_mail_to_lose_is_progress`
//! - `tests/failures/hostile/stuck.rs: s4_15_a_handler_that_catches_its_forced_end_for_ever_is_stuck`
//! - `tests/failures/hostile/stuck.rs: s4_15_a_destructor_that_never_returns_is_no_handler`
//! - `src/pool/shutdown.rs: s4_15_a_shutdown_that_is_asked_for_between_two_looks_is_not_slept_over`
//! - `src/pool/shutdown.rs: s4_15_a_worker_is_stuck_when_nothing_has_gone_on_for_a_while_and_at_once_the_next_time`
//!
//! **4.16** Nothing that a waiting handler has borrowed from its thread is gone while it waits. An
//! [`ActorSystem`](crate::ActorSystem) or a simulation that is dropped by a panic, or in a handler of another
//! one, unwinds its waiting handlers and tells `PostStop`, but runs no handler any more. If one is stored in
//! a thread-local and its handlers may have borrowed other thread-locals that its thread has destroyed, the
//! process ends with a message. Two cases are not detected: one that came there behind a `Box` or an `Rc`
//! after it was used elsewhere, and one that is used on a thread on which others were used at 256 addresses
//! before. In both cases it has to be shut down before its thread ends.
//!
//! - `tests/drivers/system/borrowed.rs: s4_16_a_waiting_handler_gives_back_what_it_borrowed_however_the_system_ends`
//! - `tests/drivers/system/borrowed.rs: s4_16_a_waiting_handler_gives_back_what_it_borrowed_however_the_simulation_ends`
//! - `tests/drivers/system/borrowed.rs: s4_16_a_system_in_a_thread_local_ends_the_process_rather_than_use_what_is_gone`
//! - `tests/drivers/system/borrowed.rs: s4_16_a_simulation_in_a_thread_local_ends_the_process_rather_than_use_what_is_gone`
//! - `tests/drivers/system/borrowed.rs: s4_16_a_system_that_came_to_a_thread_local_after_its_handlers_waited_unwinds_them`
//! - `tests/failures/mended.rs: s4_16_a_system_in_a_thread_local_is_watched_over_after_many_others_too`
//!
//! **4.17** [`Context::spawn_on`](crate::Context::spawn_on) starts a child on another worker. It is
//! supervised, named and stopped like any other: its path is below its parent's; its parent's strategy
//! decides about its failures and its siblings', wherever these live; a restart keeps its mail and its
//! references; and it has ended, and been told `PostStop`, before its parent is. A start that fails tells the
//! parent why, and leaves nothing behind. From a failure until the decision has come from the parent's
//! worker, the child handles nothing. What is decided about a sibling reaches the sibling just as soon, and
//! the sibling handles its mail until then. A shutdown does not wait, past its deadline, for a child whose
//! worker is stuck. A simulation that is dropped by a panic, or in a handler of another one, may tell parents
//! before children of other workers.
//!
//! - `tests/actors/elsewhere/starts.rs: s4_17_a_child_on_any_worker_is_below_its_parent`
//! - `tests/actors/elsewhere/starts.rs: s4_17_there_is_no_child_on_a_worker_that_is_none`
//! - `tests/actors/elsewhere/starts.rs: s4_17_a_system_has_the_worker_of_its_thread`
//! - `tests/actors/elsewhere/starts.rs: s4_17_a_start_that_fails_tells_the_parent_why_and_leaves_nothing_behind`
//! - `tests/actors/elsewhere/starts.rs: s4_17_a_parent_that_may_not_wait_starts_no_child_elsewhere`
//! - `tests/actors/elsewhere/starts.rs: s4_17_children_elsewhere_may_be_bounded_need_a_stack_or_serve_once`
//! - `tests/actors/elsewhere/starts.rs: s4_17_a_parent_that_is_killed_while_its_child_starts_takes_it_along`
//! - `tests/actors/elsewhere/starts.rs: s4_17_a_deadline_cuts_a_start_elsewhere_short`
//! - `tests/actors/elsewhere/failures.rs: s4_17_a_restart_elsewhere_keeps_the_mail_and_the_reference`
//! - `tests/actors/elsewhere/failures.rs: s4_17_one_that_fails_too_often_stops_and_its_parent_is_told`
//! - `tests/actors/elsewhere/failures.rs: s4_17_one_elsewhere_is_resumed_or_stopped_as_its_parent_decides`
//! - `tests/actors/elsewhere/failures.rs: s4_17_a_child_that_decides_for_itself_does_not_ask_its_parent_which_is_told`
//! - `tests/actors/elsewhere/failures.rs: s4_17_siblings_share_a_failure_wherever_they_live`
//! - `tests/actors/elsewhere/failures.rs: s4_17_a_failure_that_is_escalated_ends_the_child_with_its_parent_or_resumes_it`
//! - `tests/actors/elsewhere/failures.rs: s4_17_a_backoff_elsewhere_lasts_as_long_and_ends_with_a_stop`
//! - `tests/actors/elsewhere/failures.rs: s4_17_a_child_that_fails_while_its_parent_is_at_work_is_restarted`
//! - `tests/actors/elsewhere/failures.rs: s4_17_a_task_of_a_child_elsewhere_fails_for_it`
//! - `tests/actors/elsewhere/ends.rs: s4_17_children_elsewhere_have_ended_before_their_parent_is_told`
//! - `tests/actors/elsewhere/ends.rs: s4_17_in_a_pool_children_elsewhere_end_first_too`
//! - `tests/actors/elsewhere/ends.rs: s4_17_a_shutdown_in_time_stops_children_elsewhere_first`
//! - `tests/actors/elsewhere/ends.rs: s4_17_a_deadline_ends_children_elsewhere_first`
//! - `tests/actors/elsewhere/ends.rs: s4_17_a_worker_that_is_stuck_with_a_child_holds_up_no_other`
//! - `tests/actors/elsewhere/ends.rs: s4_17_who_watches_a_child_elsewhere_is_told_why_it_ended`
//! - `tests/actors/elsewhere/ends.rs: s4_17_none_starts_on_a_worker_that_shuts_down`
//! - `tests/actors/elsewhere/races.rs: s4_17_families_over_several_workers_end_leaf_first_and_lose_no_mail_in_any_order_of_events`
//! - `tests/actors/elsewhere/races.rs: s4_17_families_over_the_threads_of_a_pool_end_leaf_first`
//! - `tests/failures/supervision_model.rs: s4_17_trees_over_several_workers_do_what_a_slow_model_does`
//!
//! # 5. Ask
//!
//! **5.1** [`ActorRef::ask`] sends the question at the call and returns an [`Ask`], with which a handler, or
//! a thread outside, waits later; it is also a future, for any executor. Several asks may be under way at
//! once, and their answers may come in any order. [`all`](crate::all) and [`first`](crate::first) join them,
//! and [`Pending`](crate::Pending) continues with answers. A caller that [waits on
//! behalf](crate::Ask::wait_on_behalf_of) of a reply, as in [`Reply::send_with`](crate::Reply::send_with),
//! waits no longer than the reply's time-out, and stops waiting when the handler that waits for the reply has
//! given up. An ask that is polled in a handler by an executor that blocks the thread ends by its time, and
//! says so ([`WaitError::OtherExecutor`](crate::WaitError::OtherExecutor)). An ask may be waited for
//! elsewhere than it was begun, and may change hands while it is awaited: the last task that has polled it is
//! woken.
//!
//! - `tests/asks/send_with.rs: s5_1_an_answer_is_made_for_no_longer_than_it_is_waited_for`
//! - `tests/asks/send_with.rs: s5_1_an_answer_is_not_made_any_more_when_the_asker_has_given_up`
//! - `tests/asks/send_with.rs: s5_1_what_is_started_for_an_answer_is_not_on_behalf_of_the_asker`
//! - `scope-tests/tests/runtime.rs: s5_1_an_ask_that_another_executor_polls_in_a_handler_ends_by_its_time_and_says_why`
//! - `tests/asks/asks_together/joined.rs: s5_1_all_answers_come_together_or_the_first_error_at_once`
//! - `tests/asks/asks_together/joined.rs: s5_1_the_first_answer_counts_and_the_others_are_given_up`
//! - `tests/asks/asks_together/joined.rs: s5_1_an_answer_is_gone_on_with`
//! - `tests/asks/asks_together/on_behalf.rs: s5_1_who_waits_on_behalf_of_a_reply_waits_no_longer_than_it_is_waited_for`
//! - `tests/asks/asks_together/on_behalf.rs: s5_1_a_thread_waits_on_behalf_of_a_reply_by_its_time_out_too`
//! - `tests/asks/asks_together/on_behalf.rs: s5_1_a_chain_of_any_length_that_waits_on_behalf_of_one_is_given_up_with_it`
//! - `tests/asks/deadlock_work/polls.rs: s5_1_giving_up_travels_down_a_chain_of_actors_that_wait_for_several`
//! - `tests/asks/deadlock_work/polls.rs: s5_1_an_ask_of_another_worker_is_given_up_with_the_one_it_is_waited_for`
//! - `tests/asks/deadlock_work/polls.rs: s5_1_an_ask_of_another_worker_is_waited_for_no_longer_than_a_thread_waits`
//! - `tests/asks/deadlock_work/polls.rs: s5_1_a_poll_that_waits_inside_is_no_bar_to_other_executors`
//! - `tests/drivers/system/nested.rs: s5_1_an_ask_begun_outside_can_be_waited_for_in_a_handler`
//! - `tests/asks/ask.rs: s5_1_an_ask_is_sent_at_the_call_and_waited_for_later`
//! - `tests/asks/ask.rs: s5_1_handlers_and_threads_wait_for_answers`
//! - `tests/asks/ask.rs: s5_1_several_asks_run_at_once`
//! - `tests/asks/futures.rs: s5_1_an_ask_that_was_begun_in_a_handler_is_awaited_elsewhere`
//! - `tests/asks/futures.rs: s5_1_an_ask_may_change_hands_while_it_is_awaited`
//! - `tests/asks/asks_together/given_up.rs: s5_1_a_driver_waits_for_asks_that_were_begun_on_any_worker`
//! - `tests/asks/asks_together/given_up.rs: s5_1_a_driver_waits_for_asks_of_threads_that_do_not_drive`
//! - `tests/asks/futures.rs: s5_1_no_wake_up_is_lost_in_many_rounds`
//!
//! **5.2** A [`Reply`] answers once, as [`Reply::send`] consumes it. It is `Send`: it may be kept, passed on
//! through other actors, and answered later by any of them or by a thread. If it is dropped unanswered, the
//! ask ends at once with [`AskError::NoReply`], however long the time-out is. [`Reply::forward`] forwards the
//! question. Between two actors of one worker an ask allocates nothing, with an answer of up to 32 bytes.
//!
//! - `tests/no_allocations.rs: s5_2_an_ask_on_one_worker_allocates_nothing`
//! - `tests/asks/asks_together/taken_back.rs: s5_2_a_question_that_was_handed_on_is_answered_and_taken_back_there`
//! - `tests/asks/ask.rs: s5_2_a_reply_dropped_unanswered_ends_the_ask_at_once`
//! - `tests/failures/hostile/destructors.rs: s5_2_a_destructor_may_wait_for_what_is_lost_deep_below_it`
//! - `tests/asks/wakers.rs: s5_2_a_reply_that_a_waker_drops_where_a_handler_begins_to_wait_ends_at_once`
//! - `tests/asks/ask.rs: s5_2_a_reply_may_be_passed_on_kept_and_answered_by_anybody`
//! - `tests/asks/ask.rs: s5_2_a_reply_may_be_answered_by_an_actor_that_was_told_later`
//! - `tests/failures/mended.rs: s5_2_a_destructor_that_waits_holds_up_no_other_that_is_put_off`
//!
//! **5.3** The first event that settles an ask ends it. An actor that stops, or fails, with the question in
//! its mailbox, in its hands or in its state ends the ask at once, with [`AskError::TargetStopped`] or
//! [`AskError::TargetFailed`], for the reason for which the actor ends (row 4.11). Only [`AskError::Timeout`]
//! comes with the time, and never before it. An answer that comes later is dropped, counted in
//! [`PoolStats::late_replies`], and never taken for the answer to another ask.
//!
//! An error names the actor that was asked by its [path](crate::AskDetails::path), wherever the ask came from
//! and even if that actor has ended since (row 1.14). An actor with a generated name is named by its id alone
//! if its worker has not taken in a question from elsewhere for it before. If the actor failed, the error has
//! the [failure](crate::AskDetails::failure): which actor failed, at which message, and of what.
//!
//! - `tests/asks/ask.rs: s5_3_a_target_that_stops_or_fails_with_the_question_ends_the_ask_at_once`
//! - `tests/asks/ask.rs: s5_3_a_time_out_comes_in_time_and_a_late_reply_never_reaches_the_next_ask`
//! - `tests/asks/futures.rs: s5_3_an_awaited_ask_times_out_and_not_before_its_time`
//! - `src/actor/waits.rs: s5_3_the_first_terminal_event_wins`
//! - `tests/actors/endings/others.rs: s5_3_a_question_ends_for_the_reason_for_which_its_actor_does`
//! - `tests/asks/ask_paths.rs: s5_3_an_error_names_a_target_that_did_not_answer_wherever_it_lives`
//! - `tests/asks/ask_paths.rs: s5_3_an_error_names_a_target_that_has_stopped_or_failed_meanwhile`
//! - `tests/asks/ask_paths.rs: s5_3_an_error_names_a_target_that_has_ended_on_the_askers_own_worker`
//! - `tests/asks/ask_paths.rs: s5_3_a_thread_and_an_executor_are_told_the_path_too`
//! - `tests/asks/ask_paths.rs: s5_3_only_the_id_is_known_of_a_target_without_a_name_that_was_not_asked_before`
//! - `tests/actors/first_hour/failures.rs: s5_3_an_ask_that_a_failure_ends_says_what_has_failed`
//! - `tests/actors/first_hour/failures.rs: s5_3_an_ask_names_the_failure_of_the_questions_holder_and_its_source`
//! - `tests/actors/first_hour/failures.rs: s5_3_askers_in_the_mailbox_or_the_state_of_a_failed_actor_are_told_its_failure`
//! - `tests/actors/first_hour/failures.rs: s5_3_who_waits_for_a_child_is_told_of_the_failure_above_it`
//! - `tests/actors/first_hour/failures.rs: s5_3_what_was_not_waited_for_is_not_said`
//! - `tests/asks/ask_paths.rs: s5_3_only_the_id_is_known_of_a_target_without_a_name_that_was_not_asked_before`
//! - `src/shared/remembered.rs: s5_3_no_more_than_so_many_are_remembered_that_have_ended`
//!
//! **5.4** A question whose asker has given up, or whose time is over, is not handled if it is still in the
//! mailbox, or when it comes out of a stash: it becomes a dead letter,
//! [`Cancelled`](crate::DeadLetterReason::Cancelled) or [`Expired`](crate::DeadLetterReason::Expired). The
//! notice travels behind the question, so a handler that is quicker still gets the question; there
//! [`Reply::is_cancelled`] and [`Reply::time_left`] tell. A handler's question that was forwarded
//! ([`Reply::forward`]) is followed to the actor that has it, however often that was; a question of a thread
//! outside is looked for where it was first sent. In a bounded mailbox its place is free as soon as the
//! notice has arrived, if fewer than a thousand messages are before it.
//!
//! - `tests/asks/asks_together/given_up.rs: s5_4_a_question_whose_asker_has_given_up_is_not_handled`
//! - `tests/asks/asks_together/taken_back.rs: s5_4_a_question_that_was_put_aside_is_not_handled_either`
//! - `tests/asks/asks_together/taken_back.rs: s5_4_word_of_the_question_in_hand_is_kept_however_many_others_are_withdrawn`
//! - `tests/asks/asks_together/joined.rs: s5_4_a_question_is_known_by_its_id_though_others_send_when_it_comes`
//! - `tests/asks/asks_together/taken_back.rs: s5_4_a_question_that_is_taken_back_makes_room_in_a_bounded_mailbox_at_once`
//! - `tests/asks/asks_together/taken_back.rs: s5_4_a_question_that_was_handed_on_twice_is_taken_back_wherever_it_is_whenever_that_is`
//! - `tests/asks/asks_together/taken_back.rs: s5_4_the_permit_of_a_withdrawn_question_is_returned_to_its_own_mailbox_only`
//! - `tests/asks/asks_together/taken_back.rs: s5_4_a_cancelled_waiter_resumes_though_a_destructor_of_its_question_waits`
//! - `tests/asks/asks_together/given_up.rs: s5_4_a_thread_that_gives_up_takes_its_question_back`
//! - `tests/asks/asks_together/given_up.rs: s5_4_an_ask_is_given_up_wherever_it_is_dropped`
//! - `tests/asks/asks_together/given_up.rs: s5_4_an_ask_whose_question_panics_while_it_is_made_is_given_up`
//! - `tests/asks/asks_together/given_up.rs: s5_4_a_handler_can_see_that_the_asker_has_given_up`
//! - `src/actor/lifecycle/withdraw.rs: s5_4_word_of_a_question_is_kept_no_longer_than_the_mail_of_that_time`
//! - `src/shared/cancellations.rs: s5_4_what_was_given_up_is_known_of_each_place_and_generation`
//!
//! **5.5** Waiting for an answer holds up one actor: its own mail waits, and its worker continues with the
//! others. Asks may nest (the tests go through a thousand actors) and many handlers may wait at a time (the
//! tests have ten thousand).
//!
//! - `tests/asks/ask.rs: s5_5_only_the_actor_that_asks_waits`
//! - `tests/asks/ask.rs: s5_5_asks_nest_through_a_chain_of_a_thousand_actors`
//! - `tests/asks/ask.rs: s5_5_ten_thousand_handlers_wait_at_once`
//!
//! **5.6** A cycle of handlers that wait for each other, by [`Ask::wait`](crate::Ask::wait), by
//! [`Ask::wait_on_behalf_of`](crate::Ask::wait_on_behalf_of) or for room in a full mailbox, ends at once if
//! it is certain: the wait that closes it ends with [`AskError::Deadlock`](crate::AskError::Deadlock) or
//! [`SendError::Deadlock`](crate::SendError::Deadlock), which names the cycle. This holds on one worker and
//! across workers. A cycle is certain if each of its waits can be ended by nothing but the next actor: that
//! actor has not come to the question; or it waits on behalf of the reply to the question, as everything that
//! is asked in [`Reply::send_with`](crate::Reply::send_with) does; or its mailbox is full of messages that
//! cannot be withdrawn (row 5.4). A reply may be anywhere once a handler has it: sent on, kept, given to a
//! thread. So if a handler waits plainly while it is at a question of the cycle, the cycle is only suspected:
//! a hook is told, snapshots show it, and the error names it if the time-out comes.
//!
//! Other waits are links of a cycle too, and it is an ask in it, or a wait for room, that ends. A caller that
//! starts an actor waits for its setup, on any worker, and, if that fails, for the children that the setup
//! has started to end. An actor that restarts, or passivates, waits for those below it to end, and one whose
//! failure was escalated waits for its parent. A caller that waits for a [`Task`] waits for what the task
//! asks. Tasks that wait only for each other are told with
//! [`TaskError::Deadlock`](crate::TaskError::Deadlock). A question that was forwarded ([`Reply::forward`])
//! leads to the actor that has it. Under [`Context::block_on`](crate::Context::block_on) one ask, or
//! [`send_async`](crate::ActorRef::send_async), counts as if it were waited for plainly, if nothing else can
//! wake the future at the time; and so does each ask of [`all`](crate::all), if
//! [`Pending::wait`](crate::Pending::wait) waits for them. Any other wait is no part of a cycle: for other
//! futures, for several asks of which one is enough, for work beside the workers.
//!
//! - `tests/asks/send_with.rs: s5_6_a_cycle_of_answers_that_others_are_asked_for_is_certain`
//! - `tests/asks/deadlock/cycles.rs: s5_6_an_actor_that_asks_itself_is_told_at_once`
//! - `tests/asks/deadlock/cycles.rs: s5_6_a_ring_of_asks_is_told_at_once_by_the_one_that_closes_it`
//! - `tests/asks/deadlock/cycles.rs: s5_6_a_ring_whose_replies_may_be_elsewhere_is_suspected_and_named_at_the_time_out`
//! - `tests/asks/deadlock/cycles.rs: s5_6_unhandled_questions_make_a_cycle_however_they_are_waited_for`
//! - `tests/asks/deadlock_work/futures.rs: s5_6_two_full_mailboxes_that_wait_for_each_other_are_told_at_once`
//! - `tests/asks/deadlock/cycles.rs: s5_6_an_ask_and_a_full_mailbox_make_a_cycle_together`
//! - `tests/asks/deadlock/model.rs: s5_6_no_cycle_that_another_actor_could_end_is_called_certain`
//! - `tests/asks/deadlock/cycles.rs: s5_6_a_pool_of_threads_finds_them_too`
//! - `tests/asks/deadlock/cycles.rs: s5_6_no_full_mailbox_makes_a_certain_cycle_from_which_a_question_can_be_taken_back`
//! - `tests/asks/deadlock/cost.rs: s5_6_asking_a_waiting_actor_takes_as_long_however_much_mail_there_is`
//! - `tests/asks/deadlock/cost.rs: s5_6_asking_a_waiting_actor_takes_as_long_as_the_chain_is`
//! - `tests/asks/deadlock/cycles.rs: s5_6_a_cycle_that_was_suspected_and_is_over_is_not_named_by_those_who_wait_next`
//! - `tests/no_allocations.rs: s5_6_asking_a_waiting_actor_allocates_nothing`
//! - `tests/asks/deadlock_work/starts.rs: s5_6_a_child_whose_setup_asks_its_parent_is_told_at_once`
//! - `tests/asks/deadlock_work/starts.rs: s5_6_a_setup_that_asks_its_parent_by_way_of_another_actor_closes_a_cycle`
//! - `tests/asks/deadlock_work/starts.rs: s5_6_who_starts_an_actor_anywhere_and_is_asked_by_it_meanwhile_closes_a_cycle`
//! - `tests/asks/deadlock/handed_on.rs: s5_6_a_cycle_is_found_through_a_question_that_was_handed_on_again_and_again`
//! - `src/actor/waits.rs: s5_6_the_latest_word_of_a_question_that_was_handed_on_counts_whichever_comes_last`
//! - `tests/asks/deadlock_work/starts.rs: s5_6_a_question_that_is_forwarded_to_a_waiter_for_its_answer_is_told_at_once`
//! - `tests/asks/deadlock_work/starts.rs: s5_6_a_question_that_is_handed_on_elsewhere_closes_a_certain_cycle_however_quick_word_of_it_is`
//! - `tests/asks/deadlock_work/starts.rs: s5_6_a_child_left_by_a_failed_start_is_told_that_it_asks_the_waiter_for_its_end`
//! - `tests/asks/deadlock_work/starts.rs: s5_6_who_waits_last_for_what_a_failed_start_leaves_behind_closes_a_cycle`
//! - `tests/asks/deadlock_work/held.rs: s5_6_a_child_that_asks_its_parent_which_waits_for_its_end_is_told_at_once`
//! - `tests/asks/deadlock_work/held.rs: s5_6_a_cycle_closes_whichever_of_its_waits_begins_last`
//! - `tests/asks/deadlock_work/held.rs: s5_6_two_that_wait_for_their_children_make_a_cycle_together`
//! - `tests/asks/deadlock_work/held.rs: s5_6_a_cycle_is_found_among_more_ways_than_could_be_tried`
//! - `tests/asks/deadlock_work/held.rs: s5_6_no_child_that_will_be_answered_closes_a_cycle`
//! - `tests/asks/deadlock_work/held.rs: s5_6_who_asks_a_child_whose_failure_it_is_to_decide_about_is_told_at_once`
//! - `tests/asks/deadlock_work/apart.rs: s5_6_a_child_elsewhere_that_asks_its_parent_which_waits_for_its_end_is_told_at_once`
//! - `tests/asks/deadlock_work/apart.rs: s5_6_a_descendant_of_a_child_elsewhere_closes_a_cycle_too`
//! - `tests/asks/deadlock_work/apart.rs: s5_6_who_asks_a_child_elsewhere_whose_failure_it_is_to_decide_about_is_told_at_once`
//! - `tests/asks/deadlock_work/apart.rs: s5_6_a_child_elsewhere_that_asks_its_parent_while_that_one_waits_for_its_start_is_told_at_once`
//! - `tests/asks/deadlock_work/random.rs: s5_6_no_cycle_of_questions_in_mailboxes_is_missed`
//! - `tests/asks/deadlock_work/random.rs: s5_6_no_certain_cycle_is_missed_where_others_are_uncertain`
//! - `tests/asks/deadlock_work/random.rs: s5_6_no_search_finds_a_cycle_where_none_can_be`
//! - `tests/asks/deadlock_work/searches.rs: s5_6_a_second_cycle_through_the_same_actors_is_found_too`
//! - `tests/asks/deadlock_work/searches.rs: s5_6_an_uncertain_way_hides_no_certain_one`
//! - `tests/asks/deadlock_work/searches.rs: s5_6_searches_that_cross_workers_come_to_an_end`
//! - `tests/asks/deadlock_work/searches.rs: s5_6_one_of_several_questions_that_is_handed_on_closes_a_cycle`
//! - `tests/asks/deadlock_work/several.rs: s5_6_who_waits_for_several_answers_closes_a_cycle_by_each_of_them`
//! - `tests/asks/deadlock_work/several.rs: s5_6_who_waits_for_several_answers_on_behalf_of_another_is_a_certain_link`
//! - `tests/asks/deadlock_work/several.rs: s5_6_a_cycle_through_one_of_several_answers_closes_elsewhere_too`
//! - `tests/asks/deadlock_work/several.rs: s5_6_who_can_do_without_one_of_several_answers_waits_for_the_others`
//! - `tests/asks/deadlock_work/tasks.rs: s5_6_a_task_that_asks_the_actor_that_waits_for_it_is_told_at_once`
//! - `tests/asks/deadlock_work/tasks.rs: s5_6_tasks_that_wait_for_each_other_are_told_at_once`
//! - `tests/asks/deadlock_work/tasks.rs: s5_6_what_waits_for_a_task_that_was_cancelled_is_no_cycle`
//! - `tests/asks/deadlock_work/futures.rs: s5_6_an_ask_that_is_awaited_in_a_handler_is_part_of_a_cycle_too`
//! - `tests/asks/deadlock_work/futures.rs: s5_6_two_full_mailboxes_that_are_awaited_for_room_are_told_at_once`
//! - `tests/asks/deadlock_work/futures.rs: s5_6_a_future_that_something_else_can_wake_is_no_part_of_a_cycle`
//! - `tests/asks/ask_paths.rs: s5_6_an_error_names_the_target_of_the_ask_that_closed_a_cycle`
//!
//! **5.7** [`control`](crate::control) has the control protocol of an ask (request, ack, reply, cancel,
//! cancelled, refused) as a state machine without input or output, threads or a clock, for users who carry
//! asks over a transport of their own. Over a transport that loses, repeats, delays and reorders messages,
//! with clocks that step, a request is executed at most once, ends exactly once at the requester, and has no
//! reply but that of its execution. A cancel that arrives first prevents the execution. A repeated message is
//! answered with an ack, with the stored reply, or with how the request ended otherwise; a forgotten one is
//! refused. Both sides stay within limits by number and by age, also for what is in progress. Over a lossless
//! link there is one answer to a request, and neither acks nor resends. The pool's own asks end by the same
//! table; as they stay within one process, they need neither ids nor acks.
//!
//! - `tests/drivers/control/properties.rs: s5_7_whatever_the_network_and_the_clocks_do_a_request_runs_once_and_ends_once`
//! - `tests/drivers/control/properties.rs: s5_7_over_a_bad_network_every_reply_arrives_and_every_cancel_is_confirmed`
//! - `tests/drivers/control/properties.rs: s5_7_over_a_lossless_link_there_is_one_answer_to_a_request_and_nothing_else`
//! - `src/control/model.rs: s5_7_every_run_of_two_requests_with_two_faults_of_the_network_keeps_the_promises`
//! - `src/control/model.rs: s5_7_every_run_of_two_requests_with_a_step_of_a_clock_keeps_the_promises`
//! - `src/control/model.rs: s5_7_every_run_of_a_request_with_faults_and_time_outs_keeps_the_promises`
//! - `src/control/progress.rs: s5_7_the_first_terminal_event_wins_and_late_replies_are_told_apart`
//!
//! **5.8** Asking an actor that has stopped fails at once with [`AskError::TargetStopped`], and asking one of
//! a pool, a system or a simulation that has ended with [`AskError::PoolClosed`], in every form of asking and
//! waiting, from everywhere. An ask that is under way when a pool shuts down ends too, as soon as its reply
//! is no longer held anywhere; an ask of the thread that drives a system or a simulation ends with that
//! system or simulation.
//!
//! - `tests/asks/ask.rs: s5_8_an_ask_of_a_stopped_actor_fails_at_once`
//! - `tests/asks/ask.rs: s5_8_asks_under_way_at_a_shutdown_all_end`
//! - `tests/drivers/ended_pools.rs: s5_8_every_way_to_ask_says_that_the_pool_has_ended`
//! - `tests/drivers/ended_pools.rs: s5_8_a_question_that_was_handed_on_to_an_ended_pool_says_so_too`
//! - `tests/drivers/ended_pools.rs: s5_8_asks_that_were_begun_before_the_end_come_to_it`
//! - `tests/drivers/ended_pools.rs: s5_8_a_task_that_awaits_an_answer_is_woken_by_the_end_of_the_system`
//!
//! # 6. Time, and the stash
//!
//! **6.1** An actor's [`Timers`] send it messages: once, with a fixed delay that counts from the handling of
//! the one before, or at a fixed rate, which counts from when that was due. Such a message is handled ahead
//! of the mail. Each timer has a key, and another with the same key takes its place. A timer that was
//! cancelled or replaced sends nothing any more, even if it was due. At a fixed rate at most one message
//! waits, and those that were missed are skipped. No timer outlives its actor or a restart; timers continue
//! through a change of the behaviour and a resumption. While the actor is suspended they wait.
//!
//! - `tests/actors/timers/single.rs: s6_1_a_single_timer_rings_once_and_is_inactive_from_its_handling`
//! - `tests/actors/timers/single.rs: s6_1_a_timer_of_the_same_key_takes_the_others_place`
//! - `tests/actors/timers/single.rs: s6_1_what_was_due_and_is_cancelled_or_replaced_before_it_is_handled_is_not_delivered`
//! - `tests/actors/timers/repeated.rs: s6_1_a_fixed_rate_makes_up_for_delays_and_a_fixed_delay_does_not`
//! - `tests/actors/timers/repeated.rs: s6_1_a_fixed_rate_keeps_its_beat_and_lets_one_message_wait_at_the_most`
//! - `tests/actors/timers/turns.rs: s6_1_a_timer_goes_ahead_of_the_mail_and_counts_as_sent_by_its_actor`
//! - `tests/actors/timers/end.rs: s6_1_no_timer_outlives_a_restart`
//! - `tests/actors/timers/end.rs: s6_1_no_timer_outlives_its_actor_however_that_ends`
//! - `tests/actors/timers/end.rs: s6_1_a_suspended_actor_is_told_signals_and_its_timers_wait_like_its_mail`
//!
//! **6.2** A [`Context::sleep`] is over when the pool's clock has advanced by its length: a [`ManualTime`]
//! that is advanced by exactly that much ends it. A timer, a sleep and a receive time-out count from the
//! moment of the call, by the clock of that moment. The time-out of a question counts from the end of the
//! round in which it was asked, or from the call if messages take long: a round is meant to last half a
//! millisecond, and lasts longer only if messages begin to take long in the middle of it. It counts from the
//! call, too, by a [`ManualTime`], and for what a destructor asks while mail is taken in. Nothing is ever
//! early. An actor may have a million timers at once; starting one, and cancelling it, takes the same time
//! however many there are.
//!
//! - `tests/failures/hostile/limits.rs: s6_2_a_manual_clock_put_forward_by_a_duration_ends_a_sleep_of_it`
//! - `tests/actors/timers/turns.rs: s6_2_a_million_timers_at_once`
//! - `tests/actors/timers/clock.rs: s6_2_all_that_counts_time_counts_from_the_call`
//! - `tests/actors/timers/clock.rs: s6_2_a_clock_that_is_advanced_when_a_start_is_answered_is_advanced_for_what_the_start_began`
//! - `tests/failures/mended.rs: s6_2_a_wait_on_behalf_of_a_thread_lasts_as_long_after_a_long_computation`
//! - `tests/failures/mended.rs: s6_2_what_a_destructor_asks_while_mail_is_taken_in_has_all_of_its_time`
//!
//! **6.3** If [`Behavior::with_stash`] gives it a stash, an actor may stash messages, with their envelopes
//! and replies, and have them handled later, in the order in which they were stashed and before its mail. A
//! message for which there is no room is given back. Messages that are in the stash when the actor stops or
//! is restarted become dead letters, and asks that wait for them end.
//!
//! - `tests/actors/stash.rs: s6_3_what_was_put_aside_comes_before_the_mail_and_in_order`
//! - `tests/actors/stash.rs: s6_3_a_message_keeps_its_envelope_and_its_reply`
//! - `tests/actors/stash.rs: s6_3_what_is_put_aside_again_while_it_is_replayed_waits_for_the_next_time`
//! - `tests/actors/stash.rs: s6_3_a_full_stash_or_none_gives_the_message_back`
//! - `tests/actors/stash.rs: s6_3_what_is_put_aside_when_the_actor_ends_is_lost_and_its_asks_end`
//! - `tests/actors/stash.rs: s6_3_a_restart_empties_the_stash_and_a_resumption_does_not`
//!
//! **6.5** An actor with a receive time-out is told [`Signal::ReceiveTimeout`] when it has handled
//! no message for that long, and again after each further such time. Signals and the messages of its
//! timers do not count. A restart ends it.
//!
//! - `tests/actors/timers/idle.rs: s6_5_only_mail_puts_the_receive_time_out_off`
//! - `tests/actors/timers/idle.rs: s6_5_it_counts_from_the_end_of_a_handling_and_does_not_interrupt_one`
//! - `tests/actors/timers/idle.rs: s6_5_a_busy_actor_is_never_told_and_an_idle_one_always_is`
//! - `tests/actors/timers/idle.rs: s6_5_the_receive_time_out_ends_with_a_restart`
//!
//! An actor *passivates* by [`Next::Passivate`], at its receive time-out or at any other time, or by
//! [`ActorRef::passivate`]. Its instance ends as if the actor stopped: children and tasks first, then
//! [`Signal::PostStop`], timers and watches included. Name, references, watchers and mail stay, and stashed
//! messages go ahead of the mail. The first message has the factory run again, and the new instance is told
//! [`Signal::PreStart`]: no message is lost, or handled out of order. A bound holds meanwhile, and a
//! suspended actor stays passive until it is resumed. A start that fails then is a failure that the
//! supervisor decides about; the mail waits for that. A passive actor stops, or is killed, without being
//! built again for it, and questions that were all withdrawn (row 5.4) do not wake it. A simulation's trace
//! says when an actor becomes passive and when it wakes.
//!
//! - `tests/actors/passivation/asleep.rs: s6_5_a_passive_actor_has_no_state_until_its_next_message_comes`
//! - `tests/actors/passivation/model.rs: s6_5_no_message_is_lost_or_out_of_order_however_often_an_actor_passivates`
//! - `tests/actors/passivation/asleep.rs: s6_5_mail_that_waits_is_handed_to_the_next_instance_in_order`
//! - `tests/actors/passivation/asleep.rs: s6_5_an_order_to_passivate_comes_from_everywhere_ahead_of_the_mail`
//! - `tests/actors/passivation/asleep.rs: s6_5_children_and_tasks_end_first_and_timers_and_watches_with_the_instance`
//! - `tests/actors/passivation/asleep.rs: s6_5_nothing_that_an_instance_begins_at_its_end_reaches_the_next_one`
//! - `tests/actors/passivation/asleep.rs: s6_5_a_watcher_of_a_passive_actor_is_told_of_its_end_only`
//! - `tests/actors/passivation/asleep.rs: s6_5_what_is_put_aside_comes_before_the_mail_of_the_next_instance`
//! - `tests/actors/passivation/orders.rs: s6_5_a_bounded_mailbox_stays_bounded_while_its_actor_is_passive`
//! - `tests/actors/passivation/orders.rs: s6_5_a_suspended_actor_may_passivate_and_wakes_up_when_it_is_resumed`
//! - `tests/actors/passivation/failures.rs: s6_5_a_start_that_fails_when_mail_comes_is_decided_by_the_supervisor`
//! - `tests/actors/passivation/orders.rs: s6_5_a_passive_actor_stops_without_being_built_again_unless_mail_waits`
//! - `tests/actors/passive.rs: s6_5_mail_that_is_all_withdrawn_wakes_no_actor`
//! - `tests/actors/passive.rs: s6_5_stashed_mail_that_is_withdrawn_wakes_no_actor`
//! - `tests/actors/passive.rs: s6_5_the_trace_says_when_an_actor_passivates_and_wakes`
//!
//! **6.4** In a handler, [`Context::block_on`](crate::Context::block_on) waits for any future, whose waker
//! may be called from any thread, and [`Context::run_blocking`](crate::Context::run_blocking) has work done
//! by threads beside the workers, of which there is a bounded number. Only the actor that waits is held up.
//! At a shutdown's deadline the future is dropped, and work that has not begun is not done.
//!
//! [`Context::spawn_task`](crate::Context::spawn_task) starts work beside the handlers, on a fiber of the
//! same worker. It need not be `Send` and may wait as a handler may; the actor handles its mail meanwhile.
//! Before its actor has stopped, passivates or restarts, and when its [`Task`] cancels it, a task ends at the
//! wait that it is in, and its destructors run. The holder of the [`Task`] is told the result or the panic; a
//! panic that would be reported to no one is the actor's failure. A task may start others in its turn, which
//! are tasks of the same actor.
//!
//! - `tests/asks/blocking.rs: s6_4_a_future_is_woken_from_any_thread_and_only_its_actor_waits`
//! - `tests/asks/blocking.rs: s6_4_blocking_work_is_done_beside_the_workers`
//! - `tests/asks/blocking.rs: s6_4_no_more_work_runs_at_a_time_than_there_are_threads`
//! - `tests/actors/tasks/running.rs: s6_4_while_a_task_waits_its_actor_handles_its_mail`
//! - `tests/actors/tasks/running.rs: s6_4_a_task_waits_in_every_way_that_a_handler_does`
//! - `tests/actors/tasks/bound.rs: s6_4_tasks_end_before_their_actor_has_stopped_or_starts_again`
//! - `tests/actors/tasks/many.rs: s6_4_no_task_outlives_its_incarnation_under_a_storm_of_failures_and_cancellations`
//! - `tests/actors/tasks/running.rs: s6_4_the_holder_of_the_handle_is_told_how_the_task_ended`
//! - `tests/actors/tasks/running.rs: s6_4_a_detached_task_goes_on_and_its_panic_is_its_actors_failure`
//! - `tests/actors/tasks/family.rs: s6_4_tasks_are_no_children_to_their_actor_nor_to_its_strategy`
//! - `tests/actors/tasks/bound.rs: s6_4_a_shutdown_does_not_wait_for_tasks_that_wait`
//! - `tests/actors/tasks/bound.rs: s6_4_a_forced_end_counts_actors_and_not_their_tasks`
//! - `tests/actors/tasks_of_tasks.rs: s6_4_a_task_has_others_done_and_waits_for_them`
//! - `tests/actors/tasks_of_tasks.rs: s6_4_a_task_of_a_task_is_its_actors_and_outlives_no_other`
//! - `tests/actors/tasks_of_tasks.rs: s6_4_a_task_that_was_cancelled_begins_no_other`
//!
//! **6.6** What a handler has entered on its thread, no other handler is in: a
//! [`SwitchHook`](crate::SwitchHook) takes it off when the handler waits, and puts it back when it resumes. A
//! turn begins with nothing entered, as anything that the previous turn has left entered is taken off at its
//! end. So does a task, and a child that starts in the middle of its parent's handler. With the feature
//! `tracing` spans are each handler's own. With `tokio`, futures are polled in a runtime, which is left
//! before the handler waits. A [`FiberLocal`](crate::FiberLocal) has a value for each turn.
//!
//! Inside [`no_wait`](crate::no_wait) every wait is an error
//! ([`WaitError::Forbidden`](crate::WaitError::Forbidden)). It is for the initialisers of thread-locals and
//! the scopes in which a wait would be undefined behaviour, and for anything else that must not be
//! interrupted.
//!
//! - `tests/drivers/scopes.rs: s6_6_a_hook_takes_off_what_a_handler_has_entered_while_it_waits`
//! - `tests/drivers/scopes.rs: s6_6_a_thread_that_drives_handlers_is_in_its_scopes_alone`
//! - `tests/drivers/scopes.rs: s6_6_a_hook_is_told_of_the_switches_of_a_simulation`
//! - `tests/drivers/scopes.rs: s6_6_the_next_turn_begins_outside_of_what_the_last_one_has_left_entered`
//! - `tests/drivers/scopes.rs: s6_6_a_child_starts_and_stops_outside_of_its_parents_scopes`
//! - `tests/drivers/scopes.rs: s6_6_a_handler_that_is_ended_where_it_waits_unwinds_within_its_scopes`
//! - `tests/drivers/scopes.rs: s6_6_a_panic_of_a_hook_is_one_of_the_handler`
//! - `tests/drivers/scopes.rs: s6_6_a_fiber_local_is_the_handlers_own_and_new_in_each_turn`
//! - `scope-tests/tests/spans.rs: s6_6_each_handler_logs_under_its_own_span`
//! - `scope-tests/tests/runtime.rs: s6_6_interleaved_handlers_wait_for_tokios_timers_and_nobody_else_is_in_its_runtime`
//! - `scope-tests/tests/runtime.rs: s6_6_nothing_else_waits_in_the_poll_of_a_future`
//! - `tests/asks/blocking.rs: s6_6_nothing_waits_where_it_is_forbidden`
//! - `tests/asks/blocking.rs: s6_6_a_thread_drives_nothing_where_waiting_is_forbidden`
//!
//! # 7. Dead letters and envelopes
//!
//! **7.1** Each lost message is counted in [`DeadLetters`] under one [`DeadLetterReason`]: its actor had
//! stopped, failed before it, was restarted with it in its stash, left it unhandled, or was stopped by force;
//! its mailbox was full or dropped it (row 3.2); or the pool had ended. The last 256 are kept, and
//! subscribers are told of each one. A subscriber that panics disturbs nothing else, and messages that it
//! loses itself are counted without being told. Messages to a pool of which nothing is left are kept apart,
//! in [`dead_letters_without_pool`].
//!
//! - `tests/mail/dead_letters.rs: s7_1_messages_to_stopped_actors_are_dead_letters_from_wherever_they_come`
//! - `tests/mail/dead_letters.rs: s7_1_what_is_unhandled_forced_or_too_late_is_lost_with_its_reason`
//! - `tests/mail/dead_letters.rs: s7_1_subscribers_hear_of_each_and_the_last_ones_are_kept`
//! - `tests/drivers/ended_pools.rs: s7_1_what_is_told_to_an_ended_pool_is_a_dead_letter_for_that_reason`
//! - `tests/asks/errors.rs: s7_1_what_is_asked_of_and_lost_by_a_topic_bears_the_name_that_it_was_given`
//! - `tests/actors/endings/others.rs: s7_1_mail_of_an_actor_whose_failure_its_parent_takes_along_is_lost_to_the_failure`
//!
//! **7.2** When a pool has ended, and no worker is stuck, the messages sent to its actors are as many as
//! those handled, those lost, those still queued and those stashed together, by the counts of [`PoolStats`].
//! A message whose handler failed counts as handled.
//!
//! - `tests/mail/dead_letters.rs: s7_2_sent_is_handled_lost_or_queued_under_a_storm_of_starts_stops_and_failures`
//! - `tests/actors/stash.rs: s7_2_whatever_is_put_aside_is_counted_once`
//! - `tests/actors/stash.rs: s7_2_nothing_is_unaccounted_for_when_timers_stashes_and_failures_mix`
//! - `tests/failures/hostile/destructors.rs: s7_2_messages_whose_destructors_send_are_counted_while_the_pool_ends`
//! - `tests/mail/ingress.rs: s7_2_messages_whose_destructors_panic_are_lost_one_by_one`
//! - `tests/mail/ingress.rs: s7_2_nothing_is_lost_when_a_pool_ends_while_threads_tell`
//! - `tests/mail/ingress.rs: s7_2_one_thread_sends_to_two_pools_by_turns`
//!
//! **7.3** An [`Envelope`] names the sending actor, if there is one, and carries the message's id, the id of
//! the first message of its chain, and the id of the message whose handler sent it. A handler that has waited
//! still passes on its own message's ids, and a message from outside begins a chain. No two messages to the
//! actors of one pool have the same id.
//!
//! - `tests/mail/dead_letters.rs: s7_3_envelopes_name_sender_correlation_and_cause`
//! - `tests/mail/dead_letters.rs: s7_3_ids_are_unique_in_a_pool`
//! - `tests/failures/hostile/counts.rs: s7_3_ids_are_unique_in_a_pool_that_another_pool_sends_to`
//!
//! # 8. The pool
//!
//! **8.1** A top-level actor that is spawned by name lives on the worker that the [`ConsistentHashRing`]
//! gives for it, and its children live there too, except for those that it starts elsewhere (row 4.17). The
//! ring depends on nothing but the name and the number of workers, and the tests pin its results, so they are
//! the same in every run on every machine. One more worker takes about its share of the names; all others
//! stay where they were.
//!
//! - `tests/drivers/pool.rs: s8_1_names_are_placed_by_the_ring_and_actors_stay_there`
//! - `src/pool/ring.rs: s8_1_placement_is_pinned`
//! - `src/pool/ring.rs: s8_1_adding_a_worker_moves_about_one_in_n_plus_one`
//!
//! **8.2** [`WorkerPoolBuilder`] sets the number of workers (by default one for each core that the process
//! may use), the name of their threads, what runs on each of them first, whether they are bound to cores, the
//! size of the stacks, what idle workers do, and the clock. [`start`](crate::WorkerPoolBuilder::start)
//! returns when every worker has been configured. If an option cannot be applied, or a worker fails, it
//! returns a [`StartError`] and leaves no thread. [`run`](crate::WorkerPoolBuilder::run) blocks until the
//! pool has shut down.
//!
//! - `tests/drivers/pool.rs: s8_2_configure_runs_once_on_every_worker_on_a_fiber_before_start_returns`
//! - `tests/drivers/pool.rs: s8_2_what_cannot_start_says_why_and_leaks_no_thread`
//! - `tests/drivers/pool.rs: s8_2_every_wait_strategy_works`
//!
//! **8.3** Actors may be spawned from threads and from handlers, by the ring, on a given worker, or near
//! another actor. A name that every worker spawns in `configure` is started once, and all of them get the
//! same reference. [`WorkerPool::lookup`] finds a named actor on any worker, from when it has started until
//! it stops, and compares the type of its messages: another type is [`LookupError::WrongType`]. If the pool
//! has ended it reports that, and so does every way to start an actor. Topics and groups live beside the
//! actors of users, at `/topic/<name>` and `/group/<name>`, under the name that they were given.
//!
//! - `tests/drivers/pool.rs: s8_3_lookup_finds_named_actors_with_their_type_and_no_phantoms`
//! - `tests/drivers/pool.rs: s8_3_what_every_worker_configures_exists_once_and_all_have_the_same_reference`
//! - `tests/drivers/pool.rs: s8_3_actors_may_be_placed_by_hand_and_spawned_from_handlers`
//! - `tests/actors/starts.rs: s8_3_many_actors_start_at_once_each_where_its_name_belongs_and_in_order`
//! - `tests/actors/starts.rs: s8_3_many_actors_start_at_once_in_a_simulation_too`
//! - `tests/actors/starts.rs: s8_3_a_handler_starts_many_on_all_workers_and_waits`
//! - `tests/drivers/ended_pools.rs: s8_3_an_ended_pool_is_said_to_have_ended_by_lookups_and_starts`
//! - `tests/asks/errors.rs: s8_3_a_topic_and_a_group_live_under_the_name_that_they_were_given`
//! - `tests/asks/errors.rs: s8_3_one_of_another_type_is_named_with_the_types_that_it_was_opened_with`
//!
//! **8.4** What a message or an answer owns is moved, also between workers: a box arrives with the address
//! that it was sent with.
//!
//! - `tests/drivers/pool.rs: s8_4_what_a_message_owns_is_moved_and_not_copied`
//!
//! **8.5** The workers of an idle pool sleep until there is work, a timer included, and do not look for it at
//! intervals, except under [`WaitStrategy::Spin`]. A message to a worker that is just going to sleep wakes
//! it.
//!
//! - `tests/drivers/pool.rs: s8_5_an_idle_pool_uses_no_time_and_wakes_when_it_is_needed`
//! - `tests/drivers/pool.rs: s8_5_a_message_to_a_worker_that_goes_to_sleep_is_never_missed`
//! - `tests/mail/ingress.rs: s8_5_workers_that_sleep_are_woken_by_threads_and_by_workers`
//!
//! **8.6** Everything above the transport and the directory is tested without threads too, over doubles of
//! both, those of the [simulation](crate::sim). If the transport delays batches and lets them overtake those
//! of other senders, refuses them, or repeats orders, each sender's messages keep their order, and each is
//! handled or a dead letter.
//!
//! - `src/sim/tests.rs: s8_6_nothing_is_lost_or_reordered_over_a_transport_that_misbehaves`
//!
//! **8.7** The same program does the same work with one worker and with more workers than cores.
//!
//! - `tests/drivers/pool.rs: s8_7_the_same_work_is_done_by_any_number_of_workers`
//!
//! # 9. Drivers
//!
//! **9.1** Actors, references and asks are the same whether threads drive the workers of a [`WorkerPool`],
//! the calling thread drives the one worker of an [`ActorSystem`](crate::ActorSystem), or a
//! [simulation](crate::sim) steps all workers on one thread. In a simulation every choice follows from a
//! seed: which worker continues and which of its actors, how long messages are under way, when a worker
//! stalls or wakes up for nothing. The same seed gives the same trace, byte for byte, in one process or two,
//! as long as handlers depend on nothing outside.
//!
//! - `tests/drivers/system/shared.rs: s9_1_the_same_code_runs_in_a_pool_and_in_a_system`
//! - `tests/drivers/simulation/seeds.rs: s9_1_the_same_seed_gives_the_same_run_twice_in_one_process`
//! - `tests/drivers/simulation/seeds.rs: s9_1_the_same_seed_gives_the_same_run_in_two_processes`
//! - `tests/drivers/simulation/seeds.rs: s9_1_every_kind_of_choice_changes_the_run`
//!
//! **9.2** [`Sim`](crate::sim::Sim) is for users' own tests. It runs step by step, until it is idle, or for a
//! length of simulated time. It reports what is pending, which actor waits for what, and everything that has
//! happened. It injects faults, and a fault that was requested and did not happen fails the test.
//! [`check`](crate::sim::check) runs a test under many seeds, and reports a failing one with the smallest
//! case that fails and how to run that again.
//!
//! - `tests/drivers/simulation/checks.rs: s9_2_a_failing_test_tells_its_seed_and_the_smallest_case_it_found`
//! - `tests/drivers/simulation/faults.rs: s9_2_a_fault_that_never_happened_fails_the_test`
//! - `tests/asks/wakers.rs: s9_2_a_question_that_is_taken_back_as_its_turn_comes_was_not_handled_for_the_trace_and_for_faults`
//! - `tests/drivers/simulation/time.rs: s9_2_time_goes_on_as_it_is_told`
//!
//! **9.3** A handler yields its worker to others when it waits, and when it calls [`Context::yield_now`]. One
//! that runs for longer than [`slow_after`](crate::WorkerPoolBuilder::slow_after) without doing so is
//! reported while it still runs, with its actor, the type of its messages and the time, and with the actors
//! that wait on that worker in the middle of their handlers, one of which may hold a lock that it wants. The
//! report comes from a watchdog thread, which sleeps while the pool is idle. An
//! [`ActorSystem`](crate::ActorSystem) and a simulation have no such thread.
//!
//! - `tests/drivers/watchdog.rs: s9_3_who_waits_on_a_held_worker_is_named_as_it_may_hold_a_lock`
//! - `tests/drivers/watchdog.rs: s9_3_a_handler_that_holds_its_worker_is_named_while_it_runs`
//! - `tests/drivers/watchdog.rs: s9_3_handlers_that_wait_or_give_way_are_not_slow`
//! - `tests/drivers/watchdog.rs: s9_3_a_handler_is_named_in_which_a_subscriber_has_waited_and_then_holds_its_worker`
//! - `src/actor/beat.rs: s9_3_a_handler_is_seen_while_it_runs_and_each_time_has_a_number_of_its_own`
//!
//! **9.4** No cost grows faster than in proportion to its number of items, or n log n at the most: watches
//! and watchers, senders that wait for room, answers that are waited for together, children, names,
//! subscribers, members. `cargo bench --bench growth` counts the instructions of each for n and for 4 n.
//!
//! - `benches/growth/tests/growth.rs: s9_4_each_case_that_is_counted_does_what_it_says`
//! - `src/ask/parts.rs: s9_4_of_many_only_those_are_polled_that_were_woken`
//! - `src/ask/parts.rs: s9_4_of_several_joins_that_are_polled_as_one_only_those_are_polled_that_were_woken`
//! - `src/actor/lifecycle/stop.rs: s9_4_those_who_come_and_give_up_one_by_one_cost_no_look_at_all_who_stay`
//! - `src/memory/ordered.rs: s9_4_an_entry_is_found_at_a_few_looks_however_many_there_are`
//!
//! **9.5** Memory follows what is there. An idle actor takes about a hundred bytes beside its state. A
//! message takes its own size and 8 bytes, or 56 if it is the only one that its handler has sent to that
//! actor. The memory of a peak is given back when its worker rests. A worker keeps a few MiB for what comes
//! next, and of a peak of timers as much as was taken up to the last one that is not over.
//! [`WorkerStats`](crate::WorkerStats) reports what is held.
//!
//! - `tests/memory.rs: s9_5_an_actor_costs_about_a_hundred_bytes_and_a_message_what_it_weighs`
//! - `tests/memory.rs: s9_5_a_burst_leaves_nothing_behind`
//! - `tests/memory.rs: s9_5_handlers_that_waited_leave_nothing_behind`
//! - `tests/resident.rs: s9_5_the_memory_of_a_flood_goes_back`
//! - `src/time/wheel.rs: s9_5_what_a_peak_of_timers_took_goes_back_and_old_ids_match_no_later_timer`
//! - `src/shared/remembered.rs: s9_5_what_a_peak_took_goes_back_as_they_end`
//!
//! # Not promised
//!
//! What users of other actor systems may look for and will not find:
//!
//! - **Priorities** among the messages of a mailbox.
//! - **A bound on what is under way** to a mailbox that drops the oldest: such a message is bounded when it
//!   arrives.
//! - **The path of an actor with a generated name** on other threads than its worker's, as long as it was not
//!   asked from there; its id is available.
//! - **Certainty about cycles of handlers that hold a reply and wait plainly**: see row 5.6.
//! - **Metadata** in envelopes, such as a trace context.
//! - **Survival of a stack overflow**: it is reported (4.10), and ends the process. It is not reported if
//!   foreign code with frames larger than a page jumps over the guard below the stack.
//! - **Any number of handlers that wait.** Each holds a stack; if the system grants no memory for another
//!   one, the wait fails with [`WaitError::NoStack`].
//! - **Safety nets under `panic = "abort"`.** Rows 4.4 and 4.9 rest on unwinding, and so does the cancelling
//!   of tasks. Without it a panic ends the process, a deadline leaves handlers that wait where they are, with
//!   everything that they own, and an actor stops when its tasks have returned.
//! - **A second panic in one unwinding.** If a destructor panics while the stack of its handler unwinds,
//!   because of a panic, a forced end or a cancelled task, Rust itself ends the process.
//! - **Moving actors, other numbers of workers, other machines.** An actor stays on its worker, a
//!   pool keeps its size, and messages do not leave the process or outlive it.
//!
//! [`Actor`]: crate::Actor
//! [`ActorPath`]: crate::ActorPath
//! [`ActorRef`]: crate::ActorRef
//! [`ActorRef::ask`]: crate::ActorRef::ask
//! [`ActorRef::passivate`]: crate::ActorRef::passivate
//! [`ActorRef::stop`]: crate::ActorRef::stop
//! [`ActorRef::tell`]: crate::ActorRef::tell
//! [`ActorRef::try_tell`]: crate::ActorRef::try_tell
//! [`Ask`]: crate::Ask
//! [`AskError::MailboxFull`]: crate::AskError::MailboxFull
//! [`AskError::NoReply`]: crate::AskError::NoReply
//! [`AskError::PoolClosed`]: crate::AskError::PoolClosed
//! [`AskError::TargetFailed`]: crate::AskError::TargetFailed
//! [`AskError::TargetStopped`]: crate::AskError::TargetStopped
//! [`AskError::Timeout`]: crate::AskError::Timeout
//! [`Behavior`]: crate::Behavior
//! [`Behavior::supervise`]: crate::Behavior::supervise
//! [`Context::unwatch`]: crate::Context::unwatch
//! [`Context::watch`]: crate::Context::watch
//! [`Props::supervising`]: crate::Props::supervising
//! [`Signal`]: crate::Signal
//! [`Behavior::setup`]: crate::Behavior::setup
//! [`Behavior::with_stash`]: crate::Behavior::with_stash
//! [`ConsistentHashRing`]: crate::ConsistentHashRing
//! [`Context::sleep`]: crate::Context::sleep
//! [`Context::yield_now`]: crate::Context::yield_now
//! [`CoordinatedShutdown`]: crate::CoordinatedShutdown
//! [`DeadLetterReason`]: crate::DeadLetterReason
//! [`DeadLetters`]: crate::DeadLetters
//! [`dead_letters_without_pool`]: crate::dead_letters_without_pool
//! [`Envelope`]: crate::Envelope
//! [`Failure`]: crate::Failure
//! [`LookupError::WrongType`]: crate::LookupError::WrongType
//! [`ManualTime`]: crate::ManualTime
//! [`Next::Passivate`]: crate::Next::Passivate
//! [`Overflow::Backpressure`]: crate::Overflow::Backpressure
//! [`Overflow::DropNewest`]: crate::Overflow::DropNewest
//! [`Overflow::DropOldest`]: crate::Overflow::DropOldest
//! [`PathError`]: crate::PathError
//! [`PoolStats`]: crate::PoolStats
//! [`PoolStats::late_replies`]: crate::PoolStats::late_replies
//! [`Props`]: crate::Props
//! [`Props::stack_size`]: crate::Props::stack_size
//! [`Props::mailbox`]: crate::Props::mailbox
//! [`Recipient`]: crate::Recipient
//! [`Reply`]: crate::Reply
//! [`Reply::send`]: crate::Reply::send
//! [`SendError::Full`]: crate::SendError::Full
//! [`ShutdownError::OnWorker`]: crate::ShutdownError::OnWorker
//! [`ShutdownReport`]: crate::ShutdownReport
//! [`Signal::PostStop`]: crate::Signal::PostStop
//! [`Signal::PreStart`]: crate::Signal::PreStart
//! [`Signal::ReceiveTimeout`]: crate::Signal::ReceiveTimeout
//! [`SpawnError::Failed`]: crate::SpawnError::Failed
//! [`SpawnError::NameTaken`]: crate::SpawnError::NameTaken
//! [`StartError`]: crate::StartError
//! [`Task`]: crate::Task
//! [`TellError::Dropped`]: crate::TellError::Dropped
//! [`TellError::Full`]: crate::TellError::Full
//! [`TellError::PoolClosed`]: crate::TellError::PoolClosed
//! [`TellError::Stopped`]: crate::TellError::Stopped
//! [`Timers`]: crate::Timers
//! [`WaitError::NoStack`]: crate::WaitError::NoStack
//! [`WaitStrategy::Spin`]: crate::WaitStrategy::Spin
//! [`WorkerPool`]: crate::WorkerPool
//! [`WorkerStats::stack_high_water`]: crate::WorkerStats::stack_high_water
//! [`WorkerPool::lookup`]: crate::WorkerPool::lookup
//! [`WorkerPool::shutdown`]: crate::WorkerPool::shutdown
//! [`WorkerPoolBuilder`]: crate::WorkerPoolBuilder
//! [`Reply::forward`]: crate::Reply::forward
//! [`Reply::is_cancelled`]: crate::Reply::is_cancelled
//! [`Reply::time_left`]: crate::Reply::time_left
