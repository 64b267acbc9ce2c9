//! The panes: their names, their order, and one of each.

use egui::{Key, KeyboardShortcut, Modifiers};
use serde::{Deserialize, Serialize};

use super::command::UiCommand;
use super::panes::{
    AlignmentPane, CheckpointsPane, CodebookPane, ComparePane, CostPane, DatasetPane, ExpertsPane,
    LogPane, OverviewPane, RewardModelsPane, SemanticIdsPane, SlatesPane, TrainingPane,
};
use super::state::AppState;

/// The kinds of pane. Those without a letter of their own have number keys, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaneKind {
    /// The figures of the run.
    Overview,
    /// What is in the data, and the check of files.
    Dataset,
    /// Size and cost of the generator.
    Cost,
    /// Codebook health, live.
    Codebook,
    /// Tokenizers side by side.
    Compare,
    /// Items by semantic ID.
    SemanticIds,
    /// Training curves.
    Training,
    /// Load of the experts.
    Experts,
    /// What the reward model and its judge can tell.
    RewardModels,
    /// What alignment does, and the pairs it learns from.
    Alignment,
    /// Slates of one user before and after alignment.
    Slates,
    /// Checkpoints and their export.
    Checkpoints,
    /// Device and log.
    Log,
}

impl PaneKind {
    /// All panes in order.
    pub const ALL: [Self; 13] = [
        Self::Overview,
        Self::Dataset,
        Self::Codebook,
        Self::Compare,
        Self::SemanticIds,
        Self::Training,
        Self::Experts,
        Self::RewardModels,
        Self::Alignment,
        Self::Slates,
        Self::Checkpoints,
        Self::Log,
        Self::Cost,
    ];

    /// The word on the tab.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Dataset => "Dataset",
            Self::Cost => "Size and cost",
            Self::Codebook => "Codebook",
            Self::Compare => "Compare tokenizers",
            Self::SemanticIds => "Items by semantic ID",
            Self::Training => "Training curves",
            Self::RewardModels => "Reward models",
            Self::Alignment => "Alignment",
            Self::Experts => "Experts",
            Self::Slates => "Slates",
            Self::Checkpoints => "Checkpoints",
            Self::Log => "Device and log",
        }
    }

    /// The name in the environment variable `ONEREC_PANE`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Overview => "overview",
            Self::Dataset => "dataset",
            Self::Cost => "cost",
            Self::Codebook => "codebook",
            Self::Compare => "compare",
            Self::SemanticIds => "semantic_ids",
            Self::Training => "training",
            Self::RewardModels => "reward_models",
            Self::Alignment => "alignment",
            Self::Experts => "experts",
            Self::Slates => "slates",
            Self::Checkpoints => "checkpoints",
            Self::Log => "log",
        }
    }

    /// The letter that shows it together with Ctrl and Shift, for those without a number.
    const fn letter(self) -> Option<Key> {
        match self {
            Self::RewardModels => Some(Key::R),
            Self::Checkpoints => Some(Key::K),
            Self::Log => Some(Key::L),
            Self::Cost => Some(Key::S),
            _ => None,
        }
    }

    /// The keys that show it: Ctrl, Shift and its letter, or Ctrl and the number of its place among the others.
    pub(super) fn shortcut(self) -> Option<KeyboardShortcut> {
        const NUMBERS: [Key; 9] = [
            Key::Num1,
            Key::Num2,
            Key::Num3,
            Key::Num4,
            Key::Num5,
            Key::Num6,
            Key::Num7,
            Key::Num8,
            Key::Num9,
        ];
        let ctrl = Modifiers::COMMAND;
        if let Some(letter) = self.letter() {
            return Some(KeyboardShortcut::new(ctrl.plus(Modifiers::SHIFT), letter));
        }
        let mut numbered = Self::ALL.iter().filter(|kind| kind.letter().is_none());
        let place = numbered.position(|kind| *kind == self)?;
        Some(KeyboardShortcut::new(ctrl, *NUMBERS.get(place)?))
    }
}

/// One pane of each kind, each with the state that only its drawing needs.
#[derive(Default)]
pub struct Panes {
    overview: OverviewPane,
    dataset: DatasetPane,
    cost: CostPane,
    codebook: CodebookPane,
    compare: ComparePane,
    semantic_ids: SemanticIdsPane,
    training: TrainingPane,
    reward_models: RewardModelsPane,
    alignment: AlignmentPane,
    experts: ExpertsPane,
    slates: SlatesPane,
    checkpoints: CheckpointsPane,
    log: LogPane,
}

impl Panes {
    /// Draws one pane into the space it is given.
    pub fn ui(
        &mut self,
        kind: PaneKind,
        ui: &mut egui::Ui,
        state: &AppState,
        commands: &mut Vec<UiCommand>,
    ) {
        match kind {
            PaneKind::Overview => self.overview.ui(ui, state, commands),
            PaneKind::Dataset => self.dataset.ui(ui, state, commands),
            PaneKind::Cost => self.cost.ui(ui, state, commands),
            PaneKind::Codebook => self.codebook.ui(ui, state, commands),
            PaneKind::Compare => self.compare.ui(ui, state, commands),
            PaneKind::SemanticIds => self.semantic_ids.ui(ui, state, commands),
            PaneKind::Training => self.training.ui(ui, state, commands),
            PaneKind::RewardModels => self.reward_models.ui(ui, state, commands),
            PaneKind::Alignment => self.alignment.ui(ui, state, commands),
            PaneKind::Experts => self.experts.ui(ui, state, commands),
            PaneKind::Slates => self.slates.ui(ui, state, commands),
            PaneKind::Checkpoints => self.checkpoints.ui(ui, state, commands),
            PaneKind::Log => self.log.ui(ui, state, commands),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pane_has_keys_of_its_own() {
        let mut known = Vec::new();
        for kind in PaneKind::ALL {
            let keys = kind.shortcut().expect("every pane has keys");
            assert!(!known.contains(&keys), "{kind:?} shares {keys:?}");
            known.push(keys);
        }
    }
}
