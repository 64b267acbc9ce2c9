//! The collision policy that shares nothing: room under every prefix first, then the cheapest last codes.

use std::ops::Range;

use super::assignment::assign;
use super::quantizer::Quantizer;
use super::{Code, SemanticId};

/// Gives every item an ID of its own wherever there are at most K^L items.
///
/// From the first level on: where more items stand under a code than can have IDs below it, those farthest from it
/// move to the nearest code that has room, and take the nearest codes from there. On the last level the items
/// under a prefix with shared IDs get codes by [`assign`]; prefixes without are left alone.
/// `latents [n_items * dim]`, `codes [n_items * n_levels]`, changed in place.
pub fn separate(quantizer: &Quantizer, latents: &[f32], codes: &mut [Code]) {
    let n_items = codes.len() / quantizer.n_levels();
    let mut search = Separation {
        quantizer,
        latents,
        codes,
    };
    search.below(Vec::new(), (0..n_items).collect());
}

struct Separation<'a> {
    quantizer: &'a Quantizer,
    latents: &'a [f32],
    codes: &'a mut [Code],
}

impl Separation<'_> {
    /// Separates the items under one prefix.
    fn below(&mut self, prefix: SemanticId, mut items: Vec<usize>) {
        let n_levels = self.quantizer.n_levels();
        let level_idx = prefix.len();
        items.sort_by_key(|item| (self.codes[item * n_levels + level_idx], *item));
        if level_idx + 1 == n_levels {
            self.last_level(&prefix, &items);
            return;
        }
        self.make_room(&prefix, &items);
        items.sort_by_key(|item| (self.codes[item * n_levels + level_idx], *item));
        let codes = &*self.codes;
        let code_of = |item: &usize| codes[item * n_levels + level_idx];
        let groups: Vec<(Code, Vec<usize>)> = items
            .chunk_by(|a, b| code_of(a) == code_of(b))
            .map(|group| (code_of(&group[0]), group.to_vec()))
            .collect();
        for (code, group) in groups {
            self.below([&prefix[..], &[code]].concat(), group);
        }
    }

    /// Moves items from codes that have more than IDs below them.
    fn make_room(&mut self, prefix: &[Code], items: &[usize]) {
        let (n_levels, n_codes) = (self.quantizer.n_levels(), self.quantizer.codebook_size());
        let level_idx = prefix.len();
        let below = (n_levels - level_idx - 1) as u32;
        let room = n_codes.checked_pow(below).unwrap_or(usize::MAX);
        let mut groups: Vec<Vec<usize>> = vec![Vec::new(); n_codes];
        for item in items {
            groups[usize::from(self.codes[item * n_levels + level_idx])].push(*item);
        }
        let mut loads: Vec<usize> = groups.iter().map(Vec::len).collect();
        for code in 0..n_codes {
            if groups[code].len() <= room {
                continue;
            }
            let mut members: Vec<(f32, usize)> = groups[code]
                .iter()
                .map(|item| (self.costs(*item, prefix)[code], *item))
                .collect();
            members.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            for (_, item) in &members[room..] {
                let costs = self.costs(*item, prefix);
                let nearest = (0..n_codes)
                    .filter(|other| loads[*other] < room)
                    .min_by(|a, b| costs[*a].total_cmp(&costs[*b]));
                // Without any room there are more than K^L items: the rest shares.
                let Some(other) = nearest else { return };
                loads[code] -= 1;
                loads[other] += 1;
                let place = item * n_levels + level_idx;
                self.codes[place] = other as Code;
                self.take_nearest(*item, level_idx + 1..n_levels);
            }
        }
    }

    /// Gives an item the nearest codes on some levels.
    fn take_nearest(&mut self, item: usize, levels: Range<usize>) {
        let n_levels = self.quantizer.n_levels();
        for level_idx in levels {
            let prefix = self.codes[item * n_levels..][..level_idx].to_vec();
            let costs = self.costs(item, &prefix);
            let nearest = (0..costs.len()).min_by(|a, b| costs[*a].total_cmp(&costs[*b]));
            self.codes[item * n_levels + level_idx] = nearest.unwrap_or_default() as Code;
        }
    }

    /// The cheapest last codes for the items under a prefix, sorted by their present last code.
    fn last_level(&mut self, prefix: &[Code], items: &[usize]) {
        let n_levels = self.quantizer.n_levels();
        let last = |item: &usize| self.codes[item * n_levels + n_levels - 1];
        let is_shared = items
            .windows(2)
            .any(|pair| last(&pair[0]) == last(&pair[1]));
        // More than K items under a prefix are left only where there are more than K^L of them.
        if !is_shared || items.len() > self.quantizer.codebook_size() {
            return;
        }
        let costs: Vec<f64> = items
            .iter()
            .flat_map(|item| self.costs(*item, prefix))
            .map(f64::from)
            .collect();
        for (item, code) in items
            .iter()
            .zip(assign(&costs, self.quantizer.codebook_size()))
        {
            self.codes[item * n_levels + n_levels - 1] = code as Code;
        }
    }

    fn costs(&self, item: usize, prefix: &[Code]) -> Vec<f32> {
        let dim = self.quantizer.codebooks.dim();
        self.quantizer
            .costs(&self.latents[item * dim..][..dim], prefix)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::engine::tokenizer::Codebooks;

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
    fn the_last_codes_cost_least_together() {
        // All three are nearest to 10 + 1; 10.6 gives way downwards and 11.4 upwards.
        let mut codes = vec![1, 1, 1, 1, 1, 1];
        separate(&quantizer(), &[10.6, 11.4, 11.0], &mut codes);
        assert_eq!(codes, [1, 0, 1, 2, 1, 1]);
    }

    #[test]
    fn what_a_prefix_has_no_room_for_moves_to_the_nearest_with_room() {
        // Four items under 10, of which 13.0 is farthest and moves to 20: nearer than 0.
        let mut codes = vec![1, 0, 1, 2, 1, 1, 1, 2];
        separate(&quantizer(), &[10.0, 13.0, 11.0, 12.0], &mut codes);
        assert_eq!(codes, [1, 0, 2, 0, 1, 1, 1, 2]);
    }

    proptest! {
        #[test]
        fn nothing_is_shared_while_there_are_ids(
            places in prop::collection::vec(0_u8..30, 1..=9),
        ) {
            let quantizer = quantizer();
            let vectors: Vec<f32> = places.iter().map(|place| f32::from(*place)).collect();
            let mut codes = quantizer.encode(&vectors);
            separate(&quantizer, &vectors, &mut codes);
            let ids: BTreeSet<&[Code]> = codes.chunks_exact(2).collect();
            prop_assert_eq!(ids.len(), vectors.len());
        }

        #[test]
        fn more_items_than_ids_share_and_nothing_panics(n_items in 10_usize..40) {
            let vectors = vec![10.0; n_items];
            let mut codes = quantizer().encode(&vectors);
            separate(&quantizer(), &vectors, &mut codes);
            prop_assert!(codes.iter().all(|code| *code < 3));
        }
    }
}
