//! Everything the window knows of one run, built from events alone, so that a live run,
//! a finished one and a killed one are shown by the same code.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::codebook_history::CodebookHistory;
use super::comparison_state::ComparisonState;
use super::expert_history::ExpertHistory;
use super::notices::LogLine;
use super::series::Series;
use super::slate_answers::SlateAnswers;
use super::stage_state::{StageState, StageStatus};
use crate::engine::config::ExperimentConfig;
use crate::engine::data::stats::DatasetStats;
use crate::engine::device::DeviceReport;
use crate::engine::embedding::ItemAlignmentReport;
use crate::engine::error::Failure;
use crate::engine::eval::report::EvaluationReport;
use crate::engine::event::{
    CheckpointInfo, EngineEvent, EventRecord, GroupSpread, NoticeLevel, PreferencePairs, RunId,
    RunStarted, SlateComparison, Stage, StepPoint,
};
use crate::engine::run::pair_marks::PairMarks;
use crate::engine::run::report::{AlignmentReport, RewardReport};
use crate::engine::tokenizer::report::TokenizerReport;

/// Where a run stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum RunStatus {
    /// No run yet.
    #[default]
    Idle,
    /// Computing.
    Running,
    /// Waiting for the user.
    Paused,
    /// Ended before its end, on request or because its process was killed; can be resumed.
    Stopped,
    /// Ended by an error; can be resumed once the cause is gone.
    Failed(Failure),
    /// Did all that was asked of it.
    Finished,
}

/// One run.
#[derive(Clone, Debug, Default)]
pub struct RunStore {
    /// Its name.
    pub id: RunId,
    /// Its folder; empty before the first event.
    pub run_dir: PathBuf,
    /// The dataset's folder or file.
    pub data_path: PathBuf,
    /// Its settings.
    pub config: Option<Box<ExperimentConfig>>,
    /// Requested and actual device.
    pub device: DeviceReport,
    /// Where it stands.
    pub status: RunStatus,
    /// What is known of the dataset.
    pub dataset: Option<DatasetStats>,
    /// What aligning the item vectors gave.
    pub item_alignment: Option<ItemAlignmentReport>,
    /// Codebook health per level, live and over the sweeps.
    pub codebook: CodebookHistory,
    /// Load of the experts over the steps of pretraining.
    pub experts: ExpertHistory,
    /// Health of the finished semantic IDs.
    pub tokenizer: Option<TokenizerReport>,
    /// Tokenizers side by side.
    pub comparison: ComparisonState,
    /// `items.parquet`, once it is written.
    pub items_path: Option<PathBuf>,
    /// The reward models.
    pub reward: Option<RewardReport>,
    /// Preference pairs that alignment learned from, in rising order of step.
    pub pairs: Vec<PreferencePairs>,
    /// Advantages and ratios that alignment learned from, in rising order of step.
    pub spreads: Vec<GroupSpread>,
    /// The user's marks on preference pairs.
    pub pair_marks: PairMarks,
    /// Why the marks could not be read.
    pub pair_marks_failure: Option<Failure>,
    /// Alignment.
    pub alignment: Option<AlignmentReport>,
    /// Held-out metrics.
    pub evaluation: Option<EvaluationReport>,
    /// In the order in which they were written.
    pub checkpoints: Vec<CheckpointInfo>,
    /// Slates by external user identifier.
    pub slates: BTreeMap<String, SlateComparison>,
    /// The user whose slates arrived last.
    pub newest_slates: Option<String>,
    /// What was asked about its slates.
    pub answers: SlateAnswers,
    /// All messages of this run, oldest first.
    pub log: Vec<LogLine>,
    /// The number that the next event must have.
    pub next_seq: u64,
    /// Whether events were skipped: the journal must be read again.
    pub has_gap: bool,
    alignment_log_start: usize,
    stages: [StageState; Stage::ALL.len()],
    series: BTreeMap<(Stage, String), Series>,
}

impl RunStore {
    /// A run as its journal tells it.
    pub fn from_journal(records: &[EventRecord]) -> Self {
        let mut run = Self::default();
        for record in records {
            run.apply(record);
        }
        run
    }

    /// For a run that no engine is at work on: a journal without an end belongs to a killed process,
    /// so the run is stopped.
    pub fn interrupt(&mut self) {
        self.comparison.end();
        if self.is_active() {
            self.status = RunStatus::Stopped;
            for stage in &mut self.stages {
                stage.interrupt(StageStatus::Stopped);
            }
        }
    }

    /// Takes one event in. Events already known are ignored.
    pub fn apply(&mut self, record: &EventRecord) {
        if record.seq < self.next_seq {
            return;
        }
        self.has_gap |= record.seq > self.next_seq;
        self.next_seq = record.seq + 1;
        self.id = record.run.clone();
        let now = record.time_millis;
        match &record.event {
            EngineEvent::RunStarted(started) => self.start(started, now),
            EngineEvent::StageStarted {
                stage,
                first_step,
                total_steps,
            } => {
                self.stage_mut(*stage).start(*first_step, *total_steps, now);
                if *stage == Stage::Tokenize {
                    self.item_alignment = None;
                }
                if *stage == Stage::Align && *first_step == 0 {
                    self.begin_alignment();
                }
                self.note(now, NoticeLevel::Info, Some(*stage), "started", None);
            }
            EngineEvent::Progress {
                stage,
                done,
                total,
                doing,
            } => self.stage_mut(*stage).progress(*done, *total, doing, now),
            EngineEvent::Steps { stage, points } => self.add_points(*stage, points, now),
            EngineEvent::DatasetReady(stats) => self.dataset = Some(stats.clone()),
            EngineEvent::ItemVectorsAligned(report) => self.item_alignment = Some(report.clone()),
            EngineEvent::CodebookUpdated(level) => self.codebook.update(level),
            EngineEvent::ItemsReady { report, items_path } => {
                self.tokenizer = Some(report.clone());
                self.items_path = Some(items_path.clone());
            }
            EngineEvent::ComparisonStarted { names } => self.comparison.start(names),
            EngineEvent::ComparisonProgress { name, doing } => {
                self.comparison.progress(name, doing);
            }
            EngineEvent::TokenizerCompared(row) => self.comparison.add(row),
            EngineEvent::ComparisonReady(result) => self.comparison.finish(result),
            EngineEvent::RewardReady(report) => self.reward = Some(report.clone()),
            EngineEvent::PairsLearned(learned) => {
                // A resume goes back to a checkpoint and learns from there anew.
                self.pairs.retain(|known| known.step < learned.step);
                self.pairs.push(learned.clone());
            }
            EngineEvent::GroupsLearned(spread) => {
                self.spreads.retain(|known| known.step < spread.step);
                self.spreads.push(spread.clone());
            }
            EngineEvent::AlignmentReady(report) => self.alignment = Some(report.clone()),
            EngineEvent::EvaluationReady(report) => self.evaluation = Some(report.clone()),
            EngineEvent::SlatesReady(slates) => self.add_slates(slates.clone()),
            EngineEvent::CheckpointSaved(info) => {
                self.checkpoints.retain(|known| known.path != info.path);
                self.checkpoints.push(info.clone());
            }
            EngineEvent::Notice(notice) => self.note(
                now,
                notice.level,
                notice.stage,
                &notice.text,
                notice.hint.clone(),
            ),
            EngineEvent::Paused { stage, step } => {
                self.status = RunStatus::Paused;
                let text = format!("paused after step {step}");
                self.note(now, NoticeLevel::Info, Some(*stage), &text, None);
            }
            EngineEvent::Continued { stage, .. } => {
                self.status = RunStatus::Running;
                self.stage_mut(*stage).restart_clock(now);
                self.note(now, NoticeLevel::Info, Some(*stage), "continued", None);
            }
            EngineEvent::StageFinished { stage, seconds } => {
                self.stage_mut(*stage).finish(*seconds);
                let text = format!("finished in {seconds:.1} s");
                self.note(now, NoticeLevel::Info, Some(*stage), &text, None);
            }
            EngineEvent::RunFinished { seconds, .. } => {
                self.status = RunStatus::Finished;
                let text = format!("run finished in {seconds:.1} s");
                self.note(now, NoticeLevel::Info, None, &text, None);
            }
            EngineEvent::RunStopped { stage, step } => {
                self.status = RunStatus::Stopped;
                self.stage_mut(*stage).interrupt(StageStatus::Stopped);
                let text = format!("stopped after step {step}; the run can be resumed");
                self.note(now, NoticeLevel::Info, Some(*stage), &text, None);
            }
            EngineEvent::RunFailed { stage, failure } => self.fail(*stage, failure, now),
            EngineEvent::DevicesProbed { .. }
            | EngineEvent::DataInspected { .. }
            | EngineEvent::DataChecked(_)
            | EngineEvent::ItemsMapped { .. }
            | EngineEvent::NearestItems { .. }
            | EngineEvent::PairsMarked { .. }
            | EngineEvent::SlateRescored(_)
            | EngineEvent::CheckpointsCompared { .. }
            | EngineEvent::CostProbed(_)
            | EngineEvent::Exported { .. }
            | EngineEvent::CommandFailed { .. } => {}
        }
    }

    /// Takes in slates that were generated outside a run's own course.
    pub fn add_slates(&mut self, slates: SlateComparison) {
        self.newest_slates = Some(slates.user.clone());
        self.slates.insert(slates.user.clone(), slates);
    }

    /// Corrects all paths of a run whose folder was moved since its journal was written.
    pub fn move_to(&mut self, run_dir: &Path) {
        let old = std::mem::replace(&mut self.run_dir, run_dir.to_owned());
        let moved = |path: &Path| {
            path.strip_prefix(&old)
                .map_or_else(|_| path.to_owned(), |rest| run_dir.join(rest))
        };
        self.items_path = self.items_path.as_deref().map(moved);
        for checkpoint in &mut self.checkpoints {
            checkpoint.path = moved(&checkpoint.path);
        }
    }

    /// Whether an engine is at work on it.
    pub fn is_active(&self) -> bool {
        matches!(self.status, RunStatus::Running | RunStatus::Paused)
    }

    /// Whether it can go on from its last checkpoint.
    pub fn is_resumable(&self) -> bool {
        matches!(self.status, RunStatus::Stopped | RunStatus::Failed(_))
            || (self.status == RunStatus::Finished
                && self.next_stage().is_some()
                && !self.is_without_reward())
    }

    /// Whether it did everything that its data allows, which is neither reward models nor alignment.
    pub fn is_without_reward(&self) -> bool {
        self.status == RunStatus::Finished && self.reward.is_none() && self.evaluation.is_some()
    }

    /// One stage.
    pub fn stage(&self, stage: Stage) -> &StageState {
        &self.stages[stage as usize]
    }

    /// The stage at work, if any.
    pub fn current_stage(&self) -> Option<Stage> {
        Stage::ALL
            .into_iter()
            .find(|stage| self.stage(*stage).status == StageStatus::Running)
    }

    /// The first stage that is not finished.
    pub fn next_stage(&self) -> Option<Stage> {
        Stage::ALL
            .into_iter()
            .find(|stage| self.stage(*stage).status != StageStatus::Finished)
    }

    /// One metric of one stage, for example `(Stage::Pretrain, "loss")`.
    pub fn series(&self, stage: Stage, name: &str) -> Option<&Series> {
        self.series.get(&(stage, name.to_owned()))
    }

    /// All metrics of one stage, in order of name.
    pub fn stage_series(&self, stage: Stage) -> impl Iterator<Item = (&str, &Series)> {
        self.series
            .iter()
            .filter(move |((of, _), _)| *of == stage)
            .map(|((_, name), series)| (name.as_str(), series))
    }

    fn stage_mut(&mut self, stage: Stage) -> &mut StageState {
        &mut self.stages[stage as usize]
    }

    /// Alignment begins, perhaps not for the first time: what an earlier one came to holds no more.
    fn begin_alignment(&mut self) {
        self.alignment_log_start = self.log.len();
        self.pairs.clear();
        self.spreads.clear();
        self.alignment = None;
        self.evaluation = None;
        self.slates.clear();
        self.newest_slates = None;
        self.answers = SlateAnswers::default();
        self.checkpoints.retain(|info| info.stage != Stage::Align);
        *self.stage_mut(Stage::Evaluate) = StageState::default();
    }

    /// What was said of the alignment in view, oldest first.
    pub fn alignment_log(&self) -> impl Iterator<Item = &LogLine> {
        let lines = self.log.iter().skip(self.alignment_log_start);
        lines.filter(|line| line.stage == Some(Stage::Align))
    }

    fn start(&mut self, started: &RunStarted, now: u64) {
        self.run_dir.clone_from(&started.run_dir);
        self.data_path.clone_from(&started.data_path);
        self.config = Some(started.config.clone());
        self.device = started.device.clone();
        self.status = RunStatus::Running;
        let text = format!(
            "run {} on {}",
            if started.resumed {
                "resumed"
            } else {
                "started"
            },
            started.device.actual
        );
        self.note(now, NoticeLevel::Info, None, &text, None);
    }

    fn add_points(&mut self, stage: Stage, points: &[StepPoint], now: u64) {
        for point in points {
            if stage == Stage::Pretrain {
                self.experts.push(point);
            }
            for (name, value) in &point.values {
                let key = (stage, name.clone());
                self.series.entry(key).or_default().push(point, now, *value);
            }
        }
        if let Some(last) = points.last() {
            self.stage_mut(stage).step(last.step, now);
        }
    }

    /// Ends the run by an error.
    pub fn fail(&mut self, stage: Option<Stage>, failure: &Failure, now: u64) {
        self.status = RunStatus::Failed(failure.clone());
        if let Some(stage) = stage.or(self.current_stage()) {
            self.stage_mut(stage).interrupt(StageStatus::Failed);
        }
        self.note(
            now,
            NoticeLevel::Error,
            stage,
            &failure.message,
            failure.hint.clone(),
        );
    }

    fn note(
        &mut self,
        time_millis: u64,
        level: NoticeLevel,
        stage: Option<Stage>,
        text: &str,
        hint: Option<String>,
    ) {
        self.log.push(LogLine {
            time_millis,
            level,
            stage,
            text: text.to_owned(),
            hint,
        });
    }
}
