//! Several futures that are polled as one.
//!
//! If there are few, each poll polls all of them. If there are many, each has a waker of its own that notes
//! which are to be polled; otherwise each answer would cost a look at all that are still pending.

use std::fmt;
use std::future::Future;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use super::polling::{Poller, as_part, lent, poller};
use crate::shared::Woken;

/// Up to this many, all are polled.
const FEW: usize = 16;

/// Futures by their numbers, each until it is ready.
pub(super) struct Parts<P> {
    parts: Vec<Option<P>>,
    polled: PartState,
}

/// How they are polled.
enum PartState {
    /// All that are not ready: these.
    All(Vec<usize>),
    /// Those that were woken.
    Woken(ManyParts),
}

struct ManyParts {
    left: usize,
    /// Their wakers, once they were polled.
    wakers: Vec<Waker>,
    /// Those whose wakers were called; for as many as there were at the first poll.
    woken: Option<Arc<Woken<Arc<Waker>>>>,
    /// The waker that these wake.
    whole: Option<Arc<Waker>>,
    /// The last poller, if it is known.
    poller: Option<Poller>,
}

/// The waker of one future.
struct PartWaker {
    number: usize,
    woken: Arc<Woken<Arc<Waker>>>,
}

impl Wake for PartWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let whole = self.woken.note(self.number);
        whole.into_iter().for_each(|whole| whole.wake_by_ref());
    }
}

impl<P> Parts<P> {
    pub(super) fn of(parts: impl Iterator<Item = P>) -> Self {
        let parts: Vec<_> = parts.map(Some).collect();
        let polled = if parts.len() <= FEW {
            PartState::All((0..parts.len()).collect())
        } else {
            PartState::Woken(ManyParts {
                left: parts.len(),
                wakers: Vec::new(),
                woken: None,
                whole: None,
                poller: None,
            })
        };
        Self { parts, polled }
    }

    /// Returns how many are not ready.
    pub(super) fn left(&self) -> usize {
        match &self.polled {
            PartState::All(left) => left.len(),
            PartState::Woken(many) => many.left,
        }
    }

    /// Returns the first one, if it is not ready.
    pub(super) fn first(&self) -> Option<&P> {
        self.parts.first()?.as_ref()
    }

    /// Drops all that are not ready.
    pub(super) fn clear(&mut self) {
        self.parts.clear();
        self.polled = PartState::All(Vec::new());
    }
}

impl<P: Future + Unpin> Parts<P> {
    /// Polls those that may be ready, and passes each ready output to `ready`, until that breaks.
    pub(super) fn poll<B>(
        &mut self,
        cx: &mut Context<'_>,
        mut ready: impl FnMut(usize, P::Output) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        if let PartState::Woken(many) = &mut self.polled {
            many.poll(&mut self.parts, cx, &mut ready)?;
            if many.left > FEW {
                return ControlFlow::Continue(());
            }
            let numbered = self.parts.iter().enumerate();
            let left = numbered.filter(|(_, part)| part.is_some());
            // From here on they wake the whole themselves.
            self.polled = PartState::All(left.map(|(number, _)| number).collect());
        }
        let PartState::All(left) = &mut self.polled else {
            unreachable!("it was looked at before")
        };
        let mut at = 0;
        while let Some(number) = left.get(at) {
            match poll_one(&mut self.parts[*number], cx) {
                Poll::Pending => at += 1,
                Poll::Ready(output) => ready(left.remove(at), output)?,
            }
        }
        ControlFlow::Continue(())
    }
}

/// Polls a future that is not ready.
fn poll_one<P: Future + Unpin>(part: &mut Option<P>, cx: &mut Context<'_>) -> Poll<P::Output> {
    let polled = part.as_mut().map(|part| Pin::new(part).poll(cx));
    let polled = polled.expect("a ready part is never polled again");
    if polled.is_ready() {
        *part = None;
    }
    polled
}

impl ManyParts {
    fn poll<P: Future + Unpin, B>(
        &mut self,
        parts: &mut [Option<P>],
        cx: &mut Context<'_>,
        ready: &mut impl FnMut(usize, P::Output) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        let (woken, numbers) = self.next_numbers(parts.len(), cx.waker());
        for number in numbers {
            let part = &mut parts[number];
            let waker = &self.wakers[number];
            let mut of_part = Context::from_waker(waker);
            let polled = woken.poll(number, || match part {
                None => Poll::Pending, // it was ready before
                Some(_) => as_part(waker, cx.waker(), || poll_one(part, &mut of_part)),
            });
            if let Poll::Ready(output) = polled {
                self.left -= 1;
                ready(number, output)?;
            }
        }
        ControlFlow::Continue(())
    }

    /// Returns those that are to be polled now: the ones that were woken. Returns all of them at the first
    /// poll, for a new poller, which is to see them all, and for an asker that has given up.
    fn next_numbers(
        &mut self,
        count: usize,
        whole: &Waker,
    ) -> (Arc<Woken<Arc<Waker>>>, Vec<usize>) {
        let is_given_up = lent(whole).is_some_and(|lent| lent.is_given_up);
        let known = self.whole.take().filter(|known| known.will_wake(whole));
        let is_known = known.is_some();
        let known = known.unwrap_or_else(|| Arc::new(whole.clone()));
        self.whole = Some(Arc::clone(&known));
        let woken = self
            .woken
            .get_or_insert_with(|| Arc::new(Woken::new(count)));
        let woken = Arc::clone(woken);
        let (numbers, before) = woken.take(known);
        drop(before);
        let is_new = match poller(whole) {
            Some(poller) => self.poller.replace(poller) != Some(poller),
            // An executor is known by its waker alone, and some use another one each time.
            None => !is_known && numbers.is_empty(),
        };
        if self.wakers.is_empty() {
            let waker = |number| {
                let woken = Arc::clone(&woken);
                Waker::from(Arc::new(PartWaker { number, woken }))
            };
            self.wakers = (0..count).map(waker).collect();
            return (woken, (0..count).collect());
        }
        if is_new || is_given_up {
            return (woken, (0..count).collect());
        }
        (woken, numbers)
    }
}

impl Drop for ManyParts {
    /// Some of the parts' wakers may be left; from now on they wake nothing.
    fn drop(&mut self) {
        let whole = self.woken.as_ref().and_then(|woken| woken.close());
        drop(whole);
    }
}

impl<P: fmt::Debug> fmt::Debug for Parts<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.parts.iter().flatten()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ask::polling::{Lent, Poller, blocking_on};
    use parking_lot::Mutex;
    use std::sync::atomic::AtomicUsize;
    use std::sync::atomic::Ordering::Relaxed;

    const MANY: usize = 1000;

    /// A future that is ready when told to be, and that counts its polls.
    #[derive(Clone, Default)]
    struct Counted(Arc<(AtomicUsize, Mutex<Option<Waker>>, AtomicUsize)>);

    impl Counted {
        fn be_ready(&self) {
            self.0.2.store(1, Relaxed);
            self.wake();
        }

        fn wake(&self) {
            let waker = self.0.1.lock().take();
            waker.into_iter().for_each(Waker::wake);
        }
    }

    impl Future for Counted {
        type Output = ();

        fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
            self.0.0.fetch_add(1, Relaxed);
            if self.0.2.load(Relaxed) == 1 {
                return Poll::Ready(());
            }
            *self.0.1.lock() = Some(cx.waker().clone());
            Poll::Pending
        }
    }

    struct CountedWaker(AtomicUsize);

    impl Wake for CountedWaker {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Relaxed);
        }
    }

    struct Case {
        futures: Vec<Counted>,
        parts: Parts<Counted>,
        waker: Arc<CountedWaker>,
        ready: Vec<usize>,
    }

    impl Case {
        fn new() -> Self {
            let futures: Vec<Counted> = (0..MANY).map(|_| Counted::default()).collect();
            Self {
                parts: Parts::of(futures.iter().cloned()),
                futures,
                waker: Arc::new(CountedWaker(AtomicUsize::new(0))),
                ready: Vec::new(),
            }
        }

        fn poll(&mut self) {
            let waker = Waker::from(Arc::clone(&self.waker));
            let mut cx = Context::from_waker(&waker);
            let ended = self.parts.poll(&mut cx, |number, ()| {
                self.ready.push(number);
                ControlFlow::<()>::Continue(())
            });
            assert!(ended.is_continue());
        }

        /// Returns how often any was polled since the last call.
        fn polls(&self) -> usize {
            let polls = self.futures.iter().map(|one| one.0.0.swap(0, Relaxed));
            polls.sum()
        }
    }

    #[test]
    fn s9_4_of_many_only_those_are_polled_that_were_woken() {
        let mut case = Case::new();
        case.poll();
        assert_eq!(case.polls(), MANY);
        let mut polls = 0;
        for number in (0..MANY).rev() {
            // Woken for nothing, twice, and then when it is ready.
            for _ in 0..2 {
                case.futures[number].wake();
            }
            case.poll();
            case.futures[number].be_ready();
            case.poll();
            polls += case.polls();
        }
        assert!(case.ready.iter().copied().eq((0..MANY).rev()));
        assert_eq!(case.parts.left(), 0);
        assert_eq!(case.waker.0.load(Relaxed), 2 * MANY);
        // The last few are all polled, each time.
        assert!(polls < 2 * MANY + 2 * FEW * (FEW + 1), "{polls}");
    }

    #[test]
    fn those_that_wake_whoever_polled_before_wake_whoever_polls_now() {
        let mut case = Case::new();
        case.poll();
        let before =
            std::mem::replace(&mut case.waker, Arc::new(CountedWaker(AtomicUsize::new(0))));
        case.futures[7].be_ready();
        case.poll();
        case.futures[8].be_ready();
        case.poll();
        assert_eq!(case.ready, [7, 8]);
        let woken = [before, Arc::clone(&case.waker)].map(|waker| waker.0.load(Relaxed));
        assert_eq!(woken, [1, 1]);
    }

    #[test]
    fn s5_1_all_are_polled_that_are_waited_for_on_behalf_of_somebody_who_gives_up() {
        let mut case = Case::new();
        let lent = |is_given_up| Lent {
            left: None,
            wait: None,
            is_given_up,
        };
        let whole = Arc::as_ptr(&case.waker).cast();
        let poller = Poller::new();
        blocking_on(whole, poller, Some(lent(false)), || case.poll());
        assert_eq!(case.polls(), MANY);
        case.futures[7].wake();
        blocking_on(whole, poller, Some(lent(false)), || case.poll());
        assert_eq!(case.polls(), 1);
        case.futures[7].wake();
        blocking_on(whole, poller, Some(lent(true)), || case.poll());
        assert_eq!(case.polls(), MANY);
    }

    /// Polls several with one waker, a new one each time, for that poller.
    fn poll_together(cases: &mut [Case], poller: Poller) {
        let waker = Arc::new(CountedWaker(AtomicUsize::new(0)));
        let poll = || {
            for case in &mut *cases {
                case.waker = Arc::clone(&waker);
                case.poll();
            }
        };
        blocking_on(Arc::as_ptr(&waker).cast(), poller, None, poll);
    }

    #[test]
    fn s9_4_of_several_joins_that_are_polled_as_one_only_those_are_polled_that_were_woken() {
        let mut cases = [Case::new(), Case::new()];
        let polls = |cases: &[Case]| cases.iter().map(Case::polls).sum::<usize>();
        let poller = Poller::new();
        poll_together(&mut cases, poller);
        assert_eq!(polls(&cases), 2 * MANY);
        for number in 0..MANY / 2 {
            cases[number % 2].futures[number].be_ready();
            poll_together(&mut cases, poller);
        }
        assert_eq!(polls(&cases), MANY / 2);
        // None was woken; but another poller looks.
        poll_together(&mut cases, poller);
        assert_eq!(polls(&cases), 0);
        poll_together(&mut cases, Poller::new());
        assert_eq!(polls(&cases), 2 * MANY - MANY / 2);
        // The earlier poller has continued elsewhere, and comes back.
        cases[0].futures[MANY - 2].be_ready();
        poll_together(&mut cases, poller);
        assert_eq!(polls(&cases), 2 * MANY - MANY / 2);
    }

    #[test]
    fn s9_4_an_executor_that_polls_for_another_reason_polls_nobody_again() {
        let mut case = Case::new();
        case.poll();
        assert_eq!(case.polls(), MANY);
        case.poll();
        assert_eq!(case.polls(), 0);
        case.waker = Arc::new(CountedWaker(AtomicUsize::new(0)));
        case.poll();
        assert_eq!(case.polls(), MANY, "it may be another executor");
    }
}
