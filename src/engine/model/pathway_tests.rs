//! Properties of the generator that reads pathways, on a tiny one.

use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::{Device, Int, Tensor};

use super::config::{ModelConfig, NormPlacement, System};
use super::generator::Generator;
use super::gradient_check::check_gradients;
use super::lazy_decoder::config::LazyConfig;
use super::pathway_input::n_positions;
use crate::engine::batch::pathway::{ItemInput, Pathway, PathwayConfig, PositionRule, toy};
use crate::engine::batch::{Example, HostBatch, SessionBatch};
use crate::engine::data::{ItemIdx, Moment, PreparedData, UserIdx};
use crate::engine::loss::next_token;
use crate::engine::seed::Seed;
use crate::engine::tokenizer::vocab::TokenVocab;

const VOCAB: TokenVocab = TokenVocab {
    n_levels: 3,
    codebook_size: 5,
};

fn tiny() -> ModelConfig {
    ModelConfig {
        system: System::Pathways,
        d_model: 16,
        n_heads: 2,
        n_encoder_layers: 1,
        n_decoder_layers: 1,
        d_ff: 14,
        n_experts: 3,
        n_active_experts: 2,
        d_ff_expert: 10,
        history_len: 4,
        pathways: PathwayConfig {
            short_len: 3,
            cluster_size: 2,
            lifelong_queries: 2,
            ..PathwayConfig::default()
        },
        ..ModelConfig::default()
    }
}

/// Every switch once.
fn variants() -> Vec<ModelConfig> {
    let with = |pathways: PathwayConfig| ModelConfig { pathways, ..tiny() };
    vec![
        tiny(),
        with(PathwayConfig {
            item: ItemInput::Vid,
            positions: PositionRule::Clusters,
            lifelong_residual: false,
            ..tiny().pathways
        }),
        ModelConfig {
            norm: NormPlacement::Post,
            n_experts: 0,
            ..with(PathwayConfig {
                read: vec![Pathway::Positive],
                ..tiny().pathways
            })
        },
        with(PathwayConfig {
            read: vec![Pathway::Static, Pathway::Lifelong],
            lifelong_layers: 1,
            ..tiny().pathways
        }),
        ModelConfig {
            system: System::Lazy,
            lazy: LazyConfig {
                d_embed: 8,
                reads_pathways: true,
                ..LazyConfig::default()
            },
            ..tiny()
        },
    ]
}

/// Runs a test with a model, its batches and the log behind them.
struct Fixture {
    data: PreparedData,
    config: ModelConfig,
}

impl Fixture {
    fn new(config: ModelConfig) -> Self {
        Self {
            data: toy::data(),
            config,
        }
    }

    fn model(&self, slate_len: usize, device: &Device) -> Generator {
        let (table, embeddings) = (toy::table(), toy::embeddings());
        let reader = self.config.reader(&self.data, &table, &embeddings);
        self.config
            .init(VOCAB, slate_len, reader.features(), Seed(7), device)
    }

    /// Histories of 5, 1, 0 and 8 events, then an item or two.
    fn examples(&self) -> Vec<Example> {
        [(0, 5, 2), (2, 1, 1), (1, 0, 2), (0, 8, 1)]
            .map(|(user, n_before, n_items)| {
                let row = toy::row(&self.data, user, n_before);
                let log = &self.data.dataset.log;
                Example {
                    moment: self
                        .data
                        .moment(UserIdx(user), row, self.config.history_len),
                    items: log.item[row..row + n_items].to_vec(),
                }
            })
            .into()
    }

    fn batch(&self, examples: &[Example], slate_len: usize, device: &Device) -> SessionBatch {
        let (table, embeddings) = (toy::table(), toy::embeddings());
        let reader = self.config.reader(&self.data, &table, &embeddings);
        HostBatch::new(examples, &reader, slate_len).to_device(device)
    }
}

fn logits(model: &Generator, batch: &SessionBatch) -> Tensor<3> {
    model.decode(&model.encode(&batch.context), batch.targets.clone())
}

fn values<const D: usize>(x: Tensor<D>) -> Vec<f32> {
    x.try_into_vec_as().unwrap()
}

fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len(), "lengths");
    a.iter()
        .zip(b)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f32::max)
}

#[test]
fn the_encoder_has_the_positions_of_the_report() {
    let config = ModelConfig {
        history_len: 256,
        ..ModelConfig::default()
    };
    assert_eq!(n_positions(&config), 1 + 20 + 256 + 128);
    let device = Device::flex();
    let fixture = Fixture::new(tiny());
    let model = fixture.model(1, &device);
    let batch = fixture.batch(&fixture.examples(), 1, &device);
    assert_eq!(logits(&model, &batch).dims(), [4, 3, 5]);
}

#[test]
fn padding_changes_nothing() {
    let device = Device::flex();
    for config in variants() {
        let fixture = Fixture::new(config);
        let model = fixture.model(2, &device).with_embeddings_times(5.0);
        let examples = fixture.examples();
        let together = values(logits(&model, &fixture.batch(&examples, 2, &device)));
        let per_row = together.len() / examples.len();
        for (row, example) in examples.iter().enumerate() {
            let alone = fixture.batch(std::slice::from_ref(example), 2, &device);
            let alone = values(logits(&model, &alone));
            let difference =
                largest_difference(&alone, &together[row * per_row..(row + 1) * per_row]);
            assert!(difference < 1e-5, "row {row}: {difference}");
        }
    }
}

#[test]
fn every_pathway_reaches_the_prediction() {
    let device = Device::flex();
    let of = |read: Vec<Pathway>, user: u32, n_before: usize| {
        let mut config = tiny();
        config.pathways.read = read;
        let fixture = Fixture::new(config);
        let model = fixture.model(1, &device).with_embeddings_times(10.0);
        let row = toy::row(&fixture.data, user, n_before);
        let example = Example {
            moment: fixture.data.moment(UserIdx(user), row, 4),
            items: vec![ItemIdx(0)],
        };
        values(logits(&model, &fixture.batch(&[example], 1, &device)))
    };
    for pathway in [Pathway::Short, Pathway::Positive, Pathway::Lifelong] {
        let difference = largest_difference(&of(vec![pathway], 0, 7), &of(vec![pathway], 0, 8));
        assert!(difference > 1e-5, "{pathway:?}: {difference}");
    }
    let users = |user| of(vec![Pathway::Static], user, 1);
    assert!(largest_difference(&users(0), &users(1)) > 1e-5);
    // The static pathway knows nothing of what the user did.
    assert_eq!(users(0), of(vec![Pathway::Static], 0, 8));
}

#[test]
fn cached_steps_equal_teacher_forcing() {
    let device = Device::flex();
    for config in variants() {
        let fixture = Fixture::new(config);
        let model = fixture.model(1, &device).with_embeddings_times(5.0);
        let batch = fixture.batch(&fixture.examples(), 1, &device);
        let full = logits(&model, &batch);
        let memory = model.encode(&batch.context);
        let mut cache = model.start_cache(&memory);
        for code_idx in 0..VOCAB.n_levels {
            let tokens: Tensor<2, Int> = if code_idx == 0 {
                Tensor::full([4, 1], i64::from(TokenVocab::BOS), &device)
            } else {
                let offset = i64::from(VOCAB.token(code_idx - 1, 0));
                batch.targets.clone().slice_dim(1, code_idx - 1..code_idx) + offset
            };
            let step = values(model.step(&mut cache, tokens));
            let expected = values(full.clone().slice_dim(1, code_idx..code_idx + 1));
            let difference = largest_difference(&step, &expected);
            assert!(difference < 1e-4, "code {code_idx}: {difference}");
        }
    }
}

#[test]
fn the_arithmetic_size_is_the_real_one() {
    let device = Device::flex();
    let (table, embeddings) = (toy::table(), toy::embeddings());
    let size = |config: &ModelConfig| {
        let data = toy::data();
        let reader = config.reader(&data, &table, &embeddings);
        let spec = reader.features();
        let size = config.size(VOCAB, 2, spec).n_parameters() as usize;
        let model = config.init(VOCAB, 2, spec, Seed(1), &device);
        assert_eq!(size, model.n_parameters());
        size
    };
    for config in variants() {
        size(&config);
    }
    let mut vid = tiny();
    vid.pathways.item = ItemInput::Vid;
    assert_eq!(
        size(&vid) - size(&tiny()),
        (1 + toy::N_ITEMS) * 16,
        "semantic IDs as input save the table of items"
    );
}

#[test]
fn items_are_learned_by_heart() {
    let device = Device::flex().autodiff();
    for config in variants() {
        let fixture = Fixture::new(config);
        let mut model = fixture.model(1, &device);
        let batch = fixture.batch(&fixture.examples(), 1, &device);
        let loss_of = |model: &Generator| {
            next_token(
                logits(model, &batch),
                batch.targets.clone(),
                batch.target_weight.clone(),
                VOCAB.n_levels,
            )
            .mean
        };
        let first: f32 = loss_of(&model).into_scalar();
        let uniform = (VOCAB.codebook_size as f32).ln();
        assert!((first - uniform).abs() < 0.1, "{first} against {uniform}");
        let mut optimizer = AdamConfig::new().init();
        let mut last = first;
        for _ in 0..80 {
            let loss = loss_of(&model);
            last = loss.clone().into_scalar();
            let grads = GradientsParams::from_grads(loss.backward(), &model);
            model = optimizer.step(1e-2, model, grads);
        }
        assert!(last < 0.05, "loss {last} after 80 steps");
    }
}

#[test]
fn gradients_agree_with_finite_differences() {
    let device = Device::flex().autodiff();
    for config in variants() {
        // All experts at work: where a token changes its experts, the loss jumps and has no slope to measure.
        let config = ModelConfig {
            n_active_experts: config.n_experts,
            ..config
        };
        let fixture = Fixture::new(config);
        let batch = fixture.batch(&fixture.examples(), 2, &device);
        let model = fixture.model(2, &device).with_embeddings_times(15.0);
        check_gradients(model, |model| {
            next_token(
                logits(model, &batch),
                batch.targets.clone(),
                batch.target_weight.clone(),
                VOCAB.n_levels,
            )
            .sum
        });
    }
}

#[test]
fn a_moment_of_another_user_is_another_context() {
    let fixture = Fixture::new(tiny());
    let (table, embeddings) = (toy::table(), toy::embeddings());
    let reader = fixture.config.reader(&fixture.data, &table, &embeddings);
    let read = |user: u32| {
        let moment: Moment =
            fixture
                .data
                .moment(UserIdx(user), toy::row(&fixture.data, user, 0), 4);
        reader.read([&moment])
    };
    assert_ne!(read(0), read(1));
    assert_eq!(read(0), read(0));
}
