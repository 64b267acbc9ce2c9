//! The encoder's input: the codes of the last items of each user, oldest first. [A eq. 1, Fig. 2]

use burn::tensor::{Bool, Device, Int, Tensor, TensorData};

use super::Array;
use crate::engine::data::ItemIdx;
use crate::engine::tokenizer::SemanticIdTable;
use crate::engine::tokenizer::vocab::TokenVocab;

/// Tokens of a batch on the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostHistory {
    /// As in [`HistoryBatch`], row-major.
    tokens: Vec<i64>,
    n_rows: usize,
}

/// Histories of a batch, most recent item last in every row.
#[derive(Clone, Debug)]
pub struct HistoryBatch {
    /// `SEP c1 .. cL` per item with PAD before the first, `[n_rows, n_items * (n_levels + 1)]`.
    pub tokens: Tensor<2, Int>,
    /// Whether a token is PAD, same shape.
    pub is_pad: Tensor<2, Bool>,
    /// Whether any token is PAD.
    pub has_padding: bool,
}

impl HostHistory {
    /// Takes the last `history_len` items of each history. The batch is as wide as its longest row.
    /// An empty history becomes a lone SEP, so that there is always something to attend to.
    pub fn new<H: AsRef<[ItemIdx]>>(
        histories: &[H],
        table: &SemanticIdTable,
        history_len: usize,
    ) -> Self {
        let vocab = TokenVocab {
            n_levels: table.n_levels(),
            codebook_size: table.codebook_size(),
        };
        let item_len = vocab.n_levels + 1;
        let lengths = histories.iter().map(|history| history.as_ref().len());
        let width = lengths.max().unwrap_or(0).clamp(1, history_len) * item_len;

        let mut tokens = Vec::with_capacity(histories.len() * width);
        for history in histories {
            let history = history.as_ref();
            let recent = &history[history.len().saturating_sub(history_len)..];
            let n_tokens = (recent.len() * item_len).max(1);
            tokens.extend(std::iter::repeat_n(
                i64::from(TokenVocab::PAD),
                width - n_tokens,
            ));
            if recent.is_empty() {
                tokens.push(i64::from(TokenVocab::SEP));
            }
            for item in recent {
                tokens.push(i64::from(TokenVocab::SEP));
                tokens.extend(
                    table
                        .sid(*item)
                        .iter()
                        .enumerate()
                        .map(|(level_idx, code)| i64::from(vocab.token(level_idx, *code))),
                );
            }
        }
        Self {
            tokens,
            n_rows: histories.len(),
        }
    }

    fn shape(&self) -> [usize; 2] {
        let width = self.tokens.len().checked_div(self.n_rows).unwrap_or(0);
        [self.n_rows, width]
    }

    /// The same under a name.
    pub(super) fn arrays(&self) -> Vec<Array> {
        vec![Array::ints("history_tokens", &self.shape(), &self.tokens)]
    }

    /// The same as tensors.
    pub fn to_device(&self, device: &Device) -> HistoryBatch {
        let shape = self.shape();
        let tokens: Tensor<2, Int> =
            Tensor::from_data(TensorData::new(self.tokens.clone(), shape), device);
        HistoryBatch {
            is_pad: tokens.clone().equal_elem(i64::from(TokenVocab::PAD)),
            tokens,
            has_padding: self.tokens.contains(&i64::from(TokenVocab::PAD)),
        }
    }
}

impl HistoryBatch {
    /// What [`HostHistory`] makes of some histories, as tensors.
    pub fn new<H: AsRef<[ItemIdx]>>(
        histories: &[H],
        table: &SemanticIdTable,
        history_len: usize,
        device: &Device,
    ) -> Self {
        HostHistory::new(histories, table, history_len).to_device(device)
    }

    /// Number of histories.
    pub fn n_rows(&self) -> usize {
        self.tokens.dims()[0]
    }

    /// The same batch for a model that does not record gradients.
    pub fn without_autodiff(&self) -> Self {
        Self {
            tokens: self.tokens.clone().without_autodiff(),
            is_pad: self.is_pad.clone().without_autodiff(),
            has_padding: self.has_padding,
        }
    }
}
