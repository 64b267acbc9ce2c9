//! The first singular vectors of a sparse matrix by random projection.
//! [Halko, Martinsson, Tropp 2011, arXiv 0909.4061, Alg. 4.4 and 5.1]

use faer::{Mat, MatRef, Par};
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use super::EmbeddingError;
use super::sparse::SparseMatrix;

/// Directions more than asked for: they catch what the projection mixes into the last ones.
const OVERSAMPLING: usize = 10;
/// Multiplications by the matrix and its transpose that sharpen a slowly falling spectrum.
const POWER_ITERATIONS: usize = 5;

/// Left singular vectors with their singular values, largest first.
#[derive(Clone, Debug, PartialEq)]
pub struct TruncatedSvd {
    /// `[n_rows * rank]`, row-major.
    pub left: Vec<f64>,
    /// `[rank]`.
    pub singular_values: Vec<f64>,
}

impl TruncatedSvd {
    /// Number of singular values: what was asked for, or all there are.
    pub fn rank(&self) -> usize {
        self.singular_values.len()
    }

    /// The rows in the space of the singular vectors, each direction scaled by a function of its
    /// singular value. `[n_rows * rank]`, row-major.
    pub fn scaled_rows(&self, scale: impl Fn(f64) -> f64) -> Vec<f32> {
        let scales: Vec<f64> = self
            .singular_values
            .iter()
            .map(|value| scale(*value))
            .collect();
        self.left
            .chunks_exact(self.rank())
            .flat_map(|row| {
                row.iter()
                    .zip(&scales)
                    .map(|(value, scale)| (value * scale) as f32)
            })
            .collect()
    }
}

/// Decomposes a matrix. The result depends on the matrix and the generator's state only,
/// never on the number of threads.
///
/// # Errors
/// If the decomposition of the small projected matrix does not converge.
pub fn truncated_svd(
    matrix: &SparseMatrix,
    rank: usize,
    rng: &mut ChaCha8Rng,
) -> Result<TruncatedSvd, EmbeddingError> {
    // Process-wide, but nothing else here uses faer's threads; with them the sums could change their order.
    faer::set_global_parallelism(Par::Seq);
    let n_smaller = matrix.n_rows().min(matrix.n_cols());
    let rank = rank.min(n_smaller);
    let width = (rank + OVERSAMPLING).min(n_smaller);
    if rank == 0 {
        return Ok(TruncatedSvd {
            left: Vec::new(),
            singular_values: Vec::new(),
        });
    }
    let transposed = matrix.transposed();
    let random: Vec<f64> = (0..matrix.n_cols() * width)
        .map(|_| rng.random_range(-1.0..1.0))
        .collect();
    let mut basis = orthonormal(&matrix.times(&random, width), width);
    for _ in 0..POWER_ITERATIONS {
        let other = orthonormal(&transposed.times(&basis, width), width);
        basis = orthonormal(&matrix.times(&other, width), width);
    }
    // With Q the basis, A is close to Q (QᵀA), and (QᵀA)ᵀ = AᵀQ is small enough for the exact decomposition.
    let projected = transposed.times(&basis, width);
    let svd = MatRef::from_row_major_slice(&projected, matrix.n_cols(), width)
        .thin_svd()
        .map_err(|error| EmbeddingError::Nothing {
            found: format!("the singular value decomposition failed ({error:?})"),
        })?;
    let basis = MatRef::from_row_major_slice(&basis, matrix.n_rows(), width);
    let left = basis * svd.V().subcols(0, rank);
    Ok(TruncatedSvd {
        left: row_major(&left),
        singular_values: svd.S().column_vector().iter().take(rank).copied().collect(),
    })
}

/// An orthonormal basis of the columns of a tall matrix `[n * width]`, row-major.
fn orthonormal(columns: &[f64], width: usize) -> Vec<f64> {
    let columns = MatRef::from_row_major_slice(columns, columns.len() / width, width);
    row_major(&columns.qr().compute_thin_Q())
}

fn row_major(matrix: &Mat<f64>) -> Vec<f64> {
    (0..matrix.nrows())
        .flat_map(|row| (0..matrix.ncols()).map(move |column| matrix[(row, column)]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::seed::Seed;

    /// A sparse matrix of which a third is filled, and the same as a dense one.
    fn example(n_rows: usize, n_cols: usize) -> (SparseMatrix, Mat<f64>) {
        let mut rng = Seed(5).rng("test.matrix", 0);
        let rows: Vec<Vec<(u32, f64)>> = (0..n_rows)
            .map(|_| {
                (0..n_cols as u32)
                    .map(|column| {
                        let is_filled = rng.random_bool(0.3);
                        let value: f64 = rng.random_range(-1.0..1.0);
                        (column, if is_filled { value } else { 0.0 })
                    })
                    .collect()
            })
            .collect();
        let mut dense = Mat::zeros(n_rows, n_cols);
        for (row_idx, row) in rows.iter().enumerate() {
            for (column, value) in row {
                dense[(row_idx, *column as usize)] = *value;
            }
        }
        (SparseMatrix::new(n_cols, rows), dense)
    }

    #[test]
    fn agrees_with_the_dense_decomposition() {
        let (sparse, dense) = example(40, 23);
        let found = truncated_svd(&sparse, 6, &mut Seed(1).rng("test", 0)).unwrap();
        let exact = dense.thin_svd().unwrap();
        for (rank_idx, value) in found.singular_values.iter().enumerate() {
            let expected = exact.S().column_vector()[rank_idx];
            assert!(
                (value - expected).abs() < 1e-3 * expected,
                "{value} for {expected}"
            );
            // Singular vectors agree up to their sign.
            let dot: f64 = (0..40)
                .map(|row| found.left[row * 6 + rank_idx] * exact.U()[(row, rank_idx)])
                .sum();
            assert!(dot.abs() > 0.99, "direction {rank_idx}: {dot}");
        }
    }

    #[test]
    fn a_matrix_of_low_rank_is_recovered_exactly() {
        // Rows are multiples of (1, 2, 2), whose length is 3; (2, 0, 1, 2) has length 3 as well.
        let factors = [2.0, 0.0, 1.0, 2.0];
        let rows = factors.map(|factor| vec![(0, factor), (1, 2.0 * factor), (2, 2.0 * factor)]);
        let svd =
            truncated_svd(&SparseMatrix::new(3, rows), 5, &mut Seed(1).rng("test", 0)).unwrap();
        assert_eq!(svd.rank(), 3, "not more than the smaller side");
        assert!((svd.singular_values[0] - 9.0).abs() < 1e-9);
        assert!(svd.singular_values[1] < 1e-9);
        let rows = svd.scaled_rows(|value| value);
        for (row, factor) in rows.chunks_exact(3).zip(factors) {
            assert!((f64::from(row[0].abs()) - 3.0 * factor).abs() < 1e-6);
        }
    }

    #[test]
    fn the_result_does_not_depend_on_threads() {
        let (sparse, _) = example(300, 50);
        let run = |n_threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(n_threads)
                .build()
                .unwrap();
            pool.install(|| truncated_svd(&sparse, 8, &mut Seed(1).rng("test", 0)).unwrap())
        };
        assert_eq!(run(1), run(4));
    }

    #[test]
    fn a_zero_matrix_has_zero_values() {
        let svd = truncated_svd(
            &SparseMatrix::new(4, vec![Vec::new(); 6]),
            2,
            &mut Seed(1).rng("test", 0),
        )
        .unwrap();
        assert_eq!(svd.singular_values, [0.0, 0.0]);
        assert!(svd.left.iter().all(|value| value.is_finite()));
    }
}
