//! One metric over the steps of one stage. All points are kept; thinning out is the chart's job.

use crate::engine::event::StepPoint;

/// One value of one metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SeriesPoint {
    /// Optimiser steps done.
    pub step: u64,
    /// Training examples seen.
    pub samples: u64,
    /// Seconds of training, over all processes.
    pub seconds: f64,
    /// Time of day, milliseconds since 1970.
    pub time_millis: u64,
    /// The value; may be NaN or infinite.
    pub value: f64,
}

/// A metric's whole history.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// In strictly rising order of step.
    pub points: Vec<SeriesPoint>,
    /// Tails that a resume abandoned, oldest first, each in rising order of step.
    pub abandoned: Vec<Vec<SeriesPoint>>,
}

impl Series {
    /// Appends a point. A step at or before the last one means that training went back to a checkpoint:
    /// the points from there on move to `abandoned`, so that no line runs backwards.
    pub fn push(&mut self, point: &StepPoint, time_millis: u64, value: f64) {
        let keep = self.points.partition_point(|known| known.step < point.step);
        if keep < self.points.len() {
            self.abandoned.push(self.points.split_off(keep));
        }
        self.points.push(SeriesPoint {
            step: point.step,
            samples: point.samples,
            seconds: point.seconds,
            time_millis,
            value,
        });
    }

    /// The newest point.
    pub fn last(&self) -> Option<&SeriesPoint> {
        self.points.last()
    }

    /// The first point whose value is NaN or infinite.
    pub fn first_non_finite(&self) -> Option<&SeriesPoint> {
        self.points.iter().find(|point| !point.value.is_finite())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(step: u64) -> StepPoint {
        StepPoint {
            step,
            samples: step * 8,
            seconds: step as f64,
            values: Vec::new(),
            experts: Vec::new(),
        }
    }

    #[test]
    fn a_resume_moves_the_tail_aside() {
        let mut series = Series::default();
        for step in 1..=5 {
            series.push(&point(step), 0, step as f64);
        }
        series.push(&point(3), 0, 30.0);
        let values: Vec<f64> = series.points.iter().map(|point| point.value).collect();
        assert_eq!(values, [1.0, 2.0, 30.0]);
        let tail: Vec<u64> = series.abandoned[0].iter().map(|point| point.step).collect();
        assert_eq!(tail, [3, 4, 5]);
    }

    #[test]
    fn non_finite_values_are_kept_and_found() {
        let mut series = Series::default();
        series.push(&point(1), 0, 1.0);
        series.push(&point(2), 0, f64::NAN);
        assert_eq!(series.first_non_finite().unwrap().step, 2);
        assert_eq!(series.points.len(), 2);
    }
}
