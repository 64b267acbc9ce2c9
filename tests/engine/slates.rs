//! Marks on preference pairs, slates with other items, and checkpoints side by side, on one run.

use std::path::Path;

use onerec_workbench::engine::command::{EngineCommand, UserSet};
use onerec_workbench::engine::data::ItemIdx;
use onerec_workbench::engine::eval::slates::present;
use onerec_workbench::engine::event::{
    EngineEvent, EventRecord, ScoredSlate, ShownPair, SlateComparison, Stage,
};
use onerec_workbench::engine::handle::EngineHandle;
use onerec_workbench::engine::run::pair_marks::{PairKey, PairMarks, PairVerdict};
use onerec_workbench::engine::run::report::RunReport;
use onerec_workbench::engine::run::{RunDir, atomic};
use onerec_workbench::engine::train::saved_run::SavedRun;

use crate::common::{engine, is_over, run_to_end, series, start, tiny_config, wait};

fn ask(engine: &EngineHandle, command: EngineCommand) -> EngineEvent {
    assert!(engine.send(command), "the engine takes questions");
    let answer = wait(engine, |event| {
        matches!(
            event,
            EngineEvent::PairsMarked { .. }
                | EngineEvent::SlateRescored(_)
                | EngineEvent::CheckpointsCompared { .. }
                | EngineEvent::CommandFailed { .. }
        )
    });
    answer
        .into_iter()
        .next_back()
        .expect("an answer came")
        .event
}

/// The pairs that the first step learned from, as far as they were told.
fn first_pairs(records: &[EventRecord]) -> Vec<ShownPair> {
    records
        .iter()
        .find_map(|record| match &record.event {
            EngineEvent::PairsLearned(learned) if learned.step == 1 => Some(learned.pairs.clone()),
            _ => None,
        })
        .expect("the first step is logged")
}

fn shown(records: &[EventRecord]) -> SlateComparison {
    records
        .iter()
        .find_map(|record| match &record.event {
            EngineEvent::SlatesReady(slates) => Some(slates.clone()),
            _ => None,
        })
        .expect("the evaluation shows some users")
}

#[track_caller]
fn assert_same(found: &ScoredSlate, expected: &ScoredSlate) {
    assert_eq!(found.items, expected.items, "items");
    let near = |a: f64, b: f64, what: &str| {
        assert!((a - b).abs() < 1e-4 * (1.0 + b.abs()), "{what}: {a}, {b}");
    };
    near(found.reward, expected.reward, "reward");
    near(found.judge_reward, expected.judge_reward, "judge");
    near(found.log_prob, expected.log_prob, "log-probability");
    near(
        found.oracle.expect("simulated data has it"),
        expected.oracle.expect("simulated data has it"),
        "oracle",
    );
    assert_eq!(found.shares.len(), expected.shares.len(), "shares");
    for (a, b) in found.shares.iter().zip(&expected.shares) {
        near(a.reward, b.reward, "share");
    }
}

#[test]
fn marks_other_items_and_checkpoints() {
    let folder = tempfile::tempdir().unwrap();
    let run_dir = folder.path().join("run");
    let mut config = tiny_config();
    // Every sample of a step has a pair.
    config.align.dpo_ratio = 1.0;
    let engine = engine();
    let records = run_to_end(&engine, start(&run_dir, config, None));

    slates_are_rescored(&engine, &run_dir, &shown(&records));
    checkpoints_are_compared(&engine, &run_dir, &shown(&records));
    let again = marks_take_effect(&engine, &run_dir, &first_pairs(&records));
    // What is kept of a run for the next question is read again once the run has changed.
    slates_are_rescored(&engine, &run_dir, &shown(&again));
    damaged_marks_are_refused(&engine, &run_dir);
}

fn slates_are_rescored(engine: &EngineHandle, run_dir: &Path, shown: &SlateComparison) {
    let rescore = |items: Vec<u32>, stage| {
        let command = EngineCommand::RescoreSlate {
            run_dir: run_dir.to_owned(),
            user: shown.user.clone(),
            items,
            stage,
        };
        match ask(engine, command) {
            EngineEvent::SlateRescored(answer) => answer.slate,
            other => panic!("{other:?}"),
        }
    };
    let rows = |slate: &ScoredSlate| -> Vec<u32> {
        slate.items.iter().map(|item| item.item_idx).collect()
    };
    // The slates as they were written have the scores that the evaluation told.
    for (stage, slate) in [
        (Stage::Pretrain, &shown.before[1]),
        (Stage::Align, &shown.after[0]),
    ] {
        assert_same(&rescore(rows(slate), stage), slate);
    }
    // With two items exchanged and one replaced, what the saved models say of that list.
    let mut items = rows(&shown.after[0]);
    items.swap(0, 2);
    items[1] = (0..)
        .find(|item| !items.contains(item))
        .expect("the slate does not have every item");
    let found = rescore(items.clone(), Stage::Align);
    assert_eq!(rows(&found), items, "the slate that was asked for");
    let saved = SavedRun::load(&RunDir::new(run_dir)).expect("the run is complete");
    let user = saved
        .data
        .user_idx(&shown.user)
        .expect("the user was shown");
    let scorers = saved.judges();
    let history = present(&saved.data, user).history;
    let list: Vec<ItemIdx> = items.iter().copied().map(ItemIdx).collect();
    let mut rest = list.clone();
    rest.remove(3);
    let direct = scorers.score_items(user, &history, &[list, rest]);
    let near = |a: f64, b: f64, what: &str| assert!((a - b).abs() < 1e-5, "{what}: {a}, {b}");
    near(found.reward, direct[0].reward.into(), "reward");
    near(found.judge_reward, direct[0].judge.into(), "judge");
    assert_eq!(found.oracle, direct[0].oracle, "true utility");
    let share = f64::from(direct[0].reward) - f64::from(direct[1].reward);
    near(found.shares[3].reward, share, "what the fourth item adds");

    for (items, words) in [
        (vec![4_000_000], "no item named"),
        (Vec::new(), "no slate named"),
        (vec![0; 99], "no slate named"),
    ] {
        let command = EngineCommand::RescoreSlate {
            run_dir: run_dir.to_owned(),
            user: shown.user.clone(),
            items,
            stage: Stage::Align,
        };
        match ask(engine, command) {
            EngineEvent::CommandFailed { failure, .. } => {
                assert!(failure.message.contains(words), "{failure:?}");
            }
            other => panic!("{words}: {other:?}"),
        }
    }
}

fn checkpoints_are_compared(engine: &EngineHandle, run_dir: &Path, shown: &SlateComparison) {
    let compare = |users| {
        let run_dir = run_dir.to_owned();
        match ask(engine, EngineCommand::CompareCheckpoints { run_dir, users }) {
            EngineEvent::CheckpointsCompared { comparison, .. } => comparison,
            other => panic!("{other:?}"),
        }
    };
    let one = compare(UserSet::Named(vec![shown.user.clone()]));
    let names: Vec<(Stage, u64)> = one
        .checkpoints
        .iter()
        .map(|checkpoint| (checkpoint.stage, checkpoint.step))
        .collect();
    assert_eq!(
        names,
        [
            (Stage::Pretrain, 10),
            (Stage::Pretrain, 15),
            (Stage::Pretrain, 20),
            (Stage::Align, 2),
            (Stage::Align, 4),
            (Stage::Align, 6)
        ],
        "all checkpoints that are kept"
    );
    let slates = &one.users[0].slates;
    assert_eq!(slates.len(), names.len(), "a slate per checkpoint");
    // More beams are searched here than for the slates that are shown, so only what both find is compared.
    for (found, shown) in [(&slates[2], &shown.before), (&slates[5], &shown.after)] {
        if let Some(same) = shown.iter().find(|slate| slate.items == found.items) {
            assert_same(found, same);
        }
        assert!(
            found.log_prob >= shown[0].log_prob - 1e-3,
            "more beams find nothing less likely"
        );
    }
    let many = compare(UserSet::Drawn(7));
    assert_eq!(
        (many.n_users, many.users.len()),
        (7, 7),
        "as many as asked for"
    );
    for score in &many.scores {
        assert_eq!(score.models.len(), names.len(), "{}", score.name);
        for spread in &score.models {
            let n_slates = many.n_users * many.n_slates;
            assert_eq!(spread.histogram.total(), n_slates, "{}", score.name);
        }
    }
}

/// Gives the events of the alignment with the marks.
fn marks_take_effect(
    engine: &EngineHandle,
    run_dir: &Path,
    pairs: &[ShownPair],
) -> Vec<EventRecord> {
    let [dropped, turned] = [0, 1].map(|idx| pairs[idx].key());
    assert!(!dropped.is_same(&turned), "two pairs are needed");
    for (pair, verdict) in [
        (&dropped, PairVerdict::LeaveOut),
        (&turned, PairVerdict::TurnRound),
    ] {
        let command = EngineCommand::MarkPair {
            run_dir: run_dir.to_owned(),
            pair: pair.clone(),
            mark: Some((verdict, "a note".to_owned())),
        };
        match ask(engine, command) {
            EngineEvent::PairsMarked { marks, .. } => {
                let mark = marks.of(pair).expect("it was just set");
                assert_eq!(mark.verdict, verdict, "{pair:?}");
            }
            other => panic!("{other:?}"),
        }
    }
    let run_dir = run_dir.to_owned();
    let command = EngineCommand::AlignAgain {
        run_dir: run_dir.clone(),
    };
    let records = run_to_end(engine, command);
    // The same seed writes the same candidates in the first step, so both pairs come up again.
    let again = first_pairs(&records);
    let keys: Vec<PairKey> = again.iter().map(ShownPair::key).collect();
    assert!(!keys.contains(&dropped), "it is left out");
    let place = keys.iter().position(|key| *key == turned);
    let place = place.expect("it is still learned from");
    assert!(again[place].is_turned, "it is told to be turned round");
    assert!(
        again[place].chosen.reward < again[place].rejected[0].reward,
        "the slate with the lower reward is the chosen one"
    );
    let sum = |name| -> f64 {
        let series = series(&run_dir, Stage::Align, name);
        series.into_iter().map(|(_, value)| value).sum()
    };
    let report = RunReport::load(&run_dir.join("report.json")).expect("the run is over");
    let alignment = report
        .alignment
        .expect("it was aligned and evaluated again");
    for (told, name) in [
        (alignment.pairs_left_out, "pairs_left_out"),
        (alignment.pairs_turned, "pairs_turned"),
    ] {
        assert!(told >= 1, "{name}");
        assert_eq!(told as f64, sum(name), "{name}");
    }
    records
}

fn damaged_marks_are_refused(engine: &EngineHandle, run_dir: &Path) {
    let path = RunDir::new(run_dir).pair_marks_path();
    let marks = PairMarks::load(&path).expect("the engine wrote it");
    assert_eq!(marks.all().len(), 2, "both are kept");
    atomic::write(&path, b"{\"format_version\": 1, \"marks\": 3}")
        .expect("the folder can be written");
    let sent = engine.send(EngineCommand::AlignAgain {
        run_dir: run_dir.to_owned(),
    });
    assert!(sent, "the engine takes commands");
    let records = wait(engine, is_over);
    match &records.last().expect("there is a last event").event {
        EngineEvent::RunFailed { failure, .. } => {
            assert!(failure.message.contains("pair_marks.json"), "{failure:?}");
            let hint = failure.hint.as_deref().unwrap_or_default();
            assert!(hint.contains("remove the file"), "{failure:?}");
        }
        other => panic!("{other:?}"),
    }
    let saved = SavedRun::load(&RunDir::new(run_dir)).expect("the run is still complete");
    assert!(saved.aligned.is_some(), "the alignment that is there stays");
}
