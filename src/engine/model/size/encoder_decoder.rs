//! An encoder over the context's positions and a decoder over slates. [A 3.2; B 2.2.2, 2.3]

use super::block::{Layers, Tokens};
use super::{ModelSize, PartSize, Request, pathways};
use crate::engine::batch::FeatureSpec;
use crate::engine::model::config::{ModelConfig, NormPlacement, System};
use crate::engine::tokenizer::vocab::TokenVocab;

pub(super) fn size(
    config: &ModelConfig,
    vocab: TokenVocab,
    request: Request,
    features: &FeatureSpec,
) -> ModelSize {
    let d = config.d_model as u64;
    let tables = PartSize {
        name: "embeddings",
        n_parameters: d * (vocab.size() as u64 + request.n_target()),
        n_kept: d * request.n_target(),
        ..PartSize::default()
    };
    let mut input = PartSize {
        name: "context input",
        n_parameters: config.n_input_parameters(vocab, features) as u64,
        n_kept: d * request.n_context,
        ..PartSize::default()
    };
    if config.system == System::Pathways {
        pathways::add_work(&mut input, config, features);
    }
    let mut encoder = encoder(config, request.n_context);
    let mut decoder = decoder(config, request);
    if config.norm == NormPlacement::Pre {
        encoder.n_parameters += d;
        decoder.n_parameters += d;
    }
    let mut output = PartSize {
        name: "output",
        ..PartSize::default()
    };
    for _ in 0..vocab.n_levels {
        Layers::new(config).output(&mut output, vocab.codebook_size as u64, request);
    }
    if config.tie_embeddings {
        output.n_parameters = 0;
    }
    ModelSize {
        parts: vec![tables, input, encoder, decoder, output],
        request,
    }
}

/// All blocks of the encoder over `n_context` positions.
pub(super) fn encoder(config: &ModelConfig, n_context: u64) -> PartSize {
    let layers = Layers::new(config);
    let tokens = Tokens {
        context: n_context,
        target: 0,
    };
    let mut part = PartSize {
        name: "encoder",
        ..PartSize::default()
    };
    for block_idx in 0..config.n_encoder_layers {
        layers.context_attention(&mut part, n_context);
        layers.feed_forward(&mut part, config.has_encoder_experts(block_idx), tokens);
    }
    part
}

/// All blocks of the decoder.
pub(super) fn decoder(config: &ModelConfig, request: Request) -> PartSize {
    let layers = Layers::new(config);
    let tokens = Tokens {
        context: 0,
        target: request.n_target(),
    };
    let mut part = PartSize {
        name: "decoder",
        ..PartSize::default()
    };
    for block_idx in 0..config.n_decoder_layers {
        layers.target_attention(&mut part, request);
        layers.cross_attention(&mut part, request, true);
        layers.feed_forward(&mut part, config.has_decoder_experts(block_idx), tokens);
    }
    part
}
