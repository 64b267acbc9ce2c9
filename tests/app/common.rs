//! The one way in which tests open a window, and the events of a small run.

use std::path::Path;

use crossbeam_channel::{Receiver, Sender, bounded};
use egui_kittest::Harness;
use onerec_workbench::app::engine_link::EngineLink;
use onerec_workbench::app::persist::Saved;
use onerec_workbench::app::workbench::WorkbenchApp;
use onerec_workbench::engine::command::EngineCommand;
use onerec_workbench::engine::config::{ExperimentConfig, Preset};
use onerec_workbench::engine::device::DeviceReport;
use onerec_workbench::engine::event::{
    EngineEvent, EventRecord, RunId, RunStarted, Stage, StepPoint,
};
use onerec_workbench::places::Places;
use tempfile::TempDir;

/// A window and the engine's ends of its channels.
pub(crate) struct Window {
    pub(crate) harness: Harness<'static, WorkbenchApp>,
    pub(crate) commands: Receiver<EngineCommand>,
    events: Sender<EventRecord>,
    next_seq: u64,
    pub(crate) home: TempDir,
}

impl Window {
    /// A window of 1280 x 720 on an engine that does what the test says.
    pub(crate) fn open() -> Self {
        let home = tempfile::tempdir().expect("the system has a folder for temporary files");
        let places = Places::below(home.path().to_owned());
        let (command_sender, commands) = bounded(32);
        let (events, event_receiver) = bounded(256);
        let link = EngineLink::Channels {
            commands: command_sender,
            events: event_receiver,
        };
        let mut harness = Harness::builder()
            .with_size([1280.0, 720.0])
            .with_max_steps(30)
            .build_eframe(|creation| {
                WorkbenchApp::new(&creation.egui_ctx, link, places, Saved::default())
            });
        harness.run_steps(3);
        Self {
            harness,
            commands,
            events,
            next_seq: 0,
            home,
        }
    }

    /// Says something as the run "test-run".
    pub(crate) fn say(&mut self, event: EngineEvent) {
        let record = EventRecord {
            seq: self.next_seq,
            time_millis: 1_700_000_000_000 + self.next_seq * 1000,
            run: RunId("test-run".to_owned()),
            event,
        };
        self.next_seq += 1;
        self.events.send(record).expect("the window lives");
        self.harness.run_steps(3);
    }

    /// Answers a question, which belongs to no run.
    pub(crate) fn answer(&mut self, event: EngineEvent) {
        let record = EventRecord {
            seq: 0,
            time_millis: 0,
            run: RunId::default(),
            event,
        };
        self.events.send(record).expect("the window lives");
        self.harness.run_steps(3);
    }

    /// Says something of a run that has no journal.
    pub(crate) fn say_outside(&mut self, event: EngineEvent) {
        let record = EventRecord {
            seq: 0,
            time_millis: 0,
            run: RunId("other-run".to_owned()),
            event,
        };
        self.events.send(record).expect("the window lives");
        self.harness.run_steps(3);
    }

    /// Leaves out sequence numbers, as a full channel does.
    pub(crate) fn skip(&mut self, n_events: u64) {
        self.next_seq += n_events;
    }

    /// Begins the run.
    pub(crate) fn start(&mut self) {
        self.say(started(self.home.path()));
        self.say(EngineEvent::StageStarted {
            stage: Stage::Pretrain,
            first_step: 0,
            total_steps: 100,
        });
    }

    /// The next command that is not one of the questions the window asks by itself.
    pub(crate) fn next_command(&self) -> Option<EngineCommand> {
        self.commands.try_iter().find(|command| {
            !matches!(
                command,
                EngineCommand::ProbeDevices | EngineCommand::InspectData { .. }
            )
        })
    }
}

/// The first event of a run in that folder.
pub(crate) fn started(run_dir: &Path) -> EngineEvent {
    EngineEvent::RunStarted(RunStarted {
        run_dir: run_dir.to_owned(),
        data_path: run_dir.join("data"),
        config: Box::new(
            ExperimentConfig::load(Preset::Smoke, None, &[]).expect("presets are valid"),
        ),
        device: DeviceReport {
            requested: "auto".to_owned(),
            actual: "cpu (flex, 2 threads)".to_owned(),
        },
        resumed: false,
    })
}

/// One training step with that loss.
pub(crate) fn step(step: u64, loss: f64) -> EngineEvent {
    EngineEvent::Steps {
        stage: Stage::Pretrain,
        points: vec![StepPoint {
            step,
            samples: step * 64,
            seconds: step as f64 * 0.1,
            values: vec![("loss".to_owned(), loss)],
            experts: Vec::new(),
        }],
    }
}
