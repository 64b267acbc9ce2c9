//! Weights under PyTorch's names and in PyTorch's layout: a linear layer is `[output, input]` there, `[input, output]` here.

use std::collections::HashMap;
use std::path::Path;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use crate::engine::checkpoint::CheckpointError;
use crate::engine::error::EngineError;

/// Reads a generator's checkpoint and returns the bytes of its PyTorch form.
///
/// # Errors
/// If the file cannot be read, is damaged, or holds anything but 32-bit floats.
pub(super) fn weights(checkpoint: &Path) -> Result<Vec<u8>, EngineError> {
    let bytes = std::fs::read(checkpoint).map_err(EngineError::io("read", checkpoint))?;
    convert(&bytes).map_err(|found| {
        CheckpointError::Damaged {
            found,
            path: checkpoint.to_owned(),
        }
        .into()
    })
}

fn convert(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
    let mut tensors: Vec<(String, Vec<usize>, Vec<u8>)> = Vec::new();
    for (name, view) in file.iter() {
        if view.dtype() != Dtype::F32 {
            return Err(format!(
                "tensor {name:?} holds {:?}, expected F32",
                view.dtype()
            ));
        }
        let tensor = match (name.strip_suffix("gamma"), view.shape()) {
            (Some(path), shape) => (
                format!("{path}weight"),
                shape.to_vec(),
                view.data().to_vec(),
            ),
            (None, &[n_rows, n_columns]) if name.ends_with(".weight") => {
                let transposed = transpose(view.data(), n_rows, n_columns);
                (name.to_owned(), vec![n_columns, n_rows], transposed)
            }
            (None, shape) => (name.to_owned(), shape.to_vec(), view.data().to_vec()),
        };
        tensors.push(tensor);
    }
    tensors.sort();
    let views: Vec<(&String, TensorView<'_>)> = tensors
        .iter()
        .map(|(name, shape, data)| Ok((name, TensorView::new(Dtype::F32, shape.clone(), data)?)))
        .collect::<Result<_, safetensors::SafeTensorError>>()
        .map_err(|error| error.to_string())?;
    let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    safetensors::serialize(views, Some(metadata)).map_err(|error| error.to_string())
}

/// Swaps rows and columns of a row-major matrix of 4-byte values.
fn transpose(values: &[u8], n_rows: usize, n_columns: usize) -> Vec<u8> {
    let mut swapped = Vec::with_capacity(values.len());
    for column in 0..n_columns {
        for row in 0..n_rows {
            let start = 4 * (row * n_columns + column);
            swapped.extend_from_slice(&values[start..start + 4]);
        }
    }
    swapped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(values: &[f32]) -> Vec<u8> {
        values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect()
    }

    #[test]
    fn linear_layers_are_turned_and_norms_renamed() {
        let (matrix, gamma, router) = (
            bytes(&[1., 2., 3., 4., 5., 6.]),
            bytes(&[7., 8.]),
            bytes(&[1., 2.]),
        );
        let view =
            |shape: &[usize], data| TensorView::new(Dtype::F32, shape.to_vec(), data).unwrap();
        let file = safetensors::serialize(
            [
                ("a.query.weight", view(&[2, 3], &matrix)),
                ("a.norm.gamma", view(&[2], &gamma)),
                ("a.router", view(&[2, 1], &router)),
            ],
            None,
        )
        .unwrap();
        let converted = convert(&file).unwrap();
        let found = SafeTensors::deserialize(&converted).unwrap();
        assert_eq!(found.names().len(), 3);
        assert_eq!(found.tensor("a.query.weight").unwrap().shape(), [3, 2]);
        assert_eq!(
            found.tensor("a.query.weight").unwrap().data(),
            bytes(&[1., 4., 2., 5., 3., 6.])
        );
        assert_eq!(found.tensor("a.norm.weight").unwrap().data(), gamma);
        assert_eq!(found.tensor("a.router").unwrap().data(), router);
    }

    #[test]
    fn a_cut_off_file_is_refused() {
        assert!(convert(b"\x10\0\0\0\0\0\0\0{").is_err());
    }
}
