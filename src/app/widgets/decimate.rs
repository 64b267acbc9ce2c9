//! Reduces a series to what a plot of a given width can show, without hiding any extreme.
//!
//! Every column keeps its first, lowest, highest and last value and one value of each non-finite
//! kind, so a spike or a NaN stays visible at any zoom. Nothing is averaged: smoothing comes before
//! this and works on the whole series.

/// Most values that one column keeps: first, lowest, highest, last, and one each of NaN, inf, -inf.
const MOST_PER_COLUMN: usize = 7;

/// The points of `[x, y]` that `n_columns` columns can show, in the order of the input.
///
/// `points` must be sorted by x. Series that already fit are returned whole.
pub fn decimate(points: &[[f64; 2]], n_columns: usize) -> Vec<[f64; 2]> {
    let n_columns = n_columns.max(1);
    if points.len() <= 4 * n_columns {
        return points.to_vec();
    }
    let first_x = points[0][0];
    let width = points[points.len() - 1][0] - first_x;
    let column_of = |x: f64| -> usize {
        if width > 0.0 {
            (((x - first_x) / width * n_columns as f64) as usize).min(n_columns - 1)
        } else {
            0
        }
    };
    let mut kept = Vec::with_capacity(4 * n_columns);
    let mut start = 0;
    while start < points.len() {
        let column = column_of(points[start][0]);
        let len = points[start..]
            .iter()
            .take_while(|point| column_of(point[0]) == column)
            .count();
        keep_extremes(&points[start..start + len], &mut kept);
        start += len;
    }
    kept
}

/// Appends the points of one column that must be seen.
fn keep_extremes(column: &[[f64; 2]], kept: &mut Vec<[f64; 2]>) {
    let mut marks = [None; MOST_PER_COLUMN];
    for (idx, [_, y]) in column.iter().copied().enumerate() {
        if y.is_finite() {
            marks[0].get_or_insert(idx);
            if marks[1].is_none_or(|low: usize| y < column[low][1]) {
                marks[1] = Some(idx);
            }
            if marks[2].is_none_or(|high: usize| y > column[high][1]) {
                marks[2] = Some(idx);
            }
            marks[3] = Some(idx);
        } else {
            let kind = if y.is_nan() {
                4
            } else if y > 0.0 {
                5
            } else {
                6
            };
            marks[kind].get_or_insert(idx);
        }
    }
    let mut order: Vec<usize> = marks.into_iter().flatten().collect();
    order.sort_unstable();
    order.dedup();
    kept.extend(order.into_iter().map(|idx| column[idx]));
}

/// The points within `first..=last` and one neighbour on each side, so that lines reach the edge.
///
/// `points` must be sorted by x.
pub fn visible(points: &[[f64; 2]], first: f64, last: f64) -> &[[f64; 2]] {
    let from = points.partition_point(|point| point[0] < first);
    let to = points.partition_point(|point| point[0] <= last);
    &points[from.saturating_sub(1)..(to + 1).min(points.len())]
}

/// Finite stretches of a series, and the points between them that no line can show.
#[derive(Debug, Default, PartialEq)]
pub struct Stretches {
    /// Runs of neighbouring finite points.
    pub lines: Vec<Vec<[f64; 2]>>,
    /// x and kind of every value that is not finite.
    pub gaps: Vec<(f64, NonFinite)>,
}

/// The kinds of value that no axis can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NonFinite {
    /// Not a number.
    Nan,
    /// Positive infinity: beyond the upper edge.
    Above,
    /// Negative infinity, or not positive on a logarithmic axis: beyond the lower edge.
    Below,
}

/// Cuts a series wherever a value is not finite.
pub fn split(points: &[[f64; 2]]) -> Stretches {
    let mut stretches = Stretches::default();
    let mut line = Vec::new();
    for point in points {
        let [x, y] = *point;
        if y.is_finite() {
            line.push(*point);
            continue;
        }
        if !line.is_empty() {
            stretches.lines.push(std::mem::take(&mut line));
        }
        let kind = if y.is_nan() {
            NonFinite::Nan
        } else if y > 0.0 {
            NonFinite::Above
        } else {
            NonFinite::Below
        };
        stretches.gaps.push((x, kind));
    }
    if !line.is_empty() {
        stretches.lines.push(line);
    }
    stretches
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn series(values: &[f64]) -> Vec<[f64; 2]> {
        values
            .iter()
            .enumerate()
            .map(|(step, y)| [step as f64, *y])
            .collect()
    }

    fn any_value() -> impl Strategy<Value = f64> {
        prop_oneof![
            20 => -1e6..1e6,
            1 => Just(f64::NAN),
            1 => Just(f64::INFINITY),
            1 => Just(f64::NEG_INFINITY),
        ]
    }

    proptest! {
        #[test]
        fn extremes_ends_and_gaps_survive(values in prop::collection::vec(any_value(), 1..3000), n_columns in 1_usize..200) {
            let full = series(&values);
            let kept = decimate(&full, n_columns);
            prop_assert!(kept.len() <= full.len().min(MOST_PER_COLUMN * n_columns).max(4 * n_columns));
            prop_assert!(kept.windows(2).all(|pair| pair[0][0] < pair[1][0]));
            let finite = |points: &[[f64; 2]]| points.iter().map(|p| p[1]).filter(|y| y.is_finite()).collect::<Vec<_>>();
            let (all, some) = (finite(&full), finite(&kept));
            prop_assert_eq!(all.iter().copied().reduce(f64::max), some.iter().copied().reduce(f64::max));
            prop_assert_eq!(all.iter().copied().reduce(f64::min), some.iter().copied().reduce(f64::min));
            prop_assert_eq!(all.first(), some.first());
            prop_assert_eq!(all.last(), some.last());
            for is_kind in [f64::is_nan as fn(f64) -> bool, |y| y == f64::INFINITY, |y| y == f64::NEG_INFINITY] {
                prop_assert_eq!(full.iter().any(|p| is_kind(p[1])), kept.iter().any(|p| is_kind(p[1])));
            }
        }

        #[test]
        fn splitting_loses_nothing(values in prop::collection::vec(any_value(), 0..300)) {
            let stretches = split(&series(&values));
            let n_finite: usize = stretches.lines.iter().map(Vec::len).sum();
            prop_assert_eq!(n_finite + stretches.gaps.len(), values.len());
            prop_assert!(stretches.lines.iter().flatten().all(|point| point[1].is_finite()));
        }
    }

    #[test]
    fn one_spike_among_many_points_is_kept() {
        let mut values = vec![1.0; 10_000];
        values[4_321] = 9.0;
        let kept = decimate(&series(&values), 100);
        assert!(kept.len() <= 400, "{} points", kept.len());
        assert!(kept.contains(&[4_321.0, 9.0]));
    }

    #[test]
    fn many_points_at_one_step_do_not_loop() {
        let kept = decimate(&vec![[7.0, 1.0]; 50], 3);
        assert_eq!(kept, vec![[7.0, 1.0], [7.0, 1.0]]);
    }

    #[test]
    fn the_visible_part_keeps_a_neighbour_on_each_side() {
        let full = series(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(visible(&full, 1.5, 3.5), &full[1..5]);
        assert_eq!(visible(&full, -9.0, 9.0), &full[..]);
        assert!(visible(&[], 0.0, 1.0).is_empty());
    }
}
