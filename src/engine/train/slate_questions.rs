//! Questions about slates, answered on the CPU from what a run has saved: what a slate would be worth with other items,
//! and what several checkpoints show the same users.

use std::path::{Path, PathBuf};

use crate::engine::checkpoint::Manifest;
use crate::engine::command::UserSet;
use crate::engine::control::RunControl;
use crate::engine::data::{ItemIdx, Moment};
use crate::engine::error::EngineError;
use crate::engine::eval::distribution::distributions;
use crate::engine::eval::generate::{GeneratedSlate, SlateGenerator};
use crate::engine::eval::rewards::Measurement;
use crate::engine::eval::slates::{present, scored_slates};
use crate::engine::eval::{moments, sample_cases};
use crate::engine::event::{CheckpointComparison, CheckpointName, ScoredSlate, Stage, UserSlates};
use crate::engine::run::RunDir;
use crate::engine::train::rollouts::log_probs;
use crate::engine::train::saved_run::SavedRun;

/// Slates per user in a comparison of checkpoints.
const N_SLATES: usize = 8;
/// Users whose first slates are told one by one.
const SHOWN_USERS: usize = 20;

/// Scores a slate of any items for a user, from the moment before what is held out. Its log-probability is that under the
/// generator of `stage`: the aligned one, or the pretrained one.
///
/// # Errors
/// If the user, an item or that generator is unknown.
pub fn rescore(
    dir: &RunDir,
    saved: &SavedRun,
    user: &str,
    items: &[u32],
    stage: Stage,
) -> Result<ScoredSlate, EngineError> {
    let data = &saved.data;
    let user_idx = saved.user(user)?;
    let n_items = data.dataset.catalog.items.len();
    let unknown = |kind, name: String, place: String| EngineError::Unknown { kind, name, place };
    if let Some(item) = items.iter().find(|item| **item as usize >= n_items) {
        return Err(unknown(
            "item",
            item.to_string(),
            format!("a catalogue of {n_items}"),
        ));
    }
    let slate_len = saved.config.data.session.slate_len;
    if items.is_empty() || items.len() > slate_len {
        return Err(unknown(
            "slate",
            format!("{} items", items.len()),
            format!("a run with slates of up to {slate_len} items"),
        ));
    }
    let generator = match stage {
        Stage::Align => saved.aligned.as_ref(),
        _ => Some(&saved.base),
    };
    let generator = generator.ok_or_else(|| EngineError::MissingStage {
        stage: Stage::Evaluate,
        needs: Stage::Align,
        run: dir.path().to_owned(),
    })?;
    let reader = saved.items.reader(&saved.config.model, data);
    let moment = present(data, user_idx);
    let items: Vec<ItemIdx> = items.iter().copied().map(ItemIdx).collect();
    let table = reader.table();
    let codes: Vec<_> = items
        .iter()
        .flat_map(|item| table.sid(*item).iter().copied())
        .collect();
    let said = log_probs(
        generator,
        &reader,
        &[&moment],
        &[codes.as_slice()],
        &generator.device(),
    );
    let slate = GeneratedSlate {
        items,
        log_prob: said.sum().into_scalar::<f32>(),
        codes,
    };
    let mut scored = scored_slates(data, table, &moment, &[slate], saved.judges());
    scored.pop().ok_or_else(|| EngineError::Panic {
        message: "one slate has no score".to_owned(),
    })
}

/// What every checkpoint that is there would show the same users.
///
/// # Errors
/// If a user is unknown or a checkpoint is damaged; [`EngineError::Stopped`] on request.
pub fn compare_checkpoints(
    dir: &RunDir,
    saved: &SavedRun,
    users: &UserSet,
    control: &RunControl,
) -> Result<CheckpointComparison, EngineError> {
    let (data, config) = (&saved.data, &saved.config);
    let moments: Vec<Moment> = match users {
        UserSet::Drawn(n_users) => {
            let cases = sample_cases(data, (*n_users).max(1), config.seed);
            moments(data, &cases, usize::MAX)
        }
        UserSet::Named(names) => names
            .iter()
            .map(|name| Ok(present(data, saved.user(name)?)))
            .collect::<Result<_, EngineError>>()?,
    };
    let reader = saved.items.reader(&config.model, data);
    let generator = SlateGenerator::new(
        &reader,
        &data.popularity,
        config.data.session.slate_len,
        N_SLATES,
        config.evaluate.batch_size,
    );
    let scorers = saved.judges();
    let mut checkpoints = Vec::new();
    let mut measured = Vec::new();
    let mut shown: Vec<Vec<ScoredSlate>> = vec![Vec::new(); moments.len().min(SHOWN_USERS)];
    for (name, folder) in saved_checkpoints(dir) {
        control.check()?;
        let model = saved.generator_at(&folder)?;
        let slates = generator.generate(&model, &moments, control, &mut |_, _| {})?;
        let of_users = moments.iter().zip(&slates);
        let scores = of_users
            .clone()
            .map(|(moment, slates)| scorers.score(moment.user, &moment.history, slates))
            .collect();
        for (shown, (moment, slates)) in shown.iter_mut().zip(of_users) {
            let first = &slates[..slates.len().min(1)];
            shown.extend(scored_slates(data, reader.table(), moment, first, scorers));
        }
        measured.push(Measurement::new(scores));
        checkpoints.push(name);
    }
    Ok(CheckpointComparison {
        checkpoints,
        n_users: moments.len() as u64,
        n_slates: N_SLATES as u64,
        scores: distributions(&measured.iter().collect::<Vec<_>>()),
        users: moments
            .iter()
            .zip(shown)
            .map(|(moment, slates)| UserSlates {
                user: data.dataset.users[moment.user.idx()].clone(),
                slates,
            })
            .collect(),
    })
}

/// All whole checkpoints of the generator, in the order in which they were made.
fn saved_checkpoints(dir: &RunDir) -> Vec<(CheckpointName, PathBuf)> {
    let mut found = Vec::new();
    for stage in [Stage::Pretrain, Stage::Align] {
        let Ok(entries) = std::fs::read_dir(dir.stage_dir(stage)) else {
            continue;
        };
        let mut folders: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        folders.sort();
        found.extend(folders.into_iter().filter_map(|folder| {
            let step = step_of(&folder)?;
            Some((CheckpointName { stage, step }, folder))
        }));
    }
    found
}

fn step_of(folder: &Path) -> Option<u64> {
    Some(Manifest::load(&folder.join("manifest.json")).ok()?.step)
}
