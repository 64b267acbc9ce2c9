//! Makes the input of a loop's steps ahead of time, on a thread of its own, so that the loop never waits for it.
//!
//! What a step gets is a function of the step's number alone, so a loop can begin anywhere.

use std::ops::Range;
use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{Builder, Scope, ScopedJoinHandle};

use crate::engine::error::EngineError;

/// Inputs that are made but not yet used, at most; one more may be in the making.
const N_AHEAD: usize = 2;

/// The loop's end of the thread. When it is dropped, the thread ends after the input it is making.
pub(super) struct Loader<'scope, T> {
    inputs: Receiver<T>,
    thread: Option<ScopedJoinHandle<'scope, ()>>,
}

impl<'scope, T: Send + 'scope> Loader<'scope, T> {
    /// Starts to make the inputs of these steps, in order, on a thread of that name.
    ///
    /// # Errors
    /// If the system refuses another thread.
    pub(super) fn start(
        scope: &'scope Scope<'scope, '_>,
        name: &str,
        steps: Range<u64>,
        mut make: impl FnMut(u64) -> T + Send + 'scope,
    ) -> Result<Self, EngineError> {
        let (sender, inputs) = sync_channel(N_AHEAD);
        let thread = Builder::new()
            .name(name.to_owned())
            .spawn_scoped(scope, move || {
                for step in steps {
                    if sender.send(make(step)).is_err() {
                        break;
                    }
                }
            })
            .map_err(EngineError::io("start a thread for", name.as_ref()))?;
        Ok(Self {
            inputs,
            thread: Some(thread),
        })
    }

    /// The input of the next step; `None` after the last one.
    ///
    /// # Panics
    /// With the thread's own panic, if making the input panicked: it is then the loop's.
    pub(super) fn next(&mut self) -> Option<T> {
        let next = self.inputs.recv().ok();
        if next.is_none()
            && let Some(thread) = self.thread.take()
            && let Err(panic) = thread.join()
        {
            resume_unwind(panic);
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::thread::scope;

    use super::*;

    #[test]
    fn inputs_come_in_order_from_where_the_loop_begins() {
        scope(|scope| {
            let mut loader = Loader::start(scope, "test", 5..9, |step| step * 10).unwrap();
            let inputs: Vec<u64> = std::iter::from_fn(|| loader.next()).collect();
            assert_eq!(inputs, [50, 60, 70, 80]);
            assert_eq!(loader.next(), None);
        });
    }

    #[test]
    fn a_loop_that_ends_early_ends_the_thread_and_little_is_made_in_vain() {
        let n_made = AtomicU64::new(0);
        scope(|scope| {
            let mut loader = Loader::start(scope, "test", 0..u64::MAX, |step| {
                n_made.fetch_add(1, Ordering::Relaxed);
                step
            })
            .unwrap();
            assert_eq!(loader.next(), Some(0));
        });
        // The one taken, those that wait, and the one that nobody took any more.
        let n_made = n_made.into_inner();
        assert!(n_made <= 2 + N_AHEAD as u64, "{n_made}");
    }

    #[test]
    fn a_panic_while_making_an_input_is_the_loops_own() {
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            scope(|scope| {
                let mut loader = Loader::start(scope, "test", 0..9, |step| {
                    assert!(step < 3, "step {step} is broken");
                    step
                })
                .unwrap();
                while loader.next().is_some() {}
            });
        }));
        let message = outcome.unwrap_err().downcast::<String>().unwrap();
        assert_eq!(*message, "step 3 is broken");
    }
}
