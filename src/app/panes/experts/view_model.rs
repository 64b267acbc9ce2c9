//! What the experts pane says, from the state alone.

use crate::app::state::{AppState, ExpertHistory, LayerHistory};
use crate::app::widgets::Stat;
use crate::app::widgets::number::{count, signed, significant};

/// Max over mean below which a layer is called even. Balancing aims at it; no paper gives a number.
pub(super) const TARGET: f64 = 1.3;
/// The strongest cell of the heat map stands for this many times the mean load.
const STRONGEST: f64 = 2.0;
/// Newest columns over which the present load is taken.
const N_NEWEST: usize = 10;

/// What there is to show.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum ExpertsModel {
    /// The generator has no experts.
    Dense,
    /// No step has told a load yet.
    Waiting,
    /// Layers with a load.
    Layers(Vec<LayerModel>),
}

/// One layer as shown.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct LayerModel {
    /// "decoder 1".
    pub name: String,
    /// The judgement in one sentence.
    pub verdict: String,
    /// Whether max over mean lies below the target.
    pub is_even: bool,
    /// Strength of every expert in every column, 0 to 1.
    pub cells: Vec<Vec<f32>>,
    /// `[step, max over mean]`.
    pub max_over_mean: Vec<[f64; 2]>,
    /// Its figures.
    pub stats: Vec<Stat>,
    /// One row per expert: its number, load, load over mean, bias.
    pub experts: Vec<[String; 4]>,
    /// The heat map in one sentence.
    pub summary: String,
    /// First and last step, as text.
    pub ends: [String; 2],
}

/// Everything the pane shows.
pub(super) fn model(state: &AppState) -> ExpertsModel {
    let history = &state.run.experts;
    if !history.layers.is_empty() {
        let layers = history.layers.iter();
        return ExpertsModel::Layers(layers.map(|layer| layer_model(layer, history)).collect());
    }
    let config = state.run.config.as_deref().unwrap_or(&state.draft.config);
    if config.model.n_experts == 0 {
        ExpertsModel::Dense
    } else {
        ExpertsModel::Waiting
    }
}

/// What a cell of the heat map says.
pub(super) fn readout(layer: &LayerHistory, expert_idx: usize, column_idx: usize) -> String {
    let Some(column) = layer.columns.get(column_idx) else {
        return String::new();
    };
    let load = column.load.get(expert_idx).copied().unwrap_or(0);
    format!(
        "{}, expert {}, {}\n{} choices, {} the mean",
        layer.name,
        expert_idx + 1,
        steps(column.first_step, column.last_step),
        count(load),
        times(load as f64 / column.mean())
    )
}

fn layer_model(layer: &LayerHistory, history: &ExpertHistory) -> LayerModel {
    let newest = &layer.columns[layer.columns.len().saturating_sub(N_NEWEST)..];
    let n_experts = layer.columns.first().map_or(0, |column| column.load.len());
    let load: Vec<u64> = (0..n_experts)
        .map(|expert_idx| newest.iter().map(|column| column.load[expert_idx]).sum())
        .collect();
    let total: u64 = load.iter().sum();
    let mean = total as f64 / n_experts.max(1) as f64;
    let (fullest_idx, fullest) = fullest(&load);
    let max_over_mean = fullest as f64 / mean;
    let idle = load.iter().filter(|n| **n == 0).count();
    let first_step = layer.columns.first().map_or(0, |column| column.first_step);
    let last_step = layer.columns.last().map_or(0, |column| column.last_step);
    let since = newest.first().map_or(0, |column| column.first_step);
    let is_even = max_over_mean < TARGET;
    let course: Vec<[f64; 2]> = layer
        .columns
        .iter()
        .map(|column| [column.last_step as f64, column.max_over_mean()])
        .collect();
    LayerModel {
        name: layer.name.clone(),
        verdict: format!(
            "{}: the fullest expert of {} has {} the mean load, {}{}.",
            if is_even { "Even" } else { "Uneven" },
            layer.name,
            times(max_over_mean),
            steps(since, last_step),
            if layer.bias.is_empty() {
                "; balancing is off"
            } else {
                ""
            }
        ),
        is_even,
        cells: layer
            .columns
            .iter()
            .map(|column| {
                let strongest = STRONGEST * column.mean();
                let strength = |n: &u64| (*n as f64 / strongest).min(1.0) as f32;
                column.load.iter().map(strength).collect()
            })
            .collect(),
        stats: vec![
            Stat::new(
                "Max over mean",
                significant(max_over_mean, 3),
                format!(
                    "Load of the fullest expert / mean load, {}. 1 is even; the target is below {TARGET}.",
                    steps(since, last_step)
                ),
            ),
            Stat::new(
                "At first",
                significant(course.first().map_or(f64::NAN, |[_, value]| *value), 3),
                "The same figure at the first logged steps.",
            ),
            Stat::new(
                "Fullest expert",
                (fullest_idx + 1).to_string(),
                "The expert with the highest load now.",
            ),
            Stat::new(
                "Idle experts",
                count(idle as u64),
                "Experts that no token chose lately.",
            ),
            Stat::new(
                "Choices",
                count(total),
                format!(
                    "Tokens times active experts, {}: the sum of all loads.",
                    steps(since, last_step)
                ),
            ),
            Stat::new(
                "Dropped",
                "nothing",
                "Every choice of every token is computed, however uneven the load is: there is no capacity to overflow.",
            ),
        ],
        experts: (0..n_experts)
            .map(|expert_idx| {
                [
                    (expert_idx + 1).to_string(),
                    count(load[expert_idx]),
                    significant(load[expert_idx] as f64 / mean, 3),
                    layer
                        .bias
                        .get(expert_idx)
                        .map_or_else(|| "-".to_owned(), |bias| signed(f64::from(*bias), 3)),
                ]
            })
            .collect(),
        summary: format!(
            "Load of {}: {n_experts} experts over {} columns of {} logged steps, fullest expert {} with {} the mean",
            layer.name,
            layer.columns.len(),
            history.points_per_column,
            fullest_idx + 1,
            times(max_over_mean),
        ),
        ends: [format!("step {first_step}"), format!("step {last_step}")],
        max_over_mean: course,
    }
}

/// Index and load of the fullest expert; ties go to the lower index.
fn fullest(load: &[u64]) -> (usize, u64) {
    let mut best = (0, 0);
    for (idx, n) in load.iter().enumerate() {
        if *n > best.1 {
            best = (idx, *n);
        }
    }
    best
}

fn times(value: f64) -> String {
    format!("{} times", significant(value, 3))
}

fn steps(first: u64, last: u64) -> String {
    if first == last {
        format!("step {last}")
    } else {
        format!("steps {first} to {last}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::config::ExperimentConfig;
    use crate::engine::event::{EngineEvent, EventRecord, ExpertLoad, RunId, Stage, StepPoint};

    fn with_points(n_points: u64, bias: &[f32]) -> AppState {
        let mut state = AppState::default();
        let point = |step: u64| StepPoint {
            step,
            experts: vec![ExpertLoad {
                layer: "decoder 1".into(),
                load: if step == 1 {
                    vec![12, 0, 0, 0]
                } else {
                    vec![3, 4, 3, 2]
                },
                bias: bias.to_vec(),
            }],
            ..StepPoint::default()
        };
        state.run.apply(&EventRecord {
            seq: 0,
            time_millis: 0,
            run: RunId("r".into()),
            event: EngineEvent::Steps {
                stage: Stage::Pretrain,
                points: (1..=n_points).map(point).collect(),
            },
        });
        state
    }

    fn first_layer(state: &AppState) -> LayerModel {
        match model(state) {
            ExpertsModel::Layers(mut layers) => layers.remove(0),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_dense_generator_is_told_from_one_that_has_not_begun() {
        let mut state = AppState::default();
        assert_eq!(model(&state), ExpertsModel::Waiting);
        state.draft.config.model.n_experts = 0;
        assert_eq!(model(&state), ExpertsModel::Dense);
        // The run in view decides, not what is being set up.
        state.run.config = Some(Box::new(ExperimentConfig::default()));
        assert_eq!(model(&state), ExpertsModel::Waiting);
    }

    #[test]
    fn figures_of_the_first_step_by_hand() {
        let layer = first_layer(&with_points(1, &[0.25, -0.001, 0.0, 0.0]));
        assert!(!layer.is_even);
        assert_eq!(
            layer.verdict,
            "Uneven: the fullest expert of decoder 1 has 4.00 times the mean load, step 1."
        );
        assert_eq!(layer.cells, [vec![1.0, 0.0, 0.0, 0.0]]);
        assert_eq!(layer.max_over_mean, [[1.0, 4.0]]);
        let value = |label: &str| {
            let stat = layer.stats.iter().find(|stat| stat.label == label);
            stat.map(|stat| stat.value.clone()).unwrap()
        };
        assert_eq!(value("Idle experts"), "3");
        assert_eq!(value("Choices"), "12");
        assert_eq!(value("Dropped"), "nothing");
        assert_eq!(layer.experts[0], ["1", "12", "4.00", "+0.250"]);
    }

    #[test]
    fn the_newest_columns_make_the_present() {
        let state = with_points(12, &[]);
        let layer = first_layer(&state);
        // Ten columns of 12 choices each, of which the second expert has 40: 40 over 30.
        assert_eq!(layer.experts[1][2], "1.33");
        assert!(
            layer.verdict.ends_with("steps 3 to 12; balancing is off."),
            "{}",
            layer.verdict
        );
        assert_eq!(layer.experts[1][3], "-");
        assert_eq!(layer.cells[1][1], 4.0 / 6.0);
        assert_eq!(layer.ends, ["step 1", "step 12"]);
        let text = readout(&state.run.experts.layers[0], 1, 4);
        assert_eq!(
            text,
            "decoder 1, expert 2, step 5\n4 choices, 1.33 times the mean"
        );
    }
}
