//! Slates of one user before and after alignment, side by side, with every score: what the window and `generate` show.

use super::generate::{GeneratedSlate, SlateGenerator};
use super::rewards::Scorers;
use crate::engine::control::RunControl;
use crate::engine::data::prepare::PreparedData;
use crate::engine::data::{ItemIdx, UserIdx};
use crate::engine::error::EngineError;
use crate::engine::event::{ScoredSlate, SlateComparison, SlateItem};
use crate::engine::model::Generator;
use crate::engine::reward::HEAD_NAMES;
use crate::engine::tokenizer::SemanticIdTable;

/// Generates and scores slates for one user, from the moment before what is held out.
///
/// # Errors
/// [`EngineError::Stopped`] on request.
pub fn compare_slates(
    data: &PreparedData,
    user: UserIdx,
    generator: &SlateGenerator<'_>,
    before: &Generator,
    after: Option<&Generator>,
    scorers: Scorers<'_>,
    control: &RunControl,
) -> Result<SlateComparison, EngineError> {
    let table = generator.reader.table();
    let target_row = data.split.target_row[user.idx()];
    let end_row = data.dataset.log.rows_of(user).end;
    let row = target_row.unwrap_or(end_row);
    let moment = data.moment(user, row, usize::MAX);
    let history = &moment.history;
    let n_all = data.positives[user.idx()].len();
    let held_out = data.history(user, end_row, n_all - history.len());

    let slates = |model: &Generator| -> Result<Vec<ScoredSlate>, EngineError> {
        let moments = std::slice::from_ref(&moment);
        let mut slates = generator.generate(model, moments, control, &mut |_, _| {})?;
        let slates = slates.pop().unwrap_or_default();
        Ok(scored(data, table, user, history, &slates, scorers))
    };
    let n_shown = history.len().min(generator.reader.history_len());
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

/// Items as rows of a slate, with their codes.
pub fn slate_items(
    data: &PreparedData,
    table: &SemanticIdTable,
    items: &[ItemIdx],
) -> Vec<SlateItem> {
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

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::engine::batch::ContextReader;
    use crate::engine::embedding::ItemEmbeddings;
    use crate::engine::eval::toy;
    use crate::engine::reward::RewardScorer;
    use crate::engine::reward::config::RewardConfig;
    use crate::engine::seed::Seed;

    #[test]
    fn a_user_is_shown_with_history_target_and_scores() {
        let data = toy::data(&[&[0, 1, 2], &[5, 4, 3, 2, 1, 8]], 9);
        let table = toy::table(9);
        let embeddings = ItemEmbeddings {
            values: (0..18).map(|value| value as f32 / 18.0).collect(),
            dim: 2,
        };
        let scorer = |seed, weights| {
            let model = RewardConfig::default().init(2, Seed(seed), &Device::flex());
            RewardScorer::new(&model, &embeddings, weights)
        };
        let (reward, judge) = (scorer(1, [1.0, 0.0, 0.0, 0.0]), scorer(2, [1.0; 4]));
        let scorers = Scorers {
            reward: &reward,
            judge: &judge,
            oracle: None,
        };
        let reader = ContextReader::session(&table, 4);
        let generator = SlateGenerator::new(&reader, &data.popularity, 3, 5, 8);
        let model = toy::generator();
        let compare = |after| {
            let control = RunControl::default();
            compare_slates(
                &data,
                UserIdx(1),
                &generator,
                &model,
                after,
                scorers,
                &control,
            )
            .unwrap()
        };
        let shown = compare(None);
        let ids =
            |items: &[SlateItem]| -> Vec<u32> { items.iter().map(|item| item.item_idx).collect() };
        assert_eq!(shown.user, "user-1");
        assert_eq!(ids(&shown.history), [4, 3, 2, 1]);
        assert_eq!(ids(&shown.held_out), [8]);
        assert_eq!(shown.held_out[0].external_id, "item-8");
        assert_eq!(shown.held_out[0].codes, table.sid(ItemIdx(8)));
        assert_eq!((shown.before.len(), shown.after.len()), (5, 0));
        for slate in &shown.before {
            // Only swt has weight in the first model.
            assert!((slate.reward - slate.heads[0].1).abs() < 1e-6);
            assert!(slate.judge_reward > 0.0 && slate.judge_reward < 1.0);
            assert_eq!(slate.oracle, None);
        }
        let again = compare(Some(&model));
        assert_eq!(again.before, again.after);
    }
}
