//! The other drivers: a simulation, and a system on the caller's thread.

use nexus_actors::prelude::*;
use nexus_actors::sim::Sim;

use crate::recorded::{
    LONG, Recorded, Spans, TRACE, Tested, ask, assert_child, request, trace_of, worker,
};

fn assert_tree(spans: &Spans) {
    assert_eq!(spans.0.len(), 3, "{spans:#?}");
    assert_eq!(trace_of(spans.handling("first")), TRACE);
    assert_child(spans.ask("asked"), spans.handling("first"));
    assert_child(spans.handling("asked"), spans.ask("asked"));
}

#[test]
fn a_simulation_has_spans() -> Tested {
    for seed in 0..20 {
        let recorded = Recorded::new();
        let sim = Sim::builder().seed(seed).workers(3);
        let mut sim = sim.observer(recorded.traces.observer()).start()?;
        let asked = sim.spawn_on(2, "asked", worker())?;
        let first = sim.spawn_on(0, "first", worker())?;
        let begin = || {
            ask(first, move |ctx| {
                ctx.sleep(Duration::from_secs(10))?;
                Ok(ask(asked, |_ctx| Ok(())).wait()?)
            })
        };
        recorded.traces.in_context(request(), begin).wait()?;
        sim.shutdown(LONG);
        assert_tree(&recorded.spans());
        recorded.assert_nothing_left();
    }
    Ok(())
}

#[test]
fn a_system_has_spans() -> Tested {
    let recorded = Recorded::new();
    let system = ActorSystem::builder()
        .observer(recorded.traces.observer())
        .start()?;
    let asked = system.spawn("asked", worker())?;
    let first = system.spawn("first", worker())?;
    let begin = || ask(first, move |_ctx| Ok(ask(asked, |_ctx| Ok(())).wait()?));
    system.run_until(recorded.traces.in_context(request(), begin))?;
    system.run_until_idle();
    assert_tree(&recorded.spans());
    recorded.assert_nothing_left();
    Ok(())
}
