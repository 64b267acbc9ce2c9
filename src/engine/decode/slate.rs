//! From codes back to items, where several items may share a semantic ID.

use crate::engine::data::ItemIdx;
use crate::engine::tokenizer::{Code, SemanticIdTable};

use super::Beam;

/// The items of one slate, one per semantic ID: the most popular that the slate does not have yet.
/// A semantic ID that no item has is left out.
///
/// # Shapes
/// - codes: `[n_items * n_levels]`
/// - popularity: `[n_items of the catalogue]`
pub fn slate_items(codes: &[Code], table: &SemanticIdTable, popularity: &[u32]) -> Vec<ItemIdx> {
    let mut items: Vec<ItemIdx> = Vec::new();
    for sid in codes.chunks_exact(table.n_levels()) {
        let free = by_popularity(table.items(sid), popularity)
            .into_iter()
            .find(|item| !items.contains(item));
        items.extend(free);
    }
    items
}

/// The first `n_items` items of a ranking of single semantic IDs: all items of the first ID by popularity,
/// then those of the second, each item once.
pub fn rank_items(
    beams: &[Beam],
    table: &SemanticIdTable,
    popularity: &[u32],
    n_items: usize,
) -> Vec<ItemIdx> {
    // Distinct beams of one item are distinct IDs, and an item has one ID: nothing can come twice.
    beams
        .iter()
        .flat_map(|beam| by_popularity(table.items(&beam.codes), popularity))
        .take(n_items)
        .collect()
}

/// Most popular first, ties by index.
fn by_popularity(items: &[ItemIdx], popularity: &[u32]) -> Vec<ItemIdx> {
    let mut items = items.to_vec();
    items.sort_by_key(|item| (std::cmp::Reverse(popularity[item.idx()]), *item));
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_ids_give_the_most_popular_item_first() {
        // Items 0, 2 and 3 share [0, 1]; item 1 has [1, 1].
        let table = SemanticIdTable::new(2, 2, vec![0, 1, 1, 1, 0, 1, 0, 1]);
        let popularity = [1, 9, 5, 5];
        let items = |indices: &[u32]| indices.iter().map(|idx| ItemIdx(*idx)).collect::<Vec<_>>();
        assert_eq!(
            slate_items(&[0, 1, 1, 1, 1, 0, 0, 1], &table, &popularity),
            items(&[2, 1, 3])
        );
        let beam = |codes: [Code; 2]| Beam {
            codes: codes.to_vec(),
            log_prob: 0.0,
        };
        let beams = [beam([0, 1]), beam([0, 0]), beam([1, 1])];
        assert_eq!(
            rank_items(&beams, &table, &popularity, 10),
            items(&[2, 3, 0, 1])
        );
        assert_eq!(rank_items(&beams, &table, &popularity, 2), items(&[2, 3]));
    }
}
