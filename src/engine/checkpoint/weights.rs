//! A module's weights as one safetensors file, named by their path in the module.

use std::collections::BTreeMap;
use std::path::Path;

use burn::module::Module;
use burn::store::{ModuleSnapshot as _, SafetensorsStore};
use safetensors::SafeTensors;

use super::CheckpointError;

/// Writes all weights, creating the file's folder.
///
/// # Errors
/// If the file cannot be written.
pub fn save<M: Module>(module: &M, path: &Path) -> Result<(), CheckpointError> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|source| CheckpointError::Io {
            operation: "create the folder of",
            path: path.to_owned(),
            source,
        })?;
    }
    let mut store = SafetensorsStore::from_file(path)
        .skip_enum_variants(true)
        .overwrite(true);
    module
        .save_into(&mut store)
        .map_err(|error| CheckpointError::Io {
            operation: "write",
            path: path.to_owned(),
            source: std::io::Error::other(error),
        })
}

/// Returns `module` with its weights replaced by those of the file.
///
/// # Errors
/// If a name or a shape differs, or the file is damaged. Everything is compared before the first weight is touched.
pub fn load<M: Module>(mut module: M, path: &Path) -> Result<M, CheckpointError> {
    let damaged = |found: String| CheckpointError::Damaged {
        found,
        path: path.to_owned(),
    };
    let bytes = std::fs::read(path).map_err(|source| CheckpointError::Io {
        operation: "read",
        path: path.to_owned(),
        source,
    })?;
    let file = SafeTensors::deserialize(&bytes).map_err(|error| damaged(error.to_string()))?;
    let found: BTreeMap<String, String> = file
        .iter()
        .map(|(name, view)| {
            (
                name.to_owned(),
                format!("{:?} {:?}", view.dtype(), view.shape()),
            )
        })
        .collect();
    let expected: BTreeMap<String, String> = module
        .collect(None, None, true)
        .into_iter()
        .map(|tensor| {
            let shape: Vec<usize> = tensor.shape.iter().copied().collect();
            (tensor.name, format!("{:?} {shape:?}", tensor.dtype))
        })
        .collect();
    let names = expected
        .keys()
        .chain(found.keys())
        .collect::<std::collections::BTreeSet<_>>();
    for name in names {
        let (expected, found) = (expected.get(name), found.get(name));
        if expected != found {
            let text = |side: Option<&String>| side.map_or("absent".to_owned(), Clone::clone);
            return Err(CheckpointError::Mismatch {
                what: format!("tensor {name:?}"),
                expected: text(expected),
                found: text(found),
                path: path.to_owned(),
            });
        }
    }
    let mut store = SafetensorsStore::from_bytes(Some(bytes)).skip_enum_variants(true);
    let result = module
        .load_from(&mut store)
        .map_err(|error| damaged(error.to_string()))?;
    if let Some(error) = result.errors.first() {
        return Err(damaged(error.to_string()));
    }
    Ok(module)
}
