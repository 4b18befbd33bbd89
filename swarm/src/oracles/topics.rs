//! Topics: whoever has subscribed is told once and in order, and nobody else is.

use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet};

use super::{Check, ensure};

/// What was published, from its publication on.
#[derive(Clone, Debug, Default)]
struct News {
    publisher: u32,
    /// Its number among those of its publisher.
    number: u32,
    /// Whether its publisher had subscribed itself, where it is an actor.
    own: Option<bool>,
    /// Whether its telling has failed half-way.
    broken: bool,
    /// Who had subscribed when it was published from outside.
    subscribed: BTreeSet<u32>,
    told: BTreeSet<u32>,
}

#[derive(Debug, Default)]
struct Book {
    news: Vec<News>,
    /// How many each has published.
    published: BTreeMap<u32, u32>,
    /// Who has subscribed, by their own account.
    subscribers: BTreeSet<u32>,
    /// The last number of each publisher of which each subscriber was told.
    last: BTreeMap<(u32, u32), u32>,
    copies: u64,
}

/// One topic, from when it was opened until it stops.
#[derive(Debug, Default)]
pub struct Topics(Mutex<Book>);

impl Topics {
    /// An actor is about to subscribe.
    pub fn subscribes(&self, subscriber: u32) {
        self.0.lock().subscribers.insert(subscriber);
    }

    /// An actor is about to unsubscribe.
    pub fn unsubscribes(&self, subscriber: u32) {
        self.0.lock().subscribers.remove(&subscriber);
    }

    /// Something is about to be published, by an actor or by somebody outside. Answers its number.
    pub fn publishes(&self, publisher: u32, is_actor: bool) -> usize {
        let book = &mut *self.0.lock();
        let number = book.published.entry(publisher).or_default();
        *number += 1;
        book.news.push(News {
            publisher,
            number: *number,
            own: is_actor.then(|| book.subscribers.contains(&publisher)),
            subscribed: match is_actor {
                true => BTreeSet::new(),
                false => book.subscribers.clone(),
            },
            ..News::default()
        });
        book.news.len() - 1
    }

    /// A copy cannot be made of it.
    pub fn breaks(&self, news: usize) {
        self.0.lock().news[news].broken = true;
    }

    /// Somebody is told. Nobody else subscribes or unsubscribes for them.
    ///
    /// # Errors
    ///
    /// When they were told before, or of what was published after it; or have published it themselves
    /// without having subscribed.
    pub fn tells(&self, news: usize, subscriber: u32) -> Check {
        let book = &mut *self.0.lock();
        book.copies += 1;
        let known = &mut book.news[news];
        let new = known.told.insert(subscriber);
        ensure(new, || format!("{subscriber} is told twice of {known:?}"))?;
        let mistaken = known.publisher == subscriber && known.own == Some(false);
        ensure(!mistaken, || {
            format!("{subscriber} is told of what it published unsubscribed: {known:?}")
        })?;
        let last = book.last.entry((known.publisher, subscriber)).or_default();
        let before = std::mem::replace(last, known.number.max(*last));
        ensure(known.number > before, || {
            format!("{subscriber} is told of {known:?} after number {before}")
        })
    }

    /// Nothing is left to do: whoever had subscribed when it published was told of that itself.
    /// `is_there` says who has never stopped.
    ///
    /// # Errors
    ///
    /// When it was not.
    pub fn are_told(&self, is_there: impl Fn(u32) -> bool) -> Check {
        let book = self.0.lock();
        let missed = |news: &&News| {
            let publisher = news.publisher;
            let own = news.own == Some(true) && !news.broken;
            own && !news.told.contains(&publisher) && is_there(publisher)
        };
        match book.news.iter().find(missed) {
            Some(news) => Err(format!("whoever published it was never told: {news:?}")),
            None => Ok(()),
        }
    }

    /// Nothing is left to do after that was published: those who have subscribed were told, and no
    /// others. `is_there` says whether somebody has not stopped, where that is known.
    ///
    /// # Errors
    ///
    /// When it is otherwise.
    pub fn is_told_to_all(&self, news: usize, is_there: impl Fn(u32) -> Option<bool>) -> Check {
        let book = self.0.lock();
        let news = &book.news[news];
        // Whoever wakes up for it may subscribe then, or unsubscribe.
        let (before, now) = (&news.subscribed, &book.subscribers);
        let subscribed = |number: &u32| before.contains(number) || now.contains(number);
        let missed = before
            .intersection(now)
            .find(|number| is_there(**number) == Some(true) && !news.told.contains(number));
        ensure(missed.is_none() || news.broken, || {
            format!("{missed:?} has subscribed, and was not told of {news:?}")
        })?;
        let fit = |number: &&u32| subscribed(number) && is_there(**number) != Some(false);
        let wrong = news.told.iter().find(|number| !fit(number));
        ensure(wrong.is_none(), || {
            format!("{wrong:?} was told of {news:?}, not having subscribed")
        })
    }

    /// What it says of itself when nothing is left to do: how many have subscribed, what was
    /// published, and how many copies were sent.
    ///
    /// # Errors
    ///
    /// When it is otherwise.
    pub fn counts(&self, subscribers: usize, published: u64, copies: u64) -> Check {
        let book = self.0.lock();
        let most = book.subscribers.len();
        let broken = book.news.iter().any(|news| news.broken);
        let so = published == book.news.len() as u64 && copies <= book.copies;
        ensure(
            so && (copies == book.copies || broken) && subscribers <= most,
            || {
                format!(
                    "a topic counts {subscribers} subscribers of {most}, {published} messages of {}, {copies} \
                 copies of {}",
                    book.news.len(),
                    book.copies
                )
            },
        )
    }
}
