//! Several asks as one, and continuations of answers.
//!
//! All of these are futures, so they compose, and any executor can await them. A fiber or a thread can wait
//! for them as for an ask.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::hash::Hash;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::answering::lent_here;
use super::block_on::block_on_for;
use super::error::AskError;
use super::handle::Ask;
use super::parts::Parts;
use super::race::First;
use super::reply::Reply;

/// A pending answer: an [`Ask`], or something made of asks.
///
/// Dropping it gives up all of it. It is never polled again after it was ready.
#[must_use = "what is dropped is cancelled: wait for it"]
pub trait Pending: Future<Output = Result<Self::Answer, AskError>> + Unpin + Sized {
    /// The type of the answer.
    type Answer;

    /// Whether each ask that it polls must be answered for there to be an answer.
    #[doc(hidden)]
    const NEEDS_ALL: bool = false;

    /// Waits for the answer as [`Ask::wait`] does: in a handler only that actor waits, on any other thread
    /// the thread waits.
    ///
    /// # Errors
    ///
    /// The first [`AskError`] that makes the answer impossible, as soon as that is certain.
    fn wait(self) -> Result<Self::Answer, AskError> {
        block_on_for(self.pool(), self, Self::NEEDS_ALL, lent_here)?
    }

    /// Waits for the answer as [`Ask::wait_on_behalf_of`] does, on behalf of the caller that waits for
    /// `reply`: no longer than that caller waits, and not if it has given up.
    ///
    /// ```
    /// use nexus_actors::prelude::*;
    /// use nexus_actors::all;
    /// use nexus_actors::ask::Pending;
    /// use std::time::Duration;
    ///
    /// const SOON: Duration = Duration::from_secs(5);
    ///
    /// let pool = WorkerPool::builder().workers(1).start()?;
    /// let seven = pool.spawn("seven", Props::new(|| {
    ///     Behavior::receive(|_ctx, reply: Reply<u32>| reply.send(7))
    /// }))?;
    /// let sum = pool.spawn("sum", Props::new(move || {
    ///     Behavior::receive(move |_ctx, reply: Reply<u32>| {
    ///         let asked = [(); 3].map(|()| seven.ask(|reply| reply, SOON));
    ///         let answers = all(asked).wait_on_behalf_of(&reply)?;
    ///         reply.send(answers.iter().sum());
    ///         Ok(())
    ///     })
    /// }))?;
    /// assert_eq!(sum.ask(|reply| reply, SOON).wait()?, 21);
    /// pool.shutdown(SOON)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`wait`](Self::wait), and [`AskError::Cancelled`].
    fn wait_on_behalf_of<S: Send + 'static>(
        self,
        reply: &Reply<S>,
    ) -> Result<Self::Answer, AskError> {
        let lent = || Some(reply.lent());
        block_on_for(self.pool(), self, Self::NEEDS_ALL, lent)?
    }

    /// The number of a pool that is asked, for threads that drive one.
    #[doc(hidden)]
    fn pool(&self) -> u32;

    /// Converts the answer with a function.
    ///
    /// ```
    /// use nexus_actors::prelude::*;
    /// use nexus_actors::ask::Pending;
    /// use std::time::Duration;
    ///
    /// let pool = WorkerPool::builder().workers(1).start()?;
    /// let seven = pool.spawn("seven", Props::new(|| {
    ///     Behavior::receive(|_ctx, reply: Reply<u32>| reply.send(7))
    /// }))?;
    /// let asked = seven.ask(|reply| reply, Duration::from_secs(5));
    /// assert_eq!(asked.map(|number| number.to_string()).wait()?, "7");
    /// pool.shutdown(Duration::from_secs(5))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn map<U, F: FnOnce(Self::Answer) -> U>(self, then: F) -> Map<Self, F> {
        Map {
            first: self,
            then: Some(then),
        }
    }

    /// Makes the next ask from the answer, once that has arrived.
    ///
    /// ```
    /// use nexus_actors::prelude::*;
    /// use nexus_actors::ask::Pending;
    /// use std::time::Duration;
    ///
    /// const SOON: Duration = Duration::from_secs(5);
    ///
    /// let pool = WorkerPool::builder().workers(1).start()?;
    /// let doubler = pool.spawn("doubler", Props::new(|| {
    ///     Behavior::receive(|_ctx, (number, reply): (u32, Reply<u32>)| reply.send(number * 2))
    /// }))?;
    /// let twice = doubler
    ///     .ask(|reply| (5, reply), SOON)
    ///     .and_then(|number| doubler.ask(|reply| (number, reply), SOON));
    /// assert_eq!(twice.wait()?, 20);
    /// pool.shutdown(SOON)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn and_then<P: Pending, F: FnOnce(Self::Answer) -> P>(self, then: F) -> AndThen<Self, P, F> {
        AndThen(Step::First(self, Some(then)))
    }
}

impl<R: Send + 'static> Pending for Ask<R> {
    type Answer = R;

    const NEEDS_ALL: bool = true;

    fn wait(self) -> Result<R, AskError> {
        Ask::wait(self)
    }

    fn wait_on_behalf_of<S: Send + 'static>(self, reply: &Reply<S>) -> Result<R, AskError> {
        Ask::wait_on_behalf_of(self, reply)
    }

    fn pool(&self) -> u32 {
        Ask::pool(self)
    }
}

/// Gives a type the methods of [`Pending`] as its own, so that the trait need not be imported, and no other
/// trait with methods of these names gets in the way.
macro_rules! inherent {
    ($([$($params:tt)*] $type:ty, $wait:ident;)*) => {$(
        impl<$($params)*> $type {
            inherent!(@wait $wait);

            /// Converts the answer with a function: see [`Pending::map`].
            pub fn map<U, F: FnOnce(<Self as Pending>::Answer) -> U>(self, then: F) -> Map<Self, F> {
                Pending::map(self, then)
            }

            /// Makes the next ask from the answer, once that has arrived: see [`Pending::and_then`].
            pub fn and_then<Next: Pending, F: FnOnce(<Self as Pending>::Answer) -> Next>(
                self,
                then: F,
            ) -> AndThen<Self, Next, F> {
                Pending::and_then(self, then)
            }
        }
    )*};
    (@wait has) => {};
    (@wait needs) => {
        /// Waits for the answer as [`Ask::wait`] does.
        ///
        /// # Errors
        ///
        /// The first [`AskError`] that makes the answer impossible, as soon as that is certain.
        pub fn wait(self) -> Result<<Self as Pending>::Answer, AskError> {
            Pending::wait(self)
        }

        /// Waits for the answer as [`Ask::wait_on_behalf_of`] does, on behalf of the caller that waits for
        /// `reply`.
        ///
        /// # Errors
        ///
        /// As for [`wait`](Self::wait), and [`AskError::Cancelled`].
        pub fn wait_on_behalf_of<S: Send + 'static>(
            self,
            reply: &Reply<S>,
        ) -> Result<<Self as Pending>::Answer, AskError> {
            Pending::wait_on_behalf_of(self, reply)
        }
    };
}

inherent! {
    [R: Send + 'static] Ask<R>, has;
    [P: Pending, A, G: FnOnce(P::Answer) -> A] Map<P, G>, needs;
    [P: Pending, N: Pending, G: FnOnce(P::Answer) -> N] AndThen<P, N, G>, needs;
    [T: Together] All<T>, needs;
    [P: Pending] First<P>, needs;
}

/// Returned by [`Pending::map`].
#[derive(Debug)]
#[must_use = "what is dropped is cancelled: wait for it"]
pub struct Map<P, F> {
    first: P,
    then: Option<F>,
}

impl<P: Unpin, F> Unpin for Map<P, F> {}

impl<P: Pending, U, F: FnOnce(P::Answer) -> U> Future for Map<P, F> {
    type Output = Result<U, AskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = std::task::ready!(Pin::new(&mut self.first).poll(cx));
        let then = self.then.take().expect("it is polled no more when ready");
        Poll::Ready(answer.map(then))
    }
}

impl<P: Pending, U, F: FnOnce(P::Answer) -> U> Pending for Map<P, F> {
    type Answer = U;

    const NEEDS_ALL: bool = P::NEEDS_ALL;

    fn pool(&self) -> u32 {
        self.first.pool()
    }
}

/// Returned by [`Pending::and_then`].
#[derive(Debug)]
#[must_use = "what is dropped is cancelled: wait for it"]
pub struct AndThen<P, N, F>(Step<P, N, F>);

#[derive(Debug)]
enum Step<P, N, F> {
    /// The first answer has not arrived.
    First(P, Option<F>),
    /// The first answer has arrived, and the next ask is under way.
    Next(N),
}

impl<P: Unpin, N: Unpin, F> Unpin for AndThen<P, N, F> {}

impl<P: Pending, N: Pending, F: FnOnce(P::Answer) -> N> Future for AndThen<P, N, F> {
    type Output = Result<N::Answer, AskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Step::First(first, then) = &mut self.0 {
            let answer = std::task::ready!(Pin::new(first).poll(cx))?;
            let then = then.take().expect("it is polled no more when ready");
            let next = then(answer);
            self.0 = Step::Next(next);
        }
        match &mut self.0 {
            Step::Next(next) => Pin::new(next).poll(cx),
            Step::First(..) => unreachable!("the next one was asked for"),
        }
    }
}

impl<P: Pending, N: Pending, F: FnOnce(P::Answer) -> N> Pending for AndThen<P, N, F> {
    type Answer = N::Answer;

    const NEEDS_ALL: bool = P::NEEDS_ALL && N::NEEDS_ALL;

    fn pool(&self) -> u32 {
        match &self.0 {
            Step::First(first, _) => first.pool(),
            Step::Next(next) => next.pool(),
        }
    }
}

/// One of several asks, until its answer is taken.
#[doc(hidden)]
pub enum Part<P: Pending> {
    Pending(P),
    Answered(P::Answer),
    Taken,
}

impl<P: Pending> Part<P> {
    /// Returns whether its answer has arrived.
    fn poll(&mut self, cx: &mut Context<'_>) -> Result<bool, AskError> {
        if let Self::Pending(pending) = self {
            match Pin::new(pending).poll(cx) {
                Poll::Pending => return Ok(false),
                Poll::Ready(answer) => {
                    *self = Self::Taken;
                    *self = Self::Answered(answer?);
                }
            }
        }
        Ok(true)
    }

    fn take(&mut self) -> P::Answer {
        match std::mem::replace(self, Self::Taken) {
            Self::Answered(answer) => answer,
            Self::Pending(_) | Self::Taken => unreachable!("it was answered"),
        }
    }

    fn pool(&self) -> u32 {
        match self {
            Self::Pending(pending) => pending.pool(),
            Self::Answered(_) | Self::Taken => 0,
        }
    }
}

/// All answers, in the same shape as the asks. See [`all`].
#[must_use = "what is dropped is cancelled: wait for it"]
pub struct All<T: Together>(T::Parts);

/// What [`all`] takes: tuples of up to six, vectors, arrays, and maps by key.
#[diagnostic::on_unimplemented(
    message = "`all` cannot wait for `{Self}`",
    label = "no tuple, vector, array or map of asks",
    note = "`all` takes a tuple of up to six asks, a `Vec`, an array, or a `HashMap`",
    note = "an iterator is collected first: `all(asks.collect::<Vec<_>>())`"
)]
pub trait Together {
    /// All answers.
    type Answers;
    #[doc(hidden)]
    type Parts: Unpin;
    #[doc(hidden)]
    const NEEDS_ALL: bool;
    #[doc(hidden)]
    fn parts(self) -> Self::Parts;
    #[doc(hidden)]
    fn poll(parts: &mut Self::Parts, cx: &mut Context<'_>)
    -> Poll<Result<Self::Answers, AskError>>;
    #[doc(hidden)]
    fn pool(parts: &Self::Parts) -> u32;
}

/// Combines asks into one, whose answer holds the answers of all.
///
/// It ends as soon as the last answer has arrived, or one is impossible; then the other asks are given up.
/// The asks are a tuple of up to six, of different types; a vector or an array; or a map, whose answers have
/// the same keys.
///
/// ```
/// use nexus_actors::prelude::*;
/// use nexus_actors::all;
/// use nexus_actors::ask::Pending;
/// use std::time::Duration;
///
/// const SOON: Duration = Duration::from_secs(5);
///
/// let pool = WorkerPool::builder().workers(1).start()?;
/// let doubler = pool.spawn("doubler", Props::new(|| {
///     Behavior::receive(|_ctx, (number, reply): (u32, Reply<u32>)| reply.send(number * 2))
/// }))?;
/// let double = |number: u32| doubler.ask(move |reply| (number, reply), SOON);
/// let (one, two) = all((double(1), double(2).map(|two| two.to_string()))).wait()?;
/// assert_eq!((one, two.as_str()), (2, "4"));
/// assert_eq!(all((1..4).map(double).collect::<Vec<_>>()).wait()?, [2, 4, 6]);
/// pool.shutdown(SOON)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn all<T: Together>(asks: T) -> All<T> {
    All(asks.parts())
}

impl<T: Together> Future for All<T> {
    type Output = Result<T::Answers, AskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        T::poll(&mut self.0, cx)
    }
}

impl<T: Together> Pending for All<T> {
    type Answer = T::Answers;

    const NEEDS_ALL: bool = T::NEEDS_ALL;

    fn pool(&self) -> u32 {
        T::pool(&self.0)
    }
}

/// Several asks of one type, each under a key, or without one.
#[doc(hidden)]
pub struct Row<K, P: Pending> {
    parts: Parts<P>,
    answers: Vec<(K, Option<P::Answer>)>,
}

impl<K, P: Pending> Unpin for Row<K, P> {}

impl<P: Pending> fmt::Debug for Part<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pending(_) => "Pending",
            Self::Answered(_) => "Answered",
            Self::Taken => "Taken",
        })
    }
}

impl<T: Together> fmt::Debug for All<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "All<{}>", std::any::type_name::<T>())
    }
}

impl<K, P: Pending> Row<K, P> {
    fn of(asks: impl IntoIterator<Item = (K, P)>) -> Self {
        let asks = asks.into_iter().map(|(key, ask)| ((key, None), ask));
        let (answers, parts): (_, Vec<P>) = asks.unzip();
        let parts = Parts::of(parts.into_iter());
        Self { parts, answers }
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<impl Iterator<Item = (K, P::Answer)>, AskError>> {
        let Self { parts, answers } = self;
        let polled = parts.poll(cx, |number, answer| match answer {
            Ok(answer) => {
                answers[number].1 = Some(answer);
                ControlFlow::Continue(())
            }
            Err(error) => ControlFlow::Break(error),
        });
        if let ControlFlow::Break(error) = polled {
            parts.clear();
            answers.clear();
            return Poll::Ready(Err(error));
        }
        if parts.left() > 0 {
            return Poll::Pending;
        }
        let answers = std::mem::take(answers).into_iter();
        Poll::Ready(Ok(
            answers.map(|(key, answer)| (key, answer.expect("each was answered")))
        ))
    }

    fn pool(&self) -> u32 {
        self.parts.first().map_or(0, P::pool)
    }
}

impl<P: Pending> Together for Vec<P> {
    type Answers = Vec<P::Answer>;
    type Parts = Row<(), P>;

    const NEEDS_ALL: bool = P::NEEDS_ALL;

    fn parts(self) -> Self::Parts {
        Row::of(self.into_iter().map(|ask| ((), ask)))
    }

    fn poll(
        parts: &mut Self::Parts,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Self::Answers, AskError>> {
        let answers = std::task::ready!(parts.poll(cx))?;
        Poll::Ready(Ok(answers.map(|((), answer)| answer).collect()))
    }

    fn pool(parts: &Self::Parts) -> u32 {
        parts.pool()
    }
}

impl<P: Pending, const N: usize> Together for [P; N] {
    type Answers = [P::Answer; N];
    type Parts = Row<(), P>;

    const NEEDS_ALL: bool = P::NEEDS_ALL;

    fn parts(self) -> Self::Parts {
        Row::of(self.into_iter().map(|ask| ((), ask)))
    }

    fn poll(
        parts: &mut Self::Parts,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Self::Answers, AskError>> {
        let mut answers = std::task::ready!(parts.poll(cx))?;
        Poll::Ready(Ok(std::array::from_fn(|_| {
            let answer = answers.next().map(|((), answer)| answer);
            answer.expect("there is one for each")
        })))
    }

    fn pool(parts: &Self::Parts) -> u32 {
        parts.pool()
    }
}

impl<K: Eq + Hash, P: Pending> Together for HashMap<K, P> {
    type Answers = HashMap<K, P::Answer>;
    type Parts = Row<K, P>;

    const NEEDS_ALL: bool = P::NEEDS_ALL;

    fn parts(self) -> Self::Parts {
        Row::of(self)
    }

    fn poll(
        parts: &mut Self::Parts,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Self::Answers, AskError>> {
        let answers = std::task::ready!(parts.poll(cx))?;
        Poll::Ready(Ok(answers.collect()))
    }

    fn pool(parts: &Self::Parts) -> u32 {
        parts.pool()
    }
}

/// Several asks of different types.
#[doc(hidden)]
pub struct Mixed<T>(T);

impl<T> Unpin for Mixed<T> {}

macro_rules! together_in_tuples {
    ($($name:ident $part:ident),+) => {
        impl<$($name: Pending),+> Together for ($($name,)+) {
            type Answers = ($($name::Answer,)+);
            type Parts = Mixed<($(Part<$name>,)+)>;

            const NEEDS_ALL: bool = true $(&& $name::NEEDS_ALL)+;

            fn parts(self) -> Self::Parts {
                let ($($part,)+) = self;
                Mixed(($(Part::Pending($part),)+))
            }

            fn poll(
                parts: &mut Self::Parts,
                cx: &mut Context<'_>,
            ) -> Poll<Result<Self::Answers, AskError>> {
                let ($($part,)+) = &mut parts.0;
                let mut done = true;
                let mut error = None;
                $(if error.is_none() {
                    match $part.poll(cx) {
                        Ok(answered) => done &= answered,
                        Err(first) => error = Some(first),
                    }
                })+
                if let Some(error) = error {
                    $(*$part = Part::Taken;)+
                    return Poll::Ready(Err(error));
                }
                if !done {
                    return Poll::Pending;
                }
                Poll::Ready(Ok(($($part.take(),)+)))
            }

            fn pool(parts: &Self::Parts) -> u32 {
                parts.0.0.pool()
            }
        }
    };
}

together_in_tuples!(A a);
together_in_tuples!(A a, B b);
together_in_tuples!(A a, B b, C c);
together_in_tuples!(A a, B b, C c, D d);
together_in_tuples!(A a, B b, C c, D d, E e);
together_in_tuples!(A a, B b, C c, D d, E e, F f);
