//! A sparse matrix in compressed rows, with the two operations that the decomposition needs.

use rayon::prelude::*;

/// Rows of (column, value) pairs.
#[derive(Clone, Debug, PartialEq)]
pub struct SparseMatrix {
    n_cols: usize,
    /// `row_start[r]..row_start[r + 1]` are the entries of row `r`.
    row_start: Vec<usize>,
    columns: Vec<u32>,
    values: Vec<f64>,
}

impl SparseMatrix {
    /// Builds a matrix from its rows; entries of one row may repeat a column and then add up.
    ///
    /// # Panics
    /// If a column is out of range: a bug of the caller.
    pub fn new(n_cols: usize, rows: impl IntoIterator<Item = Vec<(u32, f64)>>) -> Self {
        let mut matrix = Self {
            n_cols,
            row_start: vec![0],
            columns: Vec::new(),
            values: Vec::new(),
        };
        for row in rows {
            for (column, value) in row {
                assert!((column as usize) < n_cols, "column {column} of {n_cols}");
                matrix.columns.push(column);
                matrix.values.push(value);
            }
            matrix.row_start.push(matrix.columns.len());
        }
        matrix
    }

    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.row_start.len() - 1
    }

    /// Number of columns.
    pub fn n_cols(&self) -> usize {
        self.n_cols
    }

    /// Whether no entry differs from 0.
    pub fn is_zero(&self) -> bool {
        self.values.iter().all(|value| *value == 0.0)
    }

    /// Rows and columns exchanged.
    #[must_use]
    pub fn transposed(&self) -> Self {
        let mut rows = vec![Vec::new(); self.n_cols];
        for row_idx in 0..self.n_rows() {
            for (column, value) in self.row(row_idx) {
                rows[column as usize].push((row_idx as u32, value));
            }
        }
        Self::new(self.n_rows(), rows)
    }

    /// The product with a dense matrix.
    ///
    /// # Shapes
    /// `[n_cols * width]` to `[n_rows * width]`, both row-major. Each row is summed in the order of its
    /// entries, so the result does not depend on the number of threads.
    pub fn times(&self, dense: &[f64], width: usize) -> Vec<f64> {
        let mut product = vec![0.0; self.n_rows() * width];
        product
            .par_chunks_exact_mut(width)
            .enumerate()
            .for_each(|(row_idx, sums)| {
                for (column, value) in self.row(row_idx) {
                    let start = column as usize * width;
                    for (sum, factor) in sums.iter_mut().zip(&dense[start..start + width]) {
                        *sum += value * factor;
                    }
                }
            });
        product
    }

    /// The entries of a row, (column, value), in the order they were given.
    pub fn row(&self, row_idx: usize) -> impl Iterator<Item = (u32, f64)> {
        let entries = self.row_start[row_idx]..self.row_start[row_idx + 1];
        self.columns[entries.clone()]
            .iter()
            .copied()
            .zip(self.values[entries].iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_by_hand() {
        // [[1, 0, 2], [0, 3, 0]]; the 2 is given in two halves.
        let matrix = SparseMatrix::new(3, [vec![(0, 1.0), (2, 0.5), (2, 1.5)], vec![(1, 3.0)]]);
        let dense = [1.0, 10.0, 2.0, 20.0, 3.0, 30.0];
        assert_eq!(matrix.times(&dense, 2), [7.0, 70.0, 6.0, 60.0]);
        assert_eq!(matrix.transposed().times(&[1.0, 1.0], 1), [1.0, 3.0, 2.0]);
    }
}
