//! New last codes for items that share a semantic ID: prefix by prefix, on all threads.
//!
//! Not a policy: it finds the prefixes under which something is shared, and takes what a policy answers.
//! Prefixes do not see each other, so neither threads nor their order change the result.

use std::ops::ControlFlow;

use rayon::prelude::*;

use super::Code;

/// Items that are looked at between two looks at a wish to stop.
const ITEMS_PER_PULSE: usize = 256;

/// All items in order of semantic ID, those of one ID in order of item; `codes [n_items * n_levels]`.
pub(super) fn in_order(codes: &[Code], n_levels: usize) -> Vec<u32> {
    let sid_of = |item: u32| &codes[item as usize * n_levels..][..n_levels];
    let mut order: Vec<u32> = (0..(codes.len() / n_levels) as u32).collect();
    order.par_sort_unstable_by(|a, b| sid_of(*a).cmp(sid_of(*b)).then(a.cmp(b)));
    order
}

/// Asks `policy` for the last codes of the items under every prefix where an ID is shared, and writes them down.
///
/// The policy sees a prefix (all codes but the last), the items under it in order of last code, and their last
/// codes; it answers with new ones for some of them. Returns whether a code changed, or nothing if `pulse`, which
/// hears the share that is done, breaks off.
pub(super) fn recode(
    codes: &mut [Code],
    n_levels: usize,
    policy: impl Fn(&[Code], &[u32], &[Code]) -> Vec<(u32, Code)> + Sync,
    pulse: &mut dyn FnMut(f64) -> ControlFlow<()>,
) -> Option<bool> {
    let order = in_order(codes, n_levels);
    let sid_of = |item: u32| &codes[item as usize * n_levels..][..n_levels];
    let prefix_of = |item: u32| &sid_of(item)[..n_levels - 1];
    let groups: Vec<&[u32]> = order
        .chunk_by(|a, b| prefix_of(*a) == prefix_of(*b))
        .filter(|items| {
            let mut pairs = items.windows(2);
            pairs.any(|pair| sid_of(pair[0]) == sid_of(pair[1]))
        })
        .collect();
    let n_items: usize = groups.iter().map(|items| items.len()).sum();
    let mut changes: Vec<(u32, Code)> = Vec::new();
    let (mut rest, mut n_done) = (&groups[..], 0);
    while !rest.is_empty() {
        let mut n_part = 0;
        let n_groups = rest
            .iter()
            .take_while(|items| {
                let is_room = n_part < ITEMS_PER_PULSE;
                n_part += items.len();
                is_room
            })
            .count();
        let (part, after) = rest.split_at(n_groups);
        let answers: Vec<Vec<(u32, Code)>> = part
            .par_iter()
            .map(|items| {
                let last: Vec<Code> = items
                    .iter()
                    .map(|item| sid_of(*item)[n_levels - 1])
                    .collect();
                policy(prefix_of(items[0]), items, &last)
            })
            .collect();
        changes.extend(answers.into_iter().flatten());
        n_done += part.iter().map(|items| items.len()).sum::<usize>();
        rest = after;
        if pulse(n_done as f64 / n_items as f64).is_break() {
            return None;
        }
    }
    let mut is_changed = false;
    for (item, code) in changes {
        let place = &mut codes[(item as usize + 1) * n_levels - 1];
        is_changed |= *place != code;
        *place = code;
    }
    Some(is_changed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_prefixes_with_a_shared_id_are_asked_and_a_stop_changes_nothing() {
        // (0, 1) is shared; (0, 2) stands under the same prefix; (1, 1) is alone under its own.
        let before = vec![0, 1, 1, 1, 0, 2, 0, 1];
        let mut codes = before.clone();
        let policy = |prefix: &[Code], items: &[u32], last: &[Code]| {
            assert_eq!(
                (prefix, items, last),
                (&[0][..], &[0, 3, 2][..], &[1, 1, 2][..])
            );
            vec![(3, 7)]
        };
        let stopped = recode(&mut codes, 2, policy, &mut |done_frac| {
            assert_eq!(done_frac, 1.0);
            ControlFlow::Break(())
        });
        assert_eq!((stopped, &codes), (None, &before));
        let changed = recode(&mut codes, 2, policy, &mut |_| ControlFlow::Continue(()));
        assert_eq!(changed, Some(true));
        assert_eq!(codes, [0, 1, 1, 1, 0, 2, 0, 7]);
    }
}
