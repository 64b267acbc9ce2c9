//! The run's voice: every event goes to the journal first, then to the client if it keeps up.
//!
//! Nothing here waits for a client. Step points may be dropped on the way (the journal has them, and a
//! gap in the numbers tells the client to read it); everything else is kept and offered again.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Sender, TrySendError};

use crate::engine::error::EngineError;
use crate::engine::event::{
    EngineEvent, EventRecord, Notice, NoticeLevel, RunId, Stage, StepPoint,
};
use crate::engine::run::journal::Journal;
use crate::engine::run::now_millis;

/// Step points and progress are sent at most this often.
const SEND_EVERY: Duration = Duration::from_millis(50);

/// The way to the client: a bounded channel and a call that wakes it.
#[derive(Clone)]
pub struct Outlet {
    /// Where records go.
    pub sender: Sender<EventRecord>,
    /// Called after each record that was accepted.
    pub wake: Arc<dyn Fn() + Send + Sync>,
}

impl Outlet {
    /// Offers a record; gives it back when the client is behind.
    fn offer(&self, record: EventRecord) -> Option<EventRecord> {
        match self.sender.try_send(record) {
            Ok(()) => {
                (self.wake)();
                None
            }
            Err(TrySendError::Full(record)) => Some(record),
            Err(TrySendError::Disconnected(_)) => None,
        }
    }
}

/// Journals and sends the events of one run.
pub struct Reporter {
    run: RunId,
    next_seq: u64,
    journal: Journal,
    outlet: Outlet,
    backlog: VecDeque<EventRecord>,
    points: Vec<StepPoint>,
    points_stage: Stage,
    last_sent: Instant,
}

impl Reporter {
    /// A reporter that goes on with `next_seq`.
    pub fn new(run: RunId, journal: Journal, next_seq: u64, outlet: Outlet) -> Self {
        Self {
            run,
            next_seq,
            journal,
            outlet,
            backlog: VecDeque::new(),
            points: Vec::new(),
            points_stage: Stage::Data,
            last_sent: Instant::now(),
        }
    }

    /// Says something that must not be lost. Step points gathered so far go first.
    ///
    /// # Errors
    /// If the journal cannot be written.
    pub fn emit(&mut self, event: EngineEvent) -> Result<(), EngineError> {
        self.flush_points()?;
        let record = self.journal(event)?;
        self.backlog.push_back(record);
        self.offer_backlog();
        Ok(())
    }

    /// Gathers one training step.
    ///
    /// # Errors
    /// If the journal cannot be written.
    pub fn step(&mut self, stage: Stage, point: StepPoint) -> Result<(), EngineError> {
        if stage != self.points_stage {
            self.flush_points()?;
            self.points_stage = stage;
        }
        self.points.push(point);
        if self.last_sent.elapsed() >= SEND_EVERY {
            self.flush_points()
        } else {
            Ok(())
        }
    }

    /// Says how far something got; dropped when the last word was a moment ago and there is more to come.
    ///
    /// # Errors
    /// If the journal cannot be written.
    pub fn progress(
        &mut self,
        stage: Stage,
        done: u64,
        total: u64,
        doing: &str,
    ) -> Result<(), EngineError> {
        if done < total && done > 0 && self.last_sent.elapsed() < SEND_EVERY {
            return Ok(());
        }
        self.last_sent = Instant::now();
        self.emit(EngineEvent::Progress {
            stage,
            done,
            total,
            doing: doing.to_owned(),
        })
    }

    /// Says what a comparison is doing; dropped when the last word was a moment ago.
    ///
    /// # Errors
    /// If the journal cannot be written.
    pub fn comparing(&mut self, name: &str, doing: &str) -> Result<(), EngineError> {
        if self.last_sent.elapsed() < SEND_EVERY {
            return Ok(());
        }
        self.last_sent = Instant::now();
        self.emit(EngineEvent::ComparisonProgress {
            name: name.to_owned(),
            doing: doing.to_owned(),
        })
    }

    /// Says something the user should know.
    ///
    /// # Errors
    /// If the journal cannot be written.
    pub fn notice(
        &mut self,
        level: NoticeLevel,
        stage: Stage,
        text: impl Into<String>,
    ) -> Result<(), EngineError> {
        self.emit(EngineEvent::Notice(Notice {
            level,
            stage: Some(stage),
            text: text.into(),
            hint: None,
        }))
    }

    /// Warns of something, with what to do about it.
    ///
    /// # Errors
    /// If the journal cannot be written.
    pub fn warn(
        &mut self,
        stage: Stage,
        text: impl Into<String>,
        hint: impl Into<String>,
    ) -> Result<(), EngineError> {
        self.emit(EngineEvent::Notice(Notice {
            level: NoticeLevel::Warning,
            stage: Some(stage),
            text: text.into(),
            hint: Some(hint.into()),
        }))
    }

    fn flush_points(&mut self) -> Result<(), EngineError> {
        if !self.points.is_empty() {
            let points = std::mem::take(&mut self.points);
            let record = self.journal(EngineEvent::Steps {
                stage: self.points_stage,
                points,
            })?;
            self.offer_backlog();
            // Points overtaking an undelivered event would reach the client out of order.
            if self.backlog.is_empty() {
                self.outlet.offer(record);
            }
            self.last_sent = Instant::now();
        }
        Ok(())
    }

    fn journal(&mut self, event: EngineEvent) -> Result<EventRecord, EngineError> {
        let record = EventRecord {
            seq: self.next_seq,
            time_millis: now_millis(),
            run: self.run.clone(),
            event,
        };
        self.journal.append(&record)?;
        self.next_seq += 1;
        Ok(record)
    }

    fn offer_backlog(&mut self) {
        while let Some(record) = self.backlog.pop_front() {
            if let Some(refused) = self.outlet.offer(record) {
                self.backlog.push_front(refused);
                break;
            }
        }
    }
}

impl Drop for Reporter {
    /// The last events of a run have no later step to be offered again at: wait a moment for a client that
    /// is merely slow, never for one that is gone.
    fn drop(&mut self) {
        for _ in 0..40 {
            self.offer_backlog();
            if self.backlog.is_empty() {
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::run::journal;

    #[test]
    fn a_client_that_never_reads_stalls_nothing_and_loses_nothing_from_the_journal() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.jsonl");
        let (file, next_seq) = Journal::open(&path).unwrap();
        let (sender, receiver) = crossbeam_channel::bounded(2);
        let outlet = Outlet {
            sender,
            wake: Arc::new(|| ()),
        };
        let mut reporter = Reporter::new(RunId("r".into()), file, next_seq, outlet);
        for step in 1..=200 {
            let point = StepPoint {
                step,
                samples: step,
                seconds: 0.0,
                values: vec![("loss".into(), 1.0)],
                experts: Vec::new(),
            };
            reporter.step(Stage::Pretrain, point).unwrap();
            reporter
                .notice(NoticeLevel::Info, Stage::Pretrain, "still here")
                .unwrap();
        }
        assert_eq!(receiver.len(), 2);
        drop(receiver);
        drop(reporter);
        let records = journal::read(&path).unwrap();
        assert_eq!(
            journal::series(&records, Stage::Pretrain, "loss").len(),
            200
        );
        assert!(
            records.iter().enumerate().all(|(i, r)| r.seq == i as u64),
            "numbers have no gap"
        );
    }
}
