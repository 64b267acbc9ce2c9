//! Items as points of a plane: the first two principal components of their vectors, exact.
//!
//! Not a layout that bends space to look clustered: distances on the plane never exceed those of the vectors,
//! and the shares say how much of the spread the plane keeps.

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef, Par, Side};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{EmbeddingError, ItemEmbeddings};

/// Vectors whose products are summed in single precision before they are added in double.
const BLOCK: usize = 16_384;

/// Items as points of a plane.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ItemPlane {
    /// One point per item, row = [`ItemIdx`](crate::engine::data::ItemIdx); their mean is the origin.
    pub points: Vec<[f32; 2]>,
    /// Share of the variance of the vectors along each axis, 0 to 1, the larger one first.
    pub shares: [f64; 2],
}

/// The plane through the mean of the vectors in which they spread most.
///
/// The direction of an axis is a convention: its largest component is positive.
///
/// # Errors
/// If a value is not finite or the eigenvalues of the covariance do not converge.
pub fn principal_plane(embeddings: &ItemEmbeddings) -> Result<ItemPlane, EmbeddingError> {
    embeddings.check_finite()?;
    let (n_items, dim) = (embeddings.n_items(), embeddings.dim);
    if n_items == 0 {
        return Ok(ItemPlane::default());
    }
    let mean = mean(embeddings);
    let covariance = covariance(embeddings, &mean);
    let total: f64 = (0..dim).map(|idx| covariance[(idx, idx)]).sum();
    let eigen = covariance
        .self_adjoint_eigen(Side::Lower)
        .map_err(|error| EmbeddingError::Nothing {
            found: format!("the eigenvalues of the covariance did not converge ({error:?})"),
        })?;
    let mut axes = [vec![0_f32; dim], vec![0_f32; dim]];
    let mut shares = [0_f64; 2];
    for (axis_idx, (axis, share)) in axes.iter_mut().zip(&mut shares).enumerate() {
        // Eigenvalues come in rising order.
        let Some(column) = dim.checked_sub(axis_idx + 1) else {
            break;
        };
        let value = eigen.S().column_vector()[column];
        if total <= 0.0 || value <= 0.0 {
            break;
        }
        *share = value / total;
        let vector: Vec<f64> = eigen.U().col(column).iter().copied().collect();
        let largest = vector.iter().copied().fold(0.0, |largest: f64, value| {
            if value.abs() > largest.abs() {
                value
            } else {
                largest
            }
        });
        for (component, value) in axis.iter_mut().zip(&vector) {
            *component = (value * largest.signum()) as f32;
        }
    }
    let points = embeddings
        .values
        .par_chunks_exact(dim)
        .map(|row| {
            axes.each_ref().map(|axis| {
                let centred = row.iter().zip(&mean).zip(axis);
                centred
                    .map(|((value, mean), component)| (value - mean) * component)
                    .sum()
            })
        })
        .collect();
    Ok(ItemPlane { points, shares })
}

fn mean(embeddings: &ItemEmbeddings) -> Vec<f32> {
    let dim = embeddings.dim;
    let sums: Vec<Vec<f64>> = embeddings
        .values
        .par_chunks(BLOCK * dim)
        .map(|block| {
            let mut sum = vec![0_f64; dim];
            for row in block.chunks_exact(dim) {
                for (sum, value) in sum.iter_mut().zip(row) {
                    *sum += f64::from(*value);
                }
            }
            sum
        })
        .collect();
    let n_items = embeddings.n_items() as f64;
    (0..dim)
        .map(|idx| (sums.iter().map(|sum| sum[idx]).sum::<f64>() / n_items) as f32)
        .collect()
}

/// `[dim, dim]`, not divided by the number of items: only proportions matter.
fn covariance(embeddings: &ItemEmbeddings, mean: &[f32]) -> Mat<f64> {
    let dim = embeddings.dim;
    // Blocks are added in their order, so that the sum does not depend on the number of threads.
    let parts: Vec<Mat<f32>> = embeddings
        .values
        .par_chunks(BLOCK * dim)
        .map(|block| {
            let centred: Vec<f32> = block
                .chunks_exact(dim)
                .flat_map(|row| row.iter().zip(mean).map(|(value, mean)| value - mean))
                .collect();
            let rows = MatRef::from_row_major_slice(&centred, block.len() / dim, dim);
            let mut products = Mat::<f32>::zeros(dim, dim);
            matmul(
                products.as_mut(),
                Accum::Replace,
                rows.transpose(),
                rows,
                1.0,
                Par::Seq,
            );
            products
        })
        .collect();
    Mat::from_fn(dim, dim, |row, column| {
        parts
            .iter()
            .map(|part| f64::from(part[(row, column)]))
            .sum()
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_line_has_one_axis() {
        // Points on the line through (1, 2) along (3, 4), at -5, 0 and 5 from their mean.
        let embeddings = ItemEmbeddings {
            values: vec![-2.0, -2.0, 1.0, 2.0, 4.0, 6.0],
            dim: 2,
        };
        let plane = principal_plane(&embeddings).unwrap();
        for (point, x) in plane.points.iter().zip([-5.0, 0.0, 5.0]) {
            assert!(
                (point[0] - x).abs() < 1e-5 && point[1].abs() < 1e-5,
                "{point:?}"
            );
        }
        assert!((plane.shares[0] - 1.0).abs() < 1e-9 && plane.shares[1] < 1e-9);
    }

    #[test]
    fn odd_tables_have_a_plane_too() {
        let plane = |values: Vec<f32>, dim| principal_plane(&ItemEmbeddings { values, dim });
        assert_eq!(plane(Vec::new(), 3).unwrap(), ItemPlane::default());
        assert_eq!(plane(vec![2.0; 6], 3).unwrap().points, [[0.0; 2]; 2]);
        let line = plane(vec![1.0, 3.0], 1).unwrap();
        assert_eq!(
            (line.points, line.shares),
            (vec![[-1.0, 0.0], [1.0, 0.0]], [1.0, 0.0])
        );
        assert!(plane(vec![1.0, f32::NAN], 1).is_err());
    }

    proptest! {
        #[test]
        fn agrees_with_the_singular_values(values in prop::collection::vec(-2.0_f32..2.0, 40 * 5)) {
            let embeddings = ItemEmbeddings { values, dim: 5 };
            let plane = principal_plane(&embeddings).unwrap();
            let mean = mean(&embeddings);
            let centred = Mat::from_fn(40, 5, |row, column| {
                f64::from(embeddings.row(row)[column]) - f64::from(mean[column])
            });
            let svd = centred.thin_svd().unwrap();
            let powers: Vec<f64> = svd.S().column_vector().iter().map(|value| value * value).collect();
            let total: f64 = powers.iter().sum();
            for axis in 0..2 {
                prop_assert!((plane.shares[axis] - powers[axis] / total).abs() < 1e-4);
                // The spread of the points along the axis is the singular value's.
                let power: f64 = plane.points.iter().map(|point| f64::from(point[axis]).powi(2)).sum();
                prop_assert!((power - powers[axis]).abs() < 1e-3 * powers[axis]);
            }
        }
    }
}
