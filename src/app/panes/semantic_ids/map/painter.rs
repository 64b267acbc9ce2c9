//! The helper thread that draws the map and answers what lies under the pointer, so that no frame looks at all points.

use std::sync::Arc;

use egui::Context;

use super::coloring::{Coloring, Colors, Palette};
use super::grid::Grid;
use super::raster::{self, Picture, Scene};
use super::viewport::Viewport;
use crate::app::latest::{Latest, Stale};
use crate::engine::embedding::ItemPlane;
use crate::engine::run::items::ItemTable;

/// What to draw.
#[derive(Clone)]
pub(super) struct Request {
    pub table: Arc<ItemTable>,
    pub plane: Arc<ItemPlane>,
    pub coloring: Coloring,
    /// Red, green, blue.
    pub palette: Arc<Palette>,
    /// The colour of items that the search has left out.
    pub dim_color: [u8; 3],
    /// The items that stand out; all where nothing is left out.
    pub found: Option<Arc<Vec<u32>>>,
    pub view: Viewport,
    /// Pixels.
    pub size: [usize; 2],
    pub pixels_per_point: f32,
}

impl Request {
    /// Whether both ask for the same picture.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let is_same_found = match (&self.found, &other.found) {
            (None, None) => true,
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            _ => false,
        };
        is_same_found
            && Arc::ptr_eq(&self.table, &other.table)
            && Arc::ptr_eq(&self.plane, &other.plane)
            && Arc::ptr_eq(&self.palette, &other.palette)
            && self.coloring == other.coloring
            && self.dim_color == other.dim_color
            && self.view == other.view
            && self.size == other.size
            && self.pixels_per_point.to_bits() == other.pixels_per_point.to_bits()
    }
}

/// A picture and what belongs to it.
pub(super) struct Drawn {
    /// The plane that it shows.
    pub plane: Arc<ItemPlane>,
    /// The part in view.
    pub view: Viewport,
    /// The picture.
    pub picture: Picture,
    /// What its colours stand for.
    pub colors: Arc<Colors>,
    /// Finds points.
    pub grid: Arc<Grid>,
}

/// Starts the helper.
pub(super) fn spawn(ctx: &Context) -> Latest<Request, Drawn> {
    let waker = ctx.clone();
    let mut prepared = Prepared::default();
    Latest::spawn(
        "item-map",
        move || waker.request_repaint(),
        move |request: Request, stale| prepared.draw(&request, stale),
    )
}

/// What stays the same while the view moves.
#[derive(Default)]
struct Prepared {
    grid: Option<(Arc<ItemPlane>, Arc<Grid>)>,
    colors: Option<(Arc<ItemTable>, Coloring, Arc<Colors>)>,
    is_found: Option<(Arc<Vec<u32>>, Vec<bool>)>,
}

impl Prepared {
    fn draw(&mut self, request: &Request, stale: &Stale) -> Option<Drawn> {
        let plane = &request.plane;
        let grid = match &self.grid {
            Some((known, grid)) if Arc::ptr_eq(known, plane) => Arc::clone(grid),
            _ => {
                let grid = Arc::new(Grid::new(&plane.points));
                self.grid = Some((Arc::clone(plane), Arc::clone(&grid)));
                grid
            }
        };
        let colors = match &self.colors {
            Some((table, coloring, colors))
                if Arc::ptr_eq(table, &request.table) && *coloring == request.coloring =>
            {
                Arc::clone(colors)
            }
            _ => {
                let colors = Arc::new(request.coloring.colors(&request.table));
                let table = Arc::clone(&request.table);
                self.colors = Some((table, request.coloring, Arc::clone(&colors)));
                colors
            }
        };
        let is_found = request.found.as_ref().map(|found| {
            let is_known = |(known, _): &&(Arc<Vec<u32>>, Vec<bool>)| Arc::ptr_eq(known, found);
            if self.is_found.as_ref().filter(is_known).is_none() {
                let mut is_found = vec![false; plane.points.len()];
                for item_idx in found.iter() {
                    is_found[*item_idx as usize] = true;
                }
                self.is_found = Some((Arc::clone(found), is_found));
            }
        });
        let is_found = is_found.and(self.is_found.as_ref());
        let scene = Scene {
            points: &plane.points,
            colors: &colors.of,
            palette: &request.palette,
            is_found: is_found.map(|(_, is_found)| is_found.as_slice()),
            dim_color: request.dim_color,
        };
        let is_stale = || stale.is_stale();
        let density = request.pixels_per_point;
        let picture = raster::draw(&scene, request.view, request.size, density, &is_stale)?;
        Some(Drawn {
            plane: Arc::clone(plane),
            view: request.view,
            picture,
            colors,
            grid,
        })
    }
}
