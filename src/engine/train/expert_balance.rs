//! Keeps the load of the experts even over the steps of pretraining, and tells what it is. [B 2.3]
//!
//! Only pretraining moves the biases. Alignment leaves them as they are, so that policy and reference choose experts alike.

use crate::engine::event::{EventRecord, ExpertLoad, Stage};
use crate::engine::model::Generator;
use crate::engine::run::journal;
use crate::engine::run::report::ExpertEvenness;

/// Logged steps over which the first and the last evenness of a run are taken.
const N_POINTS: usize = 10;

/// Balances after every step and adds up the load between reports.
pub(super) struct ExpertBalance {
    rate: f64,
    loads: Vec<Vec<u64>>,
}

impl ExpertBalance {
    /// Moves biases by `rate` per step.
    pub(super) fn new(rate: f64) -> Self {
        Self {
            rate,
            loads: Vec::new(),
        }
    }

    /// Moves the biases by the load of the step just done. Both are on the host: nothing is read back.
    pub(super) fn after_step(&mut self, model: &mut Generator) {
        for (layer_idx, layer) in model.expert_layers_mut().into_iter().enumerate() {
            let load = layer.take_load();
            layer.balance(&load, self.rate);
            match self.loads.get_mut(layer_idx) {
                Some(sums) => sums.iter_mut().zip(load).for_each(|(sum, n)| *sum += n),
                None => self.loads.push(load),
            }
        }
    }

    /// The load of each layer since the last report, and its biases.
    pub(super) fn report(&mut self, model: &Generator) -> Vec<ExpertLoad> {
        let loads = std::mem::take(&mut self.loads);
        model
            .expert_layers()
            .into_iter()
            .zip(loads)
            .map(|((layer, experts), load)| ExpertLoad {
                layer,
                load,
                bias: experts.biases(),
            })
            .collect()
    }
}

/// How even the load was at the beginning and at the end of pretraining, layer by layer.
pub(super) fn first_and_last(records: &[EventRecord]) -> Vec<ExpertEvenness> {
    let points: Vec<&[ExpertLoad]> = journal::points(records, Stage::Pretrain)
        .into_values()
        .map(|point| point.experts.as_slice())
        .filter(|experts| !experts.is_empty())
        .collect();
    let first = together(&points[..points.len().min(N_POINTS)]);
    let last = together(&points[points.len().saturating_sub(N_POINTS)..]);
    first
        .into_iter()
        .zip(last)
        .map(|(first, last)| ExpertEvenness {
            max_over_mean_first: first.max_over_mean(),
            max_over_mean_last: last.max_over_mean(),
            layer: first.layer,
        })
        .collect()
}

/// The loads of several points, added up layer by layer.
fn together(points: &[&[ExpertLoad]]) -> Vec<ExpertLoad> {
    let Some((first, others)) = points.split_first() else {
        return Vec::new();
    };
    let mut sums = first.to_vec();
    for layers in others {
        for (sum, layer) in sums.iter_mut().zip(*layers) {
            for (sum, n) in sum.load.iter_mut().zip(&layer.load) {
                *sum += n;
            }
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::event::{EngineEvent, RunId, StepPoint};

    #[test]
    fn the_first_and_the_last_ten_points_are_added_up() {
        let point = |step: u64| StepPoint {
            step,
            experts: vec![ExpertLoad {
                layer: "decoder 1".into(),
                // Ten points with all tokens at the first expert, then turns that even out.
                load: match step {
                    1..=10 => vec![8, 0],
                    _ if step.is_multiple_of(2) => vec![6, 2],
                    _ => vec![2, 6],
                },
                bias: Vec::new(),
            }],
            ..StepPoint::default()
        };
        let record = EventRecord {
            seq: 0,
            time_millis: 0,
            run: RunId("r".into()),
            event: EngineEvent::Steps {
                stage: Stage::Pretrain,
                points: (1..=20).map(point).collect(),
            },
        };
        let evenness = first_and_last(&[record]);
        assert_eq!(evenness.len(), 1);
        assert_eq!(evenness[0].max_over_mean_first, 2.0);
        assert_eq!(evenness[0].max_over_mean_last, 1.0);
        assert!(first_and_last(&[]).is_empty());
    }
}
