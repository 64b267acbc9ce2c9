//! Settings that only the lazy decoder has. [V2 2.2]

use serde::{Deserialize, Serialize};

/// Settings that only the lazy decoder has; its width, heads, blocks and experts are those of
/// [`ModelConfig`](crate::engine::model::ModelConfig).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LazyConfig {
    /// Width of a code's embedding; an item of the history is those of its codes side by side. [V2 Table 5: 0.05 of d_model]
    pub d_embed: usize,
    /// Whether the context is the pathways of features rather than the semantic IDs of the last positive items.
    /// [V2 2.2: pathways]
    pub reads_pathways: bool,
    /// Sets of keys and values that the blocks share, L_kv; 1 to n_decoder_layers. [V2 2.2: 1]
    pub n_kv_sets: usize,
    /// Whether a set's keys serve as its values too, S_kv = 1; otherwise S_kv = 2. [V2 2.2: true]
    pub values_are_keys: bool,
    /// Heads of the keys and values, G_kv; divides n_heads, 0 means as many. [V2 Table 4: any number does]
    pub n_kv_heads: usize,
}

impl Default for LazyConfig {
    fn default() -> Self {
        Self {
            d_embed: 32,
            reads_pathways: false,
            n_kv_sets: 1,
            values_are_keys: true,
            n_kv_heads: 0,
        }
    }
}

impl LazyConfig {
    /// What is wrong with these settings in a model of `n_heads` heads and `n_layers` blocks, a sentence each.
    pub fn problems(&self, n_heads: usize, n_layers: usize) -> Vec<String> {
        let checks = [
            (
                self.d_embed > 0,
                "model.lazy.d_embed must be at least 1".to_owned(),
            ),
            (
                (1..=n_layers.max(1)).contains(&self.n_kv_sets),
                format!(
                    "model.lazy.n_kv_sets must be 1 to model.n_decoder_layers ({n_layers}), found {}",
                    self.n_kv_sets
                ),
            ),
            (
                self.n_kv_heads == 0 || n_heads.is_multiple_of(self.n_kv_heads),
                format!(
                    "model.lazy.n_kv_heads must divide model.n_heads ({n_heads}) or be 0, found {}",
                    self.n_kv_heads
                ),
            ),
        ];
        let wrong = checks.into_iter().filter(|(holds, _)| !holds);
        wrong.map(|(_, problem)| problem).collect()
    }

    /// Heads of the keys and values for `n_heads` heads of queries.
    pub fn kv_heads(&self, n_heads: usize) -> usize {
        if self.n_kv_heads == 0 {
            n_heads
        } else {
            self.n_kv_heads
        }
    }

    /// Width of what each position of the context is made of.
    pub fn d_position(&self, n_levels: usize) -> usize {
        if self.reads_pathways {
            self.d_embed
        } else {
            n_levels * self.d_embed
        }
    }

    /// Parts into which each context vector is cut, S_kv * L_kv: keys, or keys and values, of every set.
    pub fn n_parts(&self) -> usize {
        self.n_kv_sets * if self.values_are_keys { 1 } else { 2 }
    }

    /// Width of one part: G_kv * d_head.
    pub fn d_part(&self, d_model: usize, n_heads: usize) -> usize {
        self.kv_heads(n_heads) * (d_model / n_heads)
    }

    /// The set that block `layer_idx` of `n_layers` reads: floor(l * L_kv / N). [V2 2.2]
    pub fn kv_set(&self, layer_idx: usize, n_layers: usize) -> usize {
        layer_idx * self.n_kv_sets / n_layers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_share_sets_in_order() {
        let sets = |n_kv_sets: usize, n_layers: usize| -> Vec<usize> {
            let config = LazyConfig {
                n_kv_sets,
                ..LazyConfig::default()
            };
            (0..n_layers)
                .map(|layer_idx| config.kv_set(layer_idx, n_layers))
                .collect()
        };
        assert_eq!(sets(1, 4), [0, 0, 0, 0]);
        assert_eq!(sets(2, 5), [0, 0, 0, 1, 1]);
        assert_eq!(sets(3, 5), [0, 0, 1, 1, 2]);
        assert_eq!(sets(4, 4), [0, 1, 2, 3]);
    }

    #[test]
    fn problems_name_their_field() {
        assert!(LazyConfig::default().problems(4, 2).is_empty());
        let config = LazyConfig {
            n_kv_sets: 3,
            n_kv_heads: 3,
            ..LazyConfig::default()
        };
        let problems = config.problems(4, 2);
        assert_eq!(problems.len(), 2);
        assert!(problems[0].starts_with("model.lazy.n_kv_sets"));
        assert!(problems[1].starts_with("model.lazy.n_kv_heads"));
    }

    #[test]
    fn the_context_is_as_wide_as_its_parts() {
        let config = LazyConfig {
            n_kv_sets: 3,
            values_are_keys: false,
            n_kv_heads: 2,
            ..LazyConfig::default()
        };
        assert_eq!(config.n_parts(), 6);
        assert_eq!(config.d_part(48, 8), 12);
        assert_eq!(LazyConfig::default().d_part(48, 8), 48);
    }
}
