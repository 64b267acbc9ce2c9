//! How the load of the experts developed, in bounded space: when there are too many columns, neighbours are joined.

use crate::engine::event::{ExpertLoad, StepPoint};

/// Columns kept at most; a chart has no more pixels for them anyway.
const MAX_COLUMNS: usize = 512;

/// All layers of experts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExpertHistory {
    /// In the order of the blocks.
    pub layers: Vec<LayerHistory>,
    /// Logged steps that one full column stands for.
    pub points_per_column: usize,
    /// Logged steps in the newest column.
    n_newest: usize,
}

/// One layer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LayerHistory {
    /// Its block, for example "decoder 1".
    pub name: String,
    /// The load over time, oldest first. All layers have the same columns.
    pub columns: Vec<LoadColumn>,
    /// The newest biases; empty without balancing.
    pub bias: Vec<f32>,
}

/// The load of one layer over a stretch of training.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LoadColumn {
    /// The first logged step in it.
    pub first_step: u64,
    /// The last logged step in it.
    pub last_step: u64,
    /// Choices per expert.
    pub load: Vec<u64>,
}

impl LoadColumn {
    /// Load of the fullest expert over the mean load; NaN without any choice.
    pub fn max_over_mean(&self) -> f64 {
        let highest = self.load.iter().copied().max().unwrap_or(0);
        highest as f64 / self.mean()
    }

    /// Mean load of an expert.
    pub fn mean(&self) -> f64 {
        self.load.iter().sum::<u64>() as f64 / self.load.len() as f64
    }
}

impl ExpertHistory {
    /// Takes one logged step in. A step at or before the last one means that training went back to a checkpoint: the
    /// columns that reach it are dropped.
    pub(super) fn push(&mut self, point: &StepPoint) {
        if point.experts.is_empty() {
            return;
        }
        let fits = |layer: (&LayerHistory, &ExpertLoad)| layer.0.name == layer.1.layer;
        if self.layers.len() != point.experts.len()
            || !self.layers.iter().zip(&point.experts).all(fits)
        {
            *self = Self::new(&point.experts);
        }
        let keep = self.layers[0]
            .columns
            .partition_point(|column| column.last_step < point.step);
        if keep < self.layers[0].columns.len() {
            for layer in &mut self.layers {
                layer.columns.truncate(keep);
            }
            self.n_newest = self.points_per_column;
        }
        if keep == MAX_COLUMNS && self.n_newest >= self.points_per_column {
            self.join();
        }
        let is_new = self.layers[0].columns.is_empty() || self.n_newest >= self.points_per_column;
        self.n_newest = if is_new { 1 } else { self.n_newest + 1 };
        for (layer, now) in self.layers.iter_mut().zip(&point.experts) {
            layer.bias.clone_from(&now.bias);
            match layer.columns.last_mut() {
                Some(newest) if !is_new => {
                    newest.last_step = point.step;
                    add(&mut newest.load, &now.load);
                }
                _ => layer.columns.push(LoadColumn {
                    first_step: point.step,
                    last_step: point.step,
                    load: now.load.clone(),
                }),
            }
        }
    }

    fn new(layers: &[ExpertLoad]) -> Self {
        Self {
            layers: layers
                .iter()
                .map(|layer| LayerHistory {
                    name: layer.layer.clone(),
                    ..LayerHistory::default()
                })
                .collect(),
            points_per_column: 1,
            n_newest: 0,
        }
    }

    /// Makes one column of every two.
    fn join(&mut self) {
        for layer in &mut self.layers {
            layer.columns = layer
                .columns
                .chunks(2)
                .map(|pair| {
                    let mut joined = pair[0].clone();
                    for other in &pair[1..] {
                        joined.last_step = other.last_step;
                        add(&mut joined.load, &other.load);
                    }
                    joined
                })
                .collect();
        }
        self.points_per_column *= 2;
        self.n_newest = self.points_per_column;
    }
}

fn add(sums: &mut [u64], load: &[u64]) {
    for (sum, n) in sums.iter_mut().zip(load) {
        *sum += n;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(step: u64) -> StepPoint {
        StepPoint {
            step,
            experts: vec![ExpertLoad {
                layer: "decoder 1".into(),
                load: vec![3, 1],
                bias: vec![step as f32, 0.0],
            }],
            ..StepPoint::default()
        }
    }

    #[test]
    fn a_long_run_stays_bounded_and_loses_no_choice() {
        let mut history = ExpertHistory::default();
        for step in 1..=5000 {
            history.push(&point(step));
            assert!(history.layers[0].columns.len() <= MAX_COLUMNS);
        }
        let columns = &history.layers[0].columns;
        assert!(columns.len() > MAX_COLUMNS / 2, "{}", columns.len());
        let total: u64 = columns.iter().flat_map(|column| &column.load).sum();
        assert_eq!(total, 4 * 5000);
        assert_eq!((columns[0].first_step, columns[0].last_step), (1, 16));
        assert_eq!(columns.last().unwrap().last_step, 5000);
        assert!(
            columns
                .windows(2)
                .all(|pair| pair[0].last_step + 1 == pair[1].first_step)
        );
        assert_eq!(columns[0].max_over_mean(), 1.5);
        assert_eq!(history.layers[0].bias, [5000.0, 0.0]);
    }

    #[test]
    fn a_resume_drops_what_is_done_again() {
        let mut history = ExpertHistory::default();
        for step in 1..=6 {
            history.push(&point(step));
        }
        history.push(&point(4));
        let steps: Vec<u64> = history.layers[0]
            .columns
            .iter()
            .map(|column| column.last_step)
            .collect();
        assert_eq!(steps, [1, 2, 3, 4]);
        history.push(&StepPoint::default());
        assert_eq!(
            history.layers[0].columns.len(),
            4,
            "a step without experts says nothing"
        );
    }
}
