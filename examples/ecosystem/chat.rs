//! A chat server over TCP in which a client that does not read holds up nobody, and costs no memory.
//!
//! Each connection is one actor. Its handlers write to the socket and wait in the middle, as plain code; its
//! task reads from the socket meanwhile. All of them wait on the workers of the pool, for tokio's sockets.
//!
//! There are two bounds. The room's mailbox makes those who *say* something wait for room
//! ([`Overflow::Backpressure`]): the task of a client who talks too fast does not read on. The mailbox of a
//! connection drops what is oldest ([`Overflow::DropOldest`]), so that the room never waits for a client who
//! does not read. What such a client misses is a dead letter, and counted. (Its connection waits for as long as
//! that takes. To close it instead, put a `tokio::time::timeout` around the write.)
//!
//! The program is its own clients: Ada and Bob answer each other, and Eve reads nothing until they have done.
//!
//! ```text
//! $ cargo run --package nexus-ecosystem --bin chat
//! ada and bob have exchanged 2000 lines, while eve read none
//! eve has read 133 lines in order, the last one too, and has missed 1867
//! what she has missed was dropped from her mailbox, which has room for 32
//! the pool has closed: 0 actors stopped by force, 0 messages left
//! ```

use nexus_actors::DeadLetterReason;
use nexus_actors::address::ActorId;
use nexus_actors::prelude::*;
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::thread;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt};
use tokio::net::tcp::OwnedWriteHalf;
use tokio::net::{TcpListener, TcpSocket};

const LINES: usize = 2_000;
const LENGTH: usize = 500;
const SECOND: Duration = Duration::from_secs(1);
/// A client that waits for longer ends with an error.
const PATIENCE: Duration = Duration::from_secs(20);
/// Lines that wait for a client at the most, in the mailbox of its connection.
const BACKLOG: usize = 32;
/// Bytes that wait for a client in the kernel, about: few, so that Eve's are soon full.
const SOCKET_BUFFER: u32 = 16 << 10;

type Line = Arc<str>;

/// All who are there. What one of them says is written to all of them.
#[derive(Default)]
struct Room {
    there: HashMap<ActorId, ActorRef<Line>>,
}

enum Chat {
    Join(ActorRef<Line>),
    Say(String),
}

impl Room {
    /// Waits for nobody: a connection without room for the line drops its oldest one.
    fn write(&self, line: String) {
        let line = Line::from(line);
        for connection in self.there.values() {
            connection.tell(Arc::clone(&line));
        }
    }
}

impl Actor for Room {
    type Message = Chat;

    fn receive(&mut self, ctx: &mut Context<'_, Chat>, message: Chat) -> HandlerResult<Chat> {
        match message {
            Chat::Join(connection) => {
                ctx.watch(connection);
                self.there.insert(connection.id(), connection);
                self.write(format!("* {} are here\n", self.there.len()));
            }
            Chat::Say(line) => self.write(line),
        }
        Ok(Next::Same)
    }

    fn signal(&mut self, _ctx: &mut Context<'_, Chat>, signal: &Signal) -> HandlerResult<Chat> {
        if let Signal::Terminated { actor, .. } = signal {
            self.there.remove(actor);
        }
        Ok(Next::Same)
    }
}

/// A connection, which is made of its socket, and so only once.
fn connection(stream: tokio::net::TcpStream, room: ActorRef<Chat>) -> Once<Line> {
    let mailbox = Mailbox::bounded(BACKLOG, Overflow::DropOldest).expect("there is room");
    let connection = Once::new(move || {
        Behavior::setup(move |ctx| {
            let (reader, writer) = stream.into_split();
            room.send(Chat::Join(ctx.self_ref()))?;
            ctx.spawn_task(move |task| -> Result<(), BoxError> {
                let mut lines = tokio::io::BufReader::new(reader).lines();
                // As the room has room for it: a client who talks too fast is not read from.
                while let Some(line) = task.block_on(lines.next_line())?? {
                    room.send(Chat::Say(line + "\n"))?;
                }
                task.actor().stop();
                Ok(())
            });
            Ok(Behavior::with_state(writer, write))
        })
    });
    connection.mailbox(mailbox)
}

/// Waits while the client does not read. Lines that come meanwhile wait in the mailbox.
fn write(
    writer: &mut OwnedWriteHalf,
    ctx: &mut Context<'_, Line>,
    line: Line,
) -> HandlerResult<Line> {
    let written = ctx.block_on(writer.write_all(line.as_bytes()))?;
    Ok(written.map_or(Next::Stop, |()| Next::Same))
}

/// Takes connections up.
fn door(listener: TcpListener, room: ActorRef<Chat>) -> Once<tokio::net::TcpStream> {
    Once::new(move || {
        Behavior::setup(move |ctx| {
            ctx.spawn_task(move |task| -> Result<(), BoxError> {
                loop {
                    let (stream, _from) = task.block_on(listener.accept())??;
                    stream.set_nodelay(true)?;
                    task.actor().tell(stream);
                }
            });
            Ok(Behavior::receive(move |ctx, stream| {
                ctx.spawn_prefixed("connection", connection(stream, room))?;
                Ok(())
            }))
        })
    })
}

fn main() -> Result<(), BoxError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_io()
        .build()?;
    let pool = WorkerPool::builder()
        .workers(2)
        .tokio(runtime.handle().clone())
        .start()?;
    let listener = {
        let _inside = runtime.enter();
        let socket = TcpSocket::new_v4()?;
        socket.set_send_buffer_size(SOCKET_BUFFER)?;
        socket.bind(([127, 0, 0, 1], 0).into())?;
        socket.listen(16)?
    };
    let address = listener.local_addr()?;
    let room_full = Mailbox::bounded(BACKLOG, Overflow::Backpressure)?;
    let room = pool.spawn("room", Props::from_actor(Room::default).mailbox(room_full))?;
    pool.spawn("door", door(listener, room))?;

    // Eve is there first, and does not read yet.
    let eve = TcpSocket::new_v4()?;
    eve.set_recv_buffer_size(SOCKET_BUFFER)?;
    let eve = runtime.block_on(eve.connect(address))?.into_std()?;
    eve.set_nonblocking(false)?;
    eve.set_read_timeout(Some(PATIENCE))?;

    let talkers = [("ada", 0), ("bob", 1)].map(|(name, turn)| {
        let stream = TcpStream::connect(address);
        thread::spawn(move || talk(name, turn, stream?))
    });
    for talker in talkers {
        talker.join().expect("a client does not panic")?;
    }
    println!("ada and bob have exchanged {LINES} lines, while eve read none");

    let read = read_numbers(eve)?;
    let missed = LINES - read.len();
    assert!(read.is_sorted(), "eve's lines are in order");
    assert!(
        missed > LINES / 2,
        "eve's buffers took {} lines",
        read.len()
    );
    let dropped = pool.dead_letters().count(DeadLetterReason::DroppedOldest);
    println!(
        "eve has read {} lines in order, the last one too, and has missed {missed}",
        read.len()
    );
    // Up to three more lines, which say who is here, were written before the first that is numbered.
    assert!((missed..=missed + 3).contains(&usize::try_from(dropped)?));
    println!("what she has missed was dropped from her mailbox, which has room for {BACKLOG}");
    let report = pool.shutdown(SECOND)?;
    println!(
        "the pool has closed: {} actors stopped by force, {} messages left",
        report.forced, report.unprocessed
    );
    if report.forced == 0 && report.unprocessed == 0 {
        Ok(())
    } else {
        Err("the pool has not closed in order".into())
    }
}

/// Waits for its turn, and says the next line. Nobody who reads misses a line.
fn talk(name: &str, turn: usize, mut stream: TcpStream) -> Result<(), BoxError> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let padding = "~".repeat(LENGTH);
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let mut say = |number| writeln!(stream, "{number} {name} {padding}");
    let all_are_here = lines.find(|line| line.as_deref().is_ok_and(|line| line == "* 3 are here"));
    all_are_here.ok_or("the room has closed")??;
    if turn == 0 {
        say(0)?;
    }
    for expected in 0..LINES {
        let line = lines.next().ok_or("the room has closed")??;
        assert_eq!(number_of(&line), Some(expected), "{name} misses no line");
        let next = expected + 1;
        if next < LINES && next % 2 == turn {
            say(next)?;
        }
    }
    Ok(())
}

/// Reads to the last line.
fn read_numbers(stream: TcpStream) -> Result<Vec<usize>, BoxError> {
    let mut read = Vec::new();
    for line in BufReader::new(stream).lines() {
        read.extend(number_of(&line?));
        if read.last() == Some(&(LINES - 1)) {
            return Ok(read);
        }
    }
    Err("the last line did not come")?
}

fn number_of(line: &str) -> Option<usize> {
    line.split_once(' ')?.0.parse().ok()
}
