//! Several alignment objectives from the same start: where their runs lie, what is left to do, what they came to.
//!
//! ```text
//! FOLDER/seed-1/start/      a run as far as the reward models
//! FOLDER/seed-1/dpo/        what it left, aligned by one objective and evaluated
//! FOLDER/objectives.json    the figures of all that are finished; objectives.csv, .md and .tex are its tables
//! FOLDER/charts/            the entropy of each level over the steps, one line per objective
//! ```
//!
//! Every folder below a seed is an ordinary run. Whoever compares lets the engine do what [`ObjectiveMatrix::start`] and
//! [`ObjectiveMatrix::align`] say is left; what is finished is found again, so a comparison that was stopped goes on
//! where it was, and more objectives can be added later.

use std::path::{Path, PathBuf};

use crate::engine::chart::objectives::entropy_charts;
use crate::engine::command::{EngineCommand, StartRun};
use crate::engine::config::ExperimentConfig;
use crate::engine::error::EngineError;
use crate::engine::eval::config::EvaluateConfig;
use crate::engine::eval::objective_comparison::{
    BEFORE, ObjectiveComparison, ObjectiveRow, Outcome,
};
use crate::engine::eval::objective_table::{by_head, figures, summary};
use crate::engine::event::Stage;
use crate::engine::run::report::RunReport;
use crate::engine::run::{RunDir, RunInfo, atomic, now_millis};
use crate::engine::seed::Seed;
use crate::engine::text_table::TableFormat;
use crate::engine::train::config::AlignConfig;
use crate::engine::train::objective_variants::{ObjectiveVariant, VARIANTS};
use crate::engine::train::saved_run::load_config;

/// The name of the run that all objectives of a seed start from.
const START: &str = "start";

/// What a run needs to be aligned.
const BEFORE_ALIGNMENT: [Stage; 4] = [Stage::Data, Stage::Tokenize, Stage::Pretrain, Stage::Reward];

/// A comparison in a folder.
pub struct ObjectiveMatrix {
    folder: PathBuf,
    data_path: PathBuf,
    config: Box<ExperimentConfig>,
    seeds: Vec<u64>,
    variants: Vec<&'static ObjectiveVariant>,
}

impl ObjectiveMatrix {
    /// The comparison of the named objectives, or of all where no name is given, with these seeds.
    ///
    /// # Errors
    /// If a name is unknown or a variant of the settings is not valid.
    pub fn new(
        folder: &Path,
        data_path: &Path,
        config: Box<ExperimentConfig>,
        seeds: &[u64],
        names: &[String],
    ) -> Result<Self, EngineError> {
        let variants = chosen(names)?;
        for variant in &variants {
            // Reading what would be written checks it, before hours have been spent on the others.
            ExperimentConfig::from_toml(&variant.of(&config).to_toml(), folder)?;
        }
        let mut seeds = seeds.to_vec();
        seeds.sort_unstable();
        seeds.dedup();
        Ok(Self {
            folder: folder.to_owned(),
            data_path: data_path.to_owned(),
            config,
            seeds,
            variants,
        })
    }

    /// The seeds, in order.
    pub fn seeds(&self) -> &[u64] {
        &self.seeds
    }

    /// The objectives, in the order of the table.
    pub fn variants(&self) -> &[&'static ObjectiveVariant] {
        &self.variants
    }

    /// The run that all objectives of a seed start from.
    pub fn start_dir(&self, seed: u64) -> RunDir {
        self.run_dir(seed, START)
    }

    /// The run of one objective with one seed.
    pub fn align_dir(&self, seed: u64, variant: &ObjectiveVariant) -> RunDir {
        self.run_dir(seed, variant.name)
    }

    fn run_dir(&self, seed: u64, name: &str) -> RunDir {
        RunDir::new(&self.folder.join(format!("seed-{seed}")).join(name))
    }

    fn config_of(&self, seed: u64) -> ExperimentConfig {
        ExperimentConfig {
            seed: Seed(seed),
            ..(*self.config).clone()
        }
    }

    /// What is left to do for the start of a seed; nothing where its reward models are there.
    ///
    /// # Errors
    /// If the folder holds a run of other data or with other settings before alignment.
    pub fn start(&self, seed: u64) -> Result<Option<EngineCommand>, EngineError> {
        let dir = self.start_dir(seed);
        let config = self.config_of(seed);
        if !dir.info_path().exists() {
            return Ok(Some(EngineCommand::StartRun(StartRun {
                data_path: self.data_path.clone(),
                run_dir: dir.path().to_owned(),
                config: Box::new(config),
                last_stage: Some(Stage::Reward),
            })));
        }
        let wanted = before_alignment(&config);
        let info = self.expect_same(&dir, |found| before_alignment(found) == wanted)?;
        Ok(
            (!info.completed.contains(&Stage::Reward)).then(|| EngineCommand::ResumeRun {
                run_dir: dir.path().to_owned(),
                last_stage: Some(Stage::Reward),
            }),
        )
    }

    /// What is left to do for one objective with one seed; nothing where it is evaluated. Its folder is made on
    /// the way, from the start of the seed.
    ///
    /// # Errors
    /// If the start has no reward models, the folder holds a run of other data or settings, or cannot be made.
    pub fn align(
        &self,
        seed: u64,
        variant: &ObjectiveVariant,
    ) -> Result<Option<EngineCommand>, EngineError> {
        let dir = self.align_dir(seed, variant);
        let config = variant.of(&self.config_of(seed));
        if !dir.info_path().exists() {
            fork(&self.start_dir(seed), &dir, &config)?;
        }
        let info = self.expect_same(&dir, |found| *found == config)?;
        Ok((!info.is_complete()).then(|| EngineCommand::ResumeRun {
            run_dir: dir.path().to_owned(),
            last_stage: None,
        }))
    }

    /// The run in a folder, which must be of this data and have the settings wanted.
    fn expect_same(
        &self,
        dir: &RunDir,
        is_wanted: impl FnOnce(&ExperimentConfig) -> bool,
    ) -> Result<RunInfo, EngineError> {
        let other = |what: &str| EngineError::RunFolder {
            path: dir.path().to_owned(),
            found: format!("it holds a run with other {what} than the comparison asks for"),
        };
        let info = RunInfo::load(dir)?;
        let data_path = self
            .data_path
            .canonicalize()
            .map_err(EngineError::io("find", &self.data_path))?;
        if info.data_path != data_path {
            return Err(other("data"));
        }
        if !is_wanted(&load_config(dir)?) {
            return Err(other("settings"));
        }
        Ok(info)
    }

    /// Gathers what is finished and writes it to the folder: `objectives.json`, and its tables in every format.
    ///
    /// # Errors
    /// If a report cannot be read or the folder cannot be written to.
    pub fn gather(&self) -> Result<ObjectiveComparison, EngineError> {
        let mut comparison = ObjectiveComparison {
            data: self.data_path.display().to_string(),
            seeds: self.seeds.clone(),
            steps: self.config.align.n_steps(),
            rows: vec![ObjectiveRow {
                name: BEFORE.to_owned(),
                title: "before alignment".to_owned(),
                description: "the pretrained generator that all start from".to_owned(),
                outcomes: Vec::new(),
            }],
            ..ObjectiveComparison::default()
        };
        for variant in &self.variants {
            let mut row = ObjectiveRow {
                name: variant.name.to_owned(),
                title: variant.title.to_owned(),
                description: variant.description.to_owned(),
                outcomes: Vec::new(),
            };
            for seed in &self.seeds {
                let dir = self.align_dir(*seed, variant);
                if !is_finished(&dir) {
                    continue;
                }
                let report = RunReport::load(&dir.report_path())?;
                let Some([before, after]) = Outcome::before_and_after(&report) else {
                    continue;
                };
                comparison.fingerprint = report.dataset.fingerprint;
                comparison.users = report.alignment.map_or(0, |alignment| alignment.users);
                row.outcomes.push(after);
                // All objectives of a seed have the same start, measured on the same users.
                let start = &mut comparison.rows[0].outcomes;
                if start.iter().all(|known| known.seed != *seed) {
                    start.push(before);
                }
            }
            comparison.rows.push(row);
        }
        comparison.rows[0]
            .outcomes
            .sort_by_key(|outcome| outcome.seed);
        self.write(&comparison)?;
        self.draw()?;
        Ok(comparison)
    }

    /// The charts of what is finished.
    fn draw(&self) -> Result<(), EngineError> {
        let finished = |variant: &ObjectiveVariant| -> Vec<PathBuf> {
            let runs = self.seeds.iter().map(|seed| self.align_dir(*seed, variant));
            runs.filter(is_finished)
                .map(|dir| dir.path().to_owned())
                .collect()
        };
        let objectives: Vec<(&str, Vec<PathBuf>)> = self
            .variants
            .iter()
            .map(|variant| (variant.title, finished(variant)))
            .collect();
        entropy_charts(&objectives, &self.folder.join("charts"))?;
        Ok(())
    }

    fn write(&self, comparison: &ObjectiveComparison) -> Result<(), EngineError> {
        let path = |extension: &str| self.folder.join(format!("objectives.{extension}"));
        atomic::write_json(&path("json"), comparison)?;
        for format in TableFormat::ALL {
            let text = match format {
                TableFormat::Csv => figures(comparison).render(format),
                TableFormat::Markdown | TableFormat::Latex => {
                    let tables = [summary(comparison), by_head(comparison)];
                    tables.map(|table| table.render(format)).join("\n")
                }
            };
            atomic::write(&path(format.extension()), text.as_bytes())?;
        }
        Ok(())
    }
}

/// The settings that what stands before alignment depends on: other alignments can begin from the same start.
fn before_alignment(config: &ExperimentConfig) -> ExperimentConfig {
    ExperimentConfig {
        align: AlignConfig::default(),
        evaluate: EvaluateConfig::default(),
        ..config.clone()
    }
}

fn is_finished(dir: &RunDir) -> bool {
    RunInfo::load(dir).is_ok_and(|info| info.is_complete())
}

fn chosen(names: &[String]) -> Result<Vec<&'static ObjectiveVariant>, EngineError> {
    let unknown = names
        .iter()
        .find(|name| VARIANTS.iter().all(|variant| variant.name != **name));
    if let Some(name) = unknown {
        return Err(EngineError::Unknown {
            kind: "objective",
            name: name.clone(),
            place: VARIANTS.map(|variant| variant.name).join(", "),
        });
    }
    let is_chosen = |variant: &&ObjectiveVariant| {
        names.is_empty() || names.iter().any(|name| name == variant.name)
    };
    Ok(VARIANTS.iter().filter(is_chosen).collect())
}

/// Makes a run of `config` that has all that `start` did before alignment.
fn fork(start: &RunDir, dir: &RunDir, config: &ExperimentConfig) -> Result<(), EngineError> {
    let info = RunInfo::load(start)?;
    let missing = BEFORE_ALIGNMENT
        .into_iter()
        .find(|stage| !info.completed.contains(stage));
    if let Some(needs) = missing {
        return Err(EngineError::MissingStage {
            stage: Stage::Align,
            needs,
            run: start.path().to_owned(),
        });
    }
    let _lock = start.lock()?;
    atomic::write_folder(dir.path(), |folder| {
        let fork = RunDir::new(folder);
        for stage in BEFORE_ALIGNMENT {
            let from = start.stage_dir(stage);
            if from.exists() {
                share_folder(&from, &fork.stage_dir(stage))?;
            }
        }
        share_file(&start.items_path(), &fork.items_path())?;
        share_file(&start.report_path(), &fork.report_path())?;
        // The journal alone is written on, where it lies.
        std::fs::copy(start.events_path(), fork.events_path())
            .map_err(EngineError::io("copy", &start.events_path()))?;
        atomic::write(&fork.config_path(), config.to_toml().as_bytes())?;
        let info = RunInfo {
            time_millis: now_millis(),
            completed: BEFORE_ALIGNMENT.to_vec(),
            ..info
        };
        info.save(&fork)
    })
}

fn share_folder(from: &Path, to: &Path) -> Result<(), EngineError> {
    std::fs::create_dir_all(to).map_err(EngineError::io("create", to))?;
    for entry in std::fs::read_dir(from).map_err(EngineError::io("read", from))? {
        let entry = entry.map_err(EngineError::io("read", from))?;
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            share_folder(&entry.path(), &to)?;
        } else {
            share_file(&entry.path(), &to)?;
        }
    }
    Ok(())
}

/// A second name for a file where the file system has such, else a copy. Whoever writes one of them anew renames a
/// new file to its place, so the other keeps its content.
fn share_file(from: &Path, to: &Path) -> Result<(), EngineError> {
    std::fs::hard_link(from, to)
        .or_else(|_| std::fs::copy(from, to).map(drop))
        .map_err(EngineError::io("copy", from))
}
