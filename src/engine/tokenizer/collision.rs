//! What happens to items that share a semantic ID. The papers do not say; keeping the ID and moving
//! to a free code of the last level are offered.

use std::collections::{BTreeMap, BTreeSet};

use super::codebook::{Codebooks, subtract};
use super::{Code, SemanticId};
use crate::engine::embedding::{ItemEmbeddings, squared_distance};

/// Gives items that share a semantic ID a code of their own on the last level.
///
/// The item nearest to the reconstruction keeps the ID. Each other one, nearest first, moves to the code
/// that describes its last residual best among those that make a free ID. Where all K codes under a
/// prefix are taken, the items left over go on sharing. Changes `codes [n_items * n_levels]` in place.
pub fn reassign(codebooks: &Codebooks, embeddings: &ItemEmbeddings, codes: &mut [Code]) {
    let n_levels = codebooks.n_levels();
    let mut groups: BTreeMap<SemanticId, Vec<usize>> = BTreeMap::new();
    for (item_idx, sid) in codes.chunks_exact(n_levels).enumerate() {
        groups.entry(sid.to_vec()).or_default().push(item_idx);
    }
    let mut taken: BTreeSet<SemanticId> = groups.keys().cloned().collect();
    for (sid, mut members) in groups.into_iter().filter(|(_, members)| members.len() > 1) {
        let reconstruction = codebooks.decode(&sid);
        let distance =
            |item_idx: usize| squared_distance(embeddings.row(item_idx), &reconstruction);
        members.sort_by(|a, b| distance(*a).total_cmp(&distance(*b)).then(a.cmp(b)));
        for item_idx in members.into_iter().skip(1) {
            let prefix = &sid[..n_levels - 1];
            if let Some(free) = nearest_free(codebooks, embeddings.row(item_idx), prefix, &taken) {
                codes[(item_idx + 1) * n_levels - 1] = free[n_levels - 1];
                taken.insert(free);
            }
        }
    }
}

/// The free semantic ID under a prefix whose last codeword is nearest to what the prefix leaves over.
fn nearest_free(
    codebooks: &Codebooks,
    vector: &[f32],
    prefix: &[Code],
    taken: &BTreeSet<SemanticId>,
) -> Option<SemanticId> {
    let mut residual = vector.to_vec();
    for (level_idx, code) in prefix.iter().enumerate() {
        subtract(&mut residual, codebooks.codeword(level_idx, *code));
    }
    (0..codebooks.codebook_size())
        .map(|code| {
            let code = code as Code;
            let distance = squared_distance(&residual, codebooks.codeword(prefix.len(), code));
            (distance, [prefix, &[code]].concat())
        })
        .filter(|(_, sid)| !taken.contains(sid))
        .min_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, sid)| sid)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two levels of three one-dimensional codewords: 0, 10, 20 and 0, 1, 2.
    fn codebooks() -> Codebooks {
        Codebooks::new(2, 3, 1, vec![0.0, 10.0, 20.0, 0.0, 1.0, 2.0])
    }

    #[test]
    fn the_nearest_stays_and_the_others_move_to_the_nearest_free_code() {
        // Items 0 to 2 share (1, 0); item 3 holds (1, 1) already.
        let embeddings = ItemEmbeddings {
            values: vec![10.4, 10.1, 10.3, 11.0],
            dim: 1,
        };
        let mut codes = vec![1, 0, 1, 0, 1, 0, 1, 1];
        reassign(&codebooks(), &embeddings, &mut codes);
        // Item 1 is nearest to 10 and stays; item 2 is next and takes the only free code; item 0 is left over.
        assert_eq!(codes, [1, 0, 1, 0, 1, 2, 1, 1]);
    }

    #[test]
    fn equal_items_get_different_codes_and_other_prefixes_are_left_alone() {
        let embeddings = ItemEmbeddings {
            values: vec![0.0, 0.0, 0.0, 20.0],
            dim: 1,
        };
        let mut codes = vec![0, 0, 0, 0, 0, 0, 2, 0];
        reassign(&codebooks(), &embeddings, &mut codes);
        assert_eq!(codes, [0, 0, 0, 1, 0, 2, 2, 0]);
    }
}
