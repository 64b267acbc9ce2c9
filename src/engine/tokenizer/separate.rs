//! The collision policy that shares nothing: room under every prefix first, then the cheapest last codes.

use std::ops::{ControlFlow, Range};

use super::Code;
use super::assignment::assign;
use super::last_code::{in_order, recode};
use super::quantizer::Quantizer;

/// Items that move to another code between two looks at a wish to stop.
const MOVES_PER_PULSE: usize = 256;

/// Gives every item an ID of its own wherever there are at most K^L items.
///
/// From the first level on: where more items stand under a code than can have IDs below it, those farthest from it
/// move to the nearest code that has room, and take the nearest codes from there. On the last level the items
/// under a prefix with shared IDs get codes by [`assign`]; prefixes without are left alone.
/// `latents [n_items * dim]`, `codes [n_items * n_levels]`, changed in place. Nothing if `pulse`, which hears the
/// share that is done, breaks off.
pub fn separate(
    quantizer: &Quantizer,
    latents: &[f32],
    codes: &mut [Code],
    pulse: &mut dyn FnMut(f64) -> ControlFlow<()>,
) -> Option<()> {
    let n_levels = quantizer.n_levels();
    let mut room = Room {
        quantizer,
        latents,
        codes,
        n_moved: 0,
    };
    for level_idx in 0..n_levels - 1 {
        let order = in_order(room.codes, n_levels);
        let mut rest = &order[..];
        while let Some(first) = rest.first() {
            let prefix = room.sid(*first)[..level_idx].to_vec();
            let n_items = rest.partition_point(|item| room.sid(*item)[..level_idx] <= prefix[..]);
            let (items, after) = rest.split_at(n_items);
            rest = after;
            room.make(&prefix, items, pulse)?;
        }
    }
    let dim = quantizer.codebooks.dim();
    let policy = |prefix: &[Code], items: &[u32], _: &[Code]| {
        // More than K items under a prefix are left only where there are more than K^L of them.
        if items.len() > quantizer.codebook_size() {
            return Vec::new();
        }
        let costs: Vec<f64> = items
            .iter()
            .flat_map(|item| quantizer.costs(&latents[*item as usize * dim..][..dim], prefix))
            .map(f64::from)
            .collect();
        let chosen = assign(&costs, quantizer.codebook_size());
        let chosen = chosen.into_iter().map(|code| code as Code);
        items.iter().copied().zip(chosen).collect()
    };
    recode(codes, n_levels, policy, pulse).map(|_is_changed| ())
}

/// Making room: one level after the other, one prefix after the other.
struct Room<'a> {
    quantizer: &'a Quantizer,
    latents: &'a [f32],
    codes: &'a mut [Code],
    n_moved: usize,
}

impl Room<'_> {
    /// Moves items from the codes after a prefix that have more items than IDs below them. The items come in order
    /// of ID.
    fn make(
        &mut self,
        prefix: &[Code],
        items: &[u32],
        pulse: &mut dyn FnMut(f64) -> ControlFlow<()>,
    ) -> Option<()> {
        let (n_levels, n_codes) = (self.quantizer.n_levels(), self.quantizer.codebook_size());
        let level_idx = prefix.len();
        let below = (n_levels - level_idx - 1) as u32;
        let room = n_codes.checked_pow(below).unwrap_or(usize::MAX);
        if items.len() <= room {
            return Some(());
        }
        let groups: Vec<(usize, &[u32])> = items
            .chunk_by(|a, b| self.sid(*a)[level_idx] == self.sid(*b)[level_idx])
            .map(|group| (usize::from(self.sid(group[0])[level_idx]), group))
            .collect();
        let mut loads = vec![0; n_codes];
        for (code, group) in &groups {
            loads[*code] = group.len();
        }
        for (code, group) in groups {
            if group.len() <= room {
                continue;
            }
            let mut members: Vec<(f32, u32)> = group
                .iter()
                .map(|item| {
                    let cost = self
                        .quantizer
                        .cost(self.latent(*item), prefix, code as Code);
                    (cost, *item)
                })
                .collect();
            members.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            for (_, item) in &members[room..] {
                let costs = self.quantizer.costs(self.latent(*item), prefix);
                let nearest = (0..n_codes)
                    .filter(|other| loads[*other] < room)
                    .min_by(|a, b| costs[*a].total_cmp(&costs[*b]));
                // Without any room there are more than K^L items: the rest shares.
                let Some(other) = nearest else {
                    return Some(());
                };
                loads[code] -= 1;
                loads[other] += 1;
                self.codes[*item as usize * n_levels + level_idx] = other as Code;
                self.take_nearest(*item, level_idx + 1..n_levels);
                self.n_moved += 1;
                if self.n_moved.is_multiple_of(MOVES_PER_PULSE) && pulse(0.0).is_break() {
                    return None;
                }
            }
        }
        Some(())
    }

    /// Gives an item the nearest codes on some levels.
    fn take_nearest(&mut self, item: u32, levels: Range<usize>) {
        for level_idx in levels {
            let prefix = &self.sid(item)[..level_idx];
            let costs = self.quantizer.costs(self.latent(item), prefix);
            let nearest = (0..costs.len()).min_by(|a, b| costs[*a].total_cmp(&costs[*b]));
            let place = item as usize * self.quantizer.n_levels() + level_idx;
            self.codes[place] = nearest.unwrap_or_default() as Code;
        }
    }

    fn sid(&self, item: u32) -> &[Code] {
        let n_levels = self.quantizer.n_levels();
        &self.codes[item as usize * n_levels..][..n_levels]
    }

    fn latent(&self, item: u32) -> &[f32] {
        let dim = self.quantizer.codebooks.dim();
        &self.latents[item as usize * dim..][..dim]
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
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
    fn the_last_codes_cost_least_together() {
        // All three are nearest to 10 + 1; 10.6 gives way downwards and 11.4 upwards.
        let mut codes = vec![1, 1, 1, 1, 1, 1];
        separate(&quantizer(), &[10.6, 11.4, 11.0], &mut codes, &mut go_on).unwrap();
        assert_eq!(codes, [1, 0, 1, 2, 1, 1]);
    }

    #[test]
    fn what_a_prefix_has_no_room_for_moves_to_the_nearest_with_room() {
        // Four items under 10, of which 13.0 is farthest and moves to 20: nearer than 0.
        let mut codes = vec![1, 0, 1, 2, 1, 1, 1, 2];
        separate(
            &quantizer(),
            &[10.0, 13.0, 11.0, 12.0],
            &mut codes,
            &mut go_on,
        )
        .unwrap();
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
            separate(&quantizer, &vectors, &mut codes, &mut go_on).unwrap();
            let ids: BTreeSet<&[Code]> = codes.chunks_exact(2).collect();
            prop_assert_eq!(ids.len(), vectors.len());
        }

        #[test]
        fn more_items_than_ids_share_and_nothing_panics(n_items in 10_usize..40) {
            let vectors = vec![10.0; n_items];
            let mut codes = quantizer().encode(&vectors);
            separate(&quantizer(), &vectors, &mut codes, &mut go_on).unwrap();
            prop_assert!(codes.iter().all(|code| *code < 3));
        }
    }
}
