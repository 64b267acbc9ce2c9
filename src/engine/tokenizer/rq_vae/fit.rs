//! Training of the learned quantisers.

use std::ops::ControlFlow;

use burn::module::Param;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::RngExt as _;
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;

use super::mlp::{Mlp, values};
use super::model::{RqVae, RqVaeOutput};
use crate::engine::embedding::ItemEmbeddings;
use crate::engine::optim::AdamW;
use crate::engine::seed::Seed;
use crate::engine::tokenizer::fit_state::{FitState, FitStep};
use crate::engine::tokenizer::health::{level_health, mean_square};
use crate::engine::tokenizer::quantizer::{Decoder, Quantizer};
use crate::engine::tokenizer::report::CodebookLevel;
use crate::engine::tokenizer::residual::fit_residual;
use crate::engine::tokenizer::{
    Balance, Code, Codebooks, Init, Method, TokenizerConfig, TokenizerError,
};

/// Items whose latents the first codebooks of an RQ-VAE are fitted to, per code; never fewer than a batch.
const FIRST_ITEMS_PER_CODE: usize = 40;
/// Sweeps of that fit.
const FIRST_SWEEPS: usize = 10;
/// How often the health of the levels is told.
const N_REPORTS: usize = 20;

/// Trains an RQ-VAE or, for [`Method::RqKmeansPlus`], residual K-means with networks around it.
///
/// `on_step` sees every level's health over the items since the report before, `iteration` being the step, and may
/// stop the fitting.
///
/// # Errors
/// If the loss is no number any more, the device cannot be read, or `on_step` asked to stop.
pub fn fit_rq_vae(
    embeddings: &ItemEmbeddings,
    config: &TokenizerConfig,
    seed: Seed,
    device: &Device,
    on_step: &mut dyn FnMut(FitStep<'_>) -> ControlFlow<()>,
) -> Result<Quantizer, TokenizerError> {
    let settings = &config.rq_vae;
    let device = device.clone().autodiff();
    let mut model = first_model(embeddings, config, seed, &device, on_step)?;
    let mut optimizer = AdamW::new(0.0, 1.0);
    let mut order = Batches::new(embeddings, settings.batch_size, seed);
    let mut seen = Seen::new(config);
    let report_every = settings.steps.div_ceil(N_REPORTS).max(1);
    for step in 1..=settings.steps {
        let (batch, ends_epoch) = order.next_batch();
        let x = Tensor::from_data(
            TensorData::new(batch, [order.n_last, embeddings.dim]),
            &device,
        );
        let output = model.forward(x, settings.commitment, settings.sinkhorn);
        let loss = output.reconstruction.clone() + output.quantisation.clone();
        let grads = GradientsParams::from_grads(loss.clone().backward(), &model);
        (model, _) = optimizer.step(settings.learning_rate, model, grads);
        seen.count(&output)?;
        if ends_epoch && settings.revives_dead_codes {
            seen.revive(&mut model, &output, &mut order.rng)?;
        }
        if step.is_multiple_of(report_every) || step == settings.steps {
            let is_number =
                values(loss).is_some_and(|loss| loss.iter().all(|value| value.is_finite()));
            if !is_number {
                return Err(TokenizerError::Diverged { step });
            }
            for level in seen.report(&output, step, step == settings.steps)? {
                if on_step(FitStep::Level(&level)).is_break() {
                    return Err(TokenizerError::Stopped);
                }
            }
        }
    }
    freeze(&model, config).ok_or(TokenizerError::Unreadable)
}

/// The model before its first step.
fn first_model(
    embeddings: &ItemEmbeddings,
    config: &TokenizerConfig,
    seed: Seed,
    device: &Device,
    on_step: &mut dyn FnMut(FitStep<'_>) -> ControlFlow<()>,
) -> Result<RqVae, TokenizerError> {
    let settings = &config.rq_vae;
    let is_plus = config.method == Method::RqKmeansPlus;
    let d_latent = if is_plus {
        embeddings.dim
    } else {
        settings.d_latent
    };
    let mut widths = vec![embeddings.dim];
    widths.extend(&settings.hidden);
    widths.push(d_latent);
    let encoder = Mlp::new(&widths, is_plus, seed, "tokenizer.encoder", device);
    widths.reverse();
    let decoder = Mlp::new(&widths, is_plus, seed, "tokenizer.decoder", device);
    let none = FitState::default();
    let books = if is_plus {
        fit_residual(embeddings, config, seed, none, on_step)?.codebooks
    } else {
        let latents = some_latents(&encoder, embeddings, config, seed)?;
        let first = TokenizerConfig {
            balance: Balance::None,
            init: Init::KmeansPlusPlus,
            max_iterations: FIRST_SWEEPS,
            ..config.clone()
        };
        fit_residual(&latents, &first, seed, none, on_step)?.codebooks
    };
    let n_values = books.codebook_size() * books.dim();
    let codebooks = books
        .values()
        .chunks_exact(n_values)
        .map(|level| {
            let shape = [books.codebook_size(), books.dim()];
            Param::from_data(TensorData::new(level.to_vec(), shape), device)
        })
        .collect();
    Ok(RqVae {
        encoder,
        decoder,
        codebooks,
    })
}

/// The latents of random items.
fn some_latents(
    encoder: &Mlp,
    embeddings: &ItemEmbeddings,
    config: &TokenizerConfig,
    seed: Seed,
) -> Result<ItemEmbeddings, TokenizerError> {
    let n_items = (FIRST_ITEMS_PER_CODE * config.codebook_size).max(config.rq_vae.batch_size);
    let mut items: Vec<usize> = (0..embeddings.n_items()).collect();
    items.shuffle(&mut seed.rng("tokenizer.first_items", 0));
    items.truncate(n_items);
    let rows: Vec<f32> = items
        .iter()
        .flat_map(|item| embeddings.row(*item))
        .copied()
        .collect();
    let network = encoder.network().ok_or(TokenizerError::Unreadable)?;
    Ok(ItemEmbeddings {
        values: network.apply(&rows),
        dim: network.n_outputs(),
    })
}

fn freeze(model: &RqVae, config: &TokenizerConfig) -> Option<Quantizer> {
    let mut codewords = Vec::new();
    for book in &model.codebooks {
        codewords.extend(values(book.val())?);
    }
    let encoder = model.encoder.network()?;
    let dim = encoder.n_outputs();
    Some(Quantizer {
        encoder: Some(encoder),
        codebooks: Codebooks::new(config.n_levels, config.codebook_size, dim, codewords),
        decoder: Decoder::Network(model.decoder.network()?),
    })
}

/// The items in a new order every epoch.
struct Batches<'a> {
    embeddings: &'a ItemEmbeddings,
    rng: ChaCha8Rng,
    order: Vec<usize>,
    place: usize,
    batch_size: usize,
    /// Items of the batch given out last.
    n_last: usize,
}

impl<'a> Batches<'a> {
    fn new(embeddings: &'a ItemEmbeddings, batch_size: usize, seed: Seed) -> Self {
        Self {
            embeddings,
            rng: seed.rng("tokenizer.batches", 0),
            order: (0..embeddings.n_items()).collect(),
            place: embeddings.n_items(),
            batch_size,
            n_last: 0,
        }
    }

    /// `[n_last * dim]`, and whether the epoch ends with it.
    fn next_batch(&mut self) -> (Vec<f32>, bool) {
        if self.place == self.order.len() {
            self.order.shuffle(&mut self.rng);
            self.place = 0;
        }
        let end = (self.place + self.batch_size).min(self.order.len());
        let items = &self.order[self.place..end];
        let rows = items.iter().flat_map(|item| self.embeddings.row(*item));
        let rows = rows.copied().collect();
        self.n_last = items.len();
        self.place = end;
        (rows, end == self.order.len())
    }
}

/// Which codes items took since the last report and the last epoch.
struct Seen {
    codebook_size: usize,
    /// Per level.
    since_report: Vec<Vec<Code>>,
    /// Per level and code.
    in_epoch: Vec<Vec<bool>>,
}

impl Seen {
    fn new(config: &TokenizerConfig) -> Self {
        Self {
            codebook_size: config.codebook_size,
            since_report: vec![Vec::new(); config.n_levels],
            in_epoch: vec![vec![false; config.codebook_size]; config.n_levels],
        }
    }

    fn count(&mut self, output: &RqVaeOutput) -> Result<(), TokenizerError> {
        for (level_idx, codes) in output.codes.iter().enumerate() {
            for code in read_codes(codes.clone())? {
                self.since_report[level_idx].push(code);
                self.in_epoch[level_idx][usize::from(code)] = true;
            }
        }
        Ok(())
    }

    /// Puts codes that nobody took in the epoch onto random residuals of the last batch.
    fn revive(
        &mut self,
        model: &mut RqVae,
        output: &RqVaeOutput,
        rng: &mut ChaCha8Rng,
    ) -> Result<(), TokenizerError> {
        for (level_idx, taken) in self.in_epoch.iter_mut().enumerate() {
            if taken.contains(&false) {
                let residuals = &output.residuals[level_idx];
                let [n_rows, dim] = residuals.dims();
                let rows = values(residuals.clone()).ok_or(TokenizerError::Unreadable)?;
                let book = model.codebooks[level_idx].clone();
                let device = book.device();
                let mut codewords = values(book.val()).ok_or(TokenizerError::Unreadable)?;
                for code in (0..taken.len()).filter(|code| !taken[*code]) {
                    let row = rng.random_range(0..n_rows);
                    codewords[code * dim..][..dim].copy_from_slice(&rows[row * dim..][..dim]);
                }
                let data = TensorData::new(codewords, [taken.len(), dim]);
                // `map` keeps the parameter's identity, and with it the optimiser's moments.
                model.codebooks[level_idx] =
                    book.map(|_| Tensor::from_data(data, &device).require_grad());
            }
            taken.fill(false);
        }
        Ok(())
    }

    fn report(
        &mut self,
        output: &RqVaeOutput,
        step: usize,
        is_final: bool,
    ) -> Result<Vec<CodebookLevel>, TokenizerError> {
        let n_levels = self.since_report.len();
        let mut levels = Vec::with_capacity(n_levels);
        for (level_idx, codes) in self.since_report.iter_mut().enumerate() {
            let codes = std::mem::take(codes);
            // What a level leaves over stands before the next one; after the last, what the decoder misses.
            let error = match output.residuals.get(level_idx + 1) {
                Some(left) => mean_square(&values(left.clone()).ok_or(TokenizerError::Unreadable)?),
                None => values(output.reconstruction.clone())
                    .and_then(|error| error.first().copied())
                    .map(f64::from)
                    .ok_or(TokenizerError::Unreadable)?,
            };
            levels.push(CodebookLevel {
                iteration: step,
                is_final,
                ..level_health(level_idx, self.codebook_size, codes.into_iter(), error)
            });
        }
        Ok(levels)
    }
}

fn read_codes(codes: Tensor<1, Int>) -> Result<Vec<Code>, TokenizerError> {
    let codes = codes.into_data().convert::<i32>().try_into_vec::<i32>();
    let codes = codes.map_err(|_error| TokenizerError::Unreadable)?;
    Ok(codes.into_iter().map(|code| code as Code).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::tokenizer::fit;

    fn items(n_items: usize, dim: usize) -> ItemEmbeddings {
        let mut rng = Seed(4).rng("test.items", 0);
        let centres: Vec<f32> = (0..6 * dim).map(|_| rng.random_range(-1.0..1.0)).collect();
        let values = (0..n_items)
            .flat_map(|item| {
                let centre = &centres[item % 6 * dim..][..dim];
                let noisy: Vec<f32> = centre
                    .iter()
                    .map(|value| value + rng.random_range(-0.2..0.2_f32))
                    .collect();
                noisy
            })
            .collect();
        ItemEmbeddings { values, dim }
    }

    fn config(method: Method, steps: usize) -> TokenizerConfig {
        TokenizerConfig {
            method,
            n_levels: 2,
            codebook_size: 8,
            balance: Balance::None,
            rq_vae: super::super::RqVaeConfig {
                hidden: vec![16],
                d_latent: 4,
                steps,
                batch_size: 50,
                ..Default::default()
            },
            ..TokenizerConfig::default()
        }
    }

    fn go_on(_: FitStep<'_>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    #[test]
    fn networks_that_change_nothing_yet_leave_the_codes_of_residual_kmeans() {
        let items = items(120, 6);
        let plus = config(Method::RqKmeansPlus, 1);
        let model = first_model(&items, &plus, Seed(2), &Device::flex(), &mut go_on).unwrap();
        let quantizer = freeze(&model, &plus).unwrap();
        let plain = fit_residual(&items, &plus, Seed(2), FitState::default(), &mut go_on).unwrap();
        assert_eq!(quantizer.encode(&items.values), plain.codes);
        let sums: Vec<f32> = plain
            .codes
            .chunks_exact(2)
            .flat_map(|sid| plain.codebooks.decode(sid))
            .collect();
        assert_eq!(quantizer.decode(&plain.codes, 2), sums);
    }

    #[test]
    fn training_lowers_the_error_or_keeps_a_good_one() {
        let items = items(300, 6);
        // RQ-K-means+ begins as residual K-means, which leaves next to nothing to gain here.
        for (method, share) in [(Method::RqVae, 0.8), (Method::RqKmeansPlus, 1.02)] {
            let error = |steps| {
                let config = config(method, steps);
                let fitted = fit(&items, &config, Seed(2), &Device::flex(), &mut go_on).unwrap();
                fitted.report.reconstruction_error.unwrap()
            };
            let (before, after) = (error(1), error(300));
            assert!(after < share * before, "{method:?}: {before} to {after}");
        }
    }

    #[test]
    fn codes_that_nobody_takes_come_back_and_equal_seeds_give_equal_codes() {
        let items = items(300, 6);
        let mut config = config(Method::RqVae, 60);
        let fit = |config: &TokenizerConfig| {
            fit_rq_vae(&items, config, Seed(2), &Device::flex(), &mut go_on).unwrap()
        };
        assert_eq!(fit(&config), fit(&config));
        config.rq_vae.sinkhorn = true;
        let spread = fit(&config);
        assert_eq!(spread.n_levels(), 2);
        // Far away, nobody takes a codeword; after an epoch it stands where items are.
        let device = Device::flex().autodiff();
        let mut model = first_model(&items, &config, Seed(2), &device, &mut go_on).unwrap();
        let far = Tensor::from_data(TensorData::new(vec![900.0_f32; 8 * 4], [8, 4]), &device);
        model.codebooks[1] = Param::from_tensor(far);
        let mut seen = Seen::new(&config);
        let x = Tensor::from_data(TensorData::new(items.values.clone(), [300, 6]), &device);
        let output = model.forward(x, 0.25, false);
        seen.count(&output).unwrap();
        let mut rng = Seed(1).rng("test.revival", 0);
        seen.revive(&mut model, &output, &mut rng).unwrap();
        let revived = values(model.codebooks[1].val()).unwrap();
        let far = revived.iter().filter(|value| **value > 100.0).count();
        assert_eq!(far, 4, "one codeword was nearest; the other seven moved");
    }

    #[test]
    fn a_loss_that_is_no_number_and_a_stop_end_it() {
        let items = items(100, 6);
        let mut config = config(Method::RqVae, 40);
        let mut stop = |_: FitStep<'_>| ControlFlow::Break(());
        let stopped = fit_rq_vae(&items, &config, Seed(2), &Device::flex(), &mut stop);
        assert!(
            matches!(stopped, Err(TokenizerError::Stopped)),
            "{stopped:?}"
        );
        config.rq_vae.learning_rate = 1e30;
        let found = fit_rq_vae(&items, &config, Seed(2), &Device::flex(), &mut go_on);
        assert!(
            matches!(found, Err(TokenizerError::Diverged { .. })),
            "{found:?}"
        );
    }
}
