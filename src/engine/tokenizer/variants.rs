//! The tokenizers that a comparison sets side by side: each changes a few settings of the run's own.

use std::path::PathBuf;

use super::{Assignment, Balance, CollisionPolicy, Method, TokenizerConfig};

/// One tokenizer of a comparison.
#[derive(Clone, Copy, Debug)]
pub struct Variant {
    /// Short unique name.
    pub name: &'static str,
    /// What it is, in words.
    pub description: &'static str,
    change: fn(&mut TokenizerConfig),
}

impl Variant {
    /// Its settings, given those of the run: the same levels and codes unless the variant says otherwise.
    pub fn of(&self, base: &TokenizerConfig) -> TokenizerConfig {
        let mut config = TokenizerConfig {
            file: PathBuf::new(),
            method: Method::ResidualKmeans,
            balance: Balance::Greedy,
            assignment: Assignment::Balanced,
            collisions: CollisionPolicy::Keep,
            ..base.clone()
        };
        (self.change)(&mut config);
        config
    }
}

/// All tokenizers in the order of the table.
pub const VARIANTS: [Variant; 14] = [
    Variant {
        name: "rq-kmeans",
        description: "residual K-means, items as they fall [B 2.1.2]",
        change: |config| config.balance = Balance::None,
    },
    Variant {
        name: "rq-kmeans-reassigned",
        description: "residual K-means; items that share an ID move to a free code of the last level",
        change: |config| {
            config.balance = Balance::None;
            config.collisions = CollisionPolicy::Reassign;
        },
    },
    Variant {
        name: "balanced",
        description: "balanced residual K-means, every code equally full [A Alg. 1]",
        change: |_| {},
    },
    Variant {
        name: "balanced-nearest",
        description: "balanced residual K-means whose items take their nearest centroids [A 3.1]",
        change: |config| config.assignment = Assignment::Nearest,
    },
    Variant {
        name: "balanced-reassigned",
        description: "balanced residual K-means; items that share an ID move to a free code of the last level",
        change: |config| config.collisions = CollisionPolicy::Reassign,
    },
    Variant {
        name: "balanced-transport",
        description: "balanced residual K-means; shared IDs spread over the last level by equal-load transport [LC-Rec]",
        change: |config| config.collisions = CollisionPolicy::Sinkhorn,
    },
    Variant {
        name: "balanced-separate",
        description: "balanced residual K-means; no ID is shared, last codes at the least sum of distances",
        change: |config| config.collisions = CollisionPolicy::Optimal,
    },
    Variant {
        name: "balanced-numbered",
        description: "balanced residual K-means; one level more numbers the items of an ID [TIGER]",
        change: |config| config.collisions = CollisionPolicy::ExtraLevel,
    },
    Variant {
        name: "balanced-deeper",
        description: "balanced residual K-means with one level more",
        change: |config| config.n_levels += 1,
    },
    Variant {
        name: "rq-kmeans-plus",
        description: "residual K-means, then networks around it trained for reconstruction [MINI]",
        change: |config| {
            config.method = Method::RqKmeansPlus;
            config.balance = Balance::None;
        },
    },
    Variant {
        name: "rq-vae",
        description: "encoder, codebooks and decoder trained together [TIGER 3.1]",
        change: |config| config.method = Method::RqVae,
    },
    Variant {
        name: "rq-vae-transport",
        description: "RQ-VAE whose last level is given out by equal-load transport while training [LC-Rec]",
        change: |config| {
            config.method = Method::RqVae;
            config.rq_vae.sinkhorn = true;
        },
    },
    Variant {
        name: "product",
        description: "each level clusters its own part of the vector: a floor",
        change: |config| {
            config.method = Method::ProductKmeans;
            config.balance = Balance::None;
        },
    },
    Variant {
        name: "hash",
        description: "sides of random hyperplanes, nothing learned: a floor",
        change: |config| config.method = Method::Hash,
    },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_every_variant_is_a_different_tokenizer() {
        let base = TokenizerConfig::default();
        let names: BTreeSet<&str> = VARIANTS.iter().map(|variant| variant.name).collect();
        assert_eq!(names.len(), VARIANTS.len());
        for (idx, variant) in VARIANTS.iter().enumerate() {
            for other in &VARIANTS[..idx] {
                assert_ne!(
                    variant.of(&base),
                    other.of(&base),
                    "{} and {}",
                    variant.name,
                    other.name
                );
            }
        }
    }

    #[test]
    fn the_run_decides_how_many_codes_and_levels() {
        let base = TokenizerConfig {
            n_levels: 4,
            codebook_size: 77,
            ..TokenizerConfig::default()
        };
        for variant in VARIANTS {
            let config = variant.of(&base);
            let n_levels = if variant.name == "balanced-deeper" {
                5
            } else {
                4
            };
            assert_eq!((config.n_levels, config.codebook_size), (n_levels, 77));
        }
    }
}
