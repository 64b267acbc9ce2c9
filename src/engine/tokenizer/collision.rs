//! What happens to items that share a semantic ID. The papers do not say; five policies are offered.

use std::ops::ControlFlow;

use super::last_code::recode;
use super::quantizer::Quantizer;
use super::separate::separate;
use super::sinkhorn::spread;
use super::{Code, CollisionPolicy, SemanticIdTable, TokenizerError};
use crate::engine::embedding::{ItemEmbeddings, squared_distance};

/// Most codes of a level.
const MOST_CODES: usize = Code::MAX as usize + 1;

/// The table after a policy was applied to the table before.
///
/// # Errors
/// If an extra level would need more codes than a level can have, or `pulse`, which hears the share that is done
/// several times a second, breaks off.
pub fn resolve(
    quantizer: &Quantizer,
    embeddings: &ItemEmbeddings,
    before: &SemanticIdTable,
    policy: CollisionPolicy,
    pulse: &mut dyn FnMut(f64) -> ControlFlow<()>,
) -> Result<SemanticIdTable, TokenizerError> {
    let apply = match policy {
        CollisionPolicy::Keep => return Ok(before.clone()),
        CollisionPolicy::ExtraLevel => return number(before),
        CollisionPolicy::Reassign => reassign,
        CollisionPolicy::Sinkhorn => spread,
        CollisionPolicy::Optimal => separate,
    };
    let mut codes = before.codes().to_vec();
    let latents = quantizer.latents(&embeddings.values);
    apply(quantizer, &latents, &mut codes, pulse).ok_or(TokenizerError::Stopped)?;
    Ok(SemanticIdTable::new(
        before.n_levels(),
        before.codebook_size(),
        codes,
    ))
}

/// One more level that counts the items of each ID, in order of item.
fn number(before: &SemanticIdTable) -> Result<SemanticIdTable, TokenizerError> {
    let n_levels = before.n_levels() + 1;
    let mut codes = vec![0; before.n_items() * n_levels];
    let mut largest = 0;
    for (sid, items) in before.iter() {
        largest = largest.max(items.len());
        if largest > MOST_CODES {
            return Err(TokenizerError::TooManyShare { items: largest });
        }
        for (place, item) in items.iter().enumerate() {
            let row = &mut codes[item.idx() * n_levels..][..n_levels];
            row[..sid.len()].copy_from_slice(sid);
            row[sid.len()] = place as Code;
        }
    }
    let codebook_size = before.codebook_size().max(largest);
    Ok(SemanticIdTable::new(n_levels, codebook_size, codes))
}

/// Gives items that share a semantic ID a code of their own on the last level.
///
/// The item nearest to the sum of the codewords keeps the ID. Each other one, nearest first, moves to the code
/// that describes its last residual best among those that make a free ID. Where all K codes under a
/// prefix are taken, the items left over go on sharing.
/// `latents [n_items * dim]`, `codes [n_items * n_levels]`, changed in place. Nothing if `pulse` breaks off.
pub fn reassign(
    quantizer: &Quantizer,
    latents: &[f32],
    codes: &mut [Code],
    pulse: &mut dyn FnMut(f64) -> ControlFlow<()>,
) -> Option<()> {
    let dim = quantizer.codebooks.dim();
    let latent = |item: u32| &latents[item as usize * dim..][..dim];
    let policy = |prefix: &[Code], items: &[u32], last: &[Code]| {
        let mut is_free = vec![true; quantizer.codebook_size()];
        for code in last {
            is_free[usize::from(*code)] = false;
        }
        let mut n_free = is_free.iter().filter(|is_free| **is_free).count();
        let mut moved = Vec::new();
        let mut rest = items;
        for codes in last.chunk_by(|a, b| a == b) {
            let (members, after) = rest.split_at(codes.len());
            rest = after;
            if members.len() == 1 || n_free == 0 {
                continue;
            }
            let sum = quantizer.codebooks.decode(&[prefix, &codes[..1]].concat());
            let mut members: Vec<(f32, u32)> = members
                .iter()
                .map(|item| (squared_distance(latent(*item), &sum), *item))
                .collect();
            members.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            for (_, item) in members.into_iter().skip(1).take(n_free) {
                let costs = quantizer.costs(latent(item), prefix);
                let nearest = (0..costs.len())
                    .filter(|code| is_free[*code])
                    .min_by(|a, b| costs[*a].total_cmp(&costs[*b]));
                if let Some(code) = nearest {
                    is_free[code] = false;
                    n_free -= 1;
                    moved.push((item, code as Code));
                }
            }
        }
        moved
    };
    recode(codes, quantizer.n_levels(), policy, pulse).map(|_is_changed| ())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::data::ItemIdx;
    use crate::engine::tokenizer::Codebooks;

    fn go_on(_: f64) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    /// Two levels of three one-dimensional codewords: 0, 10, 20 and 0, 1, 2.
    fn quantizer() -> Quantizer {
        Quantizer::residual(Codebooks::new(
            2,
            3,
            1,
            vec![0.0, 10.0, 20.0, 0.0, 1.0, 2.0],
        ))
    }

    #[test]
    fn the_nearest_stays_and_the_others_move_to_the_nearest_free_code() {
        // Items 0 to 2 share (1, 0); item 3 holds (1, 1) already.
        let latents = [10.4, 10.1, 10.3, 11.0];
        let mut codes = vec![1, 0, 1, 0, 1, 0, 1, 1];
        reassign(&quantizer(), &latents, &mut codes, &mut go_on).unwrap();
        // Item 1 is nearest to 10 and stays; item 2 is next and takes the only free code; item 0 is left over.
        assert_eq!(codes, [1, 0, 1, 0, 1, 2, 1, 1]);
    }

    #[test]
    fn equal_items_get_different_codes_and_other_prefixes_are_left_alone() {
        let latents = [0.0, 0.0, 0.0, 20.0];
        let mut codes = vec![0, 0, 0, 0, 0, 0, 2, 0];
        reassign(&quantizer(), &latents, &mut codes, &mut go_on).unwrap();
        assert_eq!(codes, [0, 0, 0, 1, 0, 2, 2, 0]);
    }

    #[test]
    fn an_extra_level_numbers_the_items_of_each_id() {
        let before = SemanticIdTable::new(2, 3, vec![1, 2, 0, 0, 1, 2, 1, 2, 1, 2]);
        let after = number(&before).unwrap();
        assert_eq!((after.n_levels(), after.codebook_size()), (3, 4));
        assert_eq!(after.sid(ItemIdx(1)), [0, 0, 0]);
        assert_eq!(after.sid(ItemIdx(2)), [1, 2, 1]);
        assert_eq!(after.sid(ItemIdx(4)), [1, 2, 3]);
    }
}
