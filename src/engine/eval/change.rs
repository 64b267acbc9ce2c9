//! What may be said of a change, judged by the 95% interval of the difference within users.

use super::metrics::mean_ci95;

/// One sentence on a metric called `what` with the means `from` and `to`; `changes` holds after - before of each user.
pub(super) fn in_words(what: &str, from: f64, to: f64, changes: &[f64]) -> String {
    let (change, half) = mean_ci95(changes);
    let percent = if from.abs() > f64::EPSILON {
        format!("{:+.1}%, ", 100.0 * (to - from) / from.abs())
    } else {
        String::new()
    };
    let interval = format!(
        "{percent}95% interval of the change {:+.4} to {:+.4}",
        change - half,
        change + half
    );
    if change > half {
        format!("{what} rose from {from:.4} to {to:.4} ({interval}).")
    } else if change < -half {
        format!("{what} fell from {from:.4} to {to:.4} ({interval}).")
    } else {
        format!(
            "{what} did not change beyond chance: {from:.4} before, {to:.4} after ({interval})."
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_told_only_beyond_its_interval() {
        // Deviation .5774, so the interval is 1.96 x .5774 / 2 = .5658 to either side.
        let changes = [1.0, 0.0, 0.0, 1.0];
        assert_eq!(
            in_words("HR@10", 0.0, 0.5, &changes),
            "HR@10 did not change beyond chance: 0.0000 before, 0.5000 after (95% interval of the change -0.0658 to \
             +1.0658)."
        );
        assert_eq!(
            in_words("Reward", 2.0, 2.5, &[0.5; 4]),
            "Reward rose from 2.0000 to 2.5000 (+25.0%, 95% interval of the change +0.5000 to +0.5000)."
        );
        assert!(in_words("Reward", 2.0, 1.5, &[-0.5; 4]).starts_with("Reward fell from 2.0000"));
    }
}
