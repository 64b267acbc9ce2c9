//! Matrix products on slices, by faer: twice as fast as what the CPU backend calls.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};

/// Values as a matrix of `n_columns`.
pub(super) fn matrix(values: &[f32], n_columns: usize) -> MatRef<'_, f32> {
    MatRef::from_row_major_slice(values, values.len() / n_columns, n_columns)
}

/// Values as a matrix of `n_columns`, to be written.
pub(super) fn matrix_mut(values: &mut [f32], n_columns: usize) -> MatMut<'_, f32> {
    let n_rows = values.len() / n_columns;
    MatMut::from_row_major_slice_mut(values, n_rows, n_columns)
}

/// `output = a b` on all cores.
pub(super) fn product(output: MatMut<'_, f32>, a: MatRef<'_, f32>, b: MatRef<'_, f32>) {
    matmul(output, Accum::Replace, a, b, 1.0, Par::rayon(0));
}

/// `output += a b` on all cores.
pub(super) fn add_product(output: MatMut<'_, f32>, a: MatRef<'_, f32>, b: MatRef<'_, f32>) {
    matmul(output, Accum::Add, a, b, 1.0, Par::rayon(0));
}

/// `output = a b`, or `output += a b`, on the calling thread.
pub(super) fn product_here(
    output: MatMut<'_, f32>,
    accum: Accum,
    a: MatRef<'_, f32>,
    b: MatRef<'_, f32>,
) {
    matmul(output, accum, a, b, 1.0, Par::Seq);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bits, so that runs with different numbers of threads can be compared.
    #[test]
    fn all_cores_add_up_in_the_order_of_one() {
        for (n_rows, depth, n_columns) in [(3, 70, 5), (300, 700, 130), (90, 5000, 200)] {
            let values = |n: usize, step: usize| -> Vec<f32> {
                (0..n)
                    .map(|idx| (idx * step % 101) as f32 / 37.0 - 1.0)
                    .collect()
            };
            let (a, b) = (values(n_rows * depth, 7), values(depth * n_columns, 11));
            let [mut one, mut all] = [(); 2].map(|()| vec![0.5; n_rows * n_columns]);
            let (a, b) = (matrix(&a, depth), matrix(&b, n_columns));
            product_here(matrix_mut(&mut one, n_columns), Accum::Replace, a, b);
            product(matrix_mut(&mut all, n_columns), a, b);
            assert_eq!(one, all, "{n_rows} x {depth} x {n_columns}");
            let row: f32 = (0..depth).map(|k| a[(1, k)] * b[(k, 2)]).sum();
            assert!((one[n_columns + 2] - row).abs() < 1e-2, "{row}");
        }
    }
}
