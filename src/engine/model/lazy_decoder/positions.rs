//! From a context to one vector per position: the items of the history, or the positions of the pathways. [V2 2.2]
//!
//! ```text
//! history:   embeddings of an item's L codes side by side                       width L * d_embed
//! pathways:  what the pathways make of features, as narrow as an embedding      width d_embed
//! ```
//!
//! To either a fixed wave is added that tells how far a position lies from the most recent one of its history or pathway.

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};

use crate::engine::batch::pathway::PathwayBatch;
use crate::engine::batch::{ContextBatch, FeatureSpec, HistoryBatch};
use crate::engine::model::attention::padding_mask;
use crate::engine::model::config::ModelConfig;
use crate::engine::model::init::{EMBEDDING_STD, Initializer};
use crate::engine::model::pathway_input::PathwayInput;
use crate::engine::ops;

/// Longest wavelength of the places, positions.
const LONGEST_WAVE: f64 = 10_000.0;

/// What the context processor starts from.
pub(super) struct ContextPositions {
    /// `[n_requests, n_positions, width]`.
    pub(super) values: Tensor<3>,
    /// Hides positions that are not there; broadcasts to `[n_requests, 1, n_queries, n_positions]`.
    pub(super) mask: Option<Tensor<4>>,
}

/// Makes positions of contexts.
#[derive(Module, Debug)]
pub(super) struct PositionInput {
    /// Absent where semantic IDs are all that is read.
    pathways: Option<PathwayInput>,
    n_levels: usize,
}

impl PositionInput {
    pub(super) fn init(
        config: &ModelConfig,
        n_levels: usize,
        features: &FeatureSpec,
        init: &mut Initializer<'_>,
    ) -> Self {
        Self {
            pathways: config
                .reads_pathways()
                .then(|| PathwayInput::init(&config.narrow(), features, init)),
            n_levels,
        }
    }

    /// # Shapes
    /// - embeddings: `[vocab_size, d_embed]`
    ///
    /// # Panics
    /// If the context was read for another kind of model.
    pub(super) fn forward(
        &self,
        context: &ContextBatch,
        embeddings: Tensor<2>,
    ) -> ContextPositions {
        match (context, &self.pathways) {
            (ContextBatch::Session(history), None) => self.of_history(history, embeddings),
            (ContextBatch::Pathways(batch), Some(pathways)) => {
                of_pathways(pathways, batch, &embeddings)
            }
            _ => unreachable!("the context was read for a model of another system"),
        }
    }

    fn of_history(&self, history: &HistoryBatch, embeddings: Tensor<2>) -> ContextPositions {
        let [n_requests, n_tokens] = history.tokens.dims();
        let [_, d_embed] = embeddings.dims();
        let item_len = self.n_levels + 1;
        let n_items = n_tokens / item_len;
        // SEP says nothing here: each item has a vector of its own. The lone SEP of an empty history stands in the last
        // place and stays.
        let codes = history
            .tokens
            .clone()
            .reshape([n_requests * n_items, item_len])
            .slice_dim(1, 1..item_len)
            .reshape([n_requests, n_items * self.n_levels]);
        let width = self.n_levels * d_embed;
        let scale = (d_embed as f64).sqrt();
        let places = strong_places(n_items, width, d_embed, &codes.device())
            .reshape([n_items * self.n_levels, d_embed]);
        let items = ops::embedding(embeddings, places / scale, codes, scale);
        let mask = history.has_padding.then(|| {
            let is_pad = history
                .is_pad
                .clone()
                .reshape([n_requests, n_items, item_len])
                .slice_dim(2, self.n_levels..item_len)
                .reshape([n_requests, n_items]);
            padding_mask(is_pad)
        });
        ContextPositions {
            values: items.reshape([n_requests, n_items, width]),
            mask,
        }
    }

    /// See [`Generator::with_embeddings_times`](crate::engine::model::Generator::with_embeddings_times).
    #[cfg(test)]
    pub(super) fn with_tables_times(self, factor: f64) -> Self {
        Self {
            pathways: self
                .pathways
                .map(|pathways| pathways.with_tables_times(factor)),
            ..self
        }
    }
}

fn of_pathways(
    input: &PathwayInput,
    batch: &PathwayBatch,
    embeddings: &Tensor<2>,
) -> ContextPositions {
    let [_, d_embed] = embeddings.dims();
    let n_requests = batch.n_rows;
    let pathways = input.forward(batch, embeddings);
    let has_padding = pathways.iter().any(|tokens| tokens.mask.is_some());
    let (mut values, mut masks) = (Vec::new(), Vec::new());
    for tokens in pathways {
        let n_positions = tokens.n_positions;
        if has_padding {
            let nothing_hidden = || Tensor::zeros([n_requests, 1, 1, n_positions], &batch.device());
            masks.push(tokens.mask.unwrap_or_else(nothing_hidden));
        }
        let hidden = tokens.hidden.reshape([n_requests, n_positions, d_embed]);
        values.push(hidden + strong_places(n_positions, d_embed, d_embed, &batch.device()));
    }
    ContextPositions {
        values: Tensor::cat(values, 1),
        mask: has_padding.then(|| Tensor::cat(masks, 3)),
    }
}

/// The places as strong as new embeddings of width `d_embed` are, `[1, n_positions, width]`.
fn strong_places(n_positions: usize, width: usize, d_embed: usize, device: &Device) -> Tensor<3> {
    let strength = EMBEDDING_STD * (2.0 * d_embed as f64).sqrt();
    places(n_positions, width, device) * strength
}

/// A wave per feature whose phase is the distance from the most recent position, `[1, n_positions, width]`:
/// sines in even columns, cosines in odd ones. Mean square 1/2.
fn places(n_positions: usize, width: usize, device: &Device) -> Tensor<3> {
    let mut values = Vec::with_capacity(n_positions * width);
    for position in 0..n_positions {
        let distance = (n_positions - 1 - position) as f64;
        for column in 0..width {
            let exponent = (column / 2 * 2) as f64 / width as f64;
            let phase = distance / LONGEST_WAVE.powf(exponent);
            let value = if column % 2 == 0 {
                phase.sin()
            } else {
                phase.cos()
            };
            values.push(value as f32);
        }
    }
    Tensor::from_data(TensorData::new(values, [1, n_positions, width]), device)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_from_the_most_recent_position() {
        let device = Device::flex();
        let values = |n_positions: usize| -> Vec<f32> {
            places(n_positions, 6, &device).try_into_vec_as().unwrap()
        };
        let (short, long) = (values(2), values(5));
        assert_eq!(short, long[3 * 6..]);
        // The most recent: sin 0 and cos 0; the one before it: sin 1, cos 1.
        assert_eq!(short[6..], [0.0, 1.0, 0.0, 1.0, 0.0, 1.0]);
        assert!((short[0] - 1.0_f32.sin()).abs() < 1e-6, "{short:?}");
        assert!((short[1] - 1.0_f32.cos()).abs() < 1e-6, "{short:?}");
    }
}
