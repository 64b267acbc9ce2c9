//! A helper thread for questions of which only the newest counts, such as a search while the user types.
//!
//! The window never waits: a question replaces the one that still waits, one that is being worked on learns that
//! it is out of date, and answers are taken in between two frames.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

/// Answers that may wait for the window: one that came too late to be withdrawn, and the newest.
const ANSWERS: usize = 4;

/// Asks a helper thread and takes its answers.
pub(super) struct Latest<Q, A> {
    questions: Sender<(u64, Q)>,
    /// The helper's end of the same queue, from which an older question is taken back.
    waiting: Receiver<(u64, Q)>,
    answers: Receiver<(u64, A)>,
    newest: Arc<AtomicU64>,
    n_answered: u64,
}

/// Tells work that its question has been replaced.
pub(super) struct Stale {
    number: u64,
    newest: Arc<AtomicU64>,
}

impl Stale {
    /// Whether a newer question waits, so that this answer would not be looked at.
    pub(super) fn is_stale(&self) -> bool {
        self.newest.load(Ordering::Relaxed) != self.number
    }

    /// Work that nothing replaces.
    pub(super) fn never() -> Self {
        Self {
            number: 0,
            newest: Arc::default(),
        }
    }
}

impl<Q: Send + 'static, A: Send + 'static> Latest<Q, A> {
    /// Starts the thread. `wake` is called after every answer. `answer` may give up, with nothing, once its question
    /// is stale. Without a thread (the system refuses one) questions are never answered, which the log tells.
    pub(super) fn spawn(
        name: &str,
        wake: impl Fn() + Send + 'static,
        mut answer: impl FnMut(Q, &Stale) -> Option<A> + Send + 'static,
    ) -> Self {
        let (questions, waiting) = bounded::<(u64, Q)>(1);
        let (answered, answers) = bounded(ANSWERS);
        let newest = Arc::new(AtomicU64::new(0));
        let (queue, current) = (waiting.clone(), Arc::clone(&newest));
        let spawned = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                // Ends when the window lets go of its end.
                for (number, question) in &queue {
                    let stale = Stale {
                        number,
                        newest: Arc::clone(&current),
                    };
                    if let Some(answer) = answer(question, &stale) {
                        if answered.send((number, answer)).is_err() {
                            return;
                        }
                        wake();
                    }
                }
            });
        if let Err(error) = spawned {
            tracing::error!("could not start thread {name}: {error}");
        }
        Self {
            questions,
            waiting,
            answers,
            newest,
            n_answered: 0,
        }
    }

    /// Asks; replaces a question that has not been begun.
    pub(super) fn ask(&self, question: Q) {
        let number = self.newest.fetch_add(1, Ordering::Relaxed) + 1;
        let mut message = (number, question);
        while let Err(TrySendError::Full(back)) = self.questions.try_send(message) {
            message = back;
            self.waiting.try_recv().ok();
        }
    }

    /// The newest answer that has come since the last call, whether or not it is to the newest question.
    pub(super) fn take(&mut self) -> Option<A> {
        let (number, answer) = self.answers.try_iter().last()?;
        self.n_answered = number;
        Some(answer)
    }

    /// Whether the newest question has no answer yet.
    pub(super) fn is_waiting(&self) -> bool {
        self.n_answered != self.newest.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    /// Takes answers until the newest question has one.
    fn settle<A: Send + 'static, Q: Send + 'static>(latest: &mut Latest<Q, A>) -> Vec<A> {
        let start = Instant::now();
        let mut all = Vec::new();
        while latest.is_waiting() {
            assert!(start.elapsed() < Duration::from_secs(20), "no answer");
            all.extend(latest.take());
            std::thread::yield_now();
        }
        all
    }

    #[test]
    fn the_newest_question_is_always_answered() {
        let mut latest = Latest::spawn("test", || {}, |question: u32, _| Some(question * 2));
        for question in 0..1000 {
            latest.ask(question);
        }
        assert_eq!(settle(&mut latest).last(), Some(&1998));
        latest.ask(7);
        assert_eq!(settle(&mut latest), [14]);
    }

    #[test]
    fn work_learns_that_it_is_out_of_date() {
        let (begun, has_begun) = bounded(8);
        let mut latest = Latest::spawn(
            "test",
            || {},
            move |question: u32, stale: &Stale| {
                begun.send(question).ok();
                // The first question would never end by itself.
                while question == 0 && !stale.is_stale() {
                    std::thread::yield_now();
                }
                (!stale.is_stale()).then_some(question)
            },
        );
        latest.ask(0);
        assert_eq!(has_begun.recv_timeout(Duration::from_secs(20)), Ok(0));
        latest.ask(1);
        assert_eq!(settle(&mut latest), [1]);
    }
}
