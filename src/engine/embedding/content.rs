//! Item vectors from what items are: hashed TF-IDF of their words, character n-grams and categorical
//! features, reduced by singular value decomposition. No learned language model.

use std::collections::{BTreeMap, HashMap};

use super::sparse::SparseMatrix;
use super::svd::{TruncatedSvd, truncated_svd};
use super::{EmbeddingConfig, EmbeddingError};
use crate::engine::data::{Item, ItemCatalog};
use crate::engine::seed::Seed;

/// Feature (hashed) -> how often the item has it.
type Counts = BTreeMap<u64, u32>;

/// The features of all items, `A = U S Vᵀ`, and their first directions.
pub struct Content {
    /// A: `[n_items, n_buckets]`.
    matrix: SparseMatrix,
    svd: TruncatedSvd,
}

impl Content {
    /// Gathers and decomposes.
    ///
    /// # Errors
    /// If the decomposition fails.
    pub fn new(
        catalog: &ItemCatalog,
        config: &EmbeddingConfig,
        seed: Seed,
    ) -> Result<Self, EmbeddingError> {
        let matrix = feature_matrix(catalog, config.hash_buckets);
        let mut rng = seed.rng("embedding.content", 0);
        let svd = truncated_svd(&matrix, config.content_dim, &mut rng)?;
        Ok(Self { matrix, svd })
    }

    /// Dimensions of a vector: lower than configured for tiny catalogues.
    pub fn dim(&self) -> usize {
        self.svd.rank()
    }

    /// U S: `[n_items * dim]`. Items without a feature that another item has too get a zero vector.
    pub fn item_vectors(&self) -> Vec<f32> {
        self.svd.scaled_rows(|value| value)
    }

    /// Per item the vectors of its `n` heaviest features, heaviest first: rows of V S, each of length 1 and with the
    /// sign that the item has the feature with.
    pub fn feature_vectors(&self, n: usize) -> Vec<Vec<Vec<f32>>> {
        let dim = self.dim();
        // AᵀU = V S.
        let of_bucket = self.matrix.transposed().times(&self.svd.left, dim);
        (0..self.matrix.n_rows())
            .map(|item_idx| {
                let mut features: Vec<(u32, f64)> = self.matrix.row(item_idx).collect();
                features.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then(a.0.cmp(&b.0)));
                features.truncate(n);
                features
                    .into_iter()
                    .filter_map(|(bucket, weight)| {
                        let vector = &of_bucket[bucket as usize * dim..][..dim];
                        let length = vector.iter().map(|value| value * value).sum::<f64>().sqrt();
                        let scale = weight.signum() / length;
                        (length > 1e-9)
                            .then(|| vector.iter().map(|value| (value * scale) as f32).collect())
                    })
                    .collect()
            })
            .collect()
    }
}

/// TF-IDF, `[n_items, n_buckets]`: text and categorical features each of length 1, so that a long
/// text does not drown the categories.
fn feature_matrix(catalog: &ItemCatalog, n_buckets: usize) -> SparseMatrix {
    let groups: Vec<[Counts; 2]> = catalog
        .items
        .iter()
        .map(|item| [text_features(item), categorical_features(item)])
        .collect();
    let mut n_items_with: HashMap<u64, u32> = HashMap::new();
    for feature in groups.iter().flatten().flat_map(Counts::keys) {
        *n_items_with.entry(*feature).or_default() += 1;
    }
    let n_items = catalog.len() as f64;
    let rows = groups.iter().map(|groups| {
        groups
            .iter()
            .flat_map(|counts| {
                let weights: Vec<(u64, f64)> = counts
                    .iter()
                    // A feature of one item says nothing of how it relates to the others.
                    .filter(|(feature, _)| n_items_with[*feature] > 1)
                    .map(|(feature, count)| {
                        let idf = (n_items / f64::from(n_items_with[feature])).ln();
                        (*feature, (1.0 + f64::from(*count).ln()) * idf)
                    })
                    .collect();
                let length = weights
                    .iter()
                    .map(|(_, weight)| weight * weight)
                    .sum::<f64>()
                    .sqrt();
                weights
                    .into_iter()
                    .filter(move |_| length > 0.0)
                    .map(move |(feature, weight)| hashed(feature, weight / length, n_buckets))
            })
            .collect()
    });
    SparseMatrix::new(n_buckets, rows)
}

/// The bucket and signed weight of a feature: with signs, features that meet in a bucket cancel out on
/// average instead of adding up. [Weinberger et al. 2009, arXiv 0902.2206]
pub(crate) fn hashed(feature: u64, weight: f64, n_buckets: usize) -> (u32, f64) {
    let sign = if feature >> 63 == 0 { 1.0 } else { -1.0 };
    ((feature % n_buckets as u64) as u32, sign * weight)
}

/// Words and character n-grams of title and text.
fn text_features(item: &Item) -> Counts {
    let mut counts = Counts::new();
    for word in runs(item) {
        // Scripts without spaces between words: the characters themselves carry the meaning, and pairs
        // of them are close to words. Elsewhere longer pieces catch inflections and compounds.
        let symbols: Vec<char> = word.chars().collect();
        let sizes = if symbols.iter().any(|symbol| is_ideograph(*symbol)) {
            1..=2
        } else {
            *counts.entry(feature("word", &word)).or_default() += 1;
            3..=4
        };
        for size in sizes {
            for gram in symbols.windows(size) {
                let gram: String = gram.iter().collect();
                *counts.entry(feature("gram", &gram)).or_default() += 1;
            }
        }
    }
    counts
}

/// The item's words in their order: of title and text, or, without either, its categories. Scripts without spaces
/// between words give their characters.
pub fn words(item: &Item) -> Vec<String> {
    let found: Vec<String> = runs(item)
        .flat_map(|run| {
            if run.chars().any(is_ideograph) {
                run.chars().map(String::from).collect()
            } else {
                vec![run]
            }
        })
        .collect();
    if found.is_empty() {
        item.categories.clone()
    } else {
        found
    }
}

/// What stands between spaces and punctuation in title and text, in lower case.
fn runs(item: &Item) -> impl Iterator<Item = String> {
    let text = format!("{} {}", item.title, item.text).to_lowercase();
    let runs: Vec<String> = text
        .split(|symbol: char| !symbol.is_alphanumeric())
        .filter(|run| !run.is_empty())
        .map(str::to_owned)
        .collect();
    runs.into_iter()
}

/// Chinese characters, Japanese syllables and Korean blocks.
fn is_ideograph(symbol: char) -> bool {
    matches!(symbol, '\u{2e80}'..='\u{9fff}' | '\u{ac00}'..='\u{d7ff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// Categories, author, duration and further features.
pub(crate) fn categorical_features(item: &Item) -> Counts {
    let mut features: Vec<u64> = Vec::new();
    features.extend(
        item.categories
            .iter()
            .map(|category| feature("category", category)),
    );
    features.extend(item.author.iter().map(|author| feature("author", author)));
    features.extend(
        item.features
            .iter()
            .map(|(name, value)| feature(name, value)),
    );
    if let Some(secs) = item
        .duration_secs
        .filter(|secs| secs.is_finite() && *secs >= 0.0)
    {
        // Each bucket is longer than the one before by a factor of the square root of 2.
        let bucket = (2.0 * (1.0 + secs).log2()).floor();
        features.push(feature("duration", &bucket.to_string()));
    }
    features.into_iter().map(|feature| (feature, 1)).collect()
}

/// A stable hash of a feature: FNV-1a, then mixed so that the low and the high bits are both good.
/// The standard library's hash may change from one release to the next.
fn feature(kind: &str, value: &str) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in kind.bytes().chain([0]).chain(value.bytes()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::embedding::squared_distance;

    fn item(title: &str, categories: &[&str]) -> Item {
        Item {
            title: title.to_owned(),
            categories: categories.iter().map(|name| (*name).to_owned()).collect(),
            ..Item::default()
        }
    }

    fn vectors(items: Vec<Item>) -> (Vec<f32>, usize) {
        let config = EmbeddingConfig {
            content_dim: 4,
            ..EmbeddingConfig::default()
        };
        let content = Content::new(&ItemCatalog { items }, &config, Seed(1)).unwrap();
        (content.item_vectors(), content.dim())
    }

    fn distance((values, dim): &(Vec<f32>, usize), a: usize, b: usize) -> f32 {
        squared_distance(
            &values[a * dim..(a + 1) * dim],
            &values[b * dim..(b + 1) * dim],
        )
    }

    #[test]
    fn titles_that_share_words_are_nearer_in_any_script() {
        let found = vectors(vec![
            item("Spicy noodles at home", &[]),
            item("noodles, SPICY!", &[]),
            item("football highlights", &[]),
            item("the best football goals", &[]),
            item("四川麻辣面条", &[]),
            item("麻辣火锅", &[]),
            item("足球比赛", &[]),
            item("足球集锦", &[]),
        ]);
        assert!(distance(&found, 0, 1) < distance(&found, 0, 2));
        assert!(distance(&found, 2, 3) < distance(&found, 1, 3));
        assert!(distance(&found, 4, 5) < distance(&found, 4, 6));
        assert!(distance(&found, 6, 7) < distance(&found, 5, 7));
    }

    #[test]
    fn categories_count_as_much_as_a_long_text() {
        let text = "one long text about nothing in particular that goes on and on";
        let found = vectors(vec![
            item(text, &["food"]),
            item(text, &["sport"]),
            item("", &["food"]),
            item("", &["sport"]),
        ]);
        assert!(distance(&found, 0, 2) < distance(&found, 0, 3));
    }

    #[test]
    fn what_one_item_has_alone_or_all_have_adds_nothing() {
        let matrix = feature_matrix(
            &ItemCatalog {
                items: vec![
                    item("", &["all", "rare"]),
                    item("", &["all"]),
                    item("", &["all"]),
                ],
            },
            64,
        );
        assert!(matrix.is_zero());
    }

    #[test]
    fn an_item_lies_where_its_features_do() {
        let items =
            ["red shoe", "red shirt", "blue shoe", "blue shirt"].map(|title| item(title, &[]));
        let config = EmbeddingConfig {
            content_dim: 3,
            ..EmbeddingConfig::default()
        };
        let items = ItemCatalog {
            items: items.to_vec(),
        };
        let content = Content::new(&items, &config, Seed(1)).unwrap();
        let (vectors, dim) = (content.item_vectors(), content.dim());
        for (item_idx, features) in content.feature_vectors(2).into_iter().enumerate() {
            assert_eq!(features.len(), 2);
            let own = &vectors[item_idx * dim..][..dim];
            for vector in features {
                let length: f32 = vector.iter().map(|value| value * value).sum();
                assert!((length - 1.0).abs() < 1e-5);
                let dot: f32 = vector.iter().zip(own).map(|(a, b)| a * b).sum();
                assert!(dot > 0.0, "item {item_idx}: {vector:?} and {own:?}");
            }
        }
    }

    #[test]
    fn words_keep_their_order_and_characters_stand_for_words_where_there_are_no_spaces() {
        assert_eq!(
            words(&item("Spicy Noodles, 面条!", &[])),
            ["spicy", "noodles", "面", "条"]
        );
        assert_eq!(words(&item("", &["food", "home"])), ["food", "home"]);
    }

    #[test]
    fn durations_fall_into_wider_and_wider_buckets() {
        let with = |secs| {
            categorical_features(&Item {
                duration_secs: Some(secs),
                ..Item::default()
            })
        };
        assert_eq!(with(100.0), with(105.0));
        assert_ne!(with(5.0), with(10.0));
        assert!(with(f32::NAN).is_empty() && with(-1.0).is_empty());
    }

    #[test]
    fn the_hash_is_the_same_forever() {
        // Saved vectors of older versions must stay comparable.
        assert_eq!(feature("word", "面条"), feature("word", "面条"));
        assert_ne!(feature("word", "ab"), feature("wor", "dab"));
    }
}
