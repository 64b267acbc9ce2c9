//! The gradient of one step's batch, added up over parts that are computed one after the other.

use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::{Device, Tensor};

use super::config::{LossReduction, PretrainConfig};
use super::session_source::StepBatch;
use crate::engine::loss::{label_smoothing, next_token};
use crate::engine::model::Generator;

/// The gradient of a batch and the loss that it belongs to.
pub(super) struct StepGradient {
    /// Of the objective, with label smoothing, as `loss_reduction` says.
    pub grads: GradientsParams,
    /// Cross-entropy per code of each level over the whole batch, without smoothing, `[n_levels]`.
    pub per_level: Option<Tensor<1>>,
}

/// Computes the parts one after the other: what they need at a time is what one part needs. The sum is the gradient of
/// the whole batch up to rounding, because each part's sum is divided by what the whole batch has; it is multiplied by the
/// loss scale of the model's precision.
pub(super) fn step_gradient(
    model: &Generator,
    batch: &StepBatch,
    settings: &PretrainConfig,
    device: &Device,
) -> StepGradient {
    let n_codes = batch.n_codes().max(1) as f64;
    let divisor = match settings.loss_reduction {
        LossReduction::Mean => n_codes,
        LossReduction::Sum => batch.n_samples.max(1) as f64,
    };
    let amount = settings.label_smoothing;
    let mut sum = GradientsAccumulator::new();
    let mut per_level: Option<Tensor<1>> = None;
    for (part, part_codes) in batch.parts.iter().zip(&batch.part_codes) {
        let part = part.to_device(device);
        let logits = model.decode(&model.encode(&part.context), part.targets.clone());
        let smoothing = (amount > 0.0).then(|| {
            let (targets, weight) = (part.targets.clone(), part.target_weight.clone());
            label_smoothing(logits.clone(), targets, weight).mul_scalar(amount)
        });
        let n_levels = model.vocab().n_levels;
        let loss = next_token(logits, part.targets, part.target_weight, n_levels);
        let objective = match smoothing {
            Some(smoothing) => loss.sum + smoothing,
            None => loss.sum,
        };
        let scale = model.precision().loss_scale() / divisor;
        let grads = objective.mul_scalar(scale).backward();
        sum.accumulate(model, GradientsParams::from_grads(grads, model));
        let share = loss.per_level.mul_scalar(*part_codes as f64 / n_codes);
        per_level = Some(match per_level {
            Some(others) => others + share,
            None => share,
        });
    }
    StepGradient {
        grads: sum.grads(),
        per_level,
    }
}

#[cfg(test)]
mod tests {
    use burn::module::{Module as _, ModuleVisitor, Param};

    use super::*;
    use crate::engine::batch::{ContextReader, Example, FeatureSpec};
    use crate::engine::data::{ItemIdx, Moment};
    use crate::engine::model::ModelConfig;
    use crate::engine::optim::AdamW;
    use crate::engine::seed::Seed;
    use crate::engine::tokenizer::SemanticIdTable;
    use crate::engine::tokenizer::vocab::TokenVocab;

    const N_LEVELS: usize = 3;
    const SLATE_LEN: usize = 2;

    fn table() -> SemanticIdTable {
        let codes = (0..10 * N_LEVELS as u16).map(|idx| (idx * 7) % 5);
        SemanticIdTable::new(N_LEVELS, 5, codes.collect())
    }

    fn generator(device: &Device) -> Generator {
        let config = ModelConfig {
            d_model: 12,
            n_heads: 2,
            n_encoder_layers: 1,
            n_decoder_layers: 1,
            d_ff: 10,
            n_experts: 4,
            d_ff_expert: 6,
            history_len: 4,
            ..ModelConfig::default()
        };
        let vocab = TokenVocab {
            n_levels: N_LEVELS,
            codebook_size: 5,
        };
        config
            .init(vocab, SLATE_LEN, &FeatureSpec::default(), Seed(4), device)
            .with_embeddings_times(15.0)
    }

    fn examples() -> Vec<Example> {
        (0..7_u32)
            .map(|idx| {
                let len = idx as usize;
                Example {
                    moment: Moment::from_history(
                        (0..idx).map(|n| ItemIdx((3 * n + idx) % 10)).collect(),
                    ),
                    items: vec![ItemIdx(idx); 1 + len % 2],
                }
            })
            .collect()
    }

    struct Collect<'a> {
        grads: Option<&'a GradientsParams>,
        values: Vec<f32>,
    }

    impl ModuleVisitor for Collect<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let values = match self.grads {
                Some(grads) => grads.get::<D>(param.id),
                None => Some(param.val().inner()),
            };
            if let Some(values) = values {
                let values: Vec<f32> = values.try_into_vec_as().unwrap();
                self.values.extend(values);
            }
        }
    }

    fn values(model: &Generator, grads: Option<&GradientsParams>) -> Vec<f32> {
        let mut collect = Collect {
            grads,
            values: Vec::new(),
        };
        model.visit(&mut collect);
        collect.values
    }

    fn gradient(settings: &PretrainConfig, examples: &[Example], n_parts: usize) -> Vec<f32> {
        let device = Device::flex().autodiff();
        let model = generator(&device);
        let table = table();
        let reader = ContextReader::session(&table, 4);
        let batch = StepBatch::new(examples, &reader, SLATE_LEN, n_parts);
        let found = step_gradient(&model, &batch, settings, &device);
        values(&model, Some(&found.grads))
    }

    fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
        assert_eq!(a.len(), b.len(), "lengths");
        let differences = a.iter().zip(b).map(|(a, b)| (a - b).abs());
        differences.fold(0.0, f32::max)
    }

    #[test]
    fn several_parts_train_the_weights_of_one_big_batch() {
        let device = Device::flex().autodiff();
        let table = table();
        let reader = ContextReader::session(&table, 4);
        let first = generator(&device);
        let train = |n_parts: usize| {
            let settings = PretrainConfig {
                label_smoothing: 0.1,
                ..PretrainConfig::default()
            };
            let mut model = first.clone();
            let mut optimizer = AdamW::new(0.01, 1.0);
            let mut losses = Vec::new();
            for _ in 0..5 {
                let batch = StepBatch::new(&examples(), &reader, SLATE_LEN, n_parts);
                let step = step_gradient(&model, &batch, &settings, &device);
                let per_level: Vec<f32> = step.per_level.unwrap().try_into_vec_as().unwrap();
                losses.extend(per_level);
                (model, _) = optimizer.step(1e-3, model, step.grads);
            }
            (values(&model, None), losses)
        };
        let (whole, losses) = train(1);
        for n_parts in [2, 3, 7] {
            let (weights, part_losses) = train(n_parts);
            let difference = largest_difference(&whole, &weights);
            assert!(difference < 3e-4, "{n_parts} parts: {difference}");
            assert!(largest_difference(&losses, &part_losses) < 1e-4);
        }
        assert!(largest_difference(&whole, &values(&first, None)) > 1e-3);
    }

    #[test]
    fn the_sum_over_an_items_codes_is_their_mean_times_the_levels() {
        let with = |loss_reduction| PretrainConfig {
            loss_reduction,
            ..PretrainConfig::default()
        };
        let examples: Vec<Example> = examples()
            .into_iter()
            .map(|example| Example {
                items: example.items[..1].to_vec(),
                ..example
            })
            .collect();
        let sum = gradient(&with(LossReduction::Sum), &examples, 1);
        let mean = gradient(&with(LossReduction::Mean), &examples, 1);
        let times: Vec<f32> = mean.iter().map(|g| N_LEVELS as f32 * g).collect();
        assert!(largest_difference(&sum, &times) < 1e-5);
        assert!(largest_difference(&sum, &mean) > 1e-3);
    }
}
