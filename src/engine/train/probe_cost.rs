//! What training costs on a device, measured: a few steps on the real data, thrown away afterwards.
//!
//! Semantic IDs and item vectors are drawn at random, because their values do not change what a step costs. So the question can be asked
//! before anything is fitted.

use std::path::Path;
use std::time::Instant;

use burn::tensor::{Device, Tensor};
use rand::RngExt as _;

use crate::engine::batch::{Example, FeatureSpec};
use crate::engine::config::ExperimentConfig;
use crate::engine::control::RunControl;
use crate::engine::data::Watch;
use crate::engine::data::prepare::prepare_watched;
use crate::engine::device;
use crate::engine::embedding::ItemEmbeddings;
use crate::engine::error::EngineError;
use crate::engine::event::CostProbe;
use crate::engine::ops;
use crate::engine::optim::AdamW;
use crate::engine::run::memory;
use crate::engine::tokenizer::{Code, SemanticIdTable};
use crate::engine::train::session_source::{SessionSource, StepBatch};
use crate::engine::train::step_gradient::step_gradient;

/// Steps that are timed. One more is done before them, in which kernels are compiled and memory is fetched.
pub const PROBE_STEPS: u64 = 10;
/// Dimensions of the random item vectors, which only the compression of long histories looks at.
const PROBE_DIM: usize = 8;
/// Width of the square matrices whose product shows what the device can do.
const PRODUCT_WIDTH: usize = 1024;
/// Products that are timed.
const N_PRODUCTS: u32 = 4;

/// Trains for a few steps and tells how long they took. A stop ends it early; what was measured by then is told.
///
/// # Errors
/// If the data cannot be read, the device is not available, the model is too large for this machine, or a stop came
/// before the first step was done.
pub fn probe(
    path: &Path,
    config: &ExperimentConfig,
    watch: &mut Watch<'_>,
    control: &RunControl,
    on_step: &mut dyn FnMut(u64),
) -> Result<CostProbe, EngineError> {
    let (device, report) = device::choose(&config.device)?;
    config.model.precision.check(&device)?;
    refuse_too_large(config, &device)?;
    let data = prepare_watched(path, &config.data, watch)?;
    let vocab = config.vocab();
    let mut rng = config.seed.rng("probe.codes", 0);
    let n_items = data.dataset.catalog.items.len();
    let codes: Vec<Code> = (0..n_items * vocab.n_levels)
        .map(|_| rng.random_range(0..vocab.codebook_size) as Code)
        .collect();
    let table = SemanticIdTable::new(vocab.n_levels, vocab.codebook_size, codes);
    let embeddings = ItemEmbeddings {
        values: (0..n_items * PROBE_DIM)
            .map(|_| rng.random_range(-1.0..1.0))
            .collect(),
        dim: PROBE_DIM,
    };
    let reader = config.model.reader(&data, &table, &embeddings);
    let mut source = SessionSource::new(&data, config, "probe.shuffle", &data.split.learn_end)?;
    let settings = &config.pretrain;
    let slate_len = config.data.session.slate_len;
    let device = device.autodiff();
    let features = reader.features();
    let mut model = config
        .model
        .init(vocab, slate_len, features, config.seed, &device);
    let mut optimizer = AdamW::new(settings.weight_decay, settings.max_grad_norm)
        .with_tables(model.table_ids(), settings.table_lr_factor)
        .with_loss_scale(config.model.precision.loss_scale());
    let n_parts = settings.micro_batches;

    let mut seconds = Vec::new();
    let mut flops = 0;
    for step in 0..=PROBE_STEPS {
        if control.check().is_err() {
            break;
        }
        let examples = source.batch(step, settings.batch_size);
        // In training a thread of its own makes batches ahead.
        let batch = StepBatch::new(&examples, &reader, slate_len, n_parts);
        let began = Instant::now();
        let found = step_gradient(&model, &batch, settings, &device);
        (model, _) = optimizer.step(settings.learning_rate, model, found.grads);
        // Reading a value back waits for the device.
        if let Some(losses) = found.per_level {
            losses.sum().into_scalar::<f32>();
        }
        device.sync().ok();
        if step > 0 {
            seconds.push(began.elapsed().as_secs_f64());
            flops += training_flops(config, features, &examples, n_parts);
        }
        on_step(step);
    }
    ops::release();
    if seconds.is_empty() {
        return Err(EngineError::Stopped);
    }
    let total: f64 = seconds.iter().sum();
    let n_steps = seconds.len() as u64;
    seconds.sort_by(f64::total_cmp);
    let seconds_per_step = seconds[seconds.len() / 2];
    let steps_per_epoch = source.steps_per_epoch(config.pretrain.batch_size);
    Ok(CostProbe {
        data_path: path.to_owned(),
        config: Box::new(config.clone()),
        device: report,
        n_steps,
        seconds_per_step,
        slowest_seconds: seconds.last().copied().unwrap_or(seconds_per_step),
        steps_per_epoch,
        seconds_per_epoch: seconds_per_step * steps_per_epoch as f64,
        seconds_of_pretraining: seconds_per_step * config.pretrain.steps as f64,
        flops_per_second: flops as f64 / total.max(1e-9),
        product_flops_per_second: product_speed(&device.inner()),
    })
}

/// Refuses to train what cannot fit: weights and moments alone, which is certain, against the memory of this machine.
/// Of a GPU's memory nothing is known beforehand.
///
/// # Errors
/// [`EngineError::TooLarge`] with both figures.
pub fn refuse_too_large(config: &ExperimentConfig, device: &Device) -> Result<(), EngineError> {
    let available = memory::total_bytes();
    let needed = config
        .generator_size()
        .memory(config.pretrain.batch_size)
        .state_bytes();
    if *device == Device::flex() && available > 0 && needed > available {
        return Err(EngineError::TooLarge { needed, available });
    }
    Ok(())
}

/// Operations of a batch, whose parts are as wide as their longest history.
fn training_flops(
    config: &ExperimentConfig,
    features: &FeatureSpec,
    examples: &[Example],
    n_parts: usize,
) -> u64 {
    let part_len = examples.len().div_ceil(n_parts.max(1)).max(1);
    let of_part = |part: &[Example]| {
        let longest = part
            .iter()
            .map(|example| example.moment.history.len())
            .max();
        let mut model = config.model.clone();
        model.history_len = longest.unwrap_or(0).clamp(1, model.history_len);
        let size = model.size(config.vocab(), config.data.session.slate_len, features);
        part.len() as u64 * size.training_flops()
    };
    examples.chunks(part_len).map(of_part).sum()
}

/// Operations per second of large matrix products: what this device can do at best with plain kernels.
fn product_speed(device: &Device) -> f64 {
    let shape = [PRODUCT_WIDTH, PRODUCT_WIDTH];
    let x = Tensor::<2>::ones(shape, device);
    let wait = |x: Tensor<2>| x.slice([0..1, 0..1]).into_scalar::<f32>();
    wait(x.clone().matmul(x.clone()));
    let began = Instant::now();
    for _ in 0..N_PRODUCTS {
        wait(x.clone().matmul(x.clone()));
    }
    let flops = 2.0 * (PRODUCT_WIDTH as f64).powi(3) * f64::from(N_PRODUCTS);
    flops / began.elapsed().as_secs_f64().max(1e-9)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::config::Preset;

    fn sample() -> std::path::PathBuf {
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("datasets/short-video")
    }

    fn config(settings: &[&str]) -> ExperimentConfig {
        let settings: Vec<String> = settings.iter().map(|text| (*text).to_owned()).collect();
        ExperimentConfig::load(Preset::Smoke, None, &settings).unwrap()
    }

    #[test]
    fn a_probe_times_steps_on_the_data_and_a_stop_ends_it() {
        for system in ["model.system=session", "model.system=lazy"] {
            let config = config(&["device.backend=cpu", "pretrain.batch_size=8", system]);
            let control = RunControl::default();
            let stopper = control.clone();
            let mut on_step = |step: u64| {
                if step == 2 {
                    stopper.stop();
                }
            };
            let mut watch = Watch::nobody();
            let probe = probe(&sample(), &config, &mut watch, &control, &mut on_step).unwrap();
            assert_eq!(probe.n_steps, 2);
            assert!(probe.seconds_per_step > 0.0 && probe.flops_per_second > 0.0);
            let epoch = probe.seconds_per_step * probe.steps_per_epoch as f64;
            assert_eq!(probe.seconds_per_epoch, epoch);
            assert!(probe.steps_per_epoch > 10, "{}", probe.steps_per_epoch);
        }
    }

    #[test]
    fn a_stop_before_the_first_step_is_a_stop() {
        let control = RunControl::default();
        control.stop();
        let mut watch = Watch::nobody();
        let config = config(&["device.backend=cpu"]);
        let outcome = probe(&sample(), &config, &mut watch, &control, &mut |_| {});
        assert!(matches!(outcome, Err(EngineError::Stopped)));
    }

    #[test]
    fn what_cannot_fit_is_refused_with_both_figures() {
        let config = config(&[
            "device.backend=cpu",
            "model.d_model=65536",
            "model.d_ff_expert=65536",
        ]);
        let error = refuse_too_large(&config, &Device::flex()).unwrap_err();
        assert!(matches!(error, EngineError::TooLarge { needed, available } if needed > available));
        refuse_too_large(&self::config(&[]), &Device::flex()).unwrap();
    }
}
