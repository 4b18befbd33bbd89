//! Handlers that wait, each in its own spans, also across the waits. With the feature `tracing` nothing else has
//! to be done for that.
//!
//! Two desks on one worker handle a request each. Both wait for the archive, so that they take turns on
//! their thread, with their spans entered all the while. Every line of the log stands under the spans
//! of the handler that wrote it, and no other. Without the feature the desks would be in each other's spans.
//!
//! A message does not carry the span of its sender. The archive is to be in the span of the request, so it is
//! sent that with the question.
//!
//! ```text
//! $ cargo run --package nexus-ecosystem --bin spans
//! request{of="ada"}: begins for ada
//! request{of="bob"}: begins for bob
//! request{of="ada"}:look-up{page=1}: found for ada
//! request{of="bob"}:look-up{page=1}: found for bob
//! request{of="ada"}: has 10 for ada
//! ...
//! 16 lines, each under the spans of its own handler, which changed 13 times
//! ```

use nexus_actors::prelude::*;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use tracing::{Span, info, info_span};

const PAGES: u32 = 3;
const SECOND: Duration = Duration::from_secs(1);

/// A question for the archive, with the span in which it is asked.
struct LookUp {
    of: &'static str,
    page: u32,
    span: Span,
    reply: Reply<u32>,
}

/// Answers when both desks have asked: so each waits for the other one in the middle of its handler.
fn archive() -> Props<LookUp> {
    Props::new(|| {
        Behavior::with_state(Vec::new(), |asked, _ctx, question| {
            asked.push(question);
            if asked.len() == 2 {
                asked.drain(..).for_each(answer);
            }
        })
    })
}

fn answer(question: LookUp) {
    let page = question.page;
    let _inside = info_span!(parent: &question.span, "look-up", page).entered();
    info!("found for {}", question.of);
    question.reply.send(page * 10);
}

/// A request, by its name, answered with what was found.
type Request = (&'static str, Reply<u32>);

fn desk(archive: ActorRef<LookUp>) -> Props<Request> {
    Props::receive(move |_ctx, (of, reply): Request| {
        let _inside = info_span!("request", of).entered();
        info!("begins for {of}");
        let mut found = 0;
        for page in 1..=PAGES {
            let span = Span::current();
            let question = |reply| LookUp {
                of,
                page,
                span,
                reply,
            };
            found += archive.ask(question, SECOND).wait()?;
            info!("has {found} for {of}");
        }
        info!("ends for {of}");
        reply.send(found);
        Ok(())
    })
}

/// What was logged, which is also shown.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        io::stdout().write_all(bytes)?;
        self.0
            .lock()
            .unwrap()
            .push_str(&String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stdout().flush()
    }
}

fn main() -> Result<(), BoxError> {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .without_time()
        .with_level(false)
        .with_target(false)
        .with_writer(move || writer.clone())
        .init();

    let pool = WorkerPool::builder().workers(1).start()?;
    let archive = pool.spawn("archive", archive())?;
    let mut asked = Vec::new();
    for of in ["ada", "bob"] {
        let desk = pool.spawn(of, desk(archive))?;
        asked.push(desk.ask(|reply| (of, reply), SECOND));
    }
    assert_eq!(all(asked).wait()?, [60, 60]);
    pool.shutdown(SECOND)?;

    let log = log.0.lock().unwrap();
    let whose: Result<Vec<_>, _> = log.lines().map(whose).collect();
    let whose = whose?;
    let others = whose.windows(2).filter(|pair| pair[0] != pair[1]).count();
    assert_eq!(whose.len(), 2 * (2 + 2 * PAGES as usize));
    assert!(others >= PAGES as usize, "the desks take turns");
    println!(
        "{} lines, each under the spans of its own handler, which changed {others} times",
        whose.len()
    );
    Ok(())
}

/// Whose line it is: one under the span of that request, and that of the look-up where it was found.
fn whose(line: &str) -> Result<&str, String> {
    let (_text, of) = line.rsplit_once(' ').ok_or("a line without a name")?;
    let own = line.strip_prefix(&format!("request{{of=\"{of}\"}}:"));
    let below = own.and_then(|own| own.split_once(": found "));
    let is_own = match (own, below) {
        (_, Some((spans, _))) => spans.starts_with("look-up{") && !spans.contains(':'),
        (Some(text), None) => !text.contains('{'),
        (None, None) => false,
    };
    let error = || format!("a line under the spans of another handler: {line}");
    is_own.then_some(of).ok_or_else(error)
}
