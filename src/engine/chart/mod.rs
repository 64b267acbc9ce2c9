//! Line charts as SVG, PNG and CSV files. Not the window's plots: those are interactive and belong to the window.

mod draw;
pub mod objectives;
pub mod run;

use std::fmt::Write as _;
use std::path::Path;

use crate::engine::error::EngineError;
use crate::engine::run::atomic;

/// A chart with named lines over a common axis.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LineChart {
    /// Above the chart.
    pub title: String,
    /// Below the horizontal axis, with the unit.
    pub x_label: String,
    /// Beside the vertical axis, with the unit.
    pub y_label: String,
    /// Whether the vertical axis is logarithmic; values that are not positive are then left out and marked.
    pub log_y: bool,
    /// The lines.
    pub series: Vec<Series>,
    /// Horizontal lines to compare with.
    pub references: Vec<Reference>,
}

/// One line.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// Its name in the legend and in the CSV header.
    pub name: String,
    /// Points in order of x. A y that is not finite interrupts the line and is marked at the bottom.
    pub points: Vec<(f64, f64)>,
}

/// A horizontal line to compare with.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reference {
    /// Its name in the legend.
    pub name: String,
    /// Its height.
    pub y: f64,
}

impl LineChart {
    /// Writes the chart as SVG.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write_svg(&self, path: &Path) -> Result<(), EngineError> {
        let text = draw::svg(self).map_err(EngineError::io("draw", path))?;
        atomic::write(path, text.as_bytes())
    }

    /// Writes the chart as PNG, `scale` times 800 x 500 pixels.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write_png(&self, path: &Path, scale: f64) -> Result<(), EngineError> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(EngineError::io("create", folder))?;
        }
        // The encoder goes by the ending of the name, so the half-written file must keep it.
        let beside = path.with_extension("partial.png");
        draw::png(self, &beside, scale).map_err(EngineError::io("draw", path))?;
        std::fs::rename(&beside, path).map_err(EngineError::io("write", path))
    }

    /// Writes all points as CSV: one row per x, one column per line, empty where a line has no point.
    /// Non-finite values are written as words.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write_csv(&self, path: &Path) -> Result<(), EngineError> {
        atomic::write(path, self.csv().as_bytes())
    }

    fn csv(&self) -> String {
        let mut xs: Vec<f64> = self
            .series
            .iter()
            .flat_map(|series| series.points.iter().map(|point| point.0))
            .collect();
        xs.sort_by(f64::total_cmp);
        xs.dedup();
        let mut text = quoted(&self.x_label);
        for series in &self.series {
            text.push(',');
            text.push_str(&quoted(&series.name));
        }
        text.push('\n');
        let mut next = vec![0_usize; self.series.len()];
        for x in xs {
            write!(text, "{x}").expect("writing to a string cannot fail");
            for (series, next) in self.series.iter().zip(&mut next) {
                text.push(',');
                if let Some((_, y)) = series
                    .points
                    .get(*next)
                    .filter(|point| point.0.total_cmp(&x).is_eq())
                {
                    write!(text, "{y}").expect("writing to a string cannot fail");
                    *next += 1;
                }
            }
            text.push('\n');
        }
        text
    }
}

fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\n']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(log_y: bool) -> LineChart {
        LineChart {
            title: "Loss".into(),
            x_label: "step".into(),
            y_label: "nats".into(),
            log_y,
            series: vec![
                Series {
                    name: "all".into(),
                    points: vec![(1.0, 5.5), (2.0, f64::NAN), (3.0, 4.25)],
                },
                Series {
                    name: "level 1, first".into(),
                    points: vec![(2.0, 3.0), (3.0, 2.0)],
                },
            ],
            references: vec![Reference {
                name: "ln 2".into(),
                y: std::f64::consts::LN_2,
            }],
        }
    }

    #[test]
    fn csv_keeps_every_point() {
        let expected = "step,all,\"level 1, first\"\n1,5.5,\n2,NaN,3\n3,4.25,2\n";
        assert_eq!(chart(false).csv(), expected);
    }

    #[test]
    fn svg_has_legend_axes_and_the_mark_of_what_is_not_finite() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("loss.svg");
        for log_y in [false, true] {
            chart(log_y).write_svg(&path).unwrap();
            let text = std::fs::read_to_string(&path).unwrap();
            for word in [
                "Loss",
                "step",
                "nats",
                "level 1, first",
                "ln 2",
                "all (1 not finite)",
            ] {
                assert!(
                    text.contains(word),
                    "{word:?} is missing with log_y = {log_y}"
                );
            }
            assert!(
                !text.contains("NaN") && !text.contains("inf"),
                "no such coordinate may be drawn"
            );
        }
    }

    #[test]
    fn png_has_the_size_that_was_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("loss.png");
        chart(false).write_png(&path, 2.0).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(&bytes[1..4], b"PNG");
        let size = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
        assert_eq!((size(16), size(20)), (1600, 1000));
        assert_eq!(
            std::fs::read_dir(folder.path()).unwrap().count(),
            1,
            "no partial file may stay"
        );
    }

    #[test]
    fn odd_charts_are_drawn_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("odd.svg");
        let one = |points: Vec<(f64, f64)>| LineChart {
            series: vec![Series {
                name: "one".into(),
                points,
            }],
            ..LineChart::default()
        };
        for points in [
            vec![],
            vec![(1.0, f64::INFINITY)],
            vec![(1.0, 0.0)],
            vec![(1.0, 2.0), (2.0, 2.0)],
        ] {
            for log_y in [false, true] {
                LineChart {
                    log_y,
                    ..one(points.clone())
                }
                .write_svg(&path)
                .unwrap();
            }
        }
    }
}
