//! Shows a run while it goes: bars where somebody watches, plain lines where the output is kept.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use onerec_workbench::engine::event::{
    EngineEvent, Notice, NoticeLevel, RunStarted, Stage, StepPoint,
};
use onerec_workbench::engine::tokenizer::report::CodebookLevel;

use crate::cli::output;

/// Plain lines about the same stage are at least this far apart.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// The display of one run.
pub(crate) struct Terminal {
    is_watched: bool,
    bar: Option<ProgressBar>,
    n_steps: u64,
    last_line: Instant,
}

impl Terminal {
    pub(crate) fn new() -> Self {
        Self {
            is_watched: std::io::stderr().is_terminal(),
            bar: None,
            n_steps: 0,
            last_line: Instant::now(),
        }
    }

    /// Shows one event.
    pub(crate) fn show(&mut self, event: &EngineEvent) {
        match event {
            EngineEvent::RunStarted(started) => self.show_start(started),
            EngineEvent::StageStarted {
                stage,
                first_step,
                total_steps,
            } => {
                self.begin(*stage, *first_step, *total_steps);
            }
            EngineEvent::Progress {
                stage,
                done,
                total,
                doing,
            } => self.advance(*stage, *done, *total, doing),
            EngineEvent::Steps { stage, points } => {
                if let Some(point) = points.last() {
                    self.advance(*stage, point.step, self.n_steps, &values(point));
                }
            }
            EngineEvent::DatasetReady(stats) => self.say(&format!(
                "  {}: {} users, {} items, {} events, {} sessions to learn from, {} held-out users",
                stats.name,
                stats.users,
                stats.items,
                stats.events,
                stats.sessions_kept,
                stats.test_users
            )),
            EngineEvent::CodebookUpdated(level) if level.is_final => {
                self.say(&format!("  {}", level_text(level)));
            }
            EngineEvent::ItemsReady { report, .. } => self.say(&format!(
                "  {} distinct semantic IDs, {:.2} % of items collide",
                report.distinct_ids,
                100.0 * report.collision_rate
            )),
            EngineEvent::Notice(notice) => self.show_notice(notice),
            EngineEvent::StageFinished { stage, seconds } => {
                self.end();
                self.say(&format!("{stage} done in {seconds:.1} s"));
            }
            EngineEvent::RunFinished { .. }
            | EngineEvent::RunStopped { .. }
            | EngineEvent::RunFailed { .. } => {
                self.end();
            }
            EngineEvent::CodebookUpdated(_)
            | EngineEvent::ItemVectorsAligned(_)
            | EngineEvent::RewardReady(_)
            | EngineEvent::PairsLearned(_)
            | EngineEvent::AlignmentReady(_)
            | EngineEvent::EvaluationReady(_)
            | EngineEvent::SlatesReady(_)
            | EngineEvent::CheckpointSaved(_)
            | EngineEvent::Paused { .. }
            | EngineEvent::Continued { .. }
            | EngineEvent::DevicesProbed { .. }
            | EngineEvent::DataInspected { .. }
            | EngineEvent::DataChecked(_)
            | EngineEvent::ItemsMapped { .. }
            | EngineEvent::NearestItems { .. }
            | EngineEvent::GroupsLearned(_)
            | EngineEvent::PairsMarked { .. }
            | EngineEvent::SlateRescored(_)
            | EngineEvent::CheckpointsCompared { .. }
            | EngineEvent::CostProbed(_)
            | EngineEvent::Exported { .. }
            | EngineEvent::ComparisonStarted { .. }
            | EngineEvent::ComparisonProgress { .. }
            | EngineEvent::TokenizerCompared(_)
            | EngineEvent::ComparisonReady(_)
            | EngineEvent::CommandFailed { .. } => {}
        }
    }

    fn show_start(&self, started: &RunStarted) {
        let verb = if started.resumed {
            "Resuming"
        } else {
            "Running"
        };
        self.say(&format!(
            "{verb} on {} in {}",
            started.data_path.display(),
            started.run_dir.display()
        ));
        self.say(&format!(
            "Device: {} (asked for {})",
            started.device.actual, started.device.requested
        ));
    }

    fn show_notice(&self, notice: &Notice) {
        let level = match notice.level {
            NoticeLevel::Info => "note",
            NoticeLevel::Warning => "warning",
            NoticeLevel::Error => "error",
        };
        self.say(&format!("  {level}: {}", notice.text));
        if let Some(hint) = &notice.hint {
            self.say(&format!("  hint: {hint}"));
        }
    }

    fn begin(&mut self, stage: Stage, first_step: u64, total_steps: u64) {
        self.end();
        self.n_steps = total_steps;
        if self.is_watched {
            let bar = ProgressBar::new(total_steps)
                .with_prefix(stage.name())
                .with_position(first_step);
            bar.set_style(
                ProgressStyle::with_template("{prefix:9} {wide_bar} {pos}/{len} {eta:>4} {msg}")
                    .expect("the template is fixed and was tried"),
            );
            bar.enable_steady_tick(Duration::from_millis(200));
            self.bar = Some(bar);
        } else {
            self.say(&format!("{stage} ..."));
            self.last_line = Instant::now();
        }
    }

    fn advance(&mut self, stage: Stage, done: u64, total: u64, doing: &str) {
        if let Some(bar) = &self.bar {
            bar.set_length(total);
            bar.set_position(done);
            bar.set_message(doing.to_owned());
        } else if self.last_line.elapsed() >= LINE_EVERY {
            self.last_line = Instant::now();
            self.say(&format!("  {stage} {done}/{total} {doing}"));
        }
    }

    fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    /// A line that stays, above the bar where there is one.
    fn say(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| output::remark(text)),
            None => output::remark(text),
        }
    }
}

fn values(point: &StepPoint) -> String {
    let parts: Vec<String> = point
        .values
        .iter()
        .take(3)
        .map(|(name, value)| format!("{name} {value:.4}"))
        .collect();
    parts.join(" ")
}

fn level_text(level: &CodebookLevel) -> String {
    format!(
        "level {}: utilization {:.3}, entropy {:.3} of {:.3} nats, perplexity {:.1}",
        level.level_idx + 1,
        level.utilization,
        level.entropy_nats,
        (level.load.len() as f64).ln(),
        level.perplexity
    )
}
