//! Fitting semantic IDs to item vectors: codes by the configured method. [A 3.1]

use std::ops::ControlFlow;

use burn::tensor::Device;

use super::fit_state::{FitState, FitStep};
use super::fitted::{FittedTokenizer, finish};
use super::hashing::fit_hash;
use super::product::fit_product;
use super::quantizer::Quantizer;
use super::residual::{ResidualFit, fit_residual};
use super::rq_vae::fit_rq_vae;
use super::{Code, Method, SemanticIdTable, TokenizerConfig, TokenizerError};
use crate::engine::embedding::ItemEmbeddings;
use crate::engine::seed::Seed;

/// Makes semantic IDs for all items.
///
/// `on_step` hears what is being done and the health of every level, and may stop the fitting.
///
/// # Errors
/// If there are fewer items than codes, a vector is not finite, or `on_step` asked to stop.
pub fn fit(
    embeddings: &ItemEmbeddings,
    config: &TokenizerConfig,
    seed: Seed,
    device: &Device,
    on_step: &mut dyn FnMut(FitStep<'_>) -> ControlFlow<()>,
) -> Result<FittedTokenizer, TokenizerError> {
    fit_from(
        FitState::default(),
        embeddings,
        config,
        seed,
        device,
        on_step,
    )
}

/// The same, going on from what an earlier fit of the same items, settings and seed told as [`FitStep::State`].
/// [`Method::ResidualKmeans`] does; the other methods begin anew.
///
/// # Errors
/// As [`fit`].
pub fn fit_from(
    state: FitState,
    embeddings: &ItemEmbeddings,
    config: &TokenizerConfig,
    seed: Seed,
    device: &Device,
    on_step: &mut dyn FnMut(FitStep<'_>) -> ControlFlow<()>,
) -> Result<FittedTokenizer, TokenizerError> {
    check(embeddings, config)?;
    let fitted = fit_codes(state, embeddings, config, seed, device, on_step)?;
    let before = SemanticIdTable::new(config.n_levels, config.codebook_size, fitted.codes);
    finish(
        config.clone(),
        fitted.quantizer,
        embeddings,
        &before,
        &fitted.sweeps,
        on_step,
    )
}

/// What a method makes, before any collision policy.
struct FittedCodes {
    quantizer: Quantizer,
    codes: Vec<Code>,
    sweeps: Vec<usize>,
}

impl FittedCodes {
    /// The codes that a quantizer gives; all its levels were fitted together.
    fn of(quantizer: Quantizer, embeddings: &ItemEmbeddings, n_sweeps: usize) -> Self {
        Self {
            codes: quantizer.encode(&embeddings.values),
            sweeps: vec![n_sweeps; quantizer.n_levels()],
            quantizer,
        }
    }
}

impl From<ResidualFit> for FittedCodes {
    fn from(fitted: ResidualFit) -> Self {
        Self {
            quantizer: Quantizer::residual(fitted.codebooks),
            codes: fitted.codes,
            sweeps: fitted.sweeps,
        }
    }
}

fn fit_codes(
    state: FitState,
    embeddings: &ItemEmbeddings,
    config: &TokenizerConfig,
    seed: Seed,
    device: &Device,
    on_step: &mut dyn FnMut(FitStep<'_>) -> ControlFlow<()>,
) -> Result<FittedCodes, TokenizerError> {
    Ok(match config.method {
        Method::ResidualKmeans => fit_residual(embeddings, config, seed, state, on_step)?.into(),
        Method::RqVae | Method::RqKmeansPlus => {
            let quantizer = fit_rq_vae(embeddings, config, seed, device, on_step)?;
            FittedCodes::of(quantizer, embeddings, config.rq_vae.steps)
        }
        Method::ProductKmeans => fit_product(embeddings, config, seed, on_step)?.into(),
        Method::Hash => FittedCodes::of(fit_hash(embeddings, config, seed), embeddings, 1),
    })
}

fn check(embeddings: &ItemEmbeddings, config: &TokenizerConfig) -> Result<(), TokenizerError> {
    if embeddings.n_items() < config.codebook_size {
        return Err(TokenizerError::TooFewItems {
            codebook_size: config.codebook_size,
            n_items: embeddings.n_items(),
        });
    }
    check_finite(embeddings)
}

/// Refuses NaN and infinity with the item named.
pub(super) fn check_finite(embeddings: &ItemEmbeddings) -> Result<(), TokenizerError> {
    match embeddings
        .values
        .iter()
        .position(|value| !value.is_finite())
    {
        Some(idx) => Err(TokenizerError::NotFinite {
            item_idx: idx / embeddings.dim,
            column: idx % embeddings.dim,
            value: embeddings.values[idx].to_string(),
        }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use rand::RngExt as _;

    use super::*;
    use crate::engine::data::ItemIdx;
    use crate::engine::tokenizer::codebook::subtract;
    use crate::engine::tokenizer::health::mean_square;
    use crate::engine::tokenizer::{Assignment, CollisionPolicy, SemanticIdTrie};

    fn random(n_items: usize, dim: usize) -> ItemEmbeddings {
        let mut rng = Seed(11).rng("test.items", 0);
        ItemEmbeddings {
            values: (0..n_items * dim)
                .map(|_| rng.random_range(-1.0..1.0))
                .collect(),
            dim,
        }
    }

    fn config(
        codebook_size: usize,
        assignment: Assignment,
        collisions: CollisionPolicy,
    ) -> TokenizerConfig {
        TokenizerConfig {
            n_levels: 3,
            codebook_size,
            max_iterations: 10,
            assignment,
            collisions,
            ..TokenizerConfig::default()
        }
    }

    fn fit_all(embeddings: &ItemEmbeddings, config: &TokenizerConfig) -> FittedTokenizer {
        fit(embeddings, config, Seed(2), &Device::flex(), &mut |_| {
            ControlFlow::Continue(())
        })
        .unwrap()
    }

    #[test]
    fn balanced_codes_have_the_highest_entropy_on_every_level() {
        let fitted = fit_all(
            &random(240, 6),
            &config(8, Assignment::Balanced, CollisionPolicy::Keep),
        );
        for level in &fitted.report.levels {
            assert_eq!(level.load, [30; 8]);
            assert!((level.entropy_nats - 8_f64.ln()).abs() < 1e-12);
            assert_eq!(level.utilization, 1.0);
        }
        for entropy in &fitted.report.entropy_nats_nearest {
            assert!(
                *entropy < 8_f64.ln(),
                "nearest centroids are never balanced on random points"
            );
        }
    }

    #[test]
    fn the_error_falls_on_each_level_and_is_what_the_codewords_leave_over() {
        let embeddings = random(200, 7);
        for assignment in [Assignment::Balanced, Assignment::Nearest] {
            let fitted = fit_all(&embeddings, &config(10, assignment, CollisionPolicy::Keep));
            let mut last = fitted.report.vector_power;
            for level in &fitted.report.levels {
                assert!(
                    level.residual_error < last,
                    "level {} of {assignment:?}",
                    level.level_idx
                );
                last = level.residual_error;
            }
            // The sum of the codewords is x - r^(L+1), so its mean squared distance to x is the last error.
            let mut errors = Vec::new();
            for item_idx in 0..200 {
                let sum = fitted
                    .quantizer
                    .codebooks
                    .decode(fitted.table.sid(ItemIdx(item_idx)));
                let row = embeddings.row(item_idx as usize);
                errors.extend(row.iter().zip(sum).map(|(value, sum)| value - sum));
            }
            assert!((mean_square(&errors) - last).abs() < 1e-5 * last);
            assert!((fitted.report.reconstruction_error.unwrap() - last).abs() < 1e-12);
        }
    }

    #[test]
    fn decoding_is_the_vector_minus_its_last_residual() {
        let embeddings = random(60, 5);
        let fitted = fit_all(
            &embeddings,
            &config(6, Assignment::Balanced, CollisionPolicy::Reassign),
        );
        for item_idx in 0..60 {
            let sid = fitted.table.sid(ItemIdx(item_idx));
            let mut residual = embeddings.row(item_idx as usize).to_vec();
            for (level_idx, code) in sid.iter().enumerate() {
                subtract(
                    &mut residual,
                    fitted.quantizer.codebooks.codeword(level_idx, *code),
                );
            }
            let row = embeddings.row(item_idx as usize);
            for ((sum, value), left) in fitted
                .quantizer
                .codebooks
                .decode(sid)
                .iter()
                .zip(row)
                .zip(residual)
            {
                assert!((sum - (value - left)).abs() < 1e-5);
            }
        }
    }

    #[test]
    fn encoding_the_training_items_gives_the_stored_codes() {
        let embeddings = random(150, 4);
        let fitted = fit_all(
            &embeddings,
            &config(8, Assignment::Nearest, CollisionPolicy::Keep),
        );
        assert_eq!(
            fitted.quantizer.codebooks.encode(&embeddings.values),
            fitted.table.codes()
        );
        assert_eq!(
            fitted.report.collision_rate_nearest,
            fitted.report.collision_rate
        );
    }

    #[test]
    fn reassigning_separates_what_shares_an_id() {
        // 40 items at 10 places, 4 each: four codes per level are enough to tell all apart.
        let places = random(10, 3);
        let embeddings = ItemEmbeddings {
            values: (0..40)
                .flat_map(|item_idx| places.row(item_idx % 10).to_vec())
                .collect(),
            dim: 3,
        };
        let nearest =
            |collisions| fit_all(&embeddings, &config(4, Assignment::Nearest, collisions)).report;
        let kept = nearest(CollisionPolicy::Keep);
        assert!(kept.collision_rate >= 0.75, "{kept:?}");
        assert_eq!(kept.collision_rate, kept.collision_rate_before);
        let moved = nearest(CollisionPolicy::Reassign);
        assert_eq!(moved.collision_rate_before, kept.collision_rate);
        assert!(moved.collision_rate < kept.collision_rate);
        assert_eq!(moved.largest_group == 1, moved.items_sharing == 0);
    }

    #[test]
    fn the_catalogue_is_legal_and_random_ids_are_not() {
        let fitted = fit_all(
            &random(100, 5),
            &config(10, Assignment::Balanced, CollisionPolicy::Reassign),
        );
        let trie = SemanticIdTrie::new(&fitted.table);
        for item_idx in 0..100 {
            let item = ItemIdx(item_idx);
            let sid = fitted.table.sid(item);
            assert!(trie.is_legal(sid));
            assert!(fitted.table.items(sid).contains(&item), "the way back");
        }
        let mut rng = Seed(4).rng("test.ids", 0);
        let n_legal = (0..500)
            .filter(|_| trie.is_legal(&[0; 3].map(|_: Code| rng.random_range(0..10))))
            .count();
        // At most 100 of 1,000 IDs are in use.
        assert!(n_legal < 150, "{n_legal} of 500 random IDs are legal");
    }

    #[test]
    fn the_result_depends_on_the_seed_and_not_on_threads() {
        let embeddings = random(1500, 4);
        let config = config(16, Assignment::Balanced, CollisionPolicy::Reassign);
        let run = |n_threads, seed| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(n_threads)
                .build()
                .unwrap();
            pool.install(|| {
                fit(
                    &embeddings,
                    &config,
                    Seed(seed),
                    &Device::flex(),
                    &mut |_| ControlFlow::Continue(()),
                )
                .unwrap()
            })
        };
        let expected = run(1, 2);
        assert_eq!(run(4, 2), expected);
        assert_ne!(run(1, 258).table, expected.table);
    }

    #[test]
    fn every_sweep_and_the_end_of_each_level_is_reported() {
        let mut seen = Vec::new();
        let config = config(5, Assignment::Balanced, CollisionPolicy::Keep);
        let fitted = fit(
            &random(50, 3),
            &config,
            Seed(2),
            &Device::flex(),
            &mut |step| {
                if let FitStep::Level(level) = step {
                    seen.push((level.level_idx, level.iteration, level.is_final));
                }
                ControlFlow::Continue(())
            },
        )
        .unwrap();
        let mut expected = Vec::new();
        for level in &fitted.report.levels {
            expected.extend((1..=level.iteration).map(|sweep| (level.level_idx, sweep, false)));
            expected.push((level.level_idx, level.iteration, true));
        }
        assert_eq!(seen, expected);
        let stopped = fit(
            &random(50, 3),
            &config,
            Seed(2),
            &Device::flex(),
            &mut |_| ControlFlow::Break(()),
        );
        assert!(matches!(stopped, Err(TokenizerError::Stopped)));
    }
}
