//! Routers: each message reaches one routee, or each of them once, in order and in turn.

use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet};

use super::{Check, ensure};

/// The strategy of a router.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// One after the other.
    InTurn,
    /// One at random.
    ByChance,
    /// The one that owns the key.
    ByKey,
    /// The one with the fewest messages.
    ToLeast,
    /// All.
    ToAll,
}

#[derive(Clone, Debug)]
struct Message {
    sender: u32,
    /// Its number among the messages of its sender.
    number: u32,
    key: u64,
    /// Whether it may be taken back.
    is_question: bool,
    arrived: BTreeSet<u32>,
}

#[derive(Debug, Default)]
struct Book {
    messages: Vec<Message>,
    sent: BTreeMap<u32, u32>,
    /// The number of the last message from each sender that has reached each routee.
    last: BTreeMap<(u32, u32), u32>,
    /// The routee that each key has gone to.
    keys: BTreeMap<u64, u32>,
    routees: BTreeSet<u32>,
    resized: bool,
    /// Messages and copies that it sends to single routees, except questions to one, and those of
    /// them that have arrived.
    carried: i64,
    come: i64,
}

/// One router.
#[derive(Debug)]
pub struct Routings {
    way: Way,
    /// Whether its routees stop only by a resize.
    calm: bool,
    book: Mutex<Book>,
}

impl Routings {
    /// A router with that strategy. `calm` says that its routees stop only by a resize.
    pub fn new(way: Way, calm: bool) -> Self {
        Self {
            way,
            calm,
            book: Mutex::default(),
        }
    }

    /// Records a further routee.
    pub fn has(&self, routee: u32) {
        self.book.lock().routees.insert(routee);
    }

    /// Records that the number of its routees is about to change.
    pub fn is_resized(&self) {
        self.book.lock().resized = true;
    }

    /// Records that a message is sent to it. Returns the index of the message.
    pub fn is_sent(&self, sender: u32, key: u64, is_question: bool) -> usize {
        let book = &mut *self.book.lock();
        let number = book.sent.entry(sender).or_default();
        *number += 1;
        book.messages.push(Message {
            sender,
            number: *number,
            key,
            is_question,
            arrived: BTreeSet::new(),
        });
        if self.way != Way::ToAll {
            book.carried += 1;
        }
        book.messages.len() - 1
    }

    /// Records that it makes a copy for a routee, of a message or of a question to all.
    pub fn is_copied(&self) {
        self.book.lock().carried += 1;
    }

    /// Records that a question to all arrives at a routee.
    pub fn part_comes(&self) {
        self.book.lock().come += 1;
    }

    /// The key of a message.
    pub fn key_of(&self, message: usize) -> u64 {
        self.book.lock().messages[message].key
    }

    /// Records that a message arrives at a routee. `pool_ends` says whether the whole pool ends,
    /// and its routees with it.
    ///
    /// # Errors
    ///
    /// If it has arrived there before, or at another routee although it goes to one only; if a
    /// later message of its sender has arrived before; if others with its key go elsewhere.
    pub fn arrives(&self, message: usize, routee: u32, pool_ends: bool) -> Check {
        let book = &mut *self.book.lock();
        book.come += 1;
        let known = &mut book.messages[message];
        let new = known.arrived.insert(routee);
        let once = new && (self.way == Way::ToAll || known.arrived.len() == 1);
        ensure(once, || format!("{known:?} came to {routee} as well"))?;
        let last = book.last.entry((known.sender, routee)).or_default();
        let before = std::mem::replace(last, known.number.max(*last));
        ensure(known.number > before, || {
            format!("{known:?} came to {routee} after number {before}")
        })?;
        if self.way != Way::ByKey || !self.calm || book.resized || pool_ends {
            return Ok(());
        }
        let owner = *book.keys.entry(known.key).or_insert(routee);
        ensure(owner == routee, || {
            format!("{known:?} came to {routee}, and others of its key to {owner}")
        })
    }

    /// Checks, when nothing is left to do and the router was never stopped, that every message has
    /// arrived, except `lost` messages that the routees' mailboxes have lost, each once.
    ///
    /// # Errors
    ///
    /// If others are missing.
    pub fn are_all_there_but(&self, lost: i64) -> Check {
        let book = self.book.lock();
        let questions = book.messages.iter().any(|message| message.is_question);
        if !self.calm || questions {
            return Ok(());
        }
        let (carried, come) = (book.carried, book.come);
        ensure(carried == come + lost, || {
            format!("of {carried} messages {come} have come, and {lost} were lost")
        })
    }

    /// Checks, when nothing is left to do and the router was never stopped, that every message has
    /// arrived where it was to.
    ///
    /// # Errors
    ///
    /// If one has not, or not in turn.
    pub fn are_all_there(&self) -> Check {
        let book = self.book.lock();
        if !self.calm {
            return Ok(());
        }
        let least = match self.way {
            Way::ToAll if !book.resized => book.routees.len(),
            _ => 1,
        };
        let missing = |message: &&Message| !message.is_question && message.arrived.len() < least;
        let missing = book.messages.iter().find(missing);
        ensure(missing.is_none(), || {
            format!("{missing:?} has not come to {least} of {:?}", book.routees)
        })?;
        let questions = book.messages.iter().any(|message| message.is_question);
        if self.way != Way::InTurn || book.resized || questions {
            return Ok(());
        }
        let arrived = book.messages.iter().flat_map(|message| &message.arrived);
        let mut counts: BTreeMap<u32, u32> = book.routees.iter().map(|one| (*one, 0)).collect();
        arrived.for_each(|routee| *counts.entry(*routee).or_default() += 1);
        let (least, most) = (counts.values().min(), counts.values().max());
        ensure(
            most.copied().unwrap_or(0) <= least.copied().unwrap_or(0) + 1,
            || format!("routees in turn have got {counts:?} messages"),
        )
    }
}

#[derive(Debug, Default)]
struct Scatter {
    copies: u32,
    gone: u32,
    answers: Vec<u64>,
}

/// A question to all routees of a router.
#[derive(Debug, Default)]
pub struct Scattered(Mutex<Scatter>);

impl Scattered {
    /// Records that a copy for a routee is made.
    pub fn is_copied(&self) {
        self.0.lock().copies += 1;
    }

    /// Records that a routee is about to give that answer.
    pub fn is_answered(&self, answer: u64) {
        self.0.lock().answers.push(answer);
    }

    /// Records that a routee's copy no longer exists.
    pub fn is_gone(&self) {
        self.0.lock().gone += 1;
    }

    /// Checks its end, with that answer, or by the drop of the last reply. `in_order` says whether
    /// answers arrive in the order in which they are given.
    ///
    /// # Errors
    ///
    /// If no routee has given that answer, or another answer came first; if a reply is left.
    pub fn ends(&self, answer: Option<u64>, in_order: bool) -> Check {
        let scatter = self.0.lock();
        let fits = match answer {
            Some(answer) if in_order => scatter.answers.first() == Some(&answer),
            Some(answer) => scatter.answers.contains(&answer),
            None => scatter.answers.is_empty() && scatter.gone == scatter.copies,
        };
        ensure(fits, || {
            format!("a question to all ended with {answer:?}: {scatter:?}")
        })
    }
}
