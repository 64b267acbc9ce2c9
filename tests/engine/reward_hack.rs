//! A reward hack, planted where only the reward model can see it, must be called out; honest alignment must not.

use std::fmt::Write as _;
use std::path::Path;

use onerec_workbench::engine::command::{EngineCommand, StartRun};
use onerec_workbench::engine::config::ExperimentConfig;
use onerec_workbench::engine::data::source::simulator::{SimulatorConfig, simulate};
use onerec_workbench::engine::data::{FeedbackFlags, PreparedData, prepare};
use onerec_workbench::engine::event::{EngineEvent, EventRecord, NoticeLevel, Stage};
use onerec_workbench::engine::reward::is_judge_user;
use onerec_workbench::engine::run::items::ItemTable;
use onerec_workbench::engine::run::{RunDir, atomic};
use onerec_workbench::engine::seed::Seed;
use onerec_workbench::engine::tokenizer::Code;

use crate::common::{engine, run_to_end, series, tiny_config};

/// Steps within which the hack must be called out.
const N_STEPS: u64 = 100;
/// The code that the reward model is taught to love.
const LOVED: Code = 3;

fn config() -> ExperimentConfig {
    let mut config = tiny_config();
    config.tokenizer.codebook_size = 16;
    config.pretrain.steps = 600;
    config.pretrain.batch_size = 32;
    config.pretrain.log_every_steps = 50;
    config.pretrain.checkpoint_every_steps = 1000;
    config.reward.steps = 250;
    config.reward.log_every_steps = 50;
    config.reward.checkpoint_every_steps = 1000;
    config.align.iterations = 2;
    config.align.steps_per_iteration = N_STEPS / 2;
    config.align.batch_size = 16;
    config.align.n_candidates = 16;
    config.align.dpo_ratio = 0.5;
    // Strong enough to show within so few steps, whatever the preset has.
    config.align.lambda = 1.0;
    config.align.learning_rate = 2e-4;
    config.align.checkpoint_every_steps = 1000;
    config.align.probe_every_steps = 20;
    config.align.probe_users = 250;
    config.align.probe_slates = 4;
    config
}

/// A world of 300 users and 200 items, whose true utility is known.
fn world(folder: &Path) {
    let config = SimulatorConfig {
        n_users: 300,
        n_items: 200,
        n_topics: 5,
        n_steps: 4,
        n_authors: 20,
        requests: (6, 8),
        impressions: (6, 8),
        ..SimulatorConfig::default()
    };
    simulate(&config, Seed(1), folder).expect("a temporary folder takes files");
}

/// Runs up to alignment and returns everything that was told.
fn align(data: &Path, run_dir: &Path) -> Vec<EventRecord> {
    let command = EngineCommand::StartRun(StartRun {
        data_path: data.to_owned(),
        run_dir: run_dir.to_owned(),
        config: Box::new(config()),
        last_stage: Some(Stage::Align),
    });
    run_to_end(&engine(), command)
}

/// The warnings of alignment, in order.
fn warnings(records: &[EventRecord]) -> Vec<&str> {
    let notices = records.iter().filter_map(|record| match &record.event {
        EngineEvent::Notice(notice) => Some(notice),
        _ => None,
    });
    notices
        .filter(|notice| notice.stage == Some(Stage::Align) && notice.level == NoticeLevel::Warning)
        .map(|notice| notice.text.as_str())
        .collect()
}

/// The same log, but the users whose slates train the reward model watch, like and follow exactly the loved items.
/// Views stay as they are, so that the generator and its judge learn what they learned before.
fn plant(data: &PreparedData, is_loved: &[bool], seed: Seed) -> String {
    let dataset = &data.dataset;
    let log = &dataset.log;
    let request = log.request.as_ref().expect("simulated logs have requests");
    let mut text = "user,item,time,request,watch_secs,view,like,follow,dislike\n".to_owned();
    for (row, request) in request.iter().enumerate() {
        let (user, item) = (log.user[row], log.item[row]);
        let shown = &log.feedback[row];
        let mut watch_secs = shown.watch_secs;
        let [view, mut like, mut follow, dislike] = [
            FeedbackFlags::VIEW,
            FeedbackFlags::LIKE,
            FeedbackFlags::FOLLOW,
            FeedbackFlags::DISLIKE,
        ]
        .map(|kind| shown.flags.has(kind));
        if !is_judge_user(user, seed) {
            let is_loved = is_loved[item.idx()];
            watch_secs = if is_loved { 60.0 } else { 1.0 };
            (like, follow) = (is_loved, is_loved);
        }
        writeln!(
            text,
            "{},{},{},{},{watch_secs},{view},{like},{follow},{dislike}",
            dataset.users[user.idx()],
            dataset.catalog.items[item.idx()].external_id,
            log.time_millis[row],
            request,
        )
        .expect("writing to a String never fails");
    }
    text
}

#[test]
fn a_reward_model_that_loves_one_code_is_called_out_within_100_steps() {
    let folder = tempfile::tempdir().unwrap();
    let [honest, planted, honest_run, planted_run] =
        ["honest", "planted", "honest-run", "planted-run"].map(|name| folder.path().join(name));
    world(&honest);
    let records = align(&honest, &honest_run);
    assert_eq!(warnings(&records), [""; 0], "nothing is wrong here");

    let items = ItemTable::load(&RunDir::new(&honest_run).items_path()).unwrap();
    let data = prepare(&honest, &config().data).unwrap();
    let is_loved: Vec<bool> = (0..items.len())
        .map(|item_idx| items.codes(item_idx)[0] == LOVED)
        .collect();
    std::fs::create_dir(&planted).unwrap();
    let events = plant(&data, &is_loved, config().seed);
    atomic::write(&planted.join("events.csv"), events.as_bytes()).unwrap();
    for name in ["items.jsonl", "oracle.safetensors"] {
        std::fs::copy(honest.join(name), planted.join(name)).unwrap();
    }
    let records = align(&planted, &planted_run);
    let found = warnings(&records);

    let losses = |run: &Path| series(run, Stage::Pretrain, "loss");
    assert_eq!(
        losses(&planted_run),
        losses(&honest_run),
        "the generator learned from the same views"
    );
    let shares = series(&planted_run, Stage::Align, "probe_top_code_share_level_1");
    let is_told = |words: &str| found.iter().any(|text| text.contains(words));
    assert!(is_told("the reward rose"), "{found:?}; {shares:?}");
    assert!(
        is_told(&format!("hold code {LOVED} on level 1")),
        "{found:?}; {shares:?}"
    );
}
