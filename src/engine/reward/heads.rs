//! Which heads can be learned from a log, how they become one number, and who trains the judge.

use super::config::RewardConfig;
use super::session::N_HEADS;
use crate::engine::data::UserIdx;
use crate::engine::data::logged_slate::LoggedSlate;
use crate::engine::seed::Seed;

/// How slates and labels are formed, in words, for the report.
pub fn label_rule(slate_len: usize) -> String {
    format!(
        "Slates of {slate_len} consecutive impressions, viewed or not, of one request or one day where the log has enough of \
         them; those that train overlap, those that test do not. Labels: swt is the rank of the slate's watch time among the training slates; vtr, wtr and ltr are the \
         shares of its items that were viewed, followed and liked. Reward model and judge learn from two halves of the \
         users, before the cut in time, and are tested on all users' slates after it. Of an item they see its vector, \
         which comes from the learnable part of the log, its length, author, categories and further features."
    )
}

/// Positive impressions per head; 0 for swt, which is a rank.
pub fn count_positives(slates: &[&LoggedSlate]) -> [u64; N_HEADS] {
    let mut counts = [0; N_HEADS];
    for slate in slates {
        for (count, positives) in counts.iter_mut().zip(slate.positives) {
            *count += u64::from(positives);
        }
    }
    counts
}

/// Weights of the heads in the scalar reward: those of the configuration, 0 for a head whose label is known of no
/// training slate or, swt apart, has fewer positives than `min_positives`. A head of weight 0 is not trained.
pub fn head_weights(config: &RewardConfig, train: &[&LoggedSlate]) -> [f64; N_HEADS] {
    let positives = count_positives(train);
    let mut weights = config.weights;
    for (head, weight) in weights.iter_mut().enumerate() {
        let is_known = train.iter().any(|slate| slate.labels[head].is_finite());
        let is_rank = head == 0;
        if !is_known || (!is_rank && positives[head] < config.min_positives) {
            *weight = 0.0;
        }
    }
    weights
}

/// Whether this user's slates train the judge; the other half of the users trains the reward model.
/// Depends on the user and the seed alone.
pub fn is_judge_user(user: UserIdx, seed: Seed) -> bool {
    seed.derive("reward.judge_users", u64::from(user.0)) & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slate(labels: [f32; N_HEADS], positives: [u32; N_HEADS]) -> LoggedSlate {
        LoggedSlate {
            user: UserIdx(0),
            first_row: 0,
            items: Vec::new(),
            labels,
            positives,
            is_later: false,
        }
    }

    #[test]
    fn rare_and_unknown_heads_get_no_weight() {
        let config = RewardConfig {
            weights: [1.0, 2.0, 3.0, 4.0],
            min_positives: 4,
            ..RewardConfig::default()
        };
        let known = slate([0.5, 1.0, 0.2, f32::NAN], [0, 4, 1, 0]);
        let other = slate([f32::NAN, 0.6, 0.4, f32::NAN], [0, 3, 2, 9]);
        let train = [&known, &other];
        assert_eq!(count_positives(&train), [0, 7, 3, 9]);
        // swt is known, vtr has 7 of 4, wtr only 3, and ltr is never known.
        assert_eq!(head_weights(&config, &train), [1.0, 2.0, 0.0, 0.0]);
        assert_eq!(head_weights(&config, &[&other]), [0.0; N_HEADS]);
    }

    #[test]
    fn users_fall_into_two_stable_halves() {
        let judges: Vec<bool> = (0..2000)
            .map(|user| is_judge_user(UserIdx(user), Seed(7)))
            .collect();
        let n_judges = judges.iter().filter(|is_judge| **is_judge).count();
        // Five standard deviations of a fair coin.
        assert!((888..=1112).contains(&n_judges), "{n_judges} of 2000");
        let again: Vec<bool> = (0..2000)
            .map(|user| is_judge_user(UserIdx(user), Seed(7)))
            .collect();
        assert_eq!(judges, again);
        assert_ne!(
            judges[..64],
            (0..64)
                .map(|user| is_judge_user(UserIdx(user), Seed(8)))
                .collect::<Vec<_>>()[..]
        );
    }
}
