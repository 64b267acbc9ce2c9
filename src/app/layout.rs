//! Where the panes stand: a tree of tabs and splits that the user can rearrange.

use egui_tiles::{
    Behavior, Container, Linear, LinearDir, SimplificationOptions, Tabs, Tile, TileId, Tiles, Tree,
    UiResponse,
};
use serde::{Deserialize, Serialize};

use super::command::UiCommand;
use super::pane::{PaneKind, Panes};
use super::state::AppState;
use super::theme::{self, tokens};

/// Share of the width that the left column gets at first.
const LEFT_SHARE: f32 = 0.52;

/// The arrangement of the panes.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Layout {
    tree: Tree<PaneKind>,
}

impl Default for Layout {
    /// Tables on the left, live charts on the right.
    fn default() -> Self {
        let mut tiles = Tiles::default();
        let mut tabs = |kinds: &[PaneKind]| {
            let panes: Vec<TileId> = kinds.iter().map(|kind| tiles.insert_pane(*kind)).collect();
            let mut tabs = Tabs::new(panes.clone());
            tabs.set_active(panes[0]);
            tiles.insert_container(Container::Tabs(tabs))
        };
        let left = tabs(&[
            PaneKind::Overview,
            PaneKind::Dataset,
            PaneKind::Cost,
            PaneKind::SemanticIds,
            PaneKind::Slates,
            PaneKind::Checkpoints,
        ]);
        let top = tabs(&[
            PaneKind::Training,
            PaneKind::Experts,
            PaneKind::RewardModels,
            PaneKind::Alignment,
        ]);
        let bottom = tabs(&[PaneKind::Codebook, PaneKind::Compare, PaneKind::Log]);
        let right = tiles.insert_container(Container::Linear(Linear::new_binary(
            LinearDir::Vertical,
            [top, bottom],
            0.5,
        )));
        let root = tiles.insert_container(Container::Linear(Linear::new_binary(
            LinearDir::Horizontal,
            [left, right],
            LEFT_SHARE,
        )));
        Self {
            tree: Tree::new(egui::Id::unique("panes"), root, tiles),
        }
    }
}

impl Layout {
    /// Draws all visible panes.
    pub fn ui(
        &mut self,
        ui: &mut egui::Ui,
        panes: &mut Panes,
        state: &AppState,
        commands: &mut Vec<UiCommand>,
    ) {
        if self.tree.is_empty() {
            ui.vertical_centered(|ui| {
                ui.add_space(ui.available_height() / 3.0);
                ui.label("All panels are closed.");
                if ui.button("Reset layout").clicked() {
                    commands.push(UiCommand::ResetLayout);
                }
            });
            return;
        }
        let mut drawing = Drawing {
            panes,
            state,
            commands,
        };
        self.tree.ui(&mut drawing, ui);
    }

    /// Brings a pane to the front, putting it back where it was closed.
    pub fn show(&mut self, kind: PaneKind) {
        let is_it =
            |_: TileId, tile: &Tile<PaneKind>| matches!(tile, Tile::Pane(pane) if *pane == kind);
        if self.tree.make_active(is_it) {
            return;
        }
        let pane = self.tree.tiles.insert_pane(kind);
        let tabs = self
            .tree
            .tiles
            .iter()
            .find(|(_, tile)| matches!(tile, Tile::Container(Container::Tabs(_))))
            .map(|(id, _)| *id);
        match (tabs, self.tree.root()) {
            (Some(tabs), _) => self
                .tree
                .move_tile_to_container(pane, tabs, usize::MAX, false),
            (None, Some(root)) => {
                self.tree.root = Some(self.tree.tiles.insert_horizontal_tile(vec![root, pane]));
            }
            (None, None) => self.tree.root = Some(self.tree.tiles.insert_tab_tile(vec![pane])),
        }
        self.tree.make_active(is_it);
    }

    /// Shows one pane over the whole window, for pictures of it.
    pub fn only(kind: PaneKind) -> Self {
        Self {
            tree: Tree::new_tabs(egui::Id::unique("panes"), vec![kind]),
        }
    }
}

/// Draws the tiles of one frame.
struct Drawing<'a> {
    panes: &'a mut Panes,
    state: &'a AppState,
    commands: &'a mut Vec<UiCommand>,
}

impl Behavior<PaneKind> for Drawing<'_> {
    fn pane_ui(&mut self, ui: &mut egui::Ui, _: TileId, kind: &mut PaneKind) -> UiResponse {
        egui::Frame::new()
            .fill(theme::of(ui).surface)
            .inner_margin(tokens::PANE_MARGIN)
            .show(ui, |ui| {
                ui.set_min_size(ui.available_size());
                ui.set_clip_rect(ui.max_rect().expand(tokens::PANE_MARGIN));
                self.panes.ui(*kind, ui, self.state, self.commands);
            });
        UiResponse::None
    }

    fn tab_title_for_pane(&mut self, kind: &PaneKind) -> egui::WidgetText {
        kind.title().into()
    }

    fn is_tab_closable(&self, _: &Tiles<PaneKind>, _: TileId) -> bool {
        true
    }

    fn simplification_options(&self) -> SimplificationOptions {
        SimplificationOptions {
            all_panes_must_have_tabs: true,
            ..SimplificationOptions::default()
        }
    }

    fn tab_bar_color(&self, visuals: &egui::Visuals) -> egui::Color32 {
        theme::of_visuals(visuals).background
    }

    fn tab_bg_color(
        &self,
        visuals: &egui::Visuals,
        _: &Tiles<PaneKind>,
        _: TileId,
        tab: &egui_tiles::TabState,
    ) -> egui::Color32 {
        let tokens = theme::of_visuals(visuals);
        if tab.active {
            tokens.surface
        } else {
            tokens.background
        }
    }

    fn tab_text_color(
        &self,
        visuals: &egui::Visuals,
        _: &Tiles<PaneKind>,
        _: TileId,
        tab: &egui_tiles::TabState,
    ) -> egui::Color32 {
        let tokens = theme::of_visuals(visuals);
        if tab.active {
            tokens.text
        } else {
            tokens.weak_text
        }
    }

    fn min_size(&self) -> f32 {
        120.0
    }
}
