//! `onerec size`: parameters, operations and memory of a generator by arithmetic, and its speed by a short probe.

use onerec_workbench::engine::command::EngineCommand;
use onerec_workbench::engine::config::{ExperimentConfig, Preset, SIZES};
use onerec_workbench::engine::error::{EngineError, Failure};
use onerec_workbench::engine::event::{CostProbe, EngineEvent};
use onerec_workbench::engine::model::size::{ModelSize, words};
use onerec_workbench::engine::run::memory;
use serde_json::json;

use crate::cli::args::SizeArgs;
use crate::cli::{client, failed, output, run};

/// Prints the size of the configured generator, or those of all papers.
pub(crate) fn tell(args: &SizeArgs) -> Result<(), Failure> {
    if args.all {
        return tell_all(args.output.json);
    }
    let backend = args
        .backend
        .map(|backend| format!("device.backend={}", backend.name()));
    let settings: Vec<String> = backend.into_iter().collect();
    let config = args
        .settings
        .load(args.config.as_ref(), &settings)
        .map_err(failed)?;
    let size = config.generator_size();
    if !args.output.json {
        tell_size(&size, &config);
    }
    let probe = if args.probe {
        Some(measure(args, &config)?)
    } else {
        None
    };
    if args.output.json {
        let record = record_of(&size, config.pretrain.batch_size);
        output::line(&json!({ "size": record, "probe": probe }).to_string());
    } else if let Some(probe) = &probe {
        tell_probe(probe, &config);
    }
    Ok(())
}

fn measure(args: &SizeArgs, config: &ExperimentConfig) -> Result<CostProbe, Failure> {
    let record = client::ask(EngineCommand::ProbeCost {
        path: run::data_of(args.data.clone())?,
        config: Box::new(config.clone()),
    })?;
    match record.event {
        EngineEvent::CostProbed(probe) => Ok(probe),
        _ => Err(client::failure(
            "the engine did not answer with a measurement".to_owned(),
        )),
    }
}

fn tell_size(size: &ModelSize, config: &ExperimentConfig) {
    let share = |part: u64, of: u64| format!("{:.2}%", 100.0 * part as f64 / of.max(1) as f64);
    let n_parameters = size.n_parameters();
    output::line(&format!(
        "Parameters  {} ({n_parameters}), of which one token meets {}",
        words::parameters(n_parameters),
        share(size.n_active_parameters(), n_parameters)
    ));
    let request = size.request;
    output::line(&format!(
        "Operations  {} in training per request of {} context positions and {} items: {} for the context, {} for the items",
        words::flops(size.training_flops()),
        request.n_context,
        request.n_items,
        share(size.context_flops(), size.forward_flops()),
        share(size.target_flops(), size.forward_flops())
    ));
    let mut rows = vec![
        ["part", "parameters", "context, forward", "items, forward"]
            .map(str::to_owned)
            .to_vec(),
    ];
    rows.extend(size.parts.iter().map(|part| {
        vec![
            part.name.to_owned(),
            words::parameters(part.n_parameters),
            words::flops(part.context_flops),
            words::flops(part.target_flops),
        ]
    }));
    output::table(&rows);
    let need = size.memory(config.pretrain.batch_size);
    output::line(&format!(
        "Memory      {} in training: weights {}, gradients {}, moments {}, activations of {} requests about {}",
        words::bytes(need.total_bytes()),
        words::bytes(need.weights_bytes),
        words::bytes(need.gradients_bytes),
        words::bytes(need.moments_bytes),
        config.pretrain.batch_size,
        words::bytes(need.activations_bytes)
    ));
    output::line(&format!(
        "            {}",
        need.verdict(memory::total_bytes())
    ));
}

fn tell_probe(probe: &CostProbe, config: &ExperimentConfig) {
    output::line(&format!(
        "Measured    {:.3} s per step of {} sessions on {} (median of {}, slowest {:.3} s)",
        probe.seconds_per_step,
        config.pretrain.batch_size,
        probe.device.actual,
        probe.n_steps,
        probe.slowest_seconds
    ));
    output::line(&format!(
        "            {:.1} s per epoch of {} steps, {:.1} s for the {} steps of pretraining",
        probe.seconds_per_epoch,
        probe.steps_per_epoch,
        probe.seconds_of_pretraining,
        config.pretrain.steps
    ));
    output::line(&format!(
        "            {} per second, {:.0}% of what plain matrix products reach here",
        words::flops(probe.flops_per_second as u64),
        100.0 * probe.utilization()
    ));
}

fn record_of(size: &ModelSize, batch_size: usize) -> serde_json::Value {
    json!({
        "parameters": size.n_parameters(),
        "active_parameters": size.n_active_parameters(),
        "context_flops": size.context_flops(),
        "target_flops": size.target_flops(),
        "training_flops": size.training_flops(),
        "target_share": size.target_share(),
        "request": size.request,
        "parts": size.parts,
        "batch_size": batch_size,
        "memory": size.memory(batch_size),
        "memory_of_this_machine_bytes": memory::total_bytes(),
    })
}

/// One row per generator of a paper.
fn tell_all(as_json: bool) -> Result<(), Failure> {
    let base = ExperimentConfig::load(Preset::Base, None, &[])
        .map_err(|error| failed(EngineError::from(error)))?;
    let total = memory::total_bytes();
    let mut rows = vec![
        [
            "size",
            "source",
            "stated",
            "counted",
            "active",
            "training, per item",
            "for items",
            "weights and moments",
            "here",
        ]
        .map(str::to_owned)
        .to_vec(),
    ];
    for named in SIZES {
        let mut config = base.clone();
        named.apply(&mut config);
        let size = config.generator_size();
        let need = size.memory(config.pretrain.batch_size);
        if as_json {
            let record = record_of(&size, config.pretrain.batch_size);
            let line = json!({
                "name": named.name,
                "source": named.source,
                "stated_millions": named.stated_millions,
                "remark": named.remark,
                "size": record,
            });
            output::line(&line.to_string());
            continue;
        }
        rows.push(vec![
            named.name.to_owned(),
            named.source.to_owned(),
            words::parameters((named.stated_millions * 1e6) as u64),
            words::parameters(size.n_parameters()),
            words::parameters(size.n_active_parameters()),
            words::flops(size.training_flops() / size.request.n_items.max(1)),
            format!("{:.2}%", 100.0 * size.target_share()),
            words::bytes(need.state_bytes()),
            need.word(total).to_owned(),
        ]);
    }
    if !as_json {
        output::table(&rows);
        output::line("");
        let mut told: Vec<&str> = Vec::new();
        for named in SIZES {
            if !told.contains(&named.remark) {
                told.push(named.remark);
                output::line(&format!("  {}: {}", named.name, named.remark));
            }
        }
    }
    Ok(())
}
