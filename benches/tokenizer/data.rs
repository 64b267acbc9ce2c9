//! What is measured on: random clustered vectors, codebooks for them, and files that Python reads.

use std::io::Write as _;
use std::path::Path;

use onerec_workbench::engine::embedding::ItemEmbeddings;
use onerec_workbench::engine::seed::Seed;
use onerec_workbench::engine::tokenizer::Codebooks;
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::Size;

/// 512 centres from N(0, 1), items around them with half that spread.
pub(crate) fn vectors(n_items: usize, dim: usize, stream: u64) -> ItemEmbeddings {
    let mut rng = Seed(0).rng("bench.centres", 0);
    let centres: Vec<f32> = (0..512 * dim).map(|_| normal(&mut rng)).collect();
    let values = (0..n_items.div_ceil(4096))
        .into_par_iter()
        .flat_map_iter(|part| {
            let mut rng = Seed(stream).rng("bench.items", part as u64);
            let n = 4096.min(n_items - part * 4096);
            let mut values = Vec::with_capacity(n * dim);
            for _ in 0..n {
                let centre = rng.random_range(0..512) * dim;
                for value in &centres[centre..centre + dim] {
                    values.push(value + 0.5 * normal(&mut rng));
                }
            }
            values
        })
        .collect();
    ItemEmbeddings { values, dim }
}

/// Box and Muller.
fn normal(rng: &mut ChaCha8Rng) -> f32 {
    let radius = (-2.0 * (1.0 - rng.random::<f32>()).ln()).sqrt();
    radius * (std::f32::consts::TAU * rng.random::<f32>()).cos()
}

/// Codewords that are other vectors of the same kind, smaller from level to level.
pub(crate) fn books(size: Size) -> Codebooks {
    let n_values = size.codebook * size.dim;
    let rows = vectors(size.codebook * size.levels, size.dim, 1).values;
    let values = rows
        .into_iter()
        .enumerate()
        .map(|(idx, value)| value / 3_f32.powi((idx / n_values) as i32))
        .collect();
    Codebooks::new(size.levels, size.codebook, size.dim, values)
}

pub(crate) fn write_npy(path: &Path, shape: &[usize], values: &[f32]) -> anyhow::Result<()> {
    let shape: Vec<String> = shape.iter().map(usize::to_string).collect();
    let mut header = format!(
        "{{'descr': '<f4', 'fortran_order': False, 'shape': ({}), }}",
        shape.join(", ")
    );
    while !(header.len() + 11).is_multiple_of(64) {
        header.push(' ');
    }
    header.push('\n');
    let mut file = std::io::BufWriter::new(std::fs::File::create(path)?);
    file.write_all(b"\x93NUMPY\x01\x00")?;
    file.write_all(&(header.len() as u16).to_le_bytes())?;
    file.write_all(header.as_bytes())?;
    for value in values {
        file.write_all(&value.to_le_bytes())?;
    }
    Ok(file.flush()?)
}
