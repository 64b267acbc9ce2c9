//! How the scores of many slates are spread, for several models side by side.

use serde::{Deserialize, Serialize};

use super::rewards::{Measurement, SlateScores};
use crate::engine::event::Histogram;
use crate::engine::reward::HEAD_NAMES;

/// Bins of a histogram.
const N_BINS: usize = 32;

/// One score of the slates of several models.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ScoreDistribution {
    /// A head of the reward model, "reward", "judge" or "utility".
    pub name: String,
    /// The models, in the order in which they were given.
    pub models: Vec<ScoreSpread>,
}

/// One score of the slates of one model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ScoreSpread {
    /// Mean over a user's slates, then over users.
    pub mean: f64,
    /// Half width of its 95% interval over users.
    pub mean_ci95: f64,
    /// A quarter, half and three quarters of all slates score lower.
    pub quartiles: [f64; 3],
    /// All slates, in the same bins for every model.
    pub histogram: Histogram,
}

/// A score by its name.
type Score<'a> = (&'a str, Box<dyn Fn(&SlateScores) -> f64>);

/// Every score that all the models have. Of the simulator's, only where it is known.
pub fn distributions(models: &[&Measurement]) -> Vec<ScoreDistribution> {
    let mut scores: Vec<Score<'_>> = Vec::new();
    for (head_idx, name) in HEAD_NAMES.iter().enumerate() {
        let head = move |slate: &SlateScores| f64::from(slate.heads[head_idx]);
        scores.push((name, Box::new(head)));
    }
    scores.push(("reward", Box::new(|slate| f64::from(slate.reward))));
    scores.push(("judge", Box::new(|slate| f64::from(slate.judge))));
    if models.iter().all(|model| model.has_oracle()) {
        let utility = |slate: &SlateScores| slate.oracle.unwrap_or(f64::NAN);
        scores.push(("utility", Box::new(utility)));
    }
    scores
        .into_iter()
        .map(|(name, score)| ScoreDistribution {
            name: name.to_owned(),
            models: spreads(models, &*score),
        })
        .collect()
}

fn spreads(models: &[&Measurement], score: &dyn Fn(&SlateScores) -> f64) -> Vec<ScoreSpread> {
    let values: Vec<Vec<f64>> = models
        .iter()
        .map(|model| {
            let mut values: Vec<f64> = model.slates().map(score).collect();
            values.sort_by(f64::total_cmp);
            values
        })
        .collect();
    let finite = || values.iter().flatten().filter(|value| value.is_finite());
    let low = finite().copied().reduce(f64::min).unwrap_or(0.0);
    let high = finite().copied().reduce(f64::max).unwrap_or(1.0);
    models
        .iter()
        .zip(&values)
        .map(|(model, values)| {
            let summary = model.summary(score);
            ScoreSpread {
                mean: summary.mean,
                mean_ci95: summary.mean_ci95,
                quartiles: [0.25, 0.5, 0.75].map(|share| quantile(values, share)),
                histogram: Histogram::of(values.iter().copied(), low, high, N_BINS),
            }
        })
        .collect()
}

/// The value below which a share of the sorted values lies, between neighbours by their distance; 0 without values.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else {
        return 0.0;
    };
    let place = share * last as f64;
    let below = place.floor() as usize;
    let above = (below + 1).min(last);
    sorted[below] + (place - below as f64) * (sorted[above] - sorted[below])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slate(reward: f32, oracle: Option<f64>) -> SlateScores {
        SlateScores {
            heads: [0.5; 4],
            reward,
            judge: 0.25,
            oracle,
            flagged: None,
        }
    }

    #[test]
    fn spreads_by_hand() {
        let before = Measurement::new(vec![
            vec![slate(0.0, Some(1.0)), slate(0.5, Some(1.0))],
            vec![slate(0.25, Some(1.0)), slate(0.75, Some(1.0))],
        ]);
        let after = Measurement::new(vec![vec![slate(1.0, Some(2.0)); 2]; 2]);
        let found = distributions(&[&before, &after]);
        let names: Vec<&str> = found.iter().map(|score| score.name.as_str()).collect();
        assert_eq!(
            names,
            ["swt", "vtr", "wtr", "ltr", "reward", "judge", "utility"]
        );
        let reward = &found[4].models;
        assert!((reward[0].mean - 0.375).abs() < 1e-12);
        // Sorted: 0, .25, .5, .75.
        assert_eq!(reward[0].quartiles, [0.1875, 0.375, 0.5625]);
        assert_eq!(reward[1].quartiles, [1.0; 3]);
        // Both in the same bins: from 0, the lowest of all, to 1, the highest.
        for spread in reward {
            assert_eq!((spread.histogram.low, spread.histogram.high), (0.0, 1.0));
            assert_eq!(spread.histogram.total(), 4);
        }
        assert_eq!(reward[1].histogram.counts[N_BINS - 1], 4);
        assert!(reward[0].mean_ci95 > 0.0 && reward[1].mean_ci95 == 0.0);
        let unknown = Measurement::new(vec![vec![slate(0.5, None)]]);
        assert_eq!(distributions(&[&before, &unknown]).len(), 6);
    }
}
