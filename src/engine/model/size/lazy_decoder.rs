//! The lazy decoder: one matrix reads the context. [V2 2.2]

use super::block::{Layers, Tokens};
use super::{ModelSize, PartSize, Request, pathways};
use crate::engine::batch::FeatureSpec;
use crate::engine::model::config::ModelConfig;
use crate::engine::tokenizer::vocab::TokenVocab;

pub(super) fn size(
    config: &ModelConfig,
    vocab: TokenVocab,
    request: Request,
    features: &FeatureSpec,
) -> ModelSize {
    let lazy = &config.lazy;
    let (d, d_embed) = (config.d_model as u64, lazy.d_embed as u64);
    let n_target = request.n_target();
    let target = Tokens {
        context: 0,
        target: n_target,
    };
    let n_parts = lazy.n_parts() as u64;
    let d_context = n_parts * lazy.d_part(config.d_model, config.n_heads) as u64;
    let d_position = lazy.d_position(vocab.n_levels) as u64;
    let layers = Layers::new(config);

    let mut tables = PartSize {
        name: "embeddings",
        n_parameters: vocab.size() as u64 * d_embed,
        ..PartSize::default()
    };
    tables.matrix(d_embed * d, target);
    tables.n_kept = n_target * (d_embed + d);

    let mut context = PartSize {
        name: "context processor",
        n_parameters: d_context + config.n_input_parameters(vocab, features) as u64,
        ..PartSize::default()
    };
    let of_context = Tokens {
        context: request.n_context,
        target: 0,
    };
    context.matrix(d_position * d_context, of_context);
    context.n_kept = request.n_context * (d_position + 3 * d_context);
    if config.reads_pathways() {
        pathways::add_work(&mut context, &config.narrow(), features);
    }

    let mut decoder = PartSize {
        name: "decoder",
        ..PartSize::default()
    };
    for block_idx in 0..config.n_decoder_layers {
        layers.cross_attention(&mut decoder, request, false);
        layers.target_attention(&mut decoder, request);
        layers.feed_forward(&mut decoder, config.has_decoder_experts(block_idx), target);
    }

    let mut output = PartSize {
        name: "output",
        n_parameters: vocab.n_levels as u64 * d,
        ..PartSize::default()
    };
    for _ in 0..vocab.n_levels {
        layers.output(&mut output, vocab.codebook_size as u64, request);
    }
    ModelSize {
        parts: vec![tables, context, decoder, output],
        request,
    }
}
