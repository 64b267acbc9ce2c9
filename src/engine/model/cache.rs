//! What decoding keeps between steps: the encoder's keys and values once per request, the decoder's own once per beam.

use burn::tensor::Tensor;

use super::block::DecoderContext;

/// State of a batch of decodings that advance together. The beams of one request stand together.
#[derive(Clone, Debug)]
pub struct DecodeCache {
    pub(super) contexts: Vec<DecoderContext>,
    pub(super) memory_mask: Option<Tensor<4>>,
    pub(super) n_tokens: usize,
}

impl DecodeCache {
    /// Tokens decoded so far.
    pub fn n_tokens(&self) -> usize {
        self.n_tokens
    }

    /// Keeps and multiplies beams: row `i` continues what was row `rows[i]`.
    /// Every request must keep its place and get the same number of rows.
    pub fn select_rows(&mut self, rows: &[usize]) {
        for context in &mut self.contexts {
            context.past.select_rows(rows);
        }
    }
}
