//! Minimum-cost assignment of rows to columns by shortest augmenting paths (Jonker and Volgenant 1987; Crouse 2016).

/// Gives every row a column of its own at the least total cost; `costs [n_rows * n_columns]` is row-major.
///
/// Takes O(n_rows² · n_columns) steps. Of several cheapest assignments the result is one, always the same.
///
/// # Panics
/// If there are more rows than columns: the caller has checked.
pub fn assign(costs: &[f64], n_columns: usize) -> Vec<usize> {
    let n_rows = costs.len().checked_div(n_columns).unwrap_or(0);
    assert!(n_rows <= n_columns, "{n_rows} rows, {n_columns} columns");
    // Prices of rows and columns keep every reduced cost at 0 or more. Column `n_columns` is where a path begins.
    let (mut row_price, mut column_price) = (vec![0.0; n_rows], vec![0.0; n_columns + 1]);
    let mut row_of: Vec<Option<usize>> = vec![None; n_columns + 1];
    for new_row in 0..n_rows {
        row_of[n_columns] = Some(new_row);
        let mut column = n_columns;
        let mut shortest = vec![f64::INFINITY; n_columns];
        let mut came_from = vec![n_columns; n_columns];
        let mut is_done = vec![false; n_columns + 1];
        while let Some(row) = row_of[column] {
            is_done[column] = true;
            let mut best = (f64::INFINITY, n_columns);
            for next in (0..n_columns).filter(|next| !is_done[*next]) {
                let reduced = costs[row * n_columns + next] - row_price[row] - column_price[next];
                if reduced < shortest[next] {
                    shortest[next] = reduced;
                    came_from[next] = column;
                }
                if shortest[next] < best.0 {
                    best = (shortest[next], next);
                }
            }
            for idx in 0..=n_columns {
                if is_done[idx] {
                    if let Some(row) = row_of[idx] {
                        row_price[row] += best.0;
                    }
                    column_price[idx] -= best.0;
                } else {
                    shortest[idx] -= best.0;
                }
            }
            column = best.1;
        }
        while column != n_columns {
            let before = came_from[column];
            row_of[column] = row_of[before];
            column = before;
        }
    }
    let mut column_of = vec![0; n_rows];
    for (column, row) in row_of[..n_columns].iter().enumerate() {
        if let Some(row) = row {
            column_of[*row] = column;
        }
    }
    column_of
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The least total cost, by trying every assignment.
    fn least(costs: &[f64], n_columns: usize, taken: &mut Vec<bool>) -> f64 {
        let Some((row, rest)) = costs
            .split_at_checked(n_columns)
            .filter(|_| !costs.is_empty())
        else {
            return 0.0;
        };
        let mut best = f64::INFINITY;
        for column in 0..n_columns {
            if !taken[column] {
                taken[column] = true;
                best = best.min(row[column] + least(rest, n_columns, taken));
                taken[column] = false;
            }
        }
        best
    }

    #[test]
    fn the_cheapest_for_each_alone_is_not_the_cheapest_together() {
        // Both rows like column 0; row 0 loses less by giving way.
        assert_eq!(assign(&[1.0, 2.0, 9.0, 1.0, 8.0, 9.0], 3), [1, 0]);
        assert_eq!(assign(&[], 3), [0_usize; 0]);
    }

    proptest! {
        #[test]
        fn as_cheap_as_the_best_of_all(
            n_rows in 1_usize..5,
            more in 0_usize..3,
            numbers in prop::collection::vec(0_u8..12, 28),
        ) {
            let n_columns = n_rows + more;
            let costs: Vec<f64> = numbers[..n_rows * n_columns].iter().map(|cost| f64::from(*cost)).collect();
            let columns = assign(&costs, n_columns);
            let mut different = columns.clone();
            different.sort_unstable();
            different.dedup();
            prop_assert_eq!(different.len(), n_rows);
            let total: f64 = columns.iter().enumerate().map(|(row, column)| costs[row * n_columns + column]).sum();
            prop_assert_eq!(total, least(&costs, n_columns, &mut vec![false; n_columns]));
        }
    }
}
