//! The training sessions as batches, in an order that depends on the step alone.

use crate::engine::batch::{ContextReader, Example, HostBatch};
use crate::engine::config::ExperimentConfig;
use crate::engine::data::DataError;
use crate::engine::data::prepare::PreparedData;
use crate::engine::data::session::Session;
use crate::engine::error::EngineError;
use crate::engine::seed::Seed;
use crate::engine::train::config::SessionOrder;
use crate::engine::train::examples::{epoch_batches, training_sessions};

/// The training sessions and their order.
pub struct SessionSource<'a> {
    data: &'a PreparedData,
    sessions: Vec<Session>,
    lengths: Vec<u16>,
    history_len: usize,
    seed: Seed,
    name: &'static str,
    order: SessionOrder,
    epoch: Option<(u64, Vec<Vec<u32>>)>,
}

/// The batch of one step, cut into parts that are computed one after the other.
#[derive(Clone, Debug)]
pub struct StepBatch {
    /// In order; every part has at least one session.
    pub parts: Vec<HostBatch>,
    /// Codes to be learned in each part.
    pub part_codes: Vec<usize>,
    /// Sessions.
    pub n_samples: usize,
    /// Share of the history's items that are padding.
    pub padding_frac: f64,
}

impl StepBatch {
    /// Cuts a batch into at most `n_parts` parts of equal length, the last one perhaps shorter.
    pub fn new(
        examples: &[Example],
        reader: &ContextReader<'_>,
        slate_len: usize,
        n_parts: usize,
    ) -> Self {
        let part_len = examples.len().div_ceil(n_parts.max(1)).max(1);
        let parts = examples.chunks(part_len);
        let n_levels = reader.table().n_levels();
        let n_codes = |examples: &[Example]| {
            let lengths = examples.iter().map(|example| example.items.len());
            n_levels * lengths.map(|len| len.min(slate_len)).sum::<usize>()
        };
        Self {
            part_codes: parts.clone().map(n_codes).collect(),
            padding_frac: padding_frac(parts.clone()),
            parts: parts
                .map(|examples| HostBatch::new(examples, reader, slate_len))
                .collect(),
            n_samples: examples.len(),
        }
    }

    /// Codes to be learned.
    pub fn n_codes(&self) -> usize {
        self.part_codes.iter().sum()
    }
}

/// Share of the history's items that are padding, when every part is as wide as its longest history.
fn padding_frac<'a>(parts: impl Iterator<Item = &'a [Example]>) -> f64 {
    let (mut n_items, mut n_places) = (0, 0);
    for examples in parts {
        let lengths = examples.iter().map(|example| example.moment.history.len());
        n_items += lengths.clone().sum::<usize>();
        n_places += lengths.max().unwrap_or(0) * examples.len();
    }
    1.0 - n_items as f64 / n_places.max(1) as f64
}

impl<'a> SessionSource<'a> {
    /// The training sessions that end before `learn_end[user]`, a row of the log per user, shuffled anew in each epoch.
    ///
    /// # Errors
    /// If there is none.
    pub fn new(
        data: &'a PreparedData,
        config: &ExperimentConfig,
        name: &'static str,
        learn_end: &[usize],
    ) -> Result<Self, EngineError> {
        let sliding = config.pretrain.sliding_sessions;
        let sessions = training_sessions(data, &config.data, sliding, learn_end);
        Self::of(data, config, name, sessions, SessionOrder::Shuffled)
    }

    /// Some sessions. By time they come as they are given, and begin anew when the last has come.
    ///
    /// # Errors
    /// If there is none.
    pub fn of(
        data: &'a PreparedData,
        config: &ExperimentConfig,
        name: &'static str,
        sessions: Vec<Session>,
        order: SessionOrder,
    ) -> Result<Self, EngineError> {
        if sessions.is_empty() {
            return Err(DataError::Empty {
                found: "no session passes the quality rule of data.session".to_owned(),
                path: data.dataset.name.clone().into(),
            }
            .into());
        }
        let history_len = config.model.history_len;
        let lengths = sessions
            .iter()
            .map(|session| {
                let rows = &data.positives[session.user.idx()];
                rows.partition_point(|row| (*row as usize) < session.first_row)
                    .min(history_len) as u16
            })
            .collect();
        Ok(Self {
            data,
            sessions,
            lengths,
            history_len,
            seed: config.seed,
            name,
            order,
            epoch: None,
        })
    }

    /// Steps in which every session comes once.
    pub fn steps_per_epoch(&self, batch_size: usize) -> u64 {
        (self.sessions.len() / batch_size).max(1) as u64
    }

    /// The session indices of step `step`.
    pub fn sessions(&mut self, step: u64, batch_size: usize) -> Vec<&Session> {
        if self.order == SessionOrder::Time {
            let first = step as usize * batch_size;
            return (first..first + batch_size)
                .map(|idx| &self.sessions[idx % self.sessions.len()])
                .collect();
        }
        let per_epoch = self.steps_per_epoch(batch_size);
        let epoch = step / per_epoch;
        if self.epoch.as_ref().is_none_or(|(of, _)| *of != epoch) {
            self.epoch = Some((
                epoch,
                epoch_batches(self.seed, self.name, epoch, &self.lengths, batch_size),
            ));
        }
        let batches = self.epoch.as_ref().map_or(&[][..], |(_, batches)| batches);
        let batch = &batches[(step % per_epoch) as usize % batches.len().max(1)];
        batch
            .iter()
            .map(|idx| &self.sessions[*idx as usize])
            .collect()
    }

    /// The examples of step `step`.
    pub fn batch(&mut self, step: u64, batch_size: usize) -> Vec<Example> {
        let (data, history_len) = (self.data, self.history_len);
        self.sessions(step, batch_size)
            .into_iter()
            .map(|session| Example {
                moment: data.moment(session.user, session.first_row, history_len),
                items: session.items.clone(),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::data::{ItemIdx, Moment};
    use crate::engine::tokenizer::SemanticIdTable;

    #[test]
    fn parts_hold_every_example_once_and_padding_is_counted_per_part() {
        let table = SemanticIdTable::new(2, 4, vec![0, 1, /**/ 2, 3]);
        let reader = ContextReader::session(&table, 9);
        let examples: Vec<Example> = [1, 1, 4, 2, 3]
            .into_iter()
            .map(|len| Example {
                moment: Moment::from_history(vec![ItemIdx(0); len]),
                items: vec![ItemIdx(1); len],
            })
            .collect();
        let whole = StepBatch::new(&examples, &reader, 3, 1);
        assert_eq!((whole.parts.len(), whole.n_samples), (1, 5));
        // Sessions are cut to three items of two codes each.
        assert_eq!(whole.part_codes, [2 * (1 + 1 + 3 + 2 + 3)]);
        // 11 items where 5 x 4 have room.
        assert!((whole.padding_frac - 9.0 / 20.0).abs() < 1e-12);

        let parts = StepBatch::new(&examples, &reader, 3, 2);
        assert_eq!(parts.part_codes, [2 * (1 + 1 + 3), 2 * (2 + 3)]);
        assert_eq!(parts.n_codes(), whole.n_codes());
        // 6 of 3 x 4 and 5 of 2 x 3.
        assert!((parts.padding_frac - 7.0 / 18.0).abs() < 1e-12);
        assert_eq!(StepBatch::new(&examples, &reader, 3, 9).parts.len(), 5);
    }
}
