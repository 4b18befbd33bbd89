//! What the trace reports, and what it keeps.

use super::{Count, MS, counter, finish};
use nexus_actors::prelude::*;
use nexus_actors::sim::{Sim, TraceKind};

#[test]
fn s9_2_the_trace_says_who_sent_what_to_whom_and_when() {
    let mut sim = Sim::builder().orderly().start().unwrap();
    let counter = sim.spawn_on(0, "counter", counter()).unwrap();
    let mute = Props::new(move || {
        Behavior::receive(move |_ctx, _: u8| {
            counter.tell(Count::Add(1));
            Next::Unhandled
        })
    });
    let mute = sim.spawn_on(1, "mute", mute).unwrap();
    sim.run_for(MS);
    mute.tell(1);
    sim.run_until_idle();
    counter.stop();
    sim.run_until_idle();
    let trace = sim.trace();
    let what: Vec<_> = trace.events().map(|event| &event.what).collect();
    assert!(matches!(what[0], TraceKind::Starts { actor } if *actor == counter.id()));
    assert_eq!(trace.path_of(mute.id()).unwrap().as_str(), "/user/mute");
    let lines: Vec<String> = trace.to_string().lines().map(str::to_owned).collect();
    let message = std::any::type_name::<Count>();
    assert_eq!(
        lines,
        [
            "         0.000 us  starts    /user/counter [0.1#1]",
            "         0.000 us  starts    /user/mute [1.1#1]",
            "      1000.000 us  delivers  outside -> /user/mute [1.1#1]  u8",
            "      1000.000 us  loses     outside -> /user/mute [1.1#1]  u8: its actor did not handle it",
            &format!(
                "      1000.000 us  delivers  /user/mute [1.1#1] -> /user/counter [0.1#1]  {message}"
            ),
            "      1000.000 us  stopped   /user/counter [0.1#1]",
        ]
    );
    finish(sim);
}

#[test]
fn s9_2_a_trace_keeps_what_it_is_told_to_and_its_fingerprint_covers_all() {
    let run = |kept, messages| {
        let mut sim = Sim::builder().keep_events(kept).start().unwrap();
        let counter = sim.spawn("counter", counter()).unwrap();
        (0..messages).for_each(|_| counter.tell(Count::Add(1)));
        sim.run_until_idle();
        finish(sim)
    };
    let (all, few) = (run(1000, 50), run(10, 50));
    assert_eq!((all.len(), few.len()), (52, 52));
    assert_eq!((all.events().count(), few.events().count()), (52, 10));
    assert_eq!(all.fingerprint(), few.fingerprint());
    assert!(few.to_string().starts_with("(42 earlier events omitted)\n"));
    let difference = all.first_difference(&run(1000, 51)).unwrap();
    assert_eq!(difference.index, 51);
    assert!(difference.to_string().contains("stopped"));
}
