//! What the charts of the codebook pane show, from the levels alone.

use super::view_model::LevelModel;
use crate::app::state::{LoadRow, SweepPoint, bin_range};
use crate::app::widgets::level_letter;
use crate::app::widgets::number::{count, significant};
use crate::engine::tokenizer::health::{self, Measure};

/// A figure that is followed over the sweeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum SweepFigure {
    /// Entropy of the load.
    #[default]
    Entropy,
    /// What the level leaves over.
    Residual,
    /// Codes in use.
    Utilization,
    /// Unevenness of the load.
    Gini,
    /// Codes that nobody uses.
    DeadCodes,
}

impl SweepFigure {
    /// All of them, in the order of the choice.
    pub(super) const ALL: [Self; 5] = [
        Self::Entropy,
        Self::Residual,
        Self::Utilization,
        Self::Gini,
        Self::DeadCodes,
    ];

    /// Its definition.
    pub(super) const fn measure(self) -> Measure {
        match self {
            Self::Entropy => health::ENTROPY,
            Self::Residual => health::RESIDUAL,
            Self::Utilization => health::UTILIZATION,
            Self::Gini => health::GINI,
            Self::DeadCodes => health::DEAD_CODES,
        }
    }

    /// Whether more of it is better.
    pub(super) const fn is_better_high(self) -> bool {
        matches!(self, Self::Entropy | Self::Utilization)
    }

    /// Its course over the sweeps of a level.
    pub(super) fn course(self, sweeps: &[SweepPoint]) -> Vec<[f64; 2]> {
        let value = |sweep: &SweepPoint| match self {
            Self::Entropy => sweep.entropy_nats,
            Self::Residual => sweep.residual_error,
            Self::Utilization => sweep.utilization,
            Self::Gini => sweep.gini,
            Self::DeadCodes => sweep.dead_codes as f64,
        };
        let point = |sweep: &SweepPoint| [sweep.iteration as f64, value(sweep)];
        sweeps.iter().map(point).collect()
    }
}

/// The load of a level over its sweeps, ready to be drawn.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct LoadMap<'a> {
    /// The sweeps, in order; all have equally many bins.
    pub rows: Vec<&'a LoadRow>,
    /// Items / codes.
    pub even_share: f32,
    /// The map in one sentence.
    pub summary: String,
    n_codes: usize,
}

impl<'a> LoadMap<'a> {
    /// The map of a level; `None` before its first sweep.
    pub(super) fn of(level: &LevelModel<'a>) -> Option<Self> {
        let loads = level.loads?;
        let n_bins = loads.rows.last()?.bins.len();
        let n_codes = level.load.len();
        if n_bins == 0 || n_bins > n_codes {
            return None;
        }
        // A level that was fitted with another size has rows of another length.
        let rows = loads.rows.iter().filter(|row| row.bins.len() == n_bins);
        let rows: Vec<&LoadRow> = rows.collect();
        let newest = &rows.last()?.bins;
        let of_bin = |bin: usize| newest[bin] * bin_range(bin, n_bins, n_codes).len() as f32;
        let items: f32 = (0..n_bins).map(of_bin).sum();
        let n_dead = level.load.iter().filter(|n| **n == 0).count();
        let summary = format!(
            "Load of {} over sweeps: {} rows, {} codes, {} of them empty now",
            level.name,
            rows.len(),
            count(n_codes as u64),
            count(n_dead as u64)
        );
        Some(Self {
            rows,
            even_share: items / n_codes as f32,
            summary,
            n_codes,
        })
    }

    /// Rows and columns.
    pub(super) fn size(&self) -> [usize; 2] {
        [self.rows.len(), self.rows[0].bins.len()]
    }

    /// How strong a cell is: from 0 for an empty code over a half for an even share towards 1.
    pub(super) fn strength(&self, row: usize, column: usize) -> f32 {
        let n_items = self.rows[row].bins[column];
        if n_items <= 0.0 {
            0.0
        } else {
            n_items / (n_items + self.even_share)
        }
    }

    /// What a cell says.
    pub(super) fn readout(&self, row: usize, column: usize) -> String {
        let LoadRow {
            iteration, bins, ..
        } = self.rows[row];
        let ranks = bin_range(column, bins.len(), self.n_codes);
        let ranks = if ranks.len() == 1 {
            format!("rank {}", count(ranks.end as u64))
        } else {
            format!(
                "ranks {} to {}",
                count(ranks.start as u64 + 1),
                count(ranks.end as u64)
            )
        };
        let items = bins[column];
        format!(
            "sweep {iteration}, {ranks} of {} codes\n{} items per code, {} x an even share",
            count(self.n_codes as u64),
            significant(f64::from(items), 3),
            significant(f64::from(items / self.even_share), 3)
        )
    }
}

/// What is left of the vectors: name and mean square, before the first level where it is known, then after each.
pub(super) fn residuals(
    levels: &[LevelModel<'_>],
    vector_power: Option<f64>,
) -> (Vec<String>, Vec<f64>) {
    let first = vector_power.map(|power| ("vectors".to_owned(), power));
    let after = levels.iter().enumerate();
    let after = after.map(|(level_idx, level)| {
        let name = format!("after {}", level_letter(level_idx));
        (name, level.residual_error)
    });
    first.into_iter().chain(after).unzip()
}

/// Codes in the order of their values, largest first; equal ones in order of code.
pub(super) fn fullest_first(values: &[f64]) -> Vec<usize> {
    let mut codes: Vec<usize> = (0..values.len()).collect();
    codes.sort_by(|a, b| values[*b].total_cmp(&values[*a]));
    codes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::state::LoadHistory;

    fn level<'a>(load: &'a [u32], loads: &'a LoadHistory) -> LevelModel<'a> {
        LevelModel {
            name: "Level a".to_owned(),
            cells: Vec::new(),
            load,
            popularity: &[],
            residual_error: 0.25,
            sweeps: &[],
            loads: Some(loads),
            is_live: true,
        }
    }

    #[test]
    fn an_even_share_has_half_the_strength() {
        let mut loads = LoadHistory::default();
        loads.push(1, &[8, 0, 0, 0]);
        loads.push(2, &[2, 1, 2, 3]);
        let map = LoadMap::of(&level(&[2, 1, 2, 3], &loads)).unwrap();
        assert_eq!((map.even_share, map.size()), (2.0, [2, 4]));
        let row = |row| [0, 1, 2, 3].map(|column| map.strength(row, column));
        assert_eq!(row(0), [0.8, 0.0, 0.0, 0.0]);
        assert_eq!(row(1), [0.6, 0.5, 0.5, 1.0 / 3.0]);
        assert_eq!(
            map.readout(0, 0),
            "sweep 1, rank 1 of 4 codes\n8.00 items per code, 4.00 x an even share"
        );
        assert!(
            map.summary.ends_with("4 codes, 0 of them empty now"),
            "{}",
            map.summary
        );
    }

    #[test]
    fn many_codes_are_told_by_ranks() {
        let load = vec![3; 32_768];
        let mut loads = LoadHistory::default();
        loads.push(1, &load);
        let map = LoadMap::of(&level(&load, &loads)).unwrap();
        assert_eq!((map.size(), map.even_share), ([1, 512], 3.0));
        assert!(
            map.readout(0, 1)
                .starts_with("sweep 1, ranks 65 to 128 of 32,768 codes")
        );
    }

    #[test]
    fn there_is_no_map_before_the_first_sweep() {
        let loads = LoadHistory::default();
        assert_eq!(LoadMap::of(&level(&[1], &loads)), None);
    }

    #[test]
    fn residuals_begin_with_the_vectors_where_their_power_is_known() {
        let loads = LoadHistory::default();
        let levels = [level(&[1], &loads), level(&[1], &loads)];
        assert_eq!(residuals(&levels, None).1, [0.25, 0.25]);
        let (names, values) = residuals(&levels, Some(1.0));
        assert_eq!(names, ["vectors", "after a", "after b"]);
        assert_eq!(values, [1.0, 0.25, 0.25]);
        assert_eq!(fullest_first(&[1.0, 3.0, 1.0]), [1, 0, 2]);
    }
}
