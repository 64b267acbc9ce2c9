//! Semantic IDs of items that came after the fitting: everything frozen, nothing refitted.

use std::collections::BTreeMap;

use serde::Serialize;

use super::fit::check_finite;
use super::fitted::FittedTokenizer;
use super::{Code, SemanticId, TokenizerError};
use crate::engine::data::ItemIdx;
use crate::engine::embedding::{ItemEmbeddings, squared_distance};

/// A new item.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NewItem {
    /// Its codes.
    pub codes: SemanticId,
    /// Mean over the dimensions of (vector - its reconstruction from the codes)^2.
    pub error: f64,
    /// Items of the run that have the same codes.
    pub shares_with: Vec<ItemIdx>,
}

/// Gives each vector the codes of its nearest codewords, level by level. [A 3.1]
///
/// Items of the run keep theirs: no policy for shared IDs moves anything. Where the policy was one more level that
/// numbers the items of an ID, new items take the next free numbers; without one, they share the last.
///
/// # Errors
/// If the vectors have other dimensions than those of the run, or one is not finite.
pub fn encode_new(
    tokenizer: &FittedTokenizer,
    vectors: &ItemEmbeddings,
) -> Result<Vec<NewItem>, TokenizerError> {
    let (quantizer, table) = (&tokenizer.quantizer, &tokenizer.table);
    if vectors.dim != quantizer.dim() {
        return Err(TokenizerError::OtherDimensions {
            expected: quantizer.dim(),
            found: vectors.dim,
        });
    }
    check_finite(vectors)?;
    let n_levels = quantizer.n_levels();
    let codes = quantizer.encode(&vectors.values);
    let decoded = quantizer.decode(&codes, n_levels);
    let mut n_taken: BTreeMap<&[Code], usize> = BTreeMap::new();
    let items = codes.chunks_exact(n_levels).enumerate().map(|(row, sid)| {
        let mut codes = sid.to_vec();
        if table.n_levels() > n_levels {
            let n_before = n_taken
                .entry(sid)
                .or_insert_with(|| table.items_under(sid).len());
            codes.push((*n_before).min(table.codebook_size() - 1) as Code);
            *n_before += 1;
        }
        let decoded = &decoded[row * vectors.dim..][..vectors.dim];
        NewItem {
            error: f64::from(squared_distance(vectors.row(row), decoded)) / vectors.dim as f64,
            shares_with: table.items(&codes).to_vec(),
            codes,
        }
    });
    Ok(items.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::tokenizer::report::TokenizerReport;
    use crate::engine::tokenizer::{Codebooks, Quantizer, SemanticIdTable, TokenizerConfig};

    /// Two levels of three one-dimensional codewords: 0, 10, 20 and 0, 1, 2.
    fn tokenizer(table: SemanticIdTable) -> FittedTokenizer {
        let values = vec![0.0, 10.0, 20.0, 0.0, 1.0, 2.0];
        FittedTokenizer {
            config: TokenizerConfig::default(),
            quantizer: Quantizer::residual(Codebooks::new(2, 3, 1, values)),
            table,
            report: TokenizerReport::default(),
        }
    }

    fn vectors(values: &[f32]) -> ItemEmbeddings {
        ItemEmbeddings {
            values: values.to_vec(),
            dim: 1,
        }
    }

    #[test]
    fn new_items_take_the_nearest_codewords_and_old_ones_keep_theirs() {
        let tokenizer = tokenizer(SemanticIdTable::new(2, 3, vec![1, 1, 0, 0, 1, 1]));
        let found = encode_new(&tokenizer, &vectors(&[11.25, 22.0])).unwrap();
        assert_eq!(found[0].codes, [1, 1]);
        assert!((found[0].error - 0.0625).abs() < 1e-6);
        assert_eq!(found[0].shares_with, [ItemIdx(0), ItemIdx(2)]);
        assert_eq!(found[1].codes, [2, 2]);
        assert!(found[1].shares_with.is_empty());
    }

    #[test]
    fn where_items_are_numbered_new_ones_take_the_next_numbers() {
        let table = SemanticIdTable::new(3, 3, vec![1, 1, 0, 0, 0, 0, 1, 1, 1]);
        let found = encode_new(&tokenizer(table), &vectors(&[11.0, 0.0, 11.0, 20.0])).unwrap();
        let codes: Vec<&[Code]> = found.iter().map(|item| item.codes.as_slice()).collect();
        // There are three numbers: the second new item of 1.1 has to share the last.
        assert_eq!(codes, [[1, 1, 2], [0, 0, 1], [1, 1, 2], [2, 0, 0]]);
        assert!(found[0].shares_with.is_empty());
    }

    #[test]
    fn vectors_of_another_space_are_refused() {
        let tokenizer = tokenizer(SemanticIdTable::new(2, 3, vec![0, 0]));
        let two = ItemEmbeddings {
            values: vec![0.0; 4],
            dim: 2,
        };
        let error = encode_new(&tokenizer, &two).unwrap_err().to_string();
        assert!(
            error.contains("1 dimensions") && error.contains('2'),
            "{error}"
        );
        let error = encode_new(&tokenizer, &vectors(&[0.0, f32::NAN])).unwrap_err();
        assert!(error.to_string().contains("item 1"), "{error}");
    }
}
