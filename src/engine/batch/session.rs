//! Training examples: a history and the slate that followed it. [A 3.2, eq. 3]

use burn::tensor::{Device, Int, Tensor, TensorData};

use super::HistoryBatch;
use crate::engine::data::ItemIdx;
use crate::engine::tokenizer::SemanticIdTable;

/// A history and the items that followed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Example {
    /// Items before the session, oldest first.
    pub history: Vec<ItemIdx>,
    /// The session, in order.
    pub items: Vec<ItemIdx>,
}

/// Histories with the codes to predict.
#[derive(Clone, Debug)]
pub struct SessionBatch {
    /// The encoder's input.
    pub history: HistoryBatch,
    /// Codes in `0..codebook_size`, `[n_rows, slate_len * n_levels]`; 0 after a short session.
    pub targets: Tensor<2, Int>,
    /// 1 for a code to be learned, 0 after a short session, same shape.
    pub target_weight: Tensor<2>,
}

impl SessionBatch {
    /// Builds a batch; sessions longer than `slate_len` are cut, shorter ones filled with weight 0.
    pub fn new(
        examples: &[Example],
        table: &SemanticIdTable,
        history_len: usize,
        slate_len: usize,
        device: &Device,
    ) -> Self {
        let histories: Vec<Vec<ItemIdx>> = examples
            .iter()
            .map(|example| example.history.clone())
            .collect();
        let n_codes = slate_len * table.n_levels();
        let mut targets = Vec::with_capacity(examples.len() * n_codes);
        let mut weight = Vec::with_capacity(examples.len() * n_codes);
        for example in examples {
            let items = &example.items[..example.items.len().min(slate_len)];
            for item in items {
                targets.extend(table.sid(*item).iter().map(|code| i64::from(*code)));
            }
            let n_known = items.len() * table.n_levels();
            weight.extend(std::iter::repeat_n(1.0_f32, n_known));
            targets.extend(std::iter::repeat_n(0, n_codes - n_known));
            weight.extend(std::iter::repeat_n(0.0, n_codes - n_known));
        }
        let shape = [examples.len(), n_codes];
        Self {
            history: HistoryBatch::new(&histories, table, history_len, device),
            targets: Tensor::from_data(TensorData::new(targets, shape), device),
            target_weight: Tensor::from_data(TensorData::new(weight, shape), device),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_align_at_the_most_recent_item_and_short_sessions_weigh_nothing() {
        let table = SemanticIdTable::new(2, 4, vec![0, 1, /**/ 2, 3, /**/ 1, 0]);
        let items = |indices: &[u32]| indices.iter().map(|idx| ItemIdx(*idx)).collect::<Vec<_>>();
        let examples = [
            Example {
                history: items(&[0, 1, 2]),
                items: items(&[1]),
            },
            Example {
                history: items(&[1]),
                items: items(&[2, 0, 1]),
            },
            Example {
                history: Vec::new(),
                items: items(&[0, 0]),
            },
        ];
        let batch = SessionBatch::new(&examples, &table, 2, 2, &Device::flex());

        // Specials PAD 0, BOS 1, SEP 2; level 0 from 3, level 1 from 7.
        let tokens: Vec<i64> = batch.history.tokens.clone().try_into_vec_as().unwrap();
        assert_eq!(
            tokens,
            [
                2, 5, 10, 2, 4, 7, /**/ 0, 0, 0, 2, 5, 10, /**/ 0, 0, 0, 0, 0, 2
            ]
        );
        assert!(batch.history.has_padding);
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
