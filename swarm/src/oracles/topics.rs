//! Topics: each subscriber is told once and in order, and no other actor is.

use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet};

use super::{Check, ensure};

/// What was published, from its publication on.
#[derive(Clone, Debug, Default)]
struct News {
    publisher: u32,
    /// Its number among the publications of its publisher.
    number: u32,
    /// Whether the publisher itself had subscribed, if it is an actor.
    own: Option<bool>,
    /// Whether its distribution has failed half-way.
    broken: bool,
    /// The subscribers at the time it was published, if from outside.
    subscribed: BTreeSet<u32>,
    told: BTreeSet<u32>,
}

#[derive(Debug, Default)]
struct Book {
    news: Vec<News>,
    /// How many each publisher has published.
    published: BTreeMap<u32, u32>,
    /// The subscribers, by their own account.
    subscribers: BTreeSet<u32>,
    /// The last number of each publisher that each subscriber was told.
    last: BTreeMap<(u32, u32), u32>,
    copies: u64,
}

/// One topic, from the time it was opened until it stops.
#[derive(Debug, Default)]
pub struct Topics(Mutex<Book>);

impl Topics {
    /// Records that an actor is about to subscribe.
    pub fn subscribes(&self, subscriber: u32) {
        self.0.lock().subscribers.insert(subscriber);
    }

    /// Records that an actor is about to unsubscribe.
    pub fn unsubscribes(&self, subscriber: u32) {
        self.0.lock().subscribers.remove(&subscriber);
    }

    /// Records that something is about to be published, by an actor or from outside. Returns its
    /// number.
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

    /// Records that a copy of it cannot be made.
    pub fn breaks(&self, news: usize) {
        self.0.lock().news[news].broken = true;
    }

    /// Records that a subscriber is told. No other actor subscribes or unsubscribes for it.
    ///
    /// # Errors
    ///
    /// If it was told before, or was told of a later publication; or if it has published this
    /// itself without having subscribed.
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

    /// Checks, when nothing is left to do, that a publisher that had subscribed was told of its own
    /// publications. `is_there` says whether an actor has never stopped.
    ///
    /// # Errors
    ///
    /// If it was not.
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

    /// Checks, when nothing is left to do after the publication, that its subscribers were told,
    /// and no others. `is_there` says whether an actor has not stopped, if that is known.
    ///
    /// # Errors
    ///
    /// If that is not so.
    pub fn is_told_to_all(&self, news: usize, is_there: impl Fn(u32) -> Option<bool>) -> Check {
        let book = self.0.lock();
        let news = &book.news[news];
        // An actor that wakes up for it may then subscribe or unsubscribe.
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

    /// Checks what the topic reports when nothing is left to do: how many subscribers it has, what
    /// was published, and how many copies were sent.
    ///
    /// # Errors
    ///
    /// If that is wrong.
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
