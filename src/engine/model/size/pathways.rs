//! The work of the second system's input layers: from features to positions. [B 2.2.1]
//!
//! Looking up a table is no matrix product, so tables are parameters but no operations.

use super::PartSize;
use crate::engine::batch::FeatureSpec;
use crate::engine::batch::pathway::Pathway;
use crate::engine::model::config::ModelConfig;
use crate::engine::model::pathway_input::Widths;

/// Adds the operations and the kept values of all pathways that are read.
pub(super) fn add_work(part: &mut PartSize, config: &ModelConfig, features: &FeatureSpec) {
    let widths = Widths::new(config, features);
    let d = config.d_model as u64;
    let pathways = &config.pathways;
    let n_lifelong = pathways.lifelong_positions as u64;
    for (pathway, n_positions, width) in [
        (Pathway::Static, 1, widths.users),
        (Pathway::Short, pathways.short_len as u64, widths.behaviour),
        (
            Pathway::Positive,
            config.history_len as u64,
            widths.behaviour,
        ),
        (Pathway::Lifelong, n_lifelong, widths.behaviour),
    ] {
        if pathways.reads(pathway) {
            let width = width as u64;
            part.context_flops += 2 * n_positions * (width * d + d * d);
            part.n_kept += n_positions * (2 * width + 2 * d);
        }
    }
    if pathways.reads(Pathway::Lifelong) {
        let n_queries = pathways.lifelong_queries as u64;
        let d_ff = config.d_ff as u64;
        let of_queries = n_queries * (2 * d * d + 3 * d * d_ff);
        let of_positions = n_lifelong * 2 * d * d;
        let scores = 2 * n_queries * n_lifelong * d;
        let n_layers = pathways.lifelong_layers as u64;
        part.context_flops += 2 * n_layers * (of_queries + of_positions + scores);
        let kept_scores = 2 * config.n_heads as u64 * n_queries * n_lifelong;
        part.n_kept +=
            n_layers * (n_queries * (8 * d + 4 * d_ff) + 2 * n_lifelong * d + kept_scores);
    }
}
