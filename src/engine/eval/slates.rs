//! Slates of one user before and after alignment, side by side, with every score: what the window and `generate` show.

use super::generate::{GeneratedSlate, SlateGenerator};
use super::rewards::{Scorers, SlateScores};
use crate::engine::control::RunControl;
use crate::engine::data::prepare::PreparedData;
use crate::engine::data::{ItemIdx, Moment, UserIdx};
use crate::engine::error::EngineError;
use crate::engine::event::{ItemShare, ScoredSlate, SlateComparison, SlateItem};
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
    let moment = present(data, user);
    let history = &moment.history;
    let end_row = data.dataset.log.rows_of(user).end;
    let n_all = data.positives[user.idx()].len();
    let held_out = data.history(user, end_row, n_all - history.len());

    let slates = |model: &Generator| -> Result<Vec<ScoredSlate>, EngineError> {
        let moments = std::slice::from_ref(&moment);
        let mut slates = generator.generate(model, moments, control, &mut |_, _| {})?;
        let slates = slates.pop().unwrap_or_default();
        Ok(scored_slates(data, table, &moment, &slates, scorers))
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

/// The moment before what is held out of a user; after the last event where nothing is.
pub fn present(data: &PreparedData, user: UserIdx) -> Moment {
    let end_row = data.dataset.log.rows_of(user).end;
    let row = data.split.target_row[user.idx()].unwrap_or(end_row);
    data.moment(user, row, usize::MAX)
}

/// Slates of one moment with every score, and what each item adds to them.
pub fn scored_slates(
    data: &PreparedData,
    table: &SemanticIdTable,
    moment: &Moment,
    slates: &[GeneratedSlate],
    scorers: Scorers<'_>,
) -> Vec<ScoredSlate> {
    let scores = scorers.score(moment.user, &moment.history, slates);
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
            shares: item_shares(moment, &slate.items, scores, scorers),
        })
        .collect()
}

/// For each item, the slate's score minus that of the slate without it; nothing for a single item, which has no slate
/// without it.
fn item_shares(
    moment: &Moment,
    items: &[ItemIdx],
    whole: SlateScores,
    scorers: Scorers<'_>,
) -> Vec<ItemShare> {
    if items.len() < 2 {
        return Vec::new();
    }
    let rest: Vec<Vec<ItemIdx>> = (0..items.len())
        .map(|place| {
            let mut rest = items.to_vec();
            rest.remove(place);
            rest
        })
        .collect();
    scorers
        .score_items(moment.user, &moment.history, &rest)
        .into_iter()
        .map(|without| ItemShare {
            reward: f64::from(whole.reward) - f64::from(without.reward),
            judge: f64::from(whole.judge) - f64::from(without.judge),
            oracle: whole
                .oracle
                .zip(without.oracle)
                .map(|(whole, without)| whole - without),
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
            flagged: None,
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
            assert_eq!(slate.shares.len(), 3);
        }
        // What an item adds is the score less that of the other two alone.
        let slate = &shown.before[0];
        let others: Vec<ItemIdx> = [0, 2]
            .map(|place| ItemIdx(slate.items[place].item_idx))
            .into();
        let history = present(&data, UserIdx(1)).history;
        let alone = f64::from(reward.score(&[&history], &[others])[0].reward);
        let added = slate.shares[1].reward;
        assert!((added - (slate.reward - alone)).abs() < 1e-6, "{added}");
        let again = compare(Some(&model));
        assert_eq!(again.before, again.after);
    }
}
