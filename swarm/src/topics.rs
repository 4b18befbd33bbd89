//! Topics: which actors subscribe, what is published, and which subscribers receive it.

use nexus_actors::Topic;
use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;

use crate::note::{Load, Purse};
use crate::oracles::{Check, Counted, Topics, When};
use crate::record::{Known, SentTo};
use crate::rng::Rng;
use crate::sender::Sender;
use crate::world::World;

/// The number of names of topics.
const NAMES: u64 = 3;

/// A topic, from the time it was opened until it stops.
pub(crate) struct Published<L: Load> {
    /// Its number as a sender.
    number: u32,
    topic: Topic<News<L>>,
    book: Topics,
    /// How many copies went to each subscriber.
    sent_to: SentTo,
    /// Whether it was asked to stop.
    stopped: AtomicBool,
}

/// What is published.
pub(crate) struct News<L: Load> {
    world: Arc<World<L>>,
    published: Arc<Published<L>>,
    news: usize,
    fuel: u8,
    seed: u64,
    _counted: Counted,
}

impl<L: Load> Clone for News<L> {
    fn clone(&self) -> Self {
        let oracles = &self.world.oracles;
        if Rng::new(self.seed).percent(2) {
            oracles.saw("copy that fails");
            self.published.book.breaks(self.news);
            let number = self.published.number;
            panic!("{}", oracles.failures.plan(number, When::Handling));
        }
        Self {
            world: Arc::clone(&self.world),
            published: Arc::clone(&self.published),
            news: self.news,
            fuel: self.fuel,
            seed: self.seed,
            _counted: oracles.notes.one_more(),
        }
    }
}

/// All topics ever opened.
pub(crate) struct OpenTopics<L: Load>(Mutex<Vec<Arc<Published<L>>>>);

impl<L: Load> Default for OpenTopics<L> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<L: Load> OpenTopics<L> {
    fn all(&self) -> Vec<Arc<Published<L>>> {
        self.0.lock().clone()
    }

    /// The number of topics that were not asked to stop.
    pub(crate) fn count(&self) -> usize {
        let all = self.all();
        all.iter().filter(|topic| topic.goes_on()).count()
    }
}

impl<L: Load> Published<L> {
    fn goes_on(&self) -> bool {
        !self.stopped.load(SeqCst)
    }
}

impl<L: Load> World<L> {
    fn open_topic(self: &Arc<Self>, rng: &mut Rng) -> Option<Arc<Published<L>>> {
        let name = format!("news-{}", rng.below(NAMES));
        match Topic::open(self.node(), &name) {
            Ok(topic) => Some(self.topic_of(topic)),
            Err(error) => {
                let all = self.helpers.topics.all();
                let closing = all.iter().any(|one| !one.goes_on());
                self.is_not_opened(&name, &error, closing);
                None
            }
        }
    }

    fn topic_of(self: &Arc<Self>, topic: Topic<News<L>>) -> Arc<Published<L>> {
        let id = topic.actor_ref().id();
        let mut topics = self.helpers.topics.0.lock();
        let known = topics.iter().find(|one| one.topic.actor_ref().id() == id);
        if let Some(known) = known {
            return Arc::clone(known);
        }
        let published = Arc::new(Published {
            number: self.next_number(),
            topic,
            book: Topics::default(),
            sent_to: SentTo::default(),
            stopped: AtomicBool::new(false),
        });
        topics.push(Arc::clone(&published));
        published
    }

    pub(crate) fn subscribe(self: &Arc<Self>, known: &Known<L>, rng: &mut Rng) {
        let Some(published) = self.open_topic(rng) else {
            return;
        };
        self.oracles.saw("subscription");
        published.book.subscribes(known.record.life.number);
        self.helper_is_sent();
        let (to, topic) = (known.clone(), published.topic);
        // The closure must not hold the topic, which holds the closure.
        let recipient = known.target.contramap(move |news: News<L>| news.note(&to));
        topic.subscribe(recipient);
    }

    pub(crate) fn unsubscribe(self: &Arc<Self>, known: &Known<L>, rng: &mut Rng) {
        let topics = self.helpers.topics.all();
        if topics.is_empty() {
            return;
        }
        let published = rng.pick(&topics);
        self.oracles.saw("end of a subscription");
        published.book.unsubscribes(known.record.life.number);
        self.helper_is_sent();
        published.topic.unsubscribe(known.target.id());
    }

    /// Publishes something, on a topic that exists or on one that did.
    pub(crate) fn publish(self: &Arc<Self>, publisher: u32, mut purse: Purse) {
        let published = match self.helpers.topics.all() {
            topics if !topics.is_empty() && purse.rng.percent(80) => {
                Arc::clone(purse.rng.pick(&topics))
            }
            _ => match self.open_topic(&mut purse.rng) {
                Some(published) => published,
                None => return,
            },
        };
        let news = published.book.publishes(publisher, true);
        self.publish_on(&published, news, &mut purse);
    }

    fn publish_on(self: &Arc<Self>, published: &Arc<Published<L>>, news: usize, purse: &mut Purse) {
        self.oracles.saw("publication");
        self.helper_is_sent();
        let news = News {
            world: Arc::clone(self),
            published: Arc::clone(published),
            news,
            fuel: purse.fuel,
            seed: purse.rng.next(),
            _counted: self.oracles.notes.one_more(),
        };
        published.topic.publish(news);
    }

    pub(crate) fn stop_topic(self: &Arc<Self>, rng: &mut Rng) {
        let topics = self.helpers.topics.all();
        if topics.is_empty() {
            return;
        }
        let published = rng.pick(&topics);
        published.stopped.store(true, SeqCst);
        self.oracles.saw("stop of a topic");
        published.topic.actor_ref().stop();
    }

    // ---- when nothing is left to do -----------------------------------------------------------

    /// Publishes something on every topic. Returns what is to be checked afterwards.
    pub(crate) fn publish_last(self: &Arc<Self>) -> LastNews<L> {
        let outside = self.next_number();
        let mut last = Vec::new();
        for published in self.helpers.topics.all() {
            if !published.goes_on() {
                continue;
            }
            let is_there = |number| self.is_there(number) == Some(true);
            let gone = self.gone();
            self.judge_topic(published.book.are_told(is_there));
            let news = published.book.publishes(outside, false);
            let mut purse = Purse {
                fuel: 0,
                depth: 0,
                rng: Rng::new(u64::from(published.number)),
            };
            self.publish_on(&published, news, &mut purse);
            last.push(Last {
                published,
                news,
                gone,
            });
        }
        last
    }

    /// Checks that every subscriber has received it, and no other actor has.
    pub(crate) fn check_last(self: &Arc<Self>, last: &LastNews<L>) {
        for Last {
            published,
            news,
            gone,
        } in last
        {
            // An actor that woke up for it may have ended since.
            let was_there = |number| match gone.contains(&number) {
                true => Some(false),
                false => self.is_there(number).filter(|there| *there),
            };
            let told = published.book.is_told_to_all(*news, was_there);
            self.judge_topic(told);
            self.helper_is_sent();
            let counted = match published.topic.stats(self.patience * 1000).wait() {
                Ok(stats) => {
                    published
                        .book
                        .counts(stats.subscribers, stats.published, stats.delivered)
                }
                // An actor that woke up may have stopped the topic.
                Err(_) if !published.goes_on() => Ok(()),
                Err(error) => Err(format!("does not say what it has done: {error}")),
            };
            self.judge_topic(counted);
        }
    }

    fn judge_topic(&self, check: Check) {
        self.judge_helper("topic", check);
    }
}

/// What was published last, on every topic.
pub(crate) type LastNews<L> = Vec<Last<L>>;

/// What was published last on a topic, and which actors no longer existed before that.
pub(crate) struct Last<L: Load> {
    published: Arc<Published<L>>,
    news: usize,
    gone: BTreeSet<u32>,
}

impl<L: Load> News<L> {
    /// The message by which a subscriber receives it.
    fn note(&self, to: &Known<L>) -> crate::note::Note<L> {
        let subscriber = to.record.life.number;
        let check = self.published.book.tells(self.news, subscriber);
        self.world.judge_topic(check);
        self.world.oracles.saw("subscriber told");
        let sender = Sender::new(Arc::clone(&self.world), self.published.number);
        let sender = sender.goes_on_with(&self.published.sent_to);
        let purse = Purse {
            fuel: self.fuel,
            depth: 0,
            rng: Rng::new(self.seed ^ u64::from(subscriber)),
        };
        sender.written(to, purse)
    }
}
