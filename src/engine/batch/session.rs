//! Training examples: a history and the slate that followed it. [A 3.2, eq. 3]

use burn::tensor::{Device, Int, Tensor, TensorData};

use super::{ContextBatch, ContextReader, HostContext};
use crate::engine::data::{ItemIdx, Moment};

/// A moment and the items that followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// What was known before the session.
    pub moment: Moment,
    /// The session, in order.
    pub items: Vec<ItemIdx>,
}

/// A batch on the host: made without a device, so that any thread can make it ahead of time.
#[derive(Clone, Debug, PartialEq)]
pub struct HostBatch {
    context: HostContext,
    targets: Vec<i64>,
    target_weight: Vec<f32>,
    n_rows: usize,
}

/// Contexts with the codes to predict.
#[derive(Clone, Debug)]
pub struct SessionBatch {
    /// The encoder's input.
    pub context: ContextBatch,
    /// Codes in `0..codebook_size`, `[n_rows, slate_len * n_levels]`; 0 after a short session.
    pub targets: Tensor<2, Int>,
    /// 1 for a code to be learned, 0 after a short session, same shape.
    pub target_weight: Tensor<2>,
}

impl HostBatch {
    /// Reads a batch; sessions longer than `slate_len` are cut, shorter ones filled with weight 0.
    pub fn new(examples: &[Example], reader: &ContextReader<'_>, slate_len: usize) -> Self {
        let table = reader.table();
        let n_codes = slate_len * table.n_levels();
        let mut targets = Vec::with_capacity(examples.len() * n_codes);
        let mut target_weight = Vec::with_capacity(examples.len() * n_codes);
        for example in examples {
            let items = &example.items[..example.items.len().min(slate_len)];
            for item in items {
                targets.extend(table.sid(*item).iter().map(|code| i64::from(*code)));
            }
            let n_known = items.len() * table.n_levels();
            target_weight.extend(std::iter::repeat_n(1.0_f32, n_known));
            targets.extend(std::iter::repeat_n(0, n_codes - n_known));
            target_weight.extend(std::iter::repeat_n(0.0, n_codes - n_known));
        }
        Self {
            context: reader.read(examples.iter().map(|example| &example.moment)),
            targets,
            target_weight,
            n_rows: examples.len(),
        }
    }

    /// The same as tensors.
    pub fn to_device(&self, device: &Device) -> SessionBatch {
        let n_codes = self.targets.len().checked_div(self.n_rows).unwrap_or(0);
        let shape = [self.n_rows, n_codes];
        let weight = TensorData::new(self.target_weight.clone(), shape);
        SessionBatch {
            context: self.context.to_device(device),
            targets: Tensor::from_data(TensorData::new(self.targets.clone(), shape), device),
            target_weight: Tensor::from_data(weight, device),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::batch::HistoryBatch;
    use crate::engine::tokenizer::SemanticIdTable;

    #[test]
    fn rows_align_at_the_most_recent_item_and_short_sessions_weigh_nothing() {
        let table = SemanticIdTable::new(2, 4, vec![0, 1, /**/ 2, 3, /**/ 1, 0]);
        let items = |indices: &[u32]| indices.iter().map(|idx| ItemIdx(*idx)).collect::<Vec<_>>();
        let examples = [
            Example {
                moment: Moment::from_history(items(&[0, 1, 2])),
                items: items(&[1]),
            },
            Example {
                moment: Moment::from_history(items(&[1])),
                items: items(&[2, 0, 1]),
            },
            Example {
                moment: Moment::from_history(Vec::new()),
                items: items(&[0, 0]),
            },
        ];
        let reader = ContextReader::session(&table, 2);
        let batch = HostBatch::new(&examples, &reader, 2).to_device(&Device::flex());
        let ContextBatch::Session(history) = batch.context else {
            panic!("the reader reads sessions")
        };

        // Specials PAD 0, BOS 1, SEP 2; level 0 from 3, level 1 from 7.
        let tokens: Vec<i64> = history.tokens.clone().try_into_vec_as().unwrap();
        assert_eq!(
            tokens,
            [
                2, 5, 10, 2, 4, 7, /**/ 0, 0, 0, 2, 5, 10, /**/ 0, 0, 0, 0, 0, 2
            ]
        );
        assert!(history.has_padding);
        let targets: Vec<i64> = batch.targets.try_into_vec_as().unwrap();
        assert_eq!(targets, [2, 3, 0, 0, /**/ 1, 0, 0, 1, /**/ 0, 1, 0, 1]);
        let weight: Vec<f32> = batch.target_weight.try_into_vec_as().unwrap();
        assert_eq!(
            weight,
            [
                1.0, 1.0, 0.0, 0.0, /**/ 1.0, 1.0, 1.0, 1.0, /**/ 1.0, 1.0, 1.0, 1.0
            ]
        );
    }

    #[test]
    fn a_batch_is_as_wide_as_its_longest_history() {
        let table = SemanticIdTable::new(1, 2, vec![0, 1]);
        let width = |len: usize| {
            let history = vec![vec![ItemIdx(0); len]];
            HistoryBatch::new(&history, &table, 5, &Device::flex())
                .tokens
                .dims()[1]
        };
        assert_eq!([width(0), width(1), width(3), width(9)], [2, 2, 6, 10]);
    }
}
