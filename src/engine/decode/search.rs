//! What beam search and sampling have in common: a generator that writes one code of every row at a time, for all users
//! of a batch at once. The context is read once per user, and every token of a row once.

use burn::module::Module as _;
use burn::tensor::{Device, Tensor, TensorData};

use super::beam::Beam;
use super::constraint::Constraint;
use crate::engine::batch::ContextBatch;
use crate::engine::model::{DecodeCache, Generator};
use crate::engine::tokenizer::trie::SemanticIdTrie;
use crate::engine::tokenizer::vocab::TokenVocab;

/// A generator at work on a batch of contexts.
pub(super) struct Search<'a> {
    model: Generator,
    cache: DecodeCache,
    device: Device,
    /// Which codes may come.
    pub(super) constraint: Constraint<'a>,
    /// Codes of a whole slate.
    pub(super) n_codes: usize,
}

impl<'a> Search<'a> {
    /// Reads the contexts, and returns one empty beam for each of them, too.
    ///
    /// # Panics
    /// If `n_items` is more than the model was built for.
    pub(super) fn start(
        model: &Generator,
        context: &ContextBatch,
        trie: Option<&'a SemanticIdTrie>,
        n_items: usize,
    ) -> (Self, Vec<Vec<Beam>>) {
        assert!(
            n_items <= model.slate_len(),
            "{n_items} items from a model for {}",
            model.slate_len()
        );
        let model = model.valid();
        let vocab = model.vocab();
        let memory = model.encode(&context.without_autodiff());
        let search = Self {
            cache: model.start_cache(&memory),
            device: context.device().inner(),
            constraint: Constraint::new(trie, vocab.n_levels, vocab.codebook_size),
            n_codes: n_items * vocab.n_levels,
            model,
        };
        let start = Beam {
            codes: Vec::new(),
            log_prob: 0.0,
        };
        (search, vec![vec![start]; context.n_rows()])
    }

    /// Feeds what was written last and returns the logits of the next code of every row, `[n_rows * codebook_size]`.
    /// Requests with fewer beams than others are filled with rows that nothing reads.
    pub(super) fn next_logits(&mut self, beams: &[Vec<Beam>]) -> Vec<f32> {
        let tokens = next_tokens(beams, self.model.vocab());
        let tokens = Tensor::from_data(tokens, &self.device);
        self.model
            .step(&mut self.cache, tokens)
            .try_into_vec_as()
            .expect("a float tensor reads back as f32")
    }

    /// Row `i` continues what was row `rows[i]`; every request keeps its place and gets equally many rows.
    pub(super) fn select_rows(&mut self, rows: &[usize]) {
        self.cache.select_rows(rows);
    }
}

/// The tokens that the last step left to be fed: `[n_requests * width, n_new]`.
fn next_tokens(beams: &[Vec<Beam>], vocab: TokenVocab) -> TensorData {
    let width = beams.iter().map(Vec::len).max().unwrap_or(0);
    let n_codes = beams
        .iter()
        .flatten()
        .next()
        .map_or(0, |beam| beam.codes.len());
    let starts_item = n_codes.is_multiple_of(vocab.n_levels);
    let n_new = if n_codes > 0 && starts_item { 2 } else { 1 };
    let mut tokens = Vec::with_capacity(beams.len() * width * n_new);
    for beams in beams {
        for beam in beams {
            if let Some(code) = beam.codes.last() {
                let level_idx = (n_codes - 1) % vocab.n_levels;
                tokens.push(i64::from(vocab.token(level_idx, *code)));
            }
            if starts_item {
                tokens.push(i64::from(TokenVocab::BOS));
            }
        }
        let n_missing = (width - beams.len()) * n_new;
        tokens.extend(std::iter::repeat_n(i64::from(TokenVocab::PAD), n_missing));
    }
    TensorData::new(tokens, [beams.len() * width, n_new])
}
