//! What users did with logged impressions as a term of alignment: impressions watched long for their length are made
//! likelier, disliked ones less likely, both within bounds. [V2 3.1]

use std::collections::BTreeMap;

use burn::tensor::{Tensor, TensorData};
use rand::RngExt as _;

use crate::engine::data::prepare::PreparedData;
use crate::engine::data::{DataError, FeedbackFlags, ItemIdx, Moment, UserIdx};
use crate::engine::loss::policy::{self, Rollouts};
use crate::engine::reward::duration::{bucket, duration_advantages, watch_quantile};
use crate::engine::seed::Seed;
use crate::engine::tokenizer::Code;
use crate::engine::train::alignment_term::{AlignmentTerm, Models};
use crate::engine::train::config::{AlignConfig, RatioUnit};

/// One logged impression that may be learned from.
#[derive(Clone, Debug, PartialEq)]
struct Exposure {
    user: UserIdx,
    row: usize,
    item: ItemIdx,
    /// Share of the user's earlier impressions of like length that were watched at most as long.
    quantile: Option<f64>,
    is_disliked: bool,
}

/// The impressions of a dataset with what their users made of them.
pub(super) struct Exposures<'a> {
    data: &'a PreparedData,
    list: Vec<Exposure>,
}

impl<'a> Exposures<'a> {
    /// Looks through the learnable part of the log.
    ///
    /// # Errors
    /// If no impression has a watch time and a length, and none is disliked.
    pub(super) fn new(data: &'a PreparedData, duration_base: f64) -> Result<Self, DataError> {
        let log = &data.dataset.log;
        let mut list = Vec::new();
        for (user, learn_end) in (0..).map(UserIdx).zip(&data.split.learn_end) {
            let mut earlier: BTreeMap<i32, Vec<f64>> = BTreeMap::new();
            for row in log.rows_of(user).start..*learn_end {
                let item = log.item[row];
                let shown = &log.feedback[row];
                let watched = f64::from(shown.watch_secs);
                let length = data.dataset.catalog.items[item.idx()].duration_secs;
                let quantile = length
                    .filter(|secs| *secs > 0.0 && watched.is_finite())
                    .and_then(|secs| {
                        let same_length = earlier
                            .entry(bucket(f64::from(secs), duration_base))
                            .or_default();
                        let quantile = watch_quantile(watched, same_length);
                        same_length.push(watched);
                        quantile
                    });
                list.push(Exposure {
                    user,
                    row,
                    item,
                    quantile,
                    is_disliked: shown.flags.has(FeedbackFlags::DISLIKE),
                });
            }
        }
        list.retain(|exposure| exposure.quantile.is_some() || exposure.is_disliked);
        if list.is_empty() {
            return Err(DataError::Empty {
                found: "align.exposure_weight needs watch times and lengths of items, or dislikes, and the log has none"
                    .to_owned(),
                path: data.dataset.name.clone().into(),
            });
        }
        Ok(Self { data, list })
    }

    /// The term of one step; nothing where no impression of the step's batch teaches anything.
    pub(super) fn term(
        &self,
        models: &Models<'_>,
        settings: &AlignConfig,
        (seed, step): (Seed, u64),
    ) -> Option<AlignmentTerm> {
        let mut rng = seed.rng("align.exposures", step);
        let batch: Vec<&Exposure> = (0..settings.exposure_batch_size)
            .map(|_| &self.list[rng.random_range(0..self.list.len())])
            .collect();
        let quantiles: Vec<Option<f64>> = batch.iter().map(|shown| shown.quantile).collect();
        let disliked: Vec<bool> = batch.iter().map(|shown| shown.is_disliked).collect();
        let all = duration_advantages(&quantiles, &disliked);
        let taught: Vec<(&Exposure, f64)> = batch
            .into_iter()
            .zip(all)
            .filter(|(_, advantage)| *advantage != 0.0)
            .collect();
        if taught.is_empty() {
            return None;
        }
        let history_len = models.reader.history_len();
        let moments: Vec<Moment> = taught
            .iter()
            .map(|(shown, _)| self.data.moment(shown.user, shown.row, history_len))
            .collect();
        let moments: Vec<&Moment> = moments.iter().collect();
        let ids: Vec<&[Code]> = taught
            .iter()
            .map(|(shown, _)| models.reader.table().sid(shown.item))
            .collect();
        let advantages: Vec<f32> = taught
            .iter()
            .map(|(_, advantage)| *advantage as f32)
            .collect();
        let n_rows = ids.len();
        let codes = models.policy_log_probs(&moments, &ids);
        let log_probs = match settings.ratio {
            RatioUnit::Code => codes,
            RatioUnit::Slate => codes.sum_dim(1),
        };
        let rollouts = Rollouts {
            // Another system showed these, so the policy itself stands for what it would have said before.
            old_log_probs: log_probs.clone().detach(),
            log_probs,
            advantages: Tensor::from_data(TensorData::new(advantages, [n_rows, 1]), models.device),
        };
        let loss = policy::gbpo(&rollouts).loss.mean();
        Some(AlignmentTerm {
            loss: loss.clone(),
            tensors: vec![("exposure_loss", loss)],
            values: vec![("step_exposures", n_rows as f64)],
            pairs: None,
            spread: None,
        })
    }
}
