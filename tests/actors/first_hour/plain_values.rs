//! Actors that are made of a plain value.

use nexus_actors::LookupError;
use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

#[test]
fn s1_13_an_actor_made_of_a_plain_value_stops_at_its_first_failure_whatever_is_said() {
    /// It cannot be cloned, so there is only one.
    struct Connection(Vec<u8>);
    impl Actor for Connection {
        type Message = Option<u8>;
        fn receive(
            &mut self,
            _ctx: &mut Context<'_, Option<u8>>,
            byte: Option<u8>,
        ) -> HandlerResult<Option<u8>> {
            self.0.push(byte.ok_or("it is torn")?);
            Ok(Next::Same)
        }
    }
    let strategies = [
        SupervisorStrategy::one_for_one(),
        SupervisorStrategy::all_for_one().without_limit(),
        SupervisorStrategy::rest_for_one().always(Directive::Restart),
    ];
    for strategy in strategies {
        let failures = Arc::new(AtomicUsize::new(0));
        let counting = Arc::clone(&failures);
        let builder = Sim::builder().supervising(strategy).on_failure(move |_| {
            counting.fetch_add(1, SeqCst);
        });
        builder.check(0..10, |sim| {
            failures.store(0, SeqCst);
            let connection = Once::actor(Connection(Vec::new()));
            let connection = sim.spawn("connection", connection).unwrap();
            connection.tell(Some(1));
            connection.tell(None);
            connection.tell(Some(2));
            sim.run_until_idle();
            assert_eq!(failures.load(SeqCst), 1);
            let found = sim.lookup::<Option<u8>>("/user/connection");
            assert!(matches!(found, Err(LookupError::NotFound(_))));
            assert_eq!(sim.dead_letters().total(), 1);
        });
    }
}
