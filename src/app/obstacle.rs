//! Why a command cannot be given at a moment: the one place that menus, buttons and the carrying out ask.

use super::command::{DialogKind, UiCommand};
use super::state::AppState;

impl UiCommand {
    /// Why the command cannot be given now; `None` where it can.
    pub fn obstacle(&self, state: &AppState) -> Option<&'static str> {
        let run = &state.run;
        let problem = |holds: bool, text| (!holds).then_some(text);
        match self {
            Self::OpenSample(_)
            | Self::ImportDataDialog
            | Self::ImportData(_)
            | Self::OpenRunDialog
            | Self::OpenRun(_)
            | Self::CloseRun => {
                let is_free = !run.is_active() && !run.comparison.is_going;
                problem(is_free, "A run is going. Stop it first.").or_else(|| {
                    let closable = !matches!(self, Self::CloseRun) || state.is_workbench();
                    problem(closable, "No run is open.")
                })
            }
            Self::CountData => problem(state.draft.has_data(), "Choose a dataset first."),
            Self::CheckDataDialog | Self::CheckData(_) => {
                problem(!state.data.is_checking(), "Data is being checked already.")
            }
            Self::StopReading => problem(state.data.reading().is_some(), "Nothing is being read."),
            Self::UseCheckedData => problem(!run.is_active(), "A run is going. Stop it first.")
                .or_else(|| problem(!run.comparison.is_going, "A comparison is going."))
                .or_else(|| problem(state.data.is_usable(), "The data cannot be used as it is.")),
            Self::CloseCheck => problem(state.data.check.is_some(), "There is no report."),
            Self::CompareTokenizers { .. } | Self::CompareTableDialog { .. } => {
                problem(!run.is_active(), "A run is going. Stop it first.")
                    .or_else(|| {
                        problem(run.tokenizer.is_some(), "The run has no semantic IDs yet.")
                    })
                    .or_else(|| problem(!run.comparison.is_going, "A comparison is going."))
            }
            Self::StopProbe => problem(state.cost.is_going(), "Nothing is being measured."),
            Self::ProbeCost | Self::StartRun { .. } => problem(!run.is_active(), "A run is going.")
                .or_else(|| problem(!run.comparison.is_going, "A comparison is going."))
                .or_else(|| problem(!state.cost.is_going(), "Steps are being measured."))
                .or_else(|| problem(state.draft.has_data(), "Choose a dataset first."))
                .or_else(|| {
                    problem(
                        state.draft.problems.is_empty(),
                        "The settings have problems.",
                    )
                }),
            Self::Pause => problem(state.is_running(), "No run is going."),
            Self::Continue => problem(state.is_paused(), "No run is paused."),
            Self::Stop => problem(
                run.is_active() || run.comparison.is_going,
                "No run is going.",
            ),
            Self::Resume { .. } => problem(!run.comparison.is_going, "A comparison is going.")
                .or_else(|| {
                    problem(
                        run.is_resumable(),
                        "Only a stopped, failed or partial run can be resumed.",
                    )
                }),
            Self::AlignAgain | Self::ShowDialog(DialogKind::ConfirmAlignAgain) => {
                problem(!run.is_active(), "A run is going. Stop it first.")
                    .or_else(|| problem(!run.comparison.is_going, "A comparison is going."))
                    .or_else(|| {
                        let has_reward = run.reward.is_some();
                        problem(has_reward, "The run has no reward models yet.")
                    })
            }
            Self::MarkPair { .. } => problem(
                run.pair_marks_failure.is_none(),
                "The run's file of marks could not be read.",
            ),
            Self::RescoreSlate { .. } | Self::CompareCheckpoints(_) => {
                let is_asked = match self {
                    Self::RescoreSlate { .. } => state.pending.rescored,
                    _ => state.pending.checkpoints,
                };
                let has_reward = run.reward.is_some();
                problem(has_reward, "The run has no reward models yet.")
                    .or_else(|| problem(!is_asked, "This is being worked out already."))
            }
            Self::StopComparing => problem(state.pending.checkpoints, "Nothing is being compared."),
            Self::MapItems | Self::FindNearest(_) => {
                let is_asked = match self {
                    Self::MapItems => state.pending.plane,
                    _ => state.pending.nearest.is_some(),
                };
                problem(
                    state.items.table().is_some(),
                    "The run has no semantic IDs yet.",
                )
                .or_else(|| problem(!is_asked, "This is being worked out already."))
            }
            Self::Undo => problem(state.draft.can_undo(), "Nothing to undo."),
            Self::Redo => problem(state.draft.can_redo(), "Nothing to redo."),
            Self::ExportCheckpointDialog(stage) | Self::ExportCheckpoint { stage, .. } => problem(
                run.checkpoints.iter().any(|info| info.stage == *stage),
                "The run has no checkpoint of this stage.",
            ),
            Self::InspectUser(_) => {
                problem(run.reward.is_some(), "The run has no reward models yet.")
            }
            Self::ShowPane(_) | Self::ResetLayout | Self::ToggleSettings => {
                problem(state.is_workbench(), "Open a sample, data or a run first.")
            }
            _ => None,
        }
    }
}
