//! `events.jsonl`: every event of a run, one line each, in order.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};

use crate::engine::error::EngineError;
use crate::engine::event::{EngineEvent, EventRecord, Stage, StepPoint};

/// The open journal of a running run.
#[derive(Debug)]
pub struct Journal {
    file: File,
    path: PathBuf,
}

impl Journal {
    /// Opens the journal for appending and says the next free sequence number.
    /// A last line that a crash cut off is removed first.
    ///
    /// # Errors
    /// If the file cannot be read or written.
    pub fn open(path: &Path) -> Result<(Self, u64), EngineError> {
        let mut next_seq = 0;
        let mut whole_bytes = 0;
        if path.exists() {
            let file = File::open(path).map_err(EngineError::io("read", path))?;
            let mut reader = BufReader::new(file);
            let mut line = Vec::new();
            loop {
                line.clear();
                let n_bytes = reader
                    .read_until(b'\n', &mut line)
                    .map_err(EngineError::io("read", path))?;
                let Ok(record) = serde_json::from_slice::<EventRecord>(&line) else {
                    break;
                };
                if !line.ends_with(b"\n") {
                    break;
                }
                whole_bytes += n_bytes as u64;
                next_seq = record.seq + 1;
            }
        }
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .map_err(EngineError::io("open", path))?;
        file.set_len(whole_bytes)
            .map_err(EngineError::io("write", path))?;
        Ok((
            Self {
                file,
                path: path.to_owned(),
            },
            next_seq,
        ))
    }

    /// Appends one event.
    ///
    /// # Errors
    /// If it cannot be written, for example on a full disk.
    pub fn append(&mut self, record: &EventRecord) -> Result<(), EngineError> {
        let mut line = serde_json::to_vec(record).map_err(|error| EngineError::Io {
            operation: "serialise an event of",
            path: self.path.clone(),
            source: std::io::Error::other(error),
        })?;
        line.push(b'\n');
        self.file
            .write_all(&line)
            .map_err(EngineError::io("write", &self.path))
    }
}

/// Reads a journal; stops quietly at a last line that a crash cut off.
///
/// # Errors
/// If the file cannot be read or a line before the last is damaged.
pub fn read(path: &Path) -> Result<Vec<EventRecord>, EngineError> {
    let file = File::open(path).map_err(EngineError::io("read", path))?;
    let lines: Vec<Vec<u8>> = BufReader::new(file)
        .split(b'\n')
        .collect::<Result<_, _>>()
        .map_err(EngineError::io("read", path))?;
    let mut records = Vec::with_capacity(lines.len());
    for (line_idx, line) in lines.iter().enumerate() {
        match serde_json::from_slice(line) {
            Ok(record) => records.push(record),
            Err(_) if line_idx + 1 == lines.len() => {}
            Err(error) => {
                return Err(EngineError::RunFolder {
                    path: path.to_owned(),
                    found: format!("line {} is damaged: {error}", line_idx + 1),
                });
            }
        }
    }
    Ok(records)
}

/// The values of `name` in `stage`, by step. What a resume did again counts once, in its later form.
pub fn series(records: &[EventRecord], stage: Stage, name: &str) -> BTreeMap<u64, f64> {
    points(records, stage)
        .into_iter()
        .filter_map(|(step, point)| Some((step, point.value(name)?)))
        .collect()
}

/// The logged steps of `stage`. What a resume did again counts once, in its later form.
pub fn points(records: &[EventRecord], stage: Stage) -> BTreeMap<u64, &StepPoint> {
    let mut found = BTreeMap::new();
    for record in records {
        match &record.event {
            EngineEvent::StageStarted {
                stage: started,
                first_step,
                ..
            } if *started == stage => {
                found.split_off(&(first_step + 1));
            }
            EngineEvent::Steps { stage: of, points } if *of == stage => {
                found.extend(points.iter().map(|point| (point.step, point)));
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::event::RunId;

    fn record(seq: u64, event: EngineEvent) -> EventRecord {
        EventRecord {
            seq,
            time_millis: 0,
            run: RunId("r".into()),
            event,
        }
    }

    fn steps(seq: u64, range: std::ops::RangeInclusive<u64>, loss: f64) -> EventRecord {
        let points = range
            .map(|step| StepPoint {
                step,
                samples: 0,
                seconds: 0.0,
                values: vec![("loss".into(), loss)],
                experts: Vec::new(),
            })
            .collect();
        record(
            seq,
            EngineEvent::Steps {
                stage: Stage::Pretrain,
                points,
            },
        )
    }

    #[test]
    fn a_cut_off_last_line_is_dropped_and_numbers_go_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.jsonl");
        let (mut journal, next) = Journal::open(&path).unwrap();
        assert_eq!(next, 0);
        journal.append(&steps(0, 1..=2, 5.0)).unwrap();
        drop(journal);
        OpenOptions::new()
            .append(true)
            .open(&path)
            .unwrap()
            .write_all(b"{\"seq\":1,\"ti")
            .unwrap();
        assert_eq!(read(&path).unwrap().len(), 1);
        let (mut journal, next) = Journal::open(&path).unwrap();
        assert_eq!(next, 1);
        journal.append(&steps(1, 3..=3, 4.0)).unwrap();
        assert_eq!(read(&path).unwrap().len(), 2);
    }

    #[test]
    fn a_resume_replaces_the_abandoned_tail() {
        let resumed = EngineEvent::StageStarted {
            stage: Stage::Pretrain,
            first_step: 2,
            total_steps: 9,
        };
        let records = [
            steps(0, 1..=4, 5.0),
            record(1, resumed),
            steps(2, 3..=3, 1.0),
        ];
        let series = series(&records, Stage::Pretrain, "loss");
        assert_eq!(
            series.into_iter().collect::<Vec<_>>(),
            [(1, 5.0), (2, 5.0), (3, 1.0)]
        );
    }
}
