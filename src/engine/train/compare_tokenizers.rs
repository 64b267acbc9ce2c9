//! Several tokenizers on the item vectors of one run: the same vectors, levels and codes for all of them.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

use burn::tensor::Device;

use crate::engine::control::RunControl;
use crate::engine::data::prepare::{PreparedData, prepare};
use crate::engine::device;
use crate::engine::embedding::ItemEmbeddings;
use crate::engine::error::{EngineError, Failure};
use crate::engine::event::{EngineEvent, Stage};
use crate::engine::reporter::Reporter;
use crate::engine::run::{RunDir, RunInfo, atomic};
use crate::engine::seed::Seed;
use crate::engine::tokenizer::comparison::{ComparisonRow, TokenizerComparison};
use crate::engine::tokenizer::variants::{VARIANTS, Variant};
use crate::engine::tokenizer::{
    self, CollisionPolicy, FitStep, FittedTokenizer, TokenizerConfig, TokenizerError,
};
use crate::engine::train::fit_codes::Pace;
use crate::engine::train::fit_tokenizer::{Neighbours, judge_by_use, published_table};
use crate::engine::train::saved_run::load_config;

/// Fits and judges the named tokenizers, or all of them where no name is given, sets tables made elsewhere beside
/// them, and writes `comparison.json`.
///
/// A stop ends it after the level at hand; what is done by then is kept. A tokenizer that cannot be fitted
/// leaves a row that says why.
///
/// # Errors
/// If the stage tokenize of the run is not complete, a name is unknown, the data has changed or a file cannot be
/// read or written.
pub fn compare(
    dir: &RunDir,
    names: &[String],
    tables: &[PathBuf],
    reporter: &mut Reporter,
    control: &RunControl,
) -> Result<(), EngineError> {
    let variants = chosen(names)?;
    let info = RunInfo::load(dir)?;
    if !info.completed.contains(&Stage::Tokenize) {
        return Err(EngineError::MissingStage {
            stage: Stage::Tokenize,
            needs: Stage::Tokenize,
            run: dir.path().to_owned(),
        });
    }
    let config = load_config(dir)?;
    let data = prepare(&info.data_path, &config.data)?;
    let embeddings = ItemEmbeddings::load(&dir.embeddings_path())?;
    let neighbours = Neighbours::find(&embeddings);
    let (device, _) = device::choose(&config.device)?;
    let task = Task {
        data: &data,
        embeddings: &embeddings,
        neighbours: &neighbours,
        base: &config.tokenizer,
        seed: config.seed,
        device: &device,
    };
    reporter.emit(EngineEvent::ComparisonStarted {
        names: variants
            .iter()
            .map(|variant| variant.name.to_owned())
            .chain(tables.iter().map(|path| table_name(path)))
            .collect(),
    })?;
    let mut comparison = TokenizerComparison {
        dataset: data.dataset.name.clone(),
        fingerprint: data.dataset.fingerprint.clone(),
        n_items: embeddings.n_items() as u64,
        dim: embeddings.dim,
        alignment_steps: config.embedding.alignment.steps,
        rows: Vec::new(),
    };
    for variant in variants {
        let Some(row) = task.fit(variant, reporter, control)? else {
            break;
        };
        reporter.emit(EngineEvent::TokenizerCompared(row.clone()))?;
        comparison.rows.push(row);
    }
    for path in tables {
        let row = task.judge_table(path);
        reporter.emit(EngineEvent::TokenizerCompared(row.clone()))?;
        comparison.rows.push(row);
    }
    atomic::write_json(&dir.comparison_path(), &comparison)?;
    reporter.emit(EngineEvent::ComparisonReady(comparison))
}

/// What a table made elsewhere is called: the name of its file.
fn table_name(path: &Path) -> String {
    let name = path.file_stem().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}

fn chosen(names: &[String]) -> Result<Vec<&'static Variant>, EngineError> {
    if names.is_empty() {
        return Ok(VARIANTS.iter().collect());
    }
    names
        .iter()
        .map(|name| {
            VARIANTS
                .iter()
                .find(|variant| variant.name == name)
                .ok_or_else(|| EngineError::Unknown {
                    kind: "tokenizer",
                    name: name.clone(),
                    place: VARIANTS.map(|variant| variant.name).join(", "),
                })
        })
        .collect()
}

/// What all tokenizers are fitted to and judged by.
struct Task<'a> {
    data: &'a PreparedData,
    embeddings: &'a ItemEmbeddings,
    neighbours: &'a Neighbours,
    base: &'a TokenizerConfig,
    seed: Seed,
    device: &'a Device,
}

impl Task<'_> {
    /// One row; nothing after a stop.
    fn fit(
        &self,
        variant: &Variant,
        reporter: &mut Reporter,
        control: &RunControl,
    ) -> Result<Option<ComparisonRow>, EngineError> {
        let config = variant.of(self.base);
        let began = Instant::now();
        let mut trouble = Ok(());
        let mut pace = Pace::default();
        let fitted = tokenizer::fit(
            self.embeddings,
            &config,
            self.seed,
            self.device,
            &mut |step| {
                let doing = match step {
                    FitStep::Level(level) => Some((level.level_idx, level.iteration)),
                    FitStep::Within {
                        level_idx, sweep, ..
                    } if pace.is_due() => Some((level_idx, sweep)),
                    FitStep::Within { .. } | FitStep::State(_) | FitStep::After { .. } => None,
                };
                if let Some((level_idx, sweep)) = doing {
                    let doing = format!("level {}, sweep {sweep}", level_idx + 1);
                    trouble = reporter.comparing(variant.name, &doing);
                }
                if trouble.is_ok() && control.check().is_ok() {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                }
            },
        );
        trouble?;
        if matches!(fitted, Err(TokenizerError::Stopped)) {
            return Ok(None);
        }
        let seconds = began.elapsed().as_secs_f64();
        Ok(Some(ComparisonRow {
            name: variant.name.to_owned(),
            description: variant.description.to_owned(),
            seconds,
            ..self.judge(fitted)
        }))
    }

    /// The row of a table made elsewhere. Its codewords are the means of the items that have a code.
    fn judge_table(&self, path: &Path) -> ComparisonRow {
        let as_it_is = TokenizerConfig {
            collisions: CollisionPolicy::Keep,
            ..self.base.clone()
        };
        let adopted = published_table(path, self.data).and_then(|(table, kind)| {
            let adopted = tokenizer::adopt(self.embeddings, &table, &as_it_is)?;
            Ok((adopted, kind))
        });
        let kind = adopted.as_ref().ok().map(|(_, kind)| *kind);
        let row = self.judge(adopted.map(|(adopted, _)| adopted));
        ComparisonRow {
            name: table_name(path),
            description: format!("semantic IDs read from {}", path.display()),
            note: row.note.or(kind.map(|kind| format!("keys {kind}"))),
            ..row
        }
    }

    /// Health, or why there is none.
    fn judge(&self, fitted: Result<FittedTokenizer, TokenizerError>) -> ComparisonRow {
        match fitted {
            Ok(mut fitted) => {
                judge_by_use(&mut fitted, self.data, self.neighbours);
                ComparisonRow {
                    report: Some(fitted.report),
                    ..ComparisonRow::default()
                }
            }
            Err(error) => ComparisonRow {
                note: Some(Failure::from(&EngineError::from(error)).message),
                ..ComparisonRow::default()
            },
        }
    }
}
