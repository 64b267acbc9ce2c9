//! Slates of one user before and after alignment, side by side, with every score: what the window and `generate` show.

use super::generate::{GeneratedSlate, SlateGenerator};
use super::rewards::Scorers;
use crate::engine::control::RunControl;
use crate::engine::data::prepare::PreparedData;
use crate::engine::data::{ItemIdx, UserIdx};
use crate::engine::error::EngineError;
use crate::engine::event::{ScoredSlate, SlateComparison, SlateItem};
use crate::engine::model::EncoderDecoder;
use crate::engine::reward::HEAD_NAMES;
use crate::engine::tokenizer::SemanticIdTable;

/// Generates and scores slates for one user, from the moment before what is held out.
///
/// # Errors
/// [`EngineError::Stopped`] on request.
pub fn compare_slates(
    data: &PreparedData,
    table: &SemanticIdTable,
    user: UserIdx,
    generator: &SlateGenerator<'_>,
    before: &EncoderDecoder,
    after: Option<&EncoderDecoder>,
    scorers: Scorers<'_>,
    control: &RunControl,
) -> Result<SlateComparison, EngineError> {
    let target_row = data.split.target_row[user.idx()];
    let end_row = data.dataset.log.rows_of(user).end;
    let row = target_row.unwrap_or(end_row);
    let history = data.history(user, row, usize::MAX);
    let n_all = data.positives[user.idx()].len();
    let held_out = data.history(user, end_row, n_all - history.len());

    let slates = |model: &EncoderDecoder| -> Result<Vec<ScoredSlate>, EngineError> {
        let histories = std::slice::from_ref(&history);
        let mut slates = generator.generate(model, histories, control, &mut |_, _| {})?;
        let slates = slates.pop().unwrap_or_default();
        Ok(scored(data, table, user, &history, &slates, scorers))
    };
    let n_shown = history.len().min(generator.history_len);
    Ok(SlateComparison {
        user: data.dataset.users[user.idx()].clone(),
        history: slate_items(data, table, &history[history.len() - n_shown..]),
        held_out: slate_items(
            data,
            table,
            &held_out[..held_out.len().min(generator.slate_len)],
        ),
        before: slates(before)?,
        after: after.map(slates).transpose()?.unwrap_or_default(),
    })
}

fn scored(
    data: &PreparedData,
    table: &SemanticIdTable,
    user: UserIdx,
    history: &[ItemIdx],
    slates: &[GeneratedSlate],
    scorers: Scorers<'_>,
) -> Vec<ScoredSlate> {
    let scores = scorers.score(user, history, slates);
    slates
        .iter()
        .zip(scores)
        .map(|(slate, scores)| ScoredSlate {
            items: slate_items(data, table, &slate.items),
            log_prob: f64::from(slate.log_prob),
            heads: HEAD_NAMES
                .iter()
                .zip(scores.heads)
                .map(|(name, head)| ((*name).to_owned(), f64::from(head)))
                .collect(),
            reward: f64::from(scores.reward),
            judge_reward: f64::from(scores.judge),
            oracle: scores.oracle,
        })
        .collect()
}

fn slate_items(data: &PreparedData, table: &SemanticIdTable, items: &[ItemIdx]) -> Vec<SlateItem> {
    items
        .iter()
        .map(|item_idx| {
            let item = &data.dataset.catalog.items[item_idx.idx()];
            SlateItem {
                item_idx: item_idx.0,
                external_id: item.external_id.clone(),
                title: item.label().to_owned(),
                codes: table.sid(*item_idx).to_vec(),
            }
        })
        .collect()
}
