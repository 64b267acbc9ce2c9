//! The export menu. Long tables are written by a helper thread; the place to save them is asked for when they are ready.

use std::sync::Arc;

use egui::{Context, Ui};

use super::column::ItemColumn;
use super::export::ExportFormat;
use super::finder::Found;
use super::index::ItemIndex;
use crate::app::command::UiCommand;
use crate::app::latest::{Latest, Stale};
use crate::app::widgets::number::count;
use crate::engine::run::items::ItemTable;

/// Rows up to which the text is made within a frame.
const IN_PLACE: usize = 2_000;

/// The export.
#[derive(Default)]
pub(super) struct Exporter {
    helper: Option<Latest<Request, (ExportFormat, Arc<str>)>>,
}

struct Request {
    format: ExportFormat,
    table: Arc<ItemTable>,
    index: Arc<ItemIndex>,
    items: Arc<Vec<u32>>,
    columns: Vec<ItemColumn>,
}

impl Request {
    fn write(&self, stale: &Stale) -> Option<(ExportFormat, Arc<str>)> {
        let (table, index) = (&self.table, &self.index);
        let text = self
            .format
            .write(table, index, &self.items, &self.columns, stale)?;
        Some((self.format, text.into()))
    }
}

impl Exporter {
    /// The menu; asks for a place once a text is ready.
    pub(super) fn ui(
        &mut self,
        ui: &mut Ui,
        found: &Found,
        columns: &[ItemColumn],
        commands: &mut Vec<UiCommand>,
    ) {
        let mut ready = self.helper.as_mut().and_then(Latest::take);
        if self.helper.as_ref().is_some_and(Latest::is_waiting) {
            ui.spinner();
            ui.weak("Preparing the export");
        } else {
            let words = format!(
                "{} items, {} columns",
                count(found.items.len() as u64),
                columns.len()
            );
            ui.menu_button("Export", |ui| {
                ui.weak(words);
                for (name, format) in [("CSV…", ExportFormat::Csv), ("JSON…", ExportFormat::Json)]
                {
                    if ui.button(name).clicked() {
                        let request = Request {
                            format,
                            table: Arc::clone(&found.table),
                            index: Arc::clone(&found.index),
                            items: Arc::clone(&found.items),
                            columns: columns.to_vec(),
                        };
                        if found.items.len() <= IN_PLACE {
                            ready = request.write(&Stale::never());
                        } else {
                            let helper = self.helper.get_or_insert_with(|| spawn(ui.ctx()));
                            helper.ask(request);
                        }
                        ui.close();
                    }
                }
            })
            .response
            .on_hover_text("The items that are listed, with the columns that are shown");
        }
        if let Some((format, text)) = ready {
            commands.push(UiCommand::SaveTextDialog {
                name: format.file_name().to_owned(),
                text,
            });
        }
    }
}

fn spawn(ctx: &Context) -> Latest<Request, (ExportFormat, Arc<str>)> {
    let waker = ctx.clone();
    Latest::spawn(
        "item-export",
        move || waker.request_repaint(),
        |request: Request, stale| request.write(stale),
    )
}
