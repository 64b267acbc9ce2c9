//! Finds the point under the pointer among a million: points sorted into cells, so that a look costs a few of them.

/// Cells along each axis.
const N_CELLS: usize = 512;

/// All points of a plane in cells.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Grid {
    low: [f32; 2],
    /// Cells per unit of the plane.
    cells_per_unit: [f32; 2],
    /// Where each cell begins in `order`, and the end of the last one.
    starts: Vec<u32>,
    order: Vec<u32>,
}

impl Grid {
    /// Sorts the points into cells.
    pub(super) fn new(points: &[[f32; 2]]) -> Self {
        let (mut low, mut high) = ([f32::INFINITY; 2], [f32::NEG_INFINITY; 2]);
        for point in points {
            for axis in 0..2 {
                low[axis] = low[axis].min(point[axis]);
                high[axis] = high[axis].max(point[axis]);
            }
        }
        let cells_per_unit = [0, 1].map(|axis| {
            let span = high[axis] - low[axis];
            if span > 0.0 {
                N_CELLS as f32 / span
            } else {
                0.0
            }
        });
        let mut grid = Self {
            low,
            cells_per_unit,
            starts: vec![0; N_CELLS * N_CELLS + 1],
            order: vec![0; points.len()],
        };
        for point in points {
            let cell = grid.cell(*point);
            grid.starts[cell + 1] += 1;
        }
        for cell in 0..N_CELLS * N_CELLS {
            grid.starts[cell + 1] += grid.starts[cell];
        }
        let mut next = grid.starts.clone();
        for (point_idx, point) in points.iter().enumerate() {
            let cell = grid.cell(*point);
            grid.order[next[cell] as usize] = point_idx as u32;
            next[cell] += 1;
        }
        grid
    }

    /// The point nearest to a place of the plane within a radius.
    pub(super) fn nearest(&self, points: &[[f32; 2]], place: [f32; 2], radius: f32) -> Option<u32> {
        let from = [0, 1].map(|axis| self.coordinate(axis, place[axis] - radius));
        let to = [0, 1].map(|axis| self.coordinate(axis, place[axis] + radius));
        let mut nearest: Option<(f32, u32)> = None;
        for row in from[1]..=to[1] {
            let first = self.starts[row * N_CELLS + from[0]] as usize;
            let last = self.starts[row * N_CELLS + to[0] + 1] as usize;
            for point_idx in &self.order[first..last] {
                let point = points[*point_idx as usize];
                let (x, y) = (point[0] - place[0], point[1] - place[1]);
                let squared = x * x + y * y;
                if squared <= radius * radius && nearest.is_none_or(|(best, _)| squared < best) {
                    nearest = Some((squared, *point_idx));
                }
            }
        }
        nearest.map(|(_, point_idx)| point_idx)
    }

    fn cell(&self, point: [f32; 2]) -> usize {
        self.coordinate(1, point[1]) * N_CELLS + self.coordinate(0, point[0])
    }

    fn coordinate(&self, axis: usize, value: f32) -> usize {
        // The conversion takes what lies below the first cell to it.
        let cell = ((value - self.low[axis]) * self.cells_per_unit[axis]) as usize;
        cell.min(N_CELLS - 1)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn finds_what_a_look_at_all_points_finds(
            points in prop::collection::vec(prop::array::uniform2(-3.0_f32..3.0), 1..200),
            place in prop::array::uniform2(-4.0_f32..4.0),
            radius in 0.0_f32..2.0,
        ) {
            let grid = Grid::new(&points);
            let distance = |point: &[f32; 2]| {
                let (x, y) = (point[0] - place[0], point[1] - place[1]);
                x * x + y * y
            };
            let best = points.iter().map(distance).fold(f32::INFINITY, f32::min);
            let found = grid.nearest(&points, place, radius);
            let found = found.map(|point_idx| distance(&points[point_idx as usize]));
            prop_assert_eq!(found, (best <= radius * radius).then_some(best));
        }
    }

    #[test]
    fn points_in_one_place_and_no_points() {
        let points = [[1.0, 2.0]; 3];
        let grid = Grid::new(&points);
        assert_eq!(grid.nearest(&points, [1.0, 2.0], 0.1), Some(0));
        assert_eq!(grid.nearest(&points, [1.5, 2.0], 0.1), None);
        assert_eq!(Grid::new(&[]).nearest(&[], [0.0, 0.0], 1.0), None);
    }
}
