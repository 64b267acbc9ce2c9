//! How the load of one level spread over its sweeps, in bounded memory: codes fullest first, gathered into bins, and
//! sweeps left out evenly once there are many.

/// Most sweeps that are kept.
pub const MAX_ROWS: usize = 128;

/// Most bins of one sweep.
pub const MAX_BINS: usize = 512;

/// The load of a level over its sweeps.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LoadHistory {
    /// The sweeps that are kept, in order; the newest is always among them.
    pub rows: Vec<LoadRow>,
    /// Every how many sweeps one is kept; a power of two.
    stride_log2: u32,
}

/// The load after one sweep.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadRow {
    /// Sweeps or steps done.
    pub iteration: usize,
    /// Items per code, the mean over the codes of each bin, fullest first.
    pub bins: Vec<f32>,
    /// Its place among all sweeps that were told.
    place: usize,
}

impl LoadHistory {
    /// Takes in the load after a sweep. What was known of this sweep or later ones is forgotten: the level is being
    /// fitted again.
    pub fn push(&mut self, iteration: usize, load: &[u32]) {
        let keep = self.rows.partition_point(|row| row.iteration < iteration);
        let place = match self.rows.get(keep) {
            Some(again) => again.place,
            None => self.rows.last().map_or(0, |row| row.place + 1),
        };
        self.rows.truncate(keep);
        // The last one was kept as the newest, which it is no more.
        let is_due = |row: &LoadRow, stride_log2: u32| row.place.trailing_zeros() >= stride_log2;
        if self
            .rows
            .last()
            .is_some_and(|row| !is_due(row, self.stride_log2))
        {
            self.rows.pop();
        }
        while self.rows.len() >= MAX_ROWS {
            self.stride_log2 += 1;
            let stride_log2 = self.stride_log2;
            self.rows.retain(|row| is_due(row, stride_log2));
        }
        self.rows.push(LoadRow {
            iteration,
            bins: bins(load),
            place,
        });
    }
}

/// Items per code, fullest first, as the mean over each of at most [`MAX_BINS`] bins.
fn bins(load: &[u32]) -> Vec<f32> {
    let mut sorted = load.to_vec();
    sorted.sort_unstable_by(|a, b| b.cmp(a));
    let n_bins = sorted.len().min(MAX_BINS);
    (0..n_bins)
        .map(|bin| {
            let of_bin = &sorted[bin_range(bin, n_bins, sorted.len())];
            let sum: f64 = of_bin.iter().copied().map(f64::from).sum();
            (sum / of_bin.len() as f64) as f32
        })
        .collect()
}

/// Ranks of the codes in a bin, from 0.
pub fn bin_range(bin: usize, n_bins: usize, n_codes: usize) -> std::ops::Range<usize> {
    bin * n_codes / n_bins..(bin + 1) * n_codes / n_bins
}

#[cfg(test)]
mod tests {
    use super::*;

    fn iterations(history: &LoadHistory) -> Vec<usize> {
        history.rows.iter().map(|row| row.iteration).collect()
    }

    #[test]
    fn codes_are_sorted_and_gathered() {
        let mut history = LoadHistory::default();
        history.push(1, &[1, 0, 5, 2]);
        assert_eq!(history.rows[0].bins, [5.0, 2.0, 1.0, 0.0]);
        let load: Vec<u32> = (0..1024).collect();
        history.push(2, &load);
        let bins = &history.rows[1].bins;
        assert_eq!((bins.len(), bins[0], bins[511]), (512, 1022.5, 0.5));
        let total: f32 = bins.iter().map(|bin| bin * 2.0).sum();
        assert_eq!(total, 1024.0 * 1023.0 / 2.0, "no item is lost");
    }

    #[test]
    fn bins_cover_every_code_once() {
        for (n_bins, n_codes) in [(512, 32_768), (512, 1000), (3, 3), (512, 513)] {
            let ends: Vec<_> = (0..n_bins)
                .map(|bin| bin_range(bin, n_bins, n_codes))
                .collect();
            assert_eq!((ends[0].start, ends[n_bins - 1].end), (0, n_codes));
            assert!(ends.windows(2).all(|pair| pair[0].end == pair[1].start));
            assert!(ends.iter().all(|range| !range.is_empty()));
        }
    }

    #[test]
    fn sweeps_are_thinned_evenly_and_the_newest_stays() {
        let mut history = LoadHistory::default();
        for iteration in 1..=1000 {
            history.push(iteration * 50, &[1, 2]);
            assert!(history.rows.len() <= MAX_ROWS);
            assert_eq!(iterations(&history).last(), Some(&(iteration * 50)));
        }
        let kept = iterations(&history);
        let steps: Vec<usize> = kept.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let (last, others) = steps.split_last().unwrap();
        assert!(others.iter().all(|step| step == &others[0]), "{steps:?}");
        assert!(last <= &others[0] && kept.len() > MAX_ROWS / 2 - 2);
    }

    #[test]
    fn a_level_that_is_fitted_again_begins_again() {
        let mut history = LoadHistory::default();
        for iteration in [1, 2, 3, 3] {
            history.push(iteration, &[4]);
        }
        assert_eq!(
            iterations(&history),
            [1, 2, 3],
            "the final word on a sweep replaces it"
        );
        history.push(1, &[5]);
        assert_eq!(iterations(&history), [1]);
        assert_eq!(history.rows[0].bins, [5.0]);
    }
}
