//! Handlers that wait for tokio's futures: the futures are polled within its runtime, and nothing
//! else runs there.

use nexus_actors::ask::AskErrorKind;
use nexus_actors::prelude::*;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Handle, Runtime};

const SOON: Duration = Duration::from_secs(20);

fn runtime() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap()
}

/// Whether the calling code is within a runtime.
fn is_inside() -> bool {
    Handle::try_current().is_ok()
}

/// An actor that sleeps repeatedly by tokio's clock. It answers whether it was within a runtime
/// while it was polled, and whether it was within one at other times.
fn sleeper() -> Props<(u64, Reply<(bool, bool)>)> {
    Props::new(|| {
        Behavior::receive(|ctx, (millis, reply): (u64, Reply<(bool, bool)>)| {
            let mut outside = is_inside();
            let mut inside = true;
            for _ in 0..5 {
                let slept = async {
                    tokio::time::sleep(Duration::from_millis(millis)).await;
                    is_inside()
                };
                inside &= ctx.block_on(slept)?;
                outside |= is_inside();
            }
            reply.send((inside, outside));
            Ok(())
        })
    })
}

fn onlooker() -> Props<Reply<bool>> {
    Props::new(|| Behavior::receive(|_ctx, reply: Reply<bool>| reply.send(is_inside())))
}

#[test]
fn s6_6_interleaved_handlers_wait_for_tokios_timers_and_nobody_else_is_in_its_runtime() {
    let runtime = runtime();
    let pool = WorkerPool::builder()
        .workers(1)
        .tokio(runtime.handle().clone());
    let pool = pool.start().unwrap();
    let onlooker = pool.spawn("onlooker", onlooker()).unwrap();
    let asked = [1, 2, 3, 5].map(|millis| {
        let sleeper = pool.spawn_anonymous(sleeper()).unwrap();
        sleeper.ask(|reply| (millis, reply), SOON)
    });
    for _ in 0..20 {
        assert!(!onlooker.ask(|reply| reply, SOON).wait().unwrap());
    }
    for asked in asked {
        assert_eq!(asked.wait().unwrap(), (true, false));
    }
    pool.shutdown(SOON).unwrap();
}

#[test]
fn s6_6_handlers_of_a_system_wait_for_tokios_timers() {
    let runtime = runtime();
    let system = ActorSystem::builder()
        .tokio(runtime.handle().clone())
        .start()
        .unwrap();
    let asked = [1, 2].map(|millis| {
        let sleeper = system.spawn_anonymous(sleeper()).unwrap();
        sleeper.ask(|reply| (millis, reply), SOON)
    });
    for asked in asked {
        assert_eq!(asked.wait().unwrap(), (true, false));
    }
}

#[test]
fn s6_6_a_task_and_a_handler_talk_through_sockets_on_one_worker() {
    let runtime = runtime();
    let pool = WorkerPool::builder()
        .workers(1)
        .tokio(runtime.handle().clone());
    let pool = pool.start().unwrap();
    let talks = Props::new(|| {
        Behavior::receive(|ctx, reply: Reply<String>| {
            let listener = ctx.block_on(TcpListener::bind("127.0.0.1:0"))??;
            let address = listener.local_addr()?;
            let client = ctx.spawn_task(move |ctx| {
                ctx.block_on(async {
                    let mut stream = TcpStream::connect(address).await?;
                    stream.write_all(b"hello").await?;
                    stream.shutdown().await
                })
            });
            let heard = ctx.block_on(async {
                let (mut stream, _) = listener.accept().await?;
                let mut heard = String::new();
                stream.read_to_string(&mut heard).await.map(|_| heard)
            })??;
            client.wait()???;
            reply.send(heard);
            Ok(())
        })
    });
    let talks = pool.spawn("talks", talks).unwrap();
    assert_eq!(talks.ask(|reply| reply, SOON).wait().unwrap(), "hello");
    pool.shutdown(SOON).unwrap();
}

#[test]
fn s6_6_nothing_else_waits_in_the_poll_of_a_future() {
    let runtime = runtime();
    let pool = WorkerPool::builder()
        .workers(1)
        .tokio(runtime.handle().clone());
    let pool = pool.start().unwrap();
    let onlooker = pool.spawn("onlooker", onlooker()).unwrap();
    let asks = Props::new(move || {
        Behavior::receive(move |ctx, reply: Reply<AskErrorKind>| {
            let asked = ctx.block_on(async { onlooker.ask(|reply| reply, SOON).wait() })?;
            // This is the intended way: awaiting the ask.
            assert!(!ctx.block_on(onlooker.ask(|reply| reply, SOON))??);
            reply.send(asked.unwrap_err().kind());
            Ok(())
        })
    });
    let asks = pool.spawn("asks", asks).unwrap();
    let kind = asks.ask(|reply| reply, SOON).wait().unwrap();
    assert_eq!(kind, AskErrorKind::CannotWait);
    pool.shutdown(SOON).unwrap();
}

/// Asks through an executor that blocks the worker's thread, so that nothing can answer.
fn asks_wrongly(handle: Handle, onlooker: ActorRef<Reply<bool>>) -> Props<Reply<AskError>> {
    Props::new(move || {
        let handle = handle.clone();
        Behavior::receive(move |_ctx, reply: Reply<AskError>| {
            let asked = onlooker.ask(|reply| reply, Duration::from_millis(20));
            reply.send(handle.block_on(asked).unwrap_err());
        })
    })
}

#[test]
fn s5_1_an_ask_that_another_executor_polls_in_a_handler_ends_by_its_time_and_says_why() {
    let runtime = runtime();
    for workers in [1, 2] {
        let pool = WorkerPool::builder().workers(workers).start().unwrap();
        let onlooker = pool.spawn_on(workers - 1, "onlooker", onlooker()).unwrap();
        let asks = asks_wrongly(runtime.handle().clone(), onlooker);
        let asks = pool.spawn_on(0, "asks", asks).unwrap();
        let began = Instant::now();
        let error = asks.ask(|reply| reply, SOON).wait().unwrap();
        assert!(began.elapsed() >= Duration::from_millis(20));
        assert_eq!(error.kind(), AskErrorKind::CannotWait, "{error}");
        assert!(error.to_string().contains("block_on"), "{error}");
        pool.shutdown(SOON).unwrap();
    }
}
