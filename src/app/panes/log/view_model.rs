//! What the pane says of the device and of the run, from the state alone.

use crate::app::state::{AppState, LogLine, StageStatus};
use crate::app::widgets::Stat;
use crate::app::widgets::number::{bytes, count, duration};
use crate::engine::event::{NoticeLevel, Stage};

/// Requested and actual device, in one sentence.
pub(super) fn device(state: &AppState) -> String {
    let device = &state.run.device;
    if device.actual.is_empty() {
        "No run has chosen a device yet.".to_owned()
    } else {
        format!(
            "Runs on {} (asked for {}).",
            device.actual, device.requested
        )
    }
}

/// Figures of this process and of the run.
pub(super) fn figures(state: &AppState) -> Vec<Stat> {
    let run = &state.run;
    let mut stats = Vec::new();
    if let Some((stage, speed)) = speed(state) {
        let tip = format!("Last value that stage {stage} reported.");
        stats.push(Stat::new("Speed", count(speed.round() as u64), tip).unit("codes/s"));
    }
    let memory = state
        .vitals
        .memory_bytes
        .map_or_else(|| "n/a".to_owned(), bytes);
    stats.push(Stat::new(
        "Memory",
        memory,
        "Resident memory of this process.",
    ));
    if let Some(cores) = state.vitals.cpu_cores {
        let tip = "Processor use of this process; 1 is one core busy.";
        stats.push(Stat::new("Processor", format!("{cores:.1}"), tip).unit("cores"));
    }
    stats.push(
        Stat::new(
            "Frame",
            format!("{:.1}", state.vitals.frame_millis),
            "Time that the last frame took on the window's thread.",
        )
        .unit("ms"),
    );
    stats.push(Stat::new(
        "Events",
        count(run.next_seq),
        "Events of this run; all of them are in events.jsonl of the run folder.",
    ));
    stats
}

/// Name, status, progress and time of every stage.
pub(super) fn stages(state: &AppState) -> Vec<[String; 4]> {
    Stage::ALL
        .into_iter()
        .map(|stage| {
            let progress = state.run.stage(stage);
            let status = match progress.status {
                StageStatus::Waiting => "waiting",
                StageStatus::Running if state.is_paused() => "paused",
                StageStatus::Running => "running",
                StageStatus::Finished => "finished",
                StageStatus::Stopped => "stopped",
                StageStatus::Failed => "failed",
            };
            let done = if progress.total > 0 {
                format!("{} of {}", count(progress.done), count(progress.total))
            } else {
                String::new()
            };
            let seconds = progress.elapsed_seconds();
            let time = if seconds > 0.0 {
                duration(seconds)
            } else {
                String::new()
            };
            [stage.to_string(), status.to_owned(), done, time]
        })
        .collect()
}

/// Messages of the run and of the window from `level` upwards, newest first.
pub(super) fn messages(state: &AppState, level: NoticeLevel) -> Vec<&LogLine> {
    let mut lines: Vec<&LogLine> = state
        .run
        .log
        .iter()
        .chain(&state.notices.log)
        .filter(|line| rank(line.level) >= rank(level))
        .collect();
    // Stable: messages of one moment keep their order, and the newest of them comes first.
    lines.sort_by_key(|line| line.time_millis);
    lines.reverse();
    lines
}

/// A level in one word.
pub(super) const fn level_name(level: NoticeLevel) -> &'static str {
    match level {
        NoticeLevel::Info => "info",
        NoticeLevel::Warning => "warning",
        NoticeLevel::Error => "error",
    }
}

const fn rank(level: NoticeLevel) -> u8 {
    match level {
        NoticeLevel::Info => 0,
        NoticeLevel::Warning => 1,
        NoticeLevel::Error => 2,
    }
}

/// The newest speed that any stage reported.
fn speed(state: &AppState) -> Option<(Stage, f64)> {
    Stage::ALL.into_iter().rev().find_map(|stage| {
        let series = state.run.series(stage, "tokens_per_second")?;
        Some((stage, series.last()?.value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::device::DeviceReport;

    fn line(time_millis: u64, level: NoticeLevel, text: &str) -> LogLine {
        LogLine {
            time_millis,
            level,
            stage: None,
            text: text.into(),
            hint: None,
        }
    }

    #[test]
    fn unknown_figures_say_so() {
        let figures = figures(&AppState::default());
        assert_eq!(
            device(&AppState::default()),
            "No run has chosen a device yet."
        );
        assert!(
            figures
                .iter()
                .any(|stat| stat.label == "Memory" && stat.value == "n/a")
        );
        assert!(!figures.iter().any(|stat| stat.label == "Speed"));
    }

    #[test]
    fn requested_and_actual_device_are_named() {
        let mut state = AppState::default();
        state.run.device = DeviceReport {
            requested: "auto".into(),
            actual: "cpu (flex, 2 threads)".into(),
        };
        assert_eq!(
            device(&state),
            "Runs on cpu (flex, 2 threads) (asked for auto)."
        );
    }

    #[test]
    fn messages_are_filtered_and_newest_first() {
        let mut state = AppState::default();
        state.run.log = vec![
            line(1, NoticeLevel::Info, "one"),
            line(3, NoticeLevel::Error, "three"),
        ];
        state.notices.log = vec![line(2, NoticeLevel::Warning, "two")];
        let texts = |level| -> Vec<&str> {
            messages(&state, level)
                .iter()
                .map(|line| line.text.as_str())
                .collect()
        };
        assert_eq!(texts(NoticeLevel::Info), ["three", "two", "one"]);
        assert_eq!(texts(NoticeLevel::Warning), ["three", "two"]);
        assert_eq!(texts(NoticeLevel::Error), ["three"]);
    }

    #[test]
    fn every_stage_has_a_row() {
        let rows = stages(&AppState::default());
        assert_eq!(rows.len(), Stage::ALL.len());
        assert!(
            rows.iter()
                .all(|row| row[1] == "waiting" && row[3].is_empty())
        );
    }
}
