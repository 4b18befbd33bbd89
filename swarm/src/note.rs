//! Messages: the one kind that a run has, and what the handling of one may spend.

use nexus_actors::prelude::*;
use std::sync::Arc;

use crate::oracles::{Asks, Check, Counted, Oracles, Origin, Ring};
use crate::record::Known;
use crate::rng::{Rng, mix};
use crate::routers::{Part, Routed};
use crate::world::World;

/// What a message carries besides, so that messages are of a size.
pub(crate) trait Load: Copy + Send + Sync + 'static {
    fn of(seed: u64) -> Self;
    fn is_of(&self, seed: u64) -> bool;
}

impl<const N: usize> Load for [u64; N] {
    fn of(seed: u64) -> Self {
        std::array::from_fn(|index| mix(seed ^ index as u64))
    }

    fn is_of(&self, seed: u64) -> bool {
        let numbers = self.iter().enumerate();
        numbers.fold(true, |same, (index, number)| {
            same & (*number == mix(seed ^ index as u64))
        })
    }
}

/// The one kind of message of a run.
pub(crate) struct Note<L: Load> {
    /// Its sender, and its number among all that the sender has sent to this actor.
    pub(crate) from: u32,
    pub(crate) number: u32,
    /// Nobody in particular, where a router chooses.
    pub(crate) to: Option<ActorRef<Self>>,
    pub(crate) fuel: u8,
    /// How many handlers wait for the end of this one's, at least.
    pub(crate) depth: u8,
    pub(crate) seed: u64,
    pub(crate) question: Option<Question>,
    /// The timer whose message it is.
    pub(crate) ring: Option<Ring>,
    /// Whether it was put aside before.
    pub(crate) stashed: bool,
    /// Somebody else's question.
    pub(crate) handed: Option<Question>,
    /// What it has where it goes through a router.
    pub(crate) routed: Option<Routed<L>>,
    /// A part of a question to all routees of a router.
    pub(crate) part: Option<Part<L>>,
    /// What its handler is to do first.
    pub(crate) errand: Option<Errand<L>>,
    /// What its envelope must say.
    pub(crate) origin: Option<Origin>,
    /// What its destructor does.
    pub(crate) parting: Option<Parting<L>>,
    pub(crate) load: L,
    pub(crate) boxed: Option<Box<[u64; 50]>>,
    pub(crate) _counted: Counted,
}

/// A copy, for a router that sends to all its routees. What is there once only stays behind.
impl<L: Load> Clone for Note<L> {
    fn clone(&self) -> Self {
        Self {
            from: self.from,
            number: self.number,
            to: self.to,
            fuel: self.fuel,
            depth: self.depth,
            seed: self.seed,
            question: None,
            ring: self.ring,
            stashed: self.stashed,
            handed: None,
            routed: self.routed.as_ref().map(Routed::copy),
            part: None,
            errand: None,
            origin: self.origin,
            parting: None,
            load: self.load,
            boxed: self.boxed.clone(),
            _counted: self._counted.clone(),
        }
    }
}

impl<L: Load> Note<L> {
    /// The key by which a router chooses a routee for it.
    pub(crate) fn key(&self) -> u64 {
        let routed = self.routed.as_ref();
        routed.map_or(0, |routed| routed.routing.book.key_of(routed.message))
    }
}

/// What a handler is to do first, whatever it does else.
pub(crate) enum Errand<L: Load> {
    /// To take its time.
    Linger,
    /// To send somebody a message, and to wait for room.
    Send(Known<L>),
}

/// Sends a message when it is dropped, wherever that is.
pub(crate) struct Parting<L: Load> {
    pub(crate) world: Arc<World<L>>,
    pub(crate) to: Known<L>,
    pub(crate) seed: u64,
    pub(crate) waits: bool,
}

impl<L: Load> Drop for Parting<L> {
    fn drop(&mut self) {
        self.world.meddle(&self.to, self.seed, self.waits);
    }
}

/// What the handling of a message may spend, and the numbers that decide it.
pub(crate) struct Purse {
    pub(crate) fuel: u8,
    pub(crate) depth: u8,
    pub(crate) rng: Rng,
}

impl Purse {
    /// A part of it, for a message.
    pub(crate) fn part(&mut self) -> Self {
        let fuel = match self.fuel {
            0 => 0,
            fuel if self.rng.percent(60) => fuel - 1,
            fuel => u8::try_from(self.rng.below(u64::from(fuel))).unwrap_or_default(),
        };
        self.with_fuel(fuel)
    }

    pub(crate) fn with_fuel(&mut self, fuel: u8) -> Self {
        Self {
            fuel,
            depth: self.depth,
            rng: Rng::new(self.rng.next()),
        }
    }
}

/// The right to answer an ask, which the oracles know of.
pub(crate) struct Question {
    pub(crate) ask: usize,
    pub(crate) reply: Option<Reply<u64>>,
    pub(crate) oracles: Arc<Oracles>,
}

impl Question {
    pub(crate) fn arrives(&self) -> Check {
        self.oracles.asks.arrives(self.ask)
    }

    pub(crate) fn answer(mut self, at: Option<u64>) {
        let check = self.oracles.asks.is_answered(self.ask, at);
        self.oracles.note(|| "answer".to_owned(), check);
        if let Some(reply) = self.reply.take() {
            reply.send(Asks::answer_to(self.ask));
        }
    }

    pub(crate) fn give_up(self, at: Option<u64>) {
        self.oracles.asks.is_given_up(self.ask, at);
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        // Noted first: by the time that the asker is told it must be known.
        self.oracles.asks.is_gone(self.ask);
        drop(self.reply.take());
    }
}
