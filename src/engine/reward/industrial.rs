//! The industrial reward: slates with items of a flagged kind earn less while that kind is shown too often. [B 2.4.3]

use crate::engine::data::ItemCatalog;

/// Which items are flagged: those of a category or author with that name, or whose further features have that value.
pub fn flagged_items(catalog: &ItemCatalog, name: &str) -> Vec<bool> {
    catalog
        .items
        .iter()
        .map(|item| {
            item.categories.iter().any(|category| category == name)
                || item.author.as_deref() == Some(name)
                || item.features.iter().any(|(_, value)| value == name)
        })
        .collect()
}

/// Share of flagged items in each slate, 0 for an empty one.
pub fn flagged_share(slate: &[crate::engine::data::ItemIdx], is_flagged: &[bool]) -> f64 {
    let n_flagged = slate.iter().filter(|item| is_flagged[item.idx()]).count();
    n_flagged as f64 / slate.len().max(1) as f64
}

/// `r' = alpha r` for flagged items while their share of all that was generated is above `target_share`; a slate in
/// which a part is flagged loses that part of the difference. A negative reward stays as it is: a share of it would
/// be more.
///
/// `shares` holds the flagged share of each slate. Nothing changes while the mean share is at or below the target.
pub fn industrial_rewards(rewards: &mut [f64], shares: &[f64], target_share: f64, alpha: f64) {
    let exposure = shares.iter().sum::<f64>() / shares.len().max(1) as f64;
    if exposure <= target_share {
        return;
    }
    for (reward, share) in rewards.iter_mut().zip(shares) {
        if *reward > 0.0 {
            *reward *= 1.0 - (1.0 - alpha) * share;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::data::{Item, ItemIdx};

    #[test]
    fn rewards_shrink_only_above_the_target() {
        let shares = [1.0, 0.0, 0.5];
        let mut rewards = [0.8, 0.8, 0.8];
        industrial_rewards(&mut rewards, &shares, 0.5, 0.25);
        assert_eq!(rewards, [0.8; 3], "exposure 0.5 is not above 0.5");
        industrial_rewards(&mut rewards, &shares, 0.4, 0.25);
        for (found, expected) in rewards.iter().zip([0.2, 0.8, 0.5]) {
            assert!((found - expected).abs() < 1e-12, "{rewards:?}");
        }
    }

    #[test]
    fn a_negative_reward_does_not_grow() {
        let mut rewards = [-0.5, 0.5];
        industrial_rewards(&mut rewards, &[1.0, 1.0], 0.1, 0.5);
        assert_eq!(rewards, [-0.5, 0.25]);
    }

    #[test]
    fn a_category_an_author_or_a_feature_flags() {
        let item = |category: &str, author: &str| Item {
            categories: vec!["all".to_owned(), category.to_owned()],
            author: Some(author.to_owned()),
            ..Item::default()
        };
        let catalog = ItemCatalog {
            items: vec![
                item("farm", "a"),
                item("news", "farm"),
                item("news", "b"),
                Item {
                    features: vec![("upload".to_owned(), "farm".to_owned())],
                    ..item("news", "b")
                },
            ],
        };
        let flags = flagged_items(&catalog, "farm");
        assert_eq!(flags, [true, true, false, true]);
        let slate: Vec<ItemIdx> = [0, 2, 2, 1].map(ItemIdx).to_vec();
        assert_eq!(flagged_share(&slate, &flags), 0.5);
        assert_eq!(flagged_share(&[], &flags), 0.0);
    }
}
