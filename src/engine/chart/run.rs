//! The charts of one run, drawn from its journal and its report.

use std::path::Path;

use super::{LineChart, Reference, Series};
use crate::engine::error::EngineError;
use crate::engine::event::{EngineEvent, EventRecord, Stage};
use crate::engine::run::{RunDir, journal, report::RunReport};
use crate::engine::tokenizer::report::CodebookLevel;

/// Pixels of the PNG files: twice the base size, sharp in print.
const PNG_SCALE: f64 = 2.0;

/// Writes the charts of all stages that ran, each as SVG, PNG and CSV, and returns their names.
///
/// # Errors
/// If the journal cannot be read or a chart cannot be written.
pub fn charts_of_run(run_dir: &Path, out_dir: &Path) -> Result<Vec<String>, EngineError> {
    let dir = RunDir::new(run_dir);
    let records = journal::read(&dir.events_path())?;
    // A run that was stopped early has no report yet; its curves are worth drawing all the same.
    let report = RunReport::load(&dir.report_path()).unwrap_or_default();
    let mut names = Vec::new();
    for (name, chart) in charts(&records, &report) {
        if chart.series.iter().all(|series| series.points.is_empty()) {
            continue;
        }
        write(&chart, out_dir, name)?;
        names.push(name.to_owned());
    }
    Ok(names)
}

/// Writes a chart as SVG, PNG and CSV.
pub(super) fn write(chart: &LineChart, out_dir: &Path, name: &str) -> Result<(), EngineError> {
    chart.write_svg(&out_dir.join(format!("{name}.svg")))?;
    chart.write_png(&out_dir.join(format!("{name}.png")), PNG_SCALE)?;
    chart.write_csv(&out_dir.join(format!("{name}.csv")))
}

/// All charts with their file names; those of stages that did not run have no points.
fn charts(records: &[EventRecord], report: &RunReport) -> Vec<(&'static str, LineChart)> {
    let unigram = report
        .pretrain
        .as_ref()
        .map(|pretrain| pretrain.unigram_entropy.as_slice())
        .unwrap_or_default();
    let unigram = (!unigram.is_empty()).then(|| Reference {
        name: "unigram entropy, mean over levels".to_owned(),
        y: unigram.iter().sum::<f64>() / unigram.len() as f64,
    });
    let of_steps =
        |stage, title: &str, y_label: &str, is_wanted: &dyn Fn(&str) -> bool, references| {
            LineChart {
                title: title.to_owned(),
                x_label: "step".to_owned(),
                y_label: y_label.to_owned(),
                log_y: false,
                series: series(records, stage, is_wanted),
                references,
            }
        };
    let line = |name: &str, y: f64| {
        vec![Reference {
            name: name.to_owned(),
            y,
        }]
    };
    vec![
        ("codebook_load", codebook_load(records, report)),
        (
            "pretrain_loss",
            of_steps(
                Stage::Pretrain,
                "Pretraining loss",
                "nats per token",
                &|name| name.starts_with("loss") || name == "validation_loss",
                unigram.into_iter().collect(),
            ),
        ),
        ("expert_load", expert_load(records)),
        (
            "reward_loss",
            of_steps(
                Stage::Reward,
                "Reward model loss",
                "cross-entropy",
                &|name| name.ends_with("loss"),
                Vec::new(),
            ),
        ),
        (
            "alignment_loss",
            of_steps(
                Stage::Align,
                "Preference loss",
                "DPO loss",
                &|name| name == "dpo_loss",
                line("ln 2, no preference", std::f64::consts::LN_2),
            ),
        ),
        (
            "preference_loss",
            of_steps(
                Stage::Align,
                "Preference loss",
                "loss of the objective",
                &|name| name == "preference_loss",
                Vec::new(),
            ),
        ),
        (
            "alignment_margin",
            of_steps(
                Stage::Align,
                "Preference margin",
                "implicit reward, chosen - rejected",
                &|name| name == "margin",
                line("no preference", 0.0),
            ),
        ),
        (
            "alignment_accuracy",
            of_steps(
                Stage::Align,
                "Preference accuracy",
                "share of pairs with a positive margin",
                &|name| name == "accuracy",
                line("chance", 0.5),
            ),
        ),
        (
            "alignment_entropy",
            of_steps(
                Stage::Align,
                "Entropy of the policy's predictions",
                "nats",
                &|name| name.starts_with("entropy_level_"),
                Vec::new(),
            ),
        ),
    ]
}

fn series(records: &[EventRecord], stage: Stage, is_wanted: &dyn Fn(&str) -> bool) -> Vec<Series> {
    let mut names: Vec<&str> = Vec::new();
    for record in records {
        if let EngineEvent::Steps { stage: of, points } = &record.event
            && *of == stage
        {
            for (name, _) in points.iter().flat_map(|point| &point.values) {
                if is_wanted(name) && !names.contains(&name.as_str()) {
                    names.push(name);
                }
            }
        }
    }
    names
        .into_iter()
        .map(|name| Series {
            name: name.replace('_', " "),
            points: journal::series(records, stage, name)
                .into_iter()
                .map(|(step, y)| (step as f64, y))
                .collect(),
        })
        .collect()
}

/// Load of the fullest expert over the mean load at the logged steps, one line per layer.
fn expert_load(records: &[EventRecord]) -> LineChart {
    let points = journal::points(records, Stage::Pretrain);
    let mut layers: Vec<Series> = Vec::new();
    for (step, load) in points
        .iter()
        .flat_map(|(step, point)| point.experts.iter().map(move |load| (*step, load)))
    {
        let place = (step as f64, load.max_over_mean());
        match layers.iter_mut().find(|layer| layer.name == load.layer) {
            Some(layer) => layer.points.push(place),
            None => layers.push(Series {
                name: load.layer.clone(),
                points: vec![place],
            }),
        }
    }
    LineChart {
        title: "Experts, fullest over mean".to_owned(),
        x_label: "step".to_owned(),
        y_label: "times the mean load".to_owned(),
        log_y: false,
        series: layers,
        references: vec![Reference {
            name: "even".to_owned(),
            y: 1.0,
        }],
    }
}

/// Items per code from the fullest code to the emptiest, one line per level.
fn codebook_load(records: &[EventRecord], report: &RunReport) -> LineChart {
    let stored = report
        .tokenizer
        .iter()
        .flat_map(|tokenizer| &tokenizer.levels);
    let mut levels: Vec<&CodebookLevel> = stored.collect();
    if levels.is_empty() {
        levels = records
            .iter()
            .filter_map(|record| match &record.event {
                EngineEvent::CodebookUpdated(level) if level.is_final => Some(level),
                _ => None,
            })
            .collect();
    }
    let line = |level: &CodebookLevel| {
        let mut load = level.load.clone();
        load.sort_unstable_by(|a, b| b.cmp(a));
        Series {
            name: format!("level {}", level.level_idx + 1),
            points: load
                .iter()
                .enumerate()
                .map(|(rank, items)| (rank as f64, f64::from(*items)))
                .collect(),
        }
    };
    LineChart {
        title: "Codebook load".to_owned(),
        x_label: "codes, fullest first".to_owned(),
        y_label: "items".to_owned(),
        log_y: false,
        series: levels.into_iter().map(line).collect(),
        references: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::event::{ExpertLoad, RunId, StepPoint};

    #[test]
    fn a_run_that_got_to_pretraining_has_its_curves_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let dir = RunDir::new(folder.path());
        let (mut journal, _) = journal::Journal::open(&dir.events_path()).unwrap();
        let points = (1..=3)
            .map(|step| StepPoint {
                step,
                samples: step,
                seconds: 0.0,
                values: vec![
                    ("loss".into(), 5.0 / step as f64),
                    ("learning_rate".into(), 1e-3),
                ],
                experts: vec![ExpertLoad {
                    layer: "decoder 1".into(),
                    load: vec![3, 1],
                    bias: Vec::new(),
                }],
            })
            .collect();
        let event = EngineEvent::Steps {
            stage: Stage::Pretrain,
            points,
        };
        journal
            .append(&EventRecord {
                seq: 0,
                time_millis: 0,
                run: RunId("r".into()),
                event,
            })
            .unwrap();

        let names = charts_of_run(folder.path(), &dir.charts_dir()).unwrap();
        assert_eq!(names, ["pretrain_loss", "expert_load"]);
        let csv = std::fs::read_to_string(dir.charts_dir().join("expert_load.csv")).unwrap();
        assert!(csv.contains("decoder 1") && csv.contains("1.5"), "{csv}");
        let csv = std::fs::read_to_string(dir.charts_dir().join("pretrain_loss.csv")).unwrap();
        assert_eq!(csv, "step,loss\n1,5\n2,2.5\n3,1.6666666666666667\n");
        for ending in ["svg", "png"] {
            assert!(
                dir.charts_dir()
                    .join("pretrain_loss")
                    .with_extension(ending)
                    .exists(),
                "{ending}"
            );
        }
    }
}
