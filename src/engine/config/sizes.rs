//! The papers' models by name: the widths of a generator, its codes and its context, to be put over a preset.
//!
//! A size says how large a model is and nothing of how it is trained, but for the learning rate where the paper gives one.
//! Most of them are larger than a computer's memory; they are there to be counted (`onerec size`).

use super::ExperimentConfig;
use crate::engine::batch::FeatureSpec;
use crate::engine::model::config::{ModelConfig, NormPlacement, System};
use crate::engine::model::lazy_decoder::config::LazyConfig;
use crate::engine::model::size::ModelSize;
use crate::engine::tokenizer::vocab::TokenVocab;

/// A model of a paper.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NamedSize {
    /// The name used on the command line.
    pub name: &'static str,
    /// Where the paper lists it.
    pub source: &'static str,
    /// Parameters that the paper names it after, millions.
    pub stated_millions: f64,
    /// Why the count differs where it does; empty where it does not.
    pub remark: &'static str,
    shape: Shape,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Shape {
    /// The session generator. [A 5.3.2 gives totals only]
    Session {
        d_model: usize,
        n_heads: usize,
        n_layers: usize,
        d_ff_expert: usize,
    },
    /// The encoder over pathways. [B Table 1]
    Pathways {
        d_model: usize,
        n_heads: usize,
        n_layers: usize,
        d_ff: usize,
        /// Experts used per token; 0 makes it dense.
        n_active_experts: usize,
        has_encoder_experts: bool,
    },
    /// The lazy decoder. [V2 Table 5]
    Lazy {
        d_model: usize,
        n_layers: usize,
        n_heads: usize,
        d_embed: usize,
        learning_rate: f64,
        has_experts: bool,
    },
}

/// Codes per level in all papers. [A 5.1.1; B 4.2.1]
const CODEBOOK_SIZE: usize = 8192;

const A_WIDTHS: &str = "A gives totals and 13% of active parameters at 1B; the widths are ours";
const B_WIDTHS: &str = "dense layers of 2048 without a gate stand here as gated ones of 1408; experts are 2688 wide, in every second block of \
     the largest model; tables of features come on top";
const B_DENSE: &str = "135 million, or 118 without the queries that read the lifelong history; tables of features come on top";
const B_SMALLEST: &str = "4 million: its widths leave no room for more, so the report's figure must count tables of features";
const V2_ROUND: &str = "V2 names rows after round figures: its widths give 105, 197, 536, 1087, 2163, 4134 and 7957 million \
     with feed-forward layers of 4 d_model, which its Table 1 implies";

/// All of them, by paper and size.
pub const SIZES: [NamedSize; 17] = [
    session("a-0.05b", 50.0, 320, 5, 2, 832),
    session("a-0.1b", 100.0, 320, 5, 2, 1920),
    session("a-0.2b", 200.0, 384, 6, 4, 1600),
    session("a-0.5b", 500.0, 512, 8, 6, 2048),
    session("a-1b", 1000.0, 512, 8, 8, 3200),
    pathways("b-0.015b", 15.0, B_SMALLEST, [128, 4, 2, 256, 0], false),
    pathways("b-0.121b", 121.0, B_DENSE, [1024, 8, 4, 1408, 0], false),
    pathways("b-0.935b", 935.0, B_WIDTHS, [1024, 8, 4, 1408, 2], false),
    pathways("b-2.633b", 2633.0, B_WIDTHS, [1024, 8, 12, 1408, 4], true),
    lazy("v2-0.1b", 100.0, 640, 12, 10, 32, 5.00e-4),
    lazy("v2-0.2b", 200.0, 896, 12, 14, 45, 3.54e-4),
    lazy("v2-0.5b", 500.0, 1408, 14, 11, 70, 2.24e-4),
    lazy("v2-1b", 1000.0, 1792, 18, 14, 90, 1.58e-4),
    lazy("v2-2b", 2000.0, 2304, 22, 18, 115, 1.12e-4),
    lazy("v2-4b", 4000.0, 2944, 26, 23, 147, 7.91e-5),
    lazy("v2-8b", 8000.0, 3584, 34, 28, 179, 5.59e-5),
    NamedSize {
        name: "v2-4b-moe",
        source: "[V2 2.2]",
        stated_millions: 4000.0,
        remark: "the widths of the 0.5B row, whose four active experts of 1408 are as wide as its dense layers",
        shape: Shape::Lazy {
            d_model: 1408,
            n_layers: 14,
            n_heads: 11,
            d_embed: 70,
            learning_rate: 2.24e-4,
            has_experts: true,
        },
    },
];

const fn session(
    name: &'static str,
    stated_millions: f64,
    d_model: usize,
    n_heads: usize,
    n_layers: usize,
    d_ff_expert: usize,
) -> NamedSize {
    NamedSize {
        name,
        source: "[A 5.3.2]",
        stated_millions,
        remark: A_WIDTHS,
        shape: Shape::Session {
            d_model,
            n_heads,
            n_layers,
            d_ff_expert,
        },
    }
}

/// `widths`: d_model, n_heads, blocks of each stack, d_ff, active experts.
const fn pathways(
    name: &'static str,
    stated_millions: f64,
    remark: &'static str,
    widths: [usize; 5],
    has_encoder_experts: bool,
) -> NamedSize {
    let [d_model, n_heads, n_layers, d_ff, n_active_experts] = widths;
    NamedSize {
        name,
        source: "[B Table 1]",
        stated_millions,
        remark,
        shape: Shape::Pathways {
            d_model,
            n_heads,
            n_layers,
            d_ff,
            n_active_experts,
            has_encoder_experts,
        },
    }
}

const fn lazy(
    name: &'static str,
    stated_millions: f64,
    d_model: usize,
    n_layers: usize,
    n_heads: usize,
    d_embed: usize,
    learning_rate: f64,
) -> NamedSize {
    NamedSize {
        name,
        source: "[V2 Table 5]",
        stated_millions,
        remark: V2_ROUND,
        shape: Shape::Lazy {
            d_model,
            n_layers,
            n_heads,
            d_embed,
            learning_rate,
            has_experts: false,
        },
    }
}

impl NamedSize {
    /// The size of that name.
    pub fn find(name: &str) -> Option<Self> {
        SIZES.into_iter().find(|size| size.name == name)
    }

    /// Writes the size over other settings.
    pub fn apply(&self, config: &mut ExperimentConfig) {
        config.tokenizer.n_levels = 3;
        config.tokenizer.codebook_size = CODEBOOK_SIZE;
        match self.shape {
            Shape::Session {
                d_model,
                n_heads,
                n_layers,
                d_ff_expert,
            } => {
                config.model = ModelConfig {
                    system: System::Session,
                    d_model,
                    n_heads,
                    n_encoder_layers: n_layers,
                    n_decoder_layers: n_layers,
                    d_ff: 2 * d_model,
                    n_experts: 24,
                    n_active_experts: 2,
                    d_ff_expert,
                    history_len: 256,
                    ..ModelConfig::default()
                };
                config.data.session.slate_len = 5;
                // [A 5.1.1]
                config.pretrain.learning_rate = 2e-4;
            }
            Shape::Pathways {
                d_model,
                n_heads,
                n_layers,
                d_ff,
                n_active_experts,
                has_encoder_experts,
            } => {
                config.model = ModelConfig {
                    system: System::Pathways,
                    d_model,
                    n_heads,
                    n_encoder_layers: n_layers,
                    n_decoder_layers: n_layers,
                    d_ff,
                    n_experts: if n_active_experts == 0 { 0 } else { 24 },
                    n_active_experts,
                    d_ff_expert: 2688,
                    encoder_experts: has_encoder_experts,
                    expert_every_blocks: if has_encoder_experts { 2 } else { 1 },
                    history_len: 256,
                    ..ModelConfig::default()
                };
                // Point-wise: one item per sample. [B 2.3]
                config.data.session.slate_len = 1;
            }
            Shape::Lazy {
                d_model,
                n_layers,
                n_heads,
                d_embed,
                learning_rate,
                has_experts,
            } => {
                config.model = ModelConfig {
                    system: System::Lazy,
                    d_model,
                    n_heads,
                    n_decoder_layers: n_layers,
                    d_ff: 4 * d_model,
                    n_experts: if has_experts { 53 } else { 0 },
                    n_active_experts: 3,
                    d_ff_expert: 1408,
                    n_shared_experts: usize::from(has_experts),
                    n_dense_blocks: if has_experts { 2 } else { 0 },
                    history_len: 512,
                    norm: NormPlacement::Pre,
                    lazy: LazyConfig {
                        d_embed,
                        ..LazyConfig::default()
                    },
                    ..ModelConfig::default()
                };
                config.data.session.slate_len = 5;
                config.pretrain.learning_rate = learning_rate;
            }
        }
    }
}

impl ExperimentConfig {
    /// Codes and levels as they are configured; a policy for shared IDs may add a level.
    pub fn vocab(&self) -> TokenVocab {
        TokenVocab {
            n_levels: self.tokenizer.n_levels,
            codebook_size: self.tokenizer.codebook_size,
        }
    }

    /// Size and cost of the generator, per request of a full history and a full slate. Features that a dataset adds are
    /// not known before it is read.
    pub fn generator_size(&self) -> ModelSize {
        let features = FeatureSpec::default();
        let n_items = self.data.session.slate_len;
        self.model.size(self.vocab(), n_items, &features)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::config::{Preset, validate};

    fn millions(size: &NamedSize) -> (f64, f64) {
        let mut config = ExperimentConfig::load(Preset::Base, None, &[]).unwrap();
        size.apply(&mut config);
        validate::check(&config).unwrap();
        let count = config.generator_size();
        (
            count.n_parameters() as f64 / 1e6,
            count.n_active_parameters() as f64 / 1e6,
        )
    }

    #[test]
    fn counts_are_those_stated_or_the_remark_says_what_they_are() {
        for size in SIZES {
            let (found, _) = millions(&size);
            let deviation = found / size.stated_millions - 1.0;
            if deviation.abs() < 0.03 {
                continue;
            }
            let listed = format!("{found:.0}");
            assert!(size.remark.contains(&listed), "{}: {listed}", size.name);
        }
    }

    #[test]
    fn active_shares_are_those_stated() {
        let (total, active) = millions(&NamedSize::find("a-1b").unwrap());
        assert!((active / total - 0.13).abs() < 0.005, "{active} of {total}");
        // 0.5B of 4B. [V2 2.2]
        let (_, active) = millions(&NamedSize::find("v2-4b-moe").unwrap());
        assert!((active - 540.0).abs() < 20.0, "{active}");
    }

    #[test]
    fn names_are_unique() {
        for size in SIZES {
            assert_eq!(NamedSize::find(size.name), Some(size));
        }
        assert_eq!(NamedSize::find("b-9b"), None);
    }
}
