//! Size, cost and measurement of the settings at hand, from the state alone.

use crate::app::state::AppState;
use crate::app::widgets::Stat;
use crate::app::widgets::number::{count, duration, percent, significant};
use crate::engine::config::{ExperimentConfig, NamedSize, SIZES};
use crate::engine::event::CostProbe;
use crate::engine::model::size::{ModelSize, words};

/// What is counted of the settings.
pub(super) struct Counted {
    /// The figures.
    pub figures: Vec<Stat>,
    /// Whether it fits into this machine, in words.
    pub verdict: String,
    /// False where it certainly does not.
    pub can_run: bool,
    /// One row per part: name, parameters, operations for the context, for the targets.
    pub parts: Vec<[String; 4]>,
}

/// Counts the generator of the settings; `None` while they have problems.
pub(super) fn counted(state: &AppState) -> Option<Counted> {
    if !state.draft.problems.is_empty() {
        return None;
    }
    let config = &state.draft.config;
    let size = config.generator_size();
    let machine = state.vitals.machine_bytes.unwrap_or(0);
    let need = size.memory(config.pretrain.batch_size);
    Some(Counted {
        figures: figures(&size, config),
        verdict: need.verdict(machine),
        can_run: machine == 0 || need.state_bytes() <= machine,
        parts: size
            .parts
            .iter()
            .map(|part| {
                [
                    part.name.to_owned(),
                    count(part.n_parameters),
                    words::flops(part.context_flops),
                    words::flops(part.target_flops),
                ]
            })
            .collect(),
    })
}

fn figures(size: &ModelSize, config: &ExperimentConfig) -> Vec<Stat> {
    let n_parameters = size.n_parameters();
    let active = size.n_active_parameters() as f64 / n_parameters.max(1) as f64;
    let batch_size = config.pretrain.batch_size;
    let need = size.memory(batch_size);
    let request = format!(
        "a request of {} context positions and {} items",
        size.request.n_context, size.request.n_items
    );
    vec![
        Stat::new(
            "Parameters",
            words::parameters(n_parameters),
            format!("Trainable values: {}.", count(n_parameters)),
        ),
        Stat::new(
            "Active",
            percent(active),
            "Share of the parameters that one token meets: all but the experts it does not use.",
        ),
        Stat::new(
            "Operations",
            words::flops(size.training_flops()),
            format!("Of matrix products, forward and backward, for {request}."),
        ),
        Stat::new(
            "For the context",
            percent(1.0 - size.target_share()),
            "Share of the operations that read the history, once per request.",
        ),
        Stat::new(
            "For the items",
            percent(size.target_share()),
            "Share of the operations that predict the items.",
        ),
        Stat::new(
            "Memory",
            words::bytes(need.total_bytes()),
            format!(
                "Weights {}, gradients {}, the optimiser's moments {}, and activations of {batch_size} sessions, an \
                 estimate, {}.",
                words::bytes(need.weights_bytes),
                words::bytes(need.gradients_bytes),
                words::bytes(need.moments_bytes),
                words::bytes(need.activations_bytes)
            ),
        ),
    ]
}

/// The figures of a measurement.
pub(super) fn measured(probe: &CostProbe) -> Vec<Stat> {
    let config = &probe.config;
    vec![
        Stat::new(
            "Step",
            significant(probe.seconds_per_step, 3),
            format!(
                "Median of {} steps of {} sessions; the slowest took {} s.",
                probe.n_steps,
                config.pretrain.batch_size,
                significant(probe.slowest_seconds, 3)
            ),
        )
        .unit("s"),
        Stat::new(
            "Epoch",
            duration(probe.seconds_per_epoch),
            format!(
                "{} steps, in which every training session comes once.",
                count(probe.steps_per_epoch)
            ),
        ),
        Stat::new(
            "Pretraining",
            duration(probe.seconds_of_pretraining),
            format!("All {} steps of it.", count(config.pretrain.steps)),
        ),
        Stat::new(
            "Speed",
            format!("{}/s", words::flops(probe.flops_per_second as u64)),
            "Operations of the model's matrix products per second, padding included.",
        ),
        Stat::new(
            "Utilization",
            percent(probe.utilization()),
            format!(
                "Of the {}/s that plain matrix products reach on {}.",
                words::flops(probe.product_flops_per_second as u64),
                probe.device.actual
            ),
        ),
    ]
}

/// One row of the papers' generators.
pub(super) struct SizeRow {
    /// Which.
    pub size: NamedSize,
    /// Name, source, stated and counted parameters, active ones, operations per item, their share for items, memory
    /// that is certain.
    pub cells: [String; 8],
}

/// The columns of the papers' generators, each with what it means.
pub(super) const SIZE_COLUMNS: [(&str, &str); 8] = [
    ("Size", "The name that --size takes."),
    ("Source", "The paper's section or table."),
    ("Stated", "Parameters that the paper names it after."),
    ("Counted", "Parameters of the model as it is built here."),
    ("Active", "Parameters that one token meets."),
    (
        "Per item",
        "Operations of a training step per predicted item, its share of the context included.",
    ),
    (
        "For items",
        "Share of the operations that predict items; the others read the history.",
    ),
    ("State", "Memory of weights and moments."),
];

/// The papers' generators, counted.
pub(super) fn sizes(base: &ExperimentConfig) -> Vec<SizeRow> {
    SIZES
        .into_iter()
        .map(|named| {
            let mut config = base.clone();
            named.apply(&mut config);
            let size = config.generator_size();
            let stated = (named.stated_millions * 1e6) as u64;
            let per_item = size.training_flops() / size.request.n_items.max(1);
            let need = size.memory(config.pretrain.batch_size);
            SizeRow {
                size: named,
                cells: [
                    named.name.to_owned(),
                    named.source.to_owned(),
                    words::parameters(stated),
                    words::parameters(size.n_parameters()),
                    words::parameters(size.n_active_parameters()),
                    words::flops(per_item),
                    format!("{:.2}%", 100.0 * size.target_share()),
                    words::bytes(need.state_bytes()),
                ],
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_beyond_memory_is_counted_and_said_not_to_run() {
        let mut state = AppState::default();
        state.vitals.machine_bytes = Some(16_000_000_000);
        let small = counted(&state).unwrap();
        assert!(
            small.can_run && small.verdict.starts_with("Fits"),
            "{}",
            small.verdict
        );
        let mut config = state.draft.config.clone();
        NamedSize::find("v2-8b").unwrap().apply(&mut config);
        state.draft.edit(config);
        let large = counted(&state).unwrap();
        assert!(!large.can_run);
        assert!(
            large.verdict.starts_with("Counted, not run"),
            "{}",
            large.verdict
        );
        assert_eq!(large.figures[0].value, "7.96 B");
    }

    #[test]
    fn settings_with_problems_are_not_counted() {
        let mut state = AppState::default();
        let mut config = state.draft.config.clone();
        config.model.n_heads = 0;
        state.draft.edit(config);
        assert!(counted(&state).is_none());
    }

    #[test]
    fn every_size_has_a_row() {
        let rows = sizes(&AppState::default().draft.config);
        assert_eq!(rows.len(), SIZES.len());
        let row = rows.iter().find(|row| row.cells[0] == "v2-1b").unwrap();
        assert_eq!(row.cells[2..4], ["1.00 B", "1.09 B"]);
    }
}
