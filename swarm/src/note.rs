//! Messages: the one type that a run has, and what the handling of one may spend.

use nexus_actors::prelude::*;
use std::sync::Arc;

use crate::oracles::{Asks, Check, Counted, Oracles, Origin, Ring};
use crate::record::Known;
use crate::rng::{Rng, mix};
use crate::routers::{Part, Routed};
use crate::world::World;

/// The payload of a message, which determines the size of messages.
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

/// The one message type of a run.
pub(crate) struct Note<L: Load> {
    /// Its sender, and its number among all messages of that sender to this actor.
    pub(crate) from: u32,
    pub(crate) number: u32,
    /// The target; `None` if a router chooses.
    pub(crate) to: Option<ActorRef<Self>>,
    pub(crate) fuel: u8,
    /// How many handlers wait for the end of this message's handler, at least.
    pub(crate) depth: u8,
    pub(crate) seed: u64,
    pub(crate) question: Option<Question>,
    /// The timer that sent the message.
    pub(crate) ring: Option<Ring>,
    /// Whether it was stashed before.
    pub(crate) stashed: bool,
    /// A question that was handed on by another actor.
    pub(crate) handed: Option<Question>,
    /// The record of its way through a router.
    pub(crate) routed: Option<Routed<L>>,
    /// Its part of a question to all routees of a router.
    pub(crate) part: Option<Part<L>>,
    /// What its handler is to do first.
    pub(crate) errand: Option<Errand<L>>,
    /// What its envelope must contain.
    pub(crate) origin: Option<Origin>,
    /// What its destructor does.
    pub(crate) parting: Option<Parting<L>>,
    pub(crate) load: L,
    pub(crate) boxed: Option<Box<[u64; 50]>>,
    pub(crate) _counted: Counted,
}

/// A copy, for a router that sends to all its routees. Fields that exist only once are left behind.
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
    /// The key by which a router chooses its routee.
    pub(crate) fn key(&self) -> u64 {
        let routed = self.routed.as_ref();
        routed.map_or(0, |routed| routed.routing.book.key_of(routed.message))
    }
}

/// What a handler is to do first, whatever else it does.
pub(crate) enum Errand<L: Load> {
    /// Take its time.
    Linger,
    /// Send a message to an actor, and wait for capacity.
    Send(Known<L>),
}

/// Sends a message when it is dropped, wherever that happens.
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

/// What the handling of a message may spend, and the random numbers that decide it.
pub(crate) struct Purse {
    pub(crate) fuel: u8,
    pub(crate) depth: u8,
    pub(crate) rng: Rng,
}

impl Purse {
    /// Splits off a part, for a message.
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

/// The right to answer an ask that the oracles track.
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
        // Recorded first: it must be known by the time the asker is notified.
        self.oracles.asks.is_gone(self.ask);
        drop(self.reply.take());
    }
}
