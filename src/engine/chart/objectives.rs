//! The charts of a comparison of objectives: what each does to the policy, step by step.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::run::write;
use super::{LineChart, Series};
use crate::engine::error::EngineError;
use crate::engine::event::{EventRecord, Stage};
use crate::engine::run::{RunDir, journal};

/// Writes one chart per level of the semantic IDs, each as SVG, PNG and CSV: the entropy of the policy's predictions
/// over the steps, one line per objective, mean over its runs. Returns their names.
///
/// # Errors
/// If a journal cannot be read or a chart cannot be written.
pub fn entropy_charts(
    objectives: &[(&str, Vec<PathBuf>)],
    out_dir: &Path,
) -> Result<Vec<String>, EngineError> {
    let mut journals = Vec::new();
    for (title, runs) in objectives {
        let mut of_objective = Vec::new();
        for run in runs {
            of_objective.push(journal::read(&RunDir::new(run).events_path())?);
        }
        journals.push((*title, of_objective));
    }
    let mut names = Vec::new();
    for level in 1.. {
        let chart = LineChart {
            title: format!("Entropy of level {level} as objectives learn"),
            x_label: "step".to_owned(),
            y_label: "nats".to_owned(),
            series: journals
                .iter()
                .map(|(title, runs)| Series {
                    name: (*title).to_owned(),
                    points: mean(runs, &format!("entropy_level_{level}")),
                })
                .collect(),
            ..LineChart::default()
        };
        if chart.series.iter().all(|series| series.points.is_empty()) {
            break;
        }
        let name = format!("entropy_level_{level}");
        write(&chart, out_dir, &name)?;
        names.push(name);
    }
    Ok(names)
}

/// The mean over runs of a value at each step that any of them logged.
fn mean(runs: &[Vec<EventRecord>], name: &str) -> Vec<(f64, f64)> {
    let mut sums: BTreeMap<u64, (f64, u32)> = BTreeMap::new();
    for records in runs {
        for (step, value) in journal::series(records, Stage::Align, name) {
            let (sum, n) = sums.entry(step).or_default();
            *sum += value;
            *n += 1;
        }
    }
    sums.into_iter()
        .map(|(step, (sum, n))| (step as f64, sum / f64::from(n)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::event::{EngineEvent, RunId, StepPoint};

    fn run(entropies: &[f64]) -> Vec<EventRecord> {
        let points = entropies.iter().zip(1..).map(|(entropy, step)| StepPoint {
            step,
            values: vec![("entropy_level_1".to_owned(), *entropy)],
            ..StepPoint::default()
        });
        vec![EventRecord {
            seq: 0,
            time_millis: 0,
            run: RunId("run".to_owned()),
            event: EngineEvent::Steps {
                stage: Stage::Align,
                points: points.collect(),
            },
        }]
    }

    #[test]
    fn the_mean_is_over_the_runs_that_came_so_far() {
        let runs = [run(&[3.0, 2.0, 1.0]), run(&[1.0, 2.0])];
        assert_eq!(
            mean(&runs, "entropy_level_1"),
            [(1.0, 2.0), (2.0, 2.0), (3.0, 1.0)]
        );
        assert!(mean(&runs, "entropy_level_2").is_empty());
    }
}
