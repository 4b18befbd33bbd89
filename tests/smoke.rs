use nexus_actors::prelude::*;
use std::time::Duration;
enum Count {
    Add(u64),
    Get(Reply<u64>),
}
#[test]
fn smoke() {
    let pool = WorkerPool::builder().workers(2).start().unwrap();
    let counter = pool
        .spawn(
            "counter",
            Props::new(|| {
                Behavior::with_state(0u64, |n, _ctx, msg| match msg {
                    Count::Add(x) => *n += x,
                    Count::Get(r) => r.send(*n),
                })
            }),
        )
        .unwrap();
    for i in 0..1000 {
        counter.tell(Count::Add(i));
    }
    let n = counter
        .ask(Count::Get, Duration::from_secs(5))
        .wait()
        .unwrap();
    assert_eq!(n, 499500);
    let other = (counter.id().worker() + 1) % 2;
    for w in [0, 1] {
        let asker = pool
            .spawn_on(
                w,
                &format!("asker{w}"),
                Props::new(move || {
                    Behavior::receive(move |_ctx, r: Reply<u64>| {
                        for _ in 0..1000 {
                            counter.tell(Count::Add(1));
                            let _ = counter
                                .ask(Count::Get, Duration::from_secs(5))
                                .wait()
                                .unwrap();
                        }
                        r.send(
                            counter
                                .ask(Count::Get, Duration::from_secs(5))
                                .wait()
                                .unwrap(),
                        );
                    })
                }),
            )
            .unwrap();
        println!(
            "{}",
            asker.ask(|r| r, Duration::from_secs(5)).wait().unwrap()
        );
    }
    let _ = other;
    let report = pool.shutdown(Duration::from_secs(5)).unwrap();
    println!("{report:?} {:?}", pool.stats());
}
