//! A thread for each actor, which polls a `SegQueue` or blocks on a crossbeam-channel: the limit of what
//! the queues can do.

use super::{Role, System, Then};
use crate::moment::Moment;
use crossbeam_queue::SegQueue;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

/// The queue by which threads send each other messages.
pub(crate) trait Queue: 'static {
    type Sender<M: Send + 'static>: Clone + Send + Sync + 'static;
    type Receiver<M: Send + 'static>: Send + 'static;

    fn new<M: Send + 'static>() -> (Self::Sender<M>, Self::Receiver<M>);
    fn send<M: Send + 'static>(to: &Self::Sender<M>, message: M);
    fn receive<M: Send + 'static>(from: &Self::Receiver<M>) -> Option<M>;
}

/// The receiver polls all the time while it waits for a message.
pub(crate) struct Polling;

impl Queue for Polling {
    type Sender<M: Send + 'static> = Arc<SegQueue<M>>;
    type Receiver<M: Send + 'static> = Arc<SegQueue<M>>;

    fn new<M: Send + 'static>() -> (Self::Sender<M>, Self::Receiver<M>) {
        let queue = Arc::new(SegQueue::new());
        (Arc::clone(&queue), queue)
    }

    #[inline]
    fn send<M: Send + 'static>(to: &Self::Sender<M>, message: M) {
        to.push(message);
    }

    #[inline]
    fn receive<M: Send + 'static>(from: &Self::Receiver<M>) -> Option<M> {
        loop {
            match from.pop() {
                Some(message) => return Some(message),
                None => std::hint::spin_loop(),
            }
        }
    }
}

/// The receiver sleeps, after a while, when it waits for a message.
pub(crate) struct Channel;

impl Queue for Channel {
    type Sender<M: Send + 'static> = crossbeam_channel::Sender<M>;
    type Receiver<M: Send + 'static> = crossbeam_channel::Receiver<M>;

    fn new<M: Send + 'static>() -> (Self::Sender<M>, Self::Receiver<M>) {
        crossbeam_channel::unbounded()
    }

    #[inline]
    fn send<M: Send + 'static>(to: &Self::Sender<M>, message: M) {
        assert!(to.send(message).is_ok(), "the thread lives");
    }

    #[inline]
    fn receive<M: Send + 'static>(from: &Self::Receiver<M>) -> Option<M> {
        from.recv().ok()
    }
}

pub(crate) struct Threads<Q>(PhantomData<Q>);

impl<Q: Queue> System for Threads<Q> {
    type Ref<R: Role<Self>> = Q::Sender<R::Message>;
    type Recipe<R: Role<Self>> = R;
    type Here<'a, R: Role<Self>> = ();

    fn new(_workers: usize) -> Self {
        Self(PhantomData)
    }

    fn recipe<R: Role<Self>>(role: R) -> Self::Recipe<R> {
        role
    }

    fn start<R: Role<Self>>(&self, _worker: usize, mut role: R) -> Self::Ref<R> {
        let (sender, receiver) = Q::new();
        std::thread::spawn(move || {
            while let Some(message) = Q::receive(&receiver) {
                if role.take(&mut (), message) == Then::Stop {
                    break;
                }
            }
        });
        sender
    }

    fn start_anywhere<R: Role<Self>>(&self, recipe: &Self::Recipe<R>) -> Self::Ref<R> {
        self.start(0, recipe.clone())
    }

    fn start_child<R: Role<Self>, P: Role<Self>>(
        _here: &mut Self::Here<'_, P>,
        recipe: &Self::Recipe<R>,
    ) -> Self::Ref<R> {
        Self(PhantomData).start_anywhere(recipe)
    }

    #[inline]
    fn tell<R: Role<Self>>(to: &Self::Ref<R>, message: R::Message) {
        Q::send(to, message);
    }

    fn wait(&self, moment: &Moment) {
        moment.wait();
    }

    fn rest(&self, length: Duration) {
        std::thread::sleep(length);
    }

    /// The threads end with the process.
    fn end(self) {}
}
