//! Takes engine events and background results into the state, and says what the user should hear of them.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::background::Done;
use super::command::{DialogKind, UiCommand};
use super::pane::PaneKind;
use super::state::{ItemsState, RunStore, View};
use super::workbench::WorkbenchApp;
use crate::engine::error::FailureKind;
use crate::engine::event::{EngineEvent, EventRecord, NoticeLevel, Stage};

/// Time per frame for taking events in; what is left waits for the next frame.
const DRAIN_BUDGET: Duration = Duration::from_millis(4);

impl WorkbenchApp {
    /// Takes in what came since the last frame. Returns true when something is left over.
    pub(super) fn drain(&mut self) -> bool {
        let start = Instant::now();
        while start.elapsed() < DRAIN_BUDGET {
            if let Some(done) = self.background.try_recv() {
                self.take_done(done);
            } else if let Some(record) = self.link.try_recv() {
                self.take_event(&record);
            } else {
                return false;
            }
        }
        true
    }

    fn take_event(&mut self, record: &EventRecord) {
        let state = &mut self.state;
        state.vitals.is_memory_steady = false;
        match &record.event {
            EngineEvent::DevicesProbed { devices } => state.devices = Some(devices.clone()),
            EngineEvent::DataInspected { path, stats } => {
                state.data.take_counts(path, stats);
            }
            EngineEvent::DataChecked(check) => {
                state.data.take_check(check);
                let name = check.path.display();
                let text = format!("Checked {name}: it {}.", check.verdict.describe());
                state.notices.say(NoticeLevel::Info, text, None);
            }
            EngineEvent::CostProbed(probe) => state.cost.finish(probe.clone()),
            EngineEvent::Progress {
                stage: Stage::Pretrain,
                done,
                total,
                ..
            } if record.run.0.is_empty() => {
                state.cost.progress = Some((*done, *total));
            }
            EngineEvent::ItemsMapped { run_dir, plane } => {
                if *run_dir == state.run.run_dir {
                    state.pending.plane = false;
                    state.plane = Some(Arc::new((**plane).clone()));
                }
            }
            EngineEvent::NearestItems { run_dir, to, found } => {
                if *run_dir == state.run.run_dir {
                    state.pending.nearest = None;
                    state.nearest = Some((to.clone(), found.clone()));
                }
            }
            EngineEvent::PairsMarked { run_dir, marks } => {
                if *run_dir == state.run.run_dir {
                    state.run.pair_marks = marks.clone();
                }
            }
            EngineEvent::SlateRescored(answer) => {
                state.pending.rescored = false;
                if answer.run_dir == state.run.run_dir {
                    state.run.answers.add_rescored(answer.clone());
                }
            }
            EngineEvent::CheckpointsCompared {
                run_dir,
                comparison,
            } => {
                state.pending.checkpoints = false;
                if *run_dir == state.run.run_dir {
                    state.run.answers.checkpoints = Some((**comparison).clone());
                }
            }
            EngineEvent::Progress {
                done, total, doing, ..
            } if record.run.0.is_empty() => state.data.advance(doing, *done, *total),
            EngineEvent::Exported { folder, files } => {
                state.pending.export = None;
                state.exported = Some((folder.clone(), files.clone()));
                let text = format!("Saved {} files in {}.", files.len(), folder.display());
                state.notices.say(NoticeLevel::Info, text, None);
            }
            EngineEvent::CommandFailed { command, failure } => {
                state.cost.progress = None;
                let is_reading = state.data.fail(command, failure);
                if !is_reading {
                    state.pending = super::state::Pending::default();
                    state.run.comparison.end();
                }
                if failure.kind == FailureKind::Stopped {
                    let text = format!("Stopped on request: {command}.");
                    state.notices.say(NoticeLevel::Info, text, None);
                } else if is_reading {
                    if state.data.failed.is_some() {
                        // The dataset pane keeps it, with what to do: the message need not stay and cover it.
                        let (text, hint) = (failure.message.clone(), failure.hint.clone());
                        state.notices.say(NoticeLevel::Warning, text, hint);
                        self.layout.show(PaneKind::Dataset);
                    }
                } else {
                    state.notices.fail(failure);
                }
            }
            EngineEvent::SlatesReady(slates) if record.run.0.is_empty() => {
                state.pending.slates = None;
                state.run.add_slates(slates.clone());
            }
            // A run's journal begins with its start: this one could not be opened, or not written to any more.
            EngineEvent::RunFailed { stage, failure } if record.seq == 0 => {
                if record.run == state.run.id && state.run.is_active() {
                    state.run.fail(*stage, failure, record.time_millis);
                }
                state.notices.fail(failure);
                self.after_run();
            }
            event => {
                if let EngineEvent::RunStarted(started) = event
                    && (!started.resumed || started.run_dir != state.run.run_dir)
                {
                    state.run = RunStore::default();
                    state.take_items(ItemsState::None);
                    state.view = View::Workbench;
                }
                state.run.apply(record);
                if let Some(later) = &mut self.reread {
                    later.push(record.clone());
                } else if self.state.run.has_gap {
                    self.reread = Some(Vec::new());
                    self.background.open_run(self.state.run.run_dir.clone());
                }
                self.react(event);
            }
        }
    }

    /// What follows from an event beyond the state of the run.
    fn react(&mut self, event: &EngineEvent) {
        let state = &mut self.state;
        match event {
            EngineEvent::ItemsReady { items_path, .. } => {
                state.take_items(ItemsState::Loading);
                self.background
                    .load_items(state.run.id.clone(), items_path.clone());
            }
            EngineEvent::SlatesReady(_) => state.pending.slates = None,
            EngineEvent::Notice(notice) if notice.level != NoticeLevel::Info => {
                state
                    .notices
                    .toast(notice.level, notice.text.clone(), notice.hint.clone());
            }
            EngineEvent::RunFinished { .. } => {
                let text = format!("Run finished. {}", headline(&state.run));
                state.notices.toast(NoticeLevel::Info, text, None);
                self.after_run();
            }
            EngineEvent::RunStopped { .. } => {
                let text = "Run stopped and saved. Resume continues from here.";
                state.notices.toast(NoticeLevel::Info, text, None);
                self.after_run();
            }
            EngineEvent::RunFailed { .. } => {
                self.dialogs.open(DialogKind::RunFailed);
                self.after_run();
            }
            _ => {}
        }
    }

    fn after_run(&mut self) {
        self.background.list_runs(self.places.runs.clone());
        if self.is_quitting {
            self.commands.push(UiCommand::Quit);
        }
    }

    fn take_done(&mut self, done: Done) {
        self.state.vitals.is_memory_steady = false;
        match done {
            Done::Run { run_dir, result } => self.take_run(&run_dir, result),
            Done::Items { run, result } => {
                if run == self.state.run.id {
                    self.state.items = match result {
                        Ok(table) => ItemsState::Ready(table),
                        Err(failure) => ItemsState::Failed(failure.message),
                    };
                }
            }
            Done::KnownRuns(runs) => self.state.known_runs = runs,
            Done::Saved(Ok(path)) => {
                let text = format!("Saved {}.", path.display());
                self.state.notices.say(NoticeLevel::Info, text, None);
            }
            Done::Saved(Err(failure)) => self.state.notices.fail(&failure),
            Done::Picked { purpose, path } => {
                if let Some(path) = path
                    && self.path_dialog.close_if(&purpose)
                {
                    self.commands.push(purpose.command(path));
                }
            }
            Done::Memory { process, machine } => {
                self.state.vitals.take_memory(process);
                self.state.vitals.machine_bytes = (machine > 0).then_some(machine);
            }
        }
    }

    /// A run read from disk: one the user opened, or the whole of the live run after a gap.
    fn take_run(
        &mut self,
        run_dir: &Path,
        result: Result<Box<RunStore>, crate::engine::error::Failure>,
    ) {
        let state = &mut self.state;
        let was_opened = state.pending.opening.as_deref() == Some(run_dir);
        if was_opened {
            state.pending.opening = None;
        }
        match result {
            Err(failure) => {
                self.reread = None;
                state.notices.fail(&failure);
            }
            Ok(read) if was_opened => {
                state.run = *read;
                state.run.interrupt();
                // The folder may have moved since; its own paths then point nowhere.
                state.run.move_to(run_dir);
                state.view = View::Workbench;
                state.data.check = None;
                state.draft.follow(&state.run);
                self.settings_open = false;
                self.load_items();
            }
            Ok(read) if run_dir == state.run.run_dir => {
                state.run = *read;
                for record in self.reread.take().unwrap_or_default() {
                    state.run.apply(&record);
                }
                if state.items.table().is_none() {
                    self.load_items();
                }
            }
            Ok(_) => {}
        }
    }

    fn load_items(&mut self) {
        let run = &self.state.run;
        let items = match &run.items_path {
            Some(path) => {
                self.background.load_items(run.id.clone(), path.clone());
                ItemsState::Loading
            }
            None => ItemsState::None,
        };
        self.state.take_items(items);
    }
}

/// The most telling figures of a finished run, as far as it has them.
fn headline(run: &RunStore) -> String {
    let mut parts = Vec::new();
    if let Some(report) = &run.alignment {
        parts.push(format!(
            "Mean reward {:.3} before, {:.3} after alignment.",
            report.reward_before.mean, report.reward_after.mean
        ));
    }
    if let Some(report) = &run.evaluation {
        let shown = report
            .models
            .iter()
            .map(|model| format!("{} {:.4}", model.name, model.hr_10));
        parts.push(format!("HR@10: {}.", shown.collect::<Vec<_>>().join(", ")));
    }
    parts.join(" ")
}
