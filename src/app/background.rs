//! Work that must not stall a frame: reading journals and item tables, writing files, the system's file dialog.
//! Results come back through a bounded channel and are taken in between two frames.

use std::future::Future;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::chrome::path_dialog::PathPurpose;
use super::state::{KnownRun, RunStore};
use crate::engine::chart::LineChart;
use crate::engine::error::Failure;
use crate::engine::event::RunId;
use crate::engine::run::items::ItemTable;
use crate::engine::run::pair_marks::PairMarks;
use crate::engine::run::{RunDir, atomic, journal, list, memory};

/// Pixels per point of exported pictures: sharp in print.
const CHART_SCALE: f64 = 2.0;

/// Something that was done in the background.
pub enum Done {
    /// A run was read from its journal.
    Run {
        /// Its folder.
        run_dir: PathBuf,
        /// The run.
        result: Result<Box<RunStore>, Failure>,
    },
    /// An item table was read.
    Items {
        /// The run it belongs to.
        run: RunId,
        /// The table.
        result: Result<Arc<ItemTable>, Failure>,
    },
    /// The runs below the runs folder, newest first.
    KnownRuns(Vec<KnownRun>),
    /// A file was written.
    Saved(Result<PathBuf, Failure>),
    /// The system's file dialog was answered.
    Picked {
        /// What it was for.
        purpose: PathPurpose,
        /// The answer; `None` where it was cancelled or could not be shown.
        path: Option<PathBuf>,
    },
    /// Memory was measured, bytes.
    Memory {
        /// Resident memory of this process.
        process: u64,
        /// Memory of this machine; 0 where the system does not tell.
        machine: u64,
    },
}

/// Starts work and collects what was done.
pub struct Background {
    sender: Sender<Done>,
    receiver: Receiver<Done>,
    wake: Arc<dyn Fn() + Send + Sync>,
}

impl Background {
    /// `wake` is called whenever there is something to take in.
    pub fn new(wake: Arc<dyn Fn() + Send + Sync>) -> Self {
        let (sender, receiver) = bounded(64);
        Self {
            sender,
            receiver,
            wake,
        }
    }

    /// The next thing done, if any.
    pub fn try_recv(&self) -> Option<Done> {
        self.receiver.try_recv().ok()
    }

    /// Reads a run from its journal.
    pub fn open_run(&self, run_dir: PathBuf) {
        self.spawn("open-run", move || {
            let dir = RunDir::new(&run_dir);
            let result = journal::read(&dir.events_path())
                .map(|records| {
                    let mut run = Box::new(RunStore::from_journal(&records));
                    match PairMarks::load(&dir.pair_marks_path()) {
                        Ok(marks) => run.pair_marks = marks,
                        Err(error) => run.pair_marks_failure = Some(Failure::from(&error)),
                    }
                    run
                })
                .map_err(|error| Failure::from(&error));
            Done::Run { run_dir, result }
        });
    }

    /// Reads an item table.
    pub fn load_items(&self, run: RunId, path: PathBuf) {
        self.spawn("load-items", move || {
            let result = ItemTable::load(&path)
                .map(Arc::new)
                .map_err(|error| Failure::from(&error));
            Done::Items { run, result }
        });
    }

    /// Lists the runs below a folder.
    pub fn list_runs(&self, folder: PathBuf) {
        self.spawn("list-runs", move || {
            Done::KnownRuns(list(&folder).into_iter().map(KnownRun::from).collect())
        });
    }

    /// Writes a chart in the format that the file's extension names; without one as PNG.
    pub fn save(&self, path: PathBuf, chart: Box<LineChart>) {
        self.spawn("save-chart", move || {
            let extension = path
                .extension()
                .map(|extension| extension.to_ascii_lowercase());
            let written = match extension.as_ref().and_then(|extension| extension.to_str()) {
                Some("svg") => chart.write_svg(&path),
                Some("csv") => chart.write_csv(&path),
                _ => chart.write_png(&path, CHART_SCALE),
            };
            Done::Saved(
                written
                    .map(|()| path)
                    .map_err(|error| Failure::from(&error)),
            )
        });
    }

    /// Writes a text.
    pub fn save_text(&self, path: PathBuf, text: Arc<str>) {
        self.spawn("save-text", move || {
            let written = atomic::write(&path, text.as_bytes());
            Done::Saved(
                written
                    .map(|()| path)
                    .map_err(|error| Failure::from(&error)),
            )
        });
    }

    /// Measures the memory of this process.
    pub fn measure_memory(&self) {
        self.spawn("measure-memory", || Done::Memory {
            process: memory::current_bytes(),
            machine: memory::total_bytes(),
        });
    }

    /// Shows the system's file dialog.
    pub fn pick_path(&self, purpose: PathPurpose) {
        self.spawn("file-dialog", move || {
            let dialog = rfd::AsyncFileDialog::new().set_title(purpose.title());
            let handle = match &purpose {
                PathPurpose::OpenRun | PathPurpose::ImportData | PathPurpose::Export(_) => {
                    block_on(dialog.pick_folder())
                }
                PathPurpose::CheckData => block_on(dialog.pick_file()),
                PathPurpose::LoadSettings => {
                    block_on(dialog.add_filter("TOML", &["toml"]).pick_file())
                }
                PathPurpose::CompareTable { .. } => {
                    let filter = ["json", "parquet"];
                    block_on(dialog.add_filter("Semantic IDs", &filter).pick_file())
                }
                PathPurpose::SaveChart { name, .. } | PathPurpose::SaveText { name, .. } => {
                    block_on(dialog.set_file_name(name).save_file())
                }
            };
            Done::Picked {
                purpose,
                path: handle.map(|handle| handle.path().to_owned()),
            }
        });
    }

    fn spawn(&self, name: &str, work: impl FnOnce() -> Done + Send + 'static) {
        let sender = self.sender.clone();
        let wake = Arc::clone(&self.wake);
        let spawned = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                // The window may be gone by now; then nobody needs the result.
                if sender.send(work()).is_ok() {
                    wake();
                }
            });
        if let Err(error) = spawned {
            tracing::error!("could not start thread {name}: {error}");
        }
    }
}

impl From<crate::engine::run::RunSummary> for KnownRun {
    fn from(run: crate::engine::run::RunSummary) -> Self {
        let name = |path: &std::path::Path| {
            path.file_name()
                .map_or_else(String::new, |name| name.to_string_lossy().into_owned())
        };
        let state = match run.info.completed.last() {
            None => "nothing finished yet".to_owned(),
            Some(_) if run.info.is_complete() => "complete".to_owned(),
            Some(stage) => format!("finished up to {stage}"),
        };
        Self {
            name: name(&run.path),
            detail: format!("{}, {state}", name(&run.info.data_path)),
            path: run.path,
        }
    }
}

/// Waits for a future on this thread.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park(),
        }
    }
}
