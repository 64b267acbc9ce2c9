//! What a chart says in words: the point under the pointer, and the whole series in one sentence.

use super::number::significant;

/// Which end of a metric is the good one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// A loss.
    Lowest,
    /// An accuracy.
    Highest,
    /// Neither, for example a learning rate.
    None,
}

/// The point nearest to `x` along the x axis.
pub(super) fn nearest(points: &[[f64; 2]], x: f64) -> Option<[f64; 2]> {
    let after = points.partition_point(|point| point[0] < x);
    [after.checked_sub(1), Some(after)]
        .into_iter()
        .flatten()
        .filter_map(|idx| points.get(idx).copied())
        .min_by(|a, b| (a[0] - x).abs().total_cmp(&(b[0] - x).abs()))
}

/// The point at exactly that step.
pub(super) fn nearest_at(points: &[[f64; 2]], step: f64) -> Option<[f64; 2]> {
    nearest(points, step).filter(|point| point[0] == step)
}

/// "step 2000, last 5.10, best 5.00 at step 1900, 1 value not finite".
pub(super) fn summarise(points: &[[f64; 2]], goal: Goal, x_name: &str) -> String {
    let Some([step, last]) = points.last().copied() else {
        return "no values yet".to_owned();
    };
    let mut text = format!("{x_name} {}, last {}", step as u64, significant(last, 3));
    let finite = points.iter().copied().filter(|point| point[1].is_finite());
    let best = match goal {
        Goal::Lowest => finite.reduce(|a, b| if b[1] < a[1] { b } else { a }),
        Goal::Highest => finite.reduce(|a, b| if b[1] > a[1] { b } else { a }),
        Goal::None => None,
    };
    if let Some([step, value]) = best {
        text.push_str(&format!(
            ", best {} at {x_name} {}",
            significant(value, 3),
            step as u64
        ));
    }
    let n_gaps = points.iter().filter(|point| !point[1].is_finite()).count();
    if n_gaps > 0 {
        text.push_str(&format!(", {n_gaps} not finite"));
    }
    text
}
