//! What holds of every method and every collision policy, whatever the items are.

use std::ops::ControlFlow;
use std::path::PathBuf;

use burn::tensor::Device;
use proptest::prelude::*;

use super::*;
use crate::engine::data::ItemIdx;
use crate::engine::data::config::DataConfig;
use crate::engine::data::prepare::prepare;
use crate::engine::embedding::{EmbeddingConfig, ItemEmbeddings, build_from, learnable_sequences};
use crate::engine::seed::Seed;

fn config(method: Method, collisions: CollisionPolicy, balance: Balance) -> TokenizerConfig {
    TokenizerConfig {
        method,
        n_levels: 2,
        codebook_size: 5,
        max_iterations: 5,
        balance,
        collisions,
        rq_vae: RqVaeConfig {
            hidden: vec![4],
            d_latent: 2,
            steps: 3,
            batch_size: 16,
            ..RqVaeConfig::default()
        },
        ..TokenizerConfig::default()
    }
}

fn fit_all(values: &[f32], config: &TokenizerConfig) -> Result<FittedTokenizer, TokenizerError> {
    let embeddings = ItemEmbeddings {
        values: values[..values.len() / 2 * 2].to_vec(),
        dim: 2,
    };
    fit(&embeddings, config, Seed(2), &Device::flex(), &mut |_| {
        ControlFlow::Continue(())
    })
}

#[test]
fn vectors_that_are_not_finite_are_refused_with_the_item_named() {
    for method in Method::ALL {
        let mut values: Vec<f32> = (0..40).map(|idx| idx as f32).collect();
        values[2 * 7 + 1] = f32::NAN;
        let config = config(method, CollisionPolicy::Keep, Balance::None);
        let error = fit_all(&values, &config).unwrap_err();
        let is_named = matches!(
            error,
            TokenizerError::NotFinite {
                item_idx: 7,
                column: 1,
                ..
            }
        );
        assert!(is_named, "{method:?}: {error}");
    }
}

#[test]
fn fewer_items_than_codes_down_to_one_or_none_are_refused() {
    for method in Method::ALL {
        for n_items in [0, 1, 4] {
            let config = config(method, CollisionPolicy::Keep, Balance::Greedy);
            let error = fit_all(&vec![1.0; 2 * n_items], &config).unwrap_err();
            assert!(
                matches!(error, TokenizerError::TooFewItems { codebook_size: 5, n_items: found } if found == n_items),
                "{method:?}: {error}"
            );
        }
    }
}

#[test]
fn a_vector_with_fewer_dimensions_than_levels_has_no_parts() {
    let mut config = config(Method::ProductKmeans, CollisionPolicy::Keep, Balance::None);
    config.n_levels = 3;
    let error = fit_all(&[0.0; 40], &config).unwrap_err();
    assert!(
        matches!(
            error,
            TokenizerError::TooFewDimensions {
                n_levels: 3,
                dim: 2
            }
        ),
        "{error}"
    );
}

#[test]
fn items_that_are_all_the_same_are_told_apart_only_where_the_policy_may() {
    for method in Method::ALL {
        for collisions in CollisionPolicy::ALL {
            for balance in [Balance::None, Balance::Greedy] {
                let fitted =
                    fit_all(&[0.25; 2 * 20], &config(method, collisions, balance)).unwrap();
                let report = &fitted.report;
                assert!(report.reconstruction_error.unwrap().is_finite());
                match collisions {
                    CollisionPolicy::Optimal | CollisionPolicy::ExtraLevel => {
                        assert_eq!(report.items_sharing, 0, "{method:?}");
                    }
                    // Balance alone spreads them; without it they share one ID.
                    CollisionPolicy::Keep if balance == Balance::None => {
                        assert_eq!(report.distinct_ids, 1, "{method:?}");
                    }
                    _ => {}
                }
            }
        }
    }
}

/// Real items in the folder `ONEREC_DATA`: none has to share its ID, also without a level more.
#[test]
fn real_items_get_ids_of_their_own() {
    let Some(root) = std::env::var_os("ONEREC_DATA").map(PathBuf::from) else {
        eprintln!(
            "skipped: set ONEREC_DATA to the folder that holds amazon-beauty and amazon-scientific"
        );
        return;
    };
    for name in ["amazon-scientific", "amazon-beauty"] {
        let data = prepare(&root.join(name), &DataConfig::default()).unwrap();
        let sequences = learnable_sequences(&data);
        let settings = EmbeddingConfig::default();
        let embeddings =
            build_from(&data.dataset.catalog, &sequences, &settings, Seed(42)).unwrap();
        for (collisions, most) in [
            (CollisionPolicy::Optimal, 0.0),
            (CollisionPolicy::Reassign, 0.01),
        ] {
            let config = TokenizerConfig {
                collisions,
                ..TokenizerConfig::default()
            };
            let fitted = fit(&embeddings, &config, Seed(42), &Device::flex(), &mut |_| {
                ControlFlow::Continue(())
            });
            let report = fitted.unwrap().report;
            assert_eq!(report.levels.len(), 3, "no level was added");
            let rate = report.collision_rate;
            assert!(rate <= most, "{name}, {collisions:?}: {rate}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]
    #[test]
    fn any_items_get_ids_that_lead_back_to_them(
        values in prop::collection::vec(prop_oneof![4 => Just(0.5_f32), 1 => -1.0_f32..1.0, 1 => Just(1e6_f32)], 10..70),
        method in prop::sample::select(Method::ALL.to_vec()),
        collisions in prop::sample::select(CollisionPolicy::ALL.to_vec()),
        is_balanced in any::<bool>(),
    ) {
        let balance = if is_balanced { Balance::Greedy } else { Balance::None };
        let fitted = fit_all(&values, &config(method, collisions, balance)).unwrap();
        let (table, report) = (&fitted.table, &fitted.report);
        let n_items = values.len() / 2;
        prop_assert_eq!(table.n_items(), n_items);
        for item in (0..n_items as u32).map(ItemIdx) {
            prop_assert!(table.items(table.sid(item)).contains(&item));
        }
        prop_assert!(report.reconstruction_error.unwrap().is_finite());
        prop_assert_eq!(report.levels.len(), table.n_levels());
        for level in &report.levels {
            prop_assert_eq!(level.load.iter().sum::<u32>() as usize, n_items);
            prop_assert!(level.entropy_nats <= (table.codebook_size() as f64).ln() + 1e-9);
        }
        match collisions {
            CollisionPolicy::Keep => {
                prop_assert_eq!(report.collision_rate, report.collision_rate_before);
            }
            CollisionPolicy::Reassign => {
                prop_assert!(report.collision_rate <= report.collision_rate_before);
            }
            CollisionPolicy::Sinkhorn => prop_assert!(report.collision_rate < 1.0),
            // 5 x 5 IDs are enough for 25 items.
            CollisionPolicy::Optimal if n_items <= 25 => prop_assert_eq!(report.collision_rate, 0.0),
            CollisionPolicy::Optimal => prop_assert!(report.distinct_ids <= 25),
            CollisionPolicy::ExtraLevel => prop_assert_eq!(report.collision_rate, 0.0),
        }
        // Taking the table over again changes nothing in it.
        let embeddings = ItemEmbeddings { values: values[..n_items * 2].to_vec(), dim: 2 };
        let keep = config(method, CollisionPolicy::Keep, balance);
        let adopted = adopt(&embeddings, table, &keep).unwrap();
        prop_assert_eq!(&adopted.table, table);
    }
}
