//! A fitted tokenizer on disk: `codebooks.safetensors`, `semantic_ids.parquet`, `tokenizer.json`, and for some
//! methods `encoder.safetensors` and `decoder.safetensors`.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{UInt16Type, UInt32Type};
use arrow_array::{Array as _, ArrayRef, RecordBatch, UInt16Array, UInt32Array};
use arrow_schema::DataType;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde::{Deserialize, Serialize};

use super::fitted::FittedTokenizer;
use super::network::Network;
use super::quantizer::{Decoder, Quantizer};
use super::report::TokenizerReport;
use super::{Code, Codebooks, SemanticIdTable, TokenizerConfig};
use crate::engine::checkpoint::CheckpointError;
use crate::engine::embedding::file::{parse_f32, write_f32};
use crate::engine::error::EngineError;
use crate::engine::run::atomic;

const CODEBOOKS: &str = "codebooks.safetensors";
const TABLE: &str = "semantic_ids.parquet";
const DESCRIPTION: &str = "tokenizer.json";
const ENCODER: &str = "encoder.safetensors";
const DECODER: &str = "decoder.safetensors";
const TENSOR: &str = "codebooks";
const WEIGHTS: &str = "weights";

/// `tokenizer.json`.
#[derive(Serialize, Deserialize)]
struct Description {
    config: TokenizerConfig,
    report: TokenizerReport,
    /// Levels and codes per level of the table; absent where they are those of the codebooks.
    #[serde(default)]
    table_shape: Option<(usize, usize)>,
    /// The network before the codebooks.
    #[serde(default)]
    encoder: Option<NetworkShape>,
    /// The way back.
    #[serde(default)]
    decoder: DecoderShape,
}

/// The shape of a network whose weights stand in a file of their own.
#[derive(Serialize, Deserialize)]
struct NetworkShape {
    widths: Vec<usize>,
    has_skip: bool,
}

/// The kind of the way back.
#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum DecoderShape {
    /// The sum of the codewords.
    #[default]
    Sum,
    /// A network behind it.
    Network(NetworkShape),
    /// The sum of other codewords.
    Means,
}

impl FittedTokenizer {
    /// Writes the files into a folder.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn save(&self, folder: &Path) -> Result<(), EngineError> {
        let quantizer = &self.quantizer;
        write_codebooks(&folder.join(CODEBOOKS), &quantizer.codebooks)?;
        let encoder = quantizer.encoder.as_ref();
        let encoder = encoder
            .map(|network| write_network(&folder.join(ENCODER), network))
            .transpose()?;
        let decoder = match &quantizer.decoder {
            Decoder::Sum => DecoderShape::Sum,
            Decoder::Network(network) => {
                DecoderShape::Network(write_network(&folder.join(DECODER), network)?)
            }
            Decoder::Means(means) => {
                write_codebooks(&folder.join(DECODER), means)?;
                DecoderShape::Means
            }
        };
        write_table(&folder.join(TABLE), &self.table)?;
        let description = Description {
            config: self.config.clone(),
            report: self.report.clone(),
            table_shape: Some((self.table.n_levels(), self.table.codebook_size())),
            encoder,
            decoder,
        };
        atomic::write_json(&folder.join(DESCRIPTION), &description)
    }

    /// Reads what [`FittedTokenizer::save`] wrote.
    ///
    /// # Errors
    /// If a file is missing or damaged, or they do not belong together.
    pub fn load(folder: &Path) -> Result<Self, EngineError> {
        let path = folder.join(DESCRIPTION);
        let description: Description = serde_json::from_slice(&read(&path)?)
            .map_err(|error| damaged(&path, error.to_string()))?;
        let quantizer = load_quantizer(folder, &description)?;
        let described = (quantizer.n_levels(), quantizer.codebook_size());
        let (n_levels, codebook_size) = description.table_shape.unwrap_or(described);
        if n_levels < described.0 || n_levels > described.0 + 1 {
            let found = format!("a table of {n_levels} levels for {} codebooks", described.0);
            return Err(damaged(&path, found));
        }
        let path = folder.join(TABLE);
        let codes = parse_table(open(&path)?, n_levels, codebook_size)
            .map_err(|found| damaged(&path, found))?;
        let mut sids = codes.chunks_exact(n_levels);
        if let Some(sid) = sids.find(|sid| {
            sid[..described.0]
                .iter()
                .any(|code| usize::from(*code) >= described.1)
        }) {
            let found = format!("{sid:?} for codebooks of {}", described.1);
            return Err(damaged(&path, found));
        }
        Ok(Self {
            config: description.config,
            quantizer,
            table: SemanticIdTable::new(n_levels, codebook_size, codes),
            report: description.report,
        })
    }
}

fn load_quantizer(folder: &Path, description: &Description) -> Result<Quantizer, EngineError> {
    let path = folder.join(CODEBOOKS);
    let codebooks = read_codebooks(&path)?;
    let config = &description.config;
    for (what, expected, found) in [
        ("n_levels", config.n_levels, codebooks.n_levels()),
        (
            "codebook_size",
            config.codebook_size,
            codebooks.codebook_size(),
        ),
    ] {
        if expected != found {
            return Err(EngineError::Checkpoint(CheckpointError::Mismatch {
                what: what.to_owned(),
                expected: expected.to_string(),
                found: found.to_string(),
                path,
            }));
        }
    }
    let encoder = description.encoder.as_ref();
    let encoder = encoder
        .map(|shape| read_network(&folder.join(ENCODER), shape))
        .transpose()?;
    let path = folder.join(DECODER);
    let (decoder, n_in, n_out) = match &description.decoder {
        DecoderShape::Sum => (Decoder::Sum, codebooks.dim(), codebooks.dim()),
        DecoderShape::Network(shape) => {
            let network = read_network(&path, shape)?;
            let (n_in, n_out) = (network.n_inputs(), network.n_outputs());
            (Decoder::Network(network), n_in, n_out)
        }
        DecoderShape::Means => {
            let means = read_codebooks(&path)?;
            let is_alike = means.n_levels() == codebooks.n_levels()
                && means.codebook_size() == codebooks.codebook_size();
            let n_out = if is_alike { means.dim() } else { 0 };
            (Decoder::Means(means), codebooks.dim(), n_out)
        }
    };
    let (dim, n_latent) = encoder
        .as_ref()
        .map_or((codebooks.dim(), codebooks.dim()), |network| {
            (network.n_inputs(), network.n_outputs())
        });
    if n_latent != codebooks.dim() || n_in != codebooks.dim() || n_out != dim {
        let found = "encoder, codebooks and decoder do not fit each other".to_owned();
        return Err(damaged(&folder.join(DESCRIPTION), found));
    }
    Ok(Quantizer {
        encoder,
        codebooks,
        decoder,
    })
}

fn write_codebooks(path: &Path, books: &Codebooks) -> Result<(), EngineError> {
    let shape = [books.n_levels(), books.codebook_size(), books.dim()];
    write_f32(path, TENSOR, &shape, books.values())
}

fn read_codebooks(path: &Path) -> Result<Codebooks, EngineError> {
    parse_codebooks(&read(path)?).map_err(|found| damaged(path, found))
}

fn write_network(path: &Path, network: &Network) -> Result<NetworkShape, EngineError> {
    let weights = network.weights();
    write_f32(path, WEIGHTS, &[weights.len()], weights)?;
    Ok(NetworkShape {
        widths: network.widths().to_vec(),
        has_skip: network.has_skip(),
    })
}

fn read_network(path: &Path, shape: &NetworkShape) -> Result<Network, EngineError> {
    parse_f32(&read(path)?, |name, _| name == WEIGHTS)
        .and_then(|(_, weights)| Network::new(shape.widths.clone(), shape.has_skip, weights))
        .map_err(|found| damaged(path, found))
}

/// Writes a table as Parquet: the columns `item_idx`, `code_0`, `code_1`, and so on.
///
/// # Errors
/// If the file cannot be written.
pub fn write_table(path: &Path, table: &SemanticIdTable) -> Result<(), EngineError> {
    let items = UInt32Array::from_iter_values(0..table.n_items() as u32);
    let mut columns: Vec<(String, ArrayRef)> = vec![("item_idx".to_owned(), Arc::new(items))];
    for level_idx in 0..table.n_levels() {
        let codes = table
            .codes()
            .iter()
            .skip(level_idx)
            .step_by(table.n_levels());
        let codes = UInt16Array::from_iter_values(codes.copied());
        columns.push((format!("code_{level_idx}"), Arc::new(codes)));
    }
    let bytes = RecordBatch::try_from_iter(columns)
        .map_err(std::io::Error::other)
        .and_then(|batch| {
            let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None)?;
            writer.write(&batch)?;
            writer.into_inner().map_err(std::io::Error::other)
        })
        .map_err(EngineError::io("serialise", path))?;
    atomic::write(path, &bytes)
}

fn read(path: &Path) -> Result<Vec<u8>, EngineError> {
    std::fs::read(path).map_err(|source| unreadable(path, source))
}

fn open(path: &Path) -> Result<File, EngineError> {
    File::open(path).map_err(|source| unreadable(path, source))
}

fn unreadable(path: &Path, source: std::io::Error) -> EngineError {
    EngineError::Checkpoint(CheckpointError::Io {
        operation: "read",
        path: path.to_owned(),
        source,
    })
}

fn damaged(path: &Path, found: String) -> EngineError {
    EngineError::Checkpoint(CheckpointError::Damaged {
        found,
        path: path.to_owned(),
    })
}

fn parse_codebooks(bytes: &[u8]) -> Result<Codebooks, String> {
    let (shape, values) = parse_f32(bytes, |name, _| name == TENSOR)?;
    let [n_levels, codebook_size, dim] = shape[..] else {
        return Err(format!("expected three dimensions, found {shape:?}"));
    };
    if values.is_empty() || codebook_size > usize::from(Code::MAX) + 1 {
        return Err(format!("no codebooks can have the shape {shape:?}"));
    }
    match values.iter().find(|value| !value.is_finite()) {
        Some(value) => Err(format!("a codeword holds {value}")),
        None => Ok(Codebooks::new(n_levels, codebook_size, dim, values)),
    }
}

fn parse_table(file: File, n_levels: usize, codebook_size: usize) -> Result<Vec<Code>, String> {
    let batches = ParquetRecordBatchReaderBuilder::try_new(file)
        .and_then(ParquetRecordBatchReaderBuilder::build)
        .map_err(|error| error.to_string())?;
    let mut codes = Vec::new();
    for batch in batches {
        let batch = batch.map_err(|error| error.to_string())?;
        let column = |name: &str, kind: DataType| {
            batch
                .column_by_name(name)
                .filter(|column| *column.data_type() == kind && column.null_count() == 0)
                .ok_or_else(|| format!("no whole column {name:?} of {kind}"))
        };
        let items = column("item_idx", DataType::UInt32)?.as_primitive::<UInt32Type>();
        let levels: Vec<&UInt16Array> = (0..n_levels)
            .map(|level_idx| {
                let name = format!("code_{level_idx}");
                Ok(column(&name, DataType::UInt16)?.as_primitive::<UInt16Type>())
            })
            .collect::<Result<_, String>>()?;
        for (row, item_idx) in items.values().iter().enumerate() {
            let expected = codes.len() / n_levels;
            if *item_idx as usize != expected {
                return Err(format!("expected item {expected}, found {item_idx}"));
            }
            codes.extend(levels.iter().map(|level| level.value(row)));
        }
    }
    match codes
        .iter()
        .find(|code| usize::from(**code) >= codebook_size)
    {
        Some(code) => Err(format!("code {code} of {codebook_size}")),
        None => Ok(codes),
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use burn::tensor::Device;

    use super::*;
    use crate::engine::embedding::ItemEmbeddings;
    use crate::engine::seed::Seed;
    use crate::engine::tokenizer::{CollisionPolicy, Method, RqVaeConfig, fit};

    fn fitted() -> FittedTokenizer {
        fitted_by(TokenizerConfig::default())
    }

    fn fitted_by(config: TokenizerConfig) -> FittedTokenizer {
        let embeddings = ItemEmbeddings {
            values: (0..90_u16).map(|idx| f32::from(idx * 37 % 90)).collect(),
            dim: 3,
        };
        let config = TokenizerConfig {
            codebook_size: 4,
            rq_vae: RqVaeConfig {
                hidden: vec![5],
                d_latent: 2,
                steps: 3,
                ..RqVaeConfig::default()
            },
            ..config
        };
        fit(&embeddings, &config, Seed(1), &Device::flex(), &mut |_| {
            ControlFlow::Continue(())
        })
        .unwrap()
    }

    #[test]
    fn a_saved_tokenizer_comes_back_whole() {
        for method in Method::ALL {
            for collisions in CollisionPolicy::ALL {
                let folder = tempfile::tempdir().unwrap();
                let saved = fitted_by(TokenizerConfig {
                    method,
                    collisions,
                    ..TokenizerConfig::default()
                });
                saved.save(folder.path()).unwrap();
                let loaded = FittedTokenizer::load(folder.path()).unwrap();
                assert_eq!(loaded.config, saved.config);
                assert_eq!(loaded.quantizer, saved.quantizer, "{method:?}");
                assert_eq!(loaded.table, saved.table, "{collisions:?}");
                assert_eq!(loaded.report.levels.len(), saved.report.levels.len());
                // JSON may change the last bit of a number.
                let difference = loaded.report.reconstruction_error.unwrap()
                    - saved.report.reconstruction_error.unwrap();
                assert!(difference.abs() < 1e-9, "{difference}");
            }
        }
    }

    #[test]
    fn a_missing_cut_or_foreign_file_is_an_error_that_names_it() {
        for name in [CODEBOOKS, TABLE, DESCRIPTION] {
            let folder = tempfile::tempdir().unwrap();
            fitted().save(folder.path()).unwrap();
            let path = folder.path().join(name);
            let whole = std::fs::read(&path).unwrap();
            for bytes in [&whole[..whole.len() / 2], b"", b"PAR1 and nothing else"] {
                atomic::write(&path, bytes).unwrap();
                let error = FittedTokenizer::load(folder.path())
                    .unwrap_err()
                    .to_string();
                assert!(error.contains(name), "{error}");
            }
            std::fs::remove_file(&path).unwrap();
            let error = FittedTokenizer::load(folder.path())
                .unwrap_err()
                .to_string();
            assert!(error.contains(name), "{error}");
        }
    }

    #[test]
    fn files_of_two_tokenizers_do_not_mix() {
        let folder = tempfile::tempdir().unwrap();
        fitted().save(folder.path()).unwrap();
        let other = SemanticIdTable::new(3, 9, vec![8; 90]);
        write_table(&folder.path().join(TABLE), &other).unwrap();
        let error = FittedTokenizer::load(folder.path())
            .unwrap_err()
            .to_string();
        assert!(error.contains("code 8 of 4"), "{error}");
    }
}
