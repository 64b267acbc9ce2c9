//! An unfinished residual fit on disk: what a run that was stopped or killed goes on from.
//!
//! One file, `unfinished.safetensors`, written whole between sweeps and removed when the stage is complete. It says what
//! it belongs to; what belongs to other settings, another seed or other vectors is not used.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::clustering::Clustering;
use super::fit_state::{FitState, FittedLevel};
use super::{Code, TokenizerConfig};
use crate::engine::embedding::ItemEmbeddings;
use crate::engine::error::EngineError;
use crate::engine::run::atomic;
use crate::engine::seed::Seed;

const FILE: &str = "unfinished.safetensors";
const DESCRIPTION: &str = "fit";
/// Version of the file and of what a sweep computes.
const VERSION: u32 = 1;
/// Saving may take one part in this many of the time.
const SAVING_PART: u32 = 20;

/// Where a fit keeps what it has.
pub struct Unfinished {
    path: PathBuf,
    belongs_to: String,
    n_items: usize,
    dim: usize,
    codebook_size: usize,
    last_saved: Instant,
    saving_took: Duration,
}

/// What the file says beside its tensors.
#[derive(Serialize, Deserialize)]
struct Description {
    version: u32,
    belongs_to: String,
    /// Sweeps of every level in the file.
    sweeps: Vec<usize>,
    /// Whether the last level is complete; if not, whether its last sweep changed nothing.
    is_complete: bool,
    is_settled: bool,
}

impl Unfinished {
    /// The file in a folder, for a fit of these items with these settings.
    pub fn new(
        folder: &Path,
        embeddings: &ItemEmbeddings,
        config: &TokenizerConfig,
        seed: Seed,
    ) -> Self {
        Self {
            path: folder.join(FILE),
            belongs_to: fingerprint(embeddings, config, seed),
            n_items: embeddings.n_items(),
            dim: embeddings.dim,
            codebook_size: config.codebook_size,
            last_saved: Instant::now(),
            saving_took: Duration::ZERO,
        }
    }

    /// What an earlier process had, or nothing: a file that is missing, damaged or of another fit is no reason to fail.
    pub fn load(&self) -> Option<FitState> {
        let bytes = std::fs::read(&self.path).ok()?;
        let (_, metadata) = SafeTensors::read_metadata(&bytes).ok()?;
        let description = metadata.metadata().as_ref()?.get(DESCRIPTION)?;
        let description: Description = serde_json::from_str(description).ok()?;
        if description.version != VERSION || description.belongs_to != self.belongs_to {
            return None;
        }
        let file = SafeTensors::deserialize(&bytes).ok()?;
        let mut levels = Vec::with_capacity(description.sweeps.len());
        for (level_idx, n_sweeps) in description.sweeps.iter().enumerate() {
            let codewords = file.tensor(&codewords_name(level_idx)).ok()?;
            let codes = file.tensor(&codes_name(level_idx)).ok()?;
            let (codewords, _) = codewords.data().as_chunks::<4>();
            let (codes, _) = codes.data().as_chunks::<2>();
            let codes: Vec<Code> = codes
                .iter()
                .map(|code| Code::from_le_bytes(*code))
                .collect();
            let is_whole = codes.len() == self.n_items
                && codewords.len() == self.codebook_size * self.dim
                && codes
                    .iter()
                    .all(|code| usize::from(*code) < self.codebook_size);
            if !is_whole {
                return None;
            }
            levels.push(FittedLevel {
                codewords: codewords
                    .iter()
                    .map(|value| f32::from_le_bytes(*value))
                    .collect(),
                codes,
                n_sweeps: *n_sweeps,
            });
        }
        let at_hand = if description.is_complete {
            None
        } else {
            levels.pop().map(|level| Clustering {
                centroids: level.codewords,
                labels: level.codes,
                n_sweeps: level.n_sweeps,
                is_settled: description.is_settled,
            })
        };
        Some(FitState { levels, at_hand })
    }

    /// Saves a state, unless saving would take too much of the time; a complete level and the last word before a
    /// stop are always saved.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn keep(&mut self, state: &FitState, is_stopping: bool) -> Result<(), EngineError> {
        let is_due = self.last_saved.elapsed() >= self.saving_took * SAVING_PART;
        if !is_due && !is_stopping && state.at_hand.is_some() {
            return Ok(());
        }
        let began = Instant::now();
        self.save(state)?;
        self.saving_took = began.elapsed();
        self.last_saved = Instant::now();
        Ok(())
    }

    fn save(&self, state: &FitState) -> Result<(), EngineError> {
        let complete = state.levels.iter();
        let mut levels: Vec<(&[f32], &[Code], usize)> = complete
            .map(|level| (&level.codewords[..], &level.codes[..], level.n_sweeps))
            .collect();
        if let Some(level) = &state.at_hand {
            levels.push((&level.centroids, &level.labels, level.n_sweeps));
        }
        let description = Description {
            version: VERSION,
            belongs_to: self.belongs_to.clone(),
            sweeps: levels.iter().map(|(_, _, n_sweeps)| *n_sweeps).collect(),
            is_complete: state.at_hand.is_none(),
            is_settled: state.at_hand.as_ref().is_some_and(|level| level.is_settled),
        };
        let parts: Vec<(Vec<u8>, Vec<u8>)> = levels
            .iter()
            .map(|(codewords, codes, _)| {
                let codewords = codewords.iter().flat_map(|value| value.to_le_bytes());
                let codes = codes.iter().flat_map(|code| code.to_le_bytes());
                (codewords.collect(), codes.collect())
            })
            .collect();
        let bytes = serde_json::to_string(&description)
            .map_err(std::io::Error::other)
            .and_then(|description| {
                let mut tensors = Vec::with_capacity(2 * parts.len());
                for (level_idx, (codewords, codes)) in parts.iter().enumerate() {
                    let view = |dtype, n, bytes| {
                        TensorView::new(dtype, vec![n], bytes).map_err(std::io::Error::other)
                    };
                    let codewords = view(Dtype::F32, codewords.len() / 4, codewords)?;
                    let codes = view(Dtype::U16, codes.len() / 2, codes)?;
                    tensors.push((codewords_name(level_idx), codewords));
                    tensors.push((codes_name(level_idx), codes));
                }
                let metadata = HashMap::from([(DESCRIPTION.to_owned(), description)]);
                safetensors::serialize(tensors, Some(metadata)).map_err(std::io::Error::other)
            })
            .map_err(EngineError::io("serialise", &self.path))?;
        atomic::write(&self.path, &bytes)
    }

    /// Removes the file of a stage that is complete.
    pub fn remove(self) {
        // It may never have been written; and a file that stays is only not used.
        std::fs::remove_file(&self.path).ok();
    }
}

fn codewords_name(level_idx: usize) -> String {
    format!("codewords_{level_idx}")
}

fn codes_name(level_idx: usize) -> String {
    format!("codes_{level_idx}")
}

/// SHA-256 of everything that a fit depends on.
fn fingerprint(embeddings: &ItemEmbeddings, config: &TokenizerConfig, seed: Seed) -> String {
    let mut hash = Sha256::new();
    let settings = format!(
        "{:?} {} {} {} {:?} {:?} {:?} {} {}",
        config.method,
        config.n_levels,
        config.codebook_size,
        config.max_iterations,
        config.balance,
        config.init,
        config.assignment,
        seed.0,
        embeddings.dim
    );
    hash.update(settings.as_bytes());
    for values in embeddings.values.chunks(1 << 16) {
        let bytes: Vec<u8> = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        hash.update(&bytes);
    }
    hash.finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::*;
    use crate::engine::tokenizer::residual::fit_residual;
    use crate::engine::tokenizer::{FitStep, TokenizerError};

    fn items() -> ItemEmbeddings {
        let values = (0..300_u32).map(|idx| (idx * 7919 % 1009) as f32);
        ItemEmbeddings {
            values: values.collect(),
            dim: 3,
        }
    }

    fn config() -> TokenizerConfig {
        TokenizerConfig {
            codebook_size: 9,
            max_iterations: 6,
            ..TokenizerConfig::default()
        }
    }

    #[test]
    fn a_fit_that_was_killed_goes_on_from_its_file_to_the_same_end() {
        let (items, config, seed) = (items(), config(), Seed(5));
        let none = FitState::default();
        let whole = fit_residual(&items, &config, seed, none, &mut |_| {
            ControlFlow::Continue(())
        });
        let whole = whole.unwrap();
        for n_states in [1, 4, 8] {
            let folder = tempfile::tempdir().unwrap();
            let mut file = Unfinished::new(folder.path(), &items, &config, seed);
            assert_eq!(file.load(), None);
            let mut n_left = n_states;
            let mut last = None;
            let killed = fit_residual(&items, &config, seed, FitState::default(), &mut |step| {
                if let FitStep::State(state) = step {
                    file.keep(state, true).unwrap();
                    last = Some(state.clone());
                    n_left -= 1;
                    if n_left == 0 {
                        return ControlFlow::Break(());
                    }
                }
                ControlFlow::Continue(())
            });
            assert!(matches!(killed, Err(TokenizerError::Stopped)));
            // Another process, which knows nothing but the folder.
            let file = Unfinished::new(folder.path(), &items, &config, seed);
            let state = file.load();
            assert_eq!(state, last);
            let continued = fit_residual(&items, &config, seed, state.unwrap(), &mut |_| {
                ControlFlow::Continue(())
            });
            assert_eq!(continued.unwrap(), whole);
            file.remove();
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        }
    }

    #[test]
    fn what_belongs_to_another_fit_or_is_damaged_is_not_used() {
        let (items, config) = (items(), config());
        let folder = tempfile::tempdir().unwrap();
        let mut file = Unfinished::new(folder.path(), &items, &config, Seed(5));
        let told = fit_residual(&items, &config, Seed(5), FitState::default(), &mut |step| {
            if let FitStep::State(state) = step {
                file.keep(state, true).unwrap();
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        });
        assert!(matches!(told, Err(TokenizerError::Stopped)));
        assert!(file.load().is_some());
        let mut others = items.clone();
        others.values[17] += 1.0;
        let more = TokenizerConfig {
            max_iterations: 7,
            ..config.clone()
        };
        for other in [
            Unfinished::new(folder.path(), &items, &config, Seed(6)),
            Unfinished::new(folder.path(), &others, &config, Seed(5)),
            Unfinished::new(folder.path(), &items, &more, Seed(5)),
        ] {
            assert_eq!(other.load(), None);
        }
        let path = folder.path().join(FILE);
        let bytes = std::fs::read(&path).unwrap();
        atomic::write(&path, &bytes[..bytes.len() - 2]).unwrap();
        assert_eq!(file.load(), None);
    }
}
