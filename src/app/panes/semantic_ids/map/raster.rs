//! All points of the map as one picture. Every point in view is drawn: pixels that several points share take the mean
//! of their colours and become denser.

use super::viewport::Viewport;

/// Opacity of a point that lies alone.
const ALONE: f32 = 0.9;
/// Opacity of a point where very many lie in view.
const CROWDED: f32 = 0.3;
/// Opacity of points that the search has left out, relative to the others.
const DIM: f32 = 0.22;

/// What is drawn.
pub(super) struct Scene<'a> {
    /// Points of the plane.
    pub points: &'a [[f32; 2]],
    /// Per point: its colour among `palette`.
    pub colors: &'a [u16],
    /// Red, green, blue.
    pub palette: &'a [[u8; 3]],
    /// Which points stand out; all where there is nothing to leave out.
    pub is_found: Option<&'a [bool]>,
    /// The colour of the others.
    pub dim_color: [u8; 3],
}

/// The picture.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Picture {
    /// Width and height in pixels.
    pub size: [usize; 2],
    /// Red, green, blue and opacity per pixel, colours multiplied by opacity.
    pub pixels: Vec<u8>,
    /// Points in view.
    pub n_in_view: usize,
}

/// Draws the points that are in view.
///
/// `pixels_per_point` is the density of the screen. Stops where `is_stale` says that the picture is not wanted any more.
pub(super) fn draw(
    scene: &Scene<'_>,
    view: Viewport,
    size: [usize; 2],
    pixels_per_point: f32,
    is_stale: &dyn Fn() -> bool,
) -> Option<Picture> {
    let [width, height] = size;
    let place = |point: [f32; 2]| {
        let [x, y] = view.to_screen(point);
        [
            x * pixels_per_point + width as f32 / 2.0,
            y * pixels_per_point + height as f32 / 2.0,
        ]
    };
    let is_in_view =
        |[x, y]: [f32; 2]| x >= 0.0 && y >= 0.0 && x < width as f32 && y < height as f32;
    let in_view = scene
        .points
        .iter()
        .filter(|point| is_in_view(place(**point)));
    let n_in_view = in_view.count();
    let disc = disc(radius(n_in_view) * pixels_per_point);
    let mut found = vec![[0_u32; 4]; width * height];
    let mut others = vec![0_u32; width * height];
    for (point_idx, point) in scene.points.iter().enumerate() {
        if point_idx.is_multiple_of(65_536) && is_stale() {
            return None;
        }
        let [x, y] = place(*point);
        // A little beyond the edge, where half of a disc is still seen.
        if x < -16.0 || y < -16.0 || x > width as f32 + 16.0 || y > height as f32 + 16.0 {
            continue;
        }
        let color = scene
            .is_found
            .is_none_or(|is_found| is_found[point_idx])
            .then(|| scene.palette[usize::from(scene.colors[point_idx])]);
        let (x, y) = (x.floor() as i32, y.floor() as i32);
        for (dx, dy) in &disc {
            let (x, y) = (x + dx, y + dy);
            if x < 0 || y < 0 || x >= width as i32 || y >= height as i32 {
                continue;
            }
            let pixel = y as usize * width + x as usize;
            match color {
                Some(color) => {
                    let sums = &mut found[pixel];
                    sums[0] += 1;
                    for (sum, value) in sums[1..].iter_mut().zip(color) {
                        *sum += u32::from(value);
                    }
                }
                None => others[pixel] += 1,
            }
        }
    }
    let density = n_in_view as f32 / (width * height).max(1) as f32;
    let alone = (ALONE - 0.2 * (1.0 + 1000.0 * density).log10()).max(CROWDED);
    Some(Picture {
        size,
        pixels: blend(&found, &others, scene.dim_color, alone),
        n_in_view,
    })
}

/// The pixels: what was found over what was not.
fn blend(found: &[[u32; 4]], others: &[u32], dim_color: [u8; 3], alone: f32) -> Vec<u8> {
    let opacity = |n_points: u32, alone: f32| 1.0 - (1.0 - alone).powi(n_points.min(64) as i32);
    let mut pixels = Vec::with_capacity(found.len() * 4);
    for ([n_points, sums @ ..], n_others) in found.iter().zip(others) {
        if *n_points == 0 && *n_others == 0 {
            pixels.extend([0; 4]);
            continue;
        }
        let above = opacity(*n_points, alone);
        let below = opacity(*n_others, alone * DIM) * (1.0 - above);
        for (sum, dim) in sums.iter().zip(dim_color) {
            let mean = *sum as f32 / (*n_points).max(1) as f32;
            pixels.push((mean * above + f32::from(dim) * below).round() as u8);
        }
        pixels.push((255.0 * (above + below)).round() as u8);
    }
    pixels
}

/// Radius of a point on the screen in points: small where there are many.
pub(super) fn radius(n_in_view: usize) -> f32 {
    match n_in_view {
        0..1_000 => 3.5,
        1_000..5_000 => 2.5,
        5_000..30_000 => 1.6,
        30_000..150_000 => 1.0,
        _ => 0.5,
    }
}

/// The pixels of a disc around its middle pixel; at least that one.
fn disc(radius: f32) -> Vec<(i32, i32)> {
    let reach = radius.floor() as i32;
    let square = radius * radius;
    let mut pixels = Vec::new();
    for dy in -reach..=reach {
        for dx in -reach..=reach {
            if (dx * dx + dy * dy) as f32 <= square {
                pixels.push((dx, dy));
            }
        }
    }
    pixels
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(points: &[[f32; 2]], is_found: Option<&[bool]>) -> Picture {
        let colors: Vec<u16> = (0..points.len()).map(|idx| (idx % 2) as u16).collect();
        let scene = Scene {
            points,
            colors: &colors,
            palette: &[[200, 0, 0], [0, 100, 0]],
            is_found,
            dim_color: [50, 50, 50],
        };
        let view = Viewport::fit(&[[0.0, 0.0], [1.0, 1.0]], [101.0, 101.0]);
        draw(&scene, view, [101, 101], 1.0, &|| false).unwrap()
    }

    fn pixel(picture: &Picture, x: usize, y: usize) -> [u8; 4] {
        let start = 4 * (y * picture.size[0] + x);
        picture.pixels[start..start + 4].try_into().unwrap()
    }

    #[test]
    fn points_of_one_pixel_share_it_by_the_mean_of_their_colours() {
        let both = picture(&[[0.5, 0.5], [0.5, 0.5]], None);
        let [red, green, blue, opacity] = pixel(&both, 50, 50);
        // Red 200 and green 100 in equal parts: 100 and 50 before opacity.
        assert_eq!(blue, 0);
        assert!(red.abs_diff(2 * green) <= 1, "{red} {green}");
        let one = pixel(&picture(&[[0.5, 0.5]], None), 50, 50);
        assert!(opacity > one[3], "two points are denser than one");
        assert_eq!(pixel(&both, 80, 50), [0; 4]);
        assert_eq!(both.n_in_view, 2);
    }

    #[test]
    fn what_was_not_found_is_dim_and_below() {
        let dim = picture(&[[0.5, 0.5]], Some(&[false]));
        let found = picture(&[[0.5, 0.5]], Some(&[true]));
        let (dim, found) = (pixel(&dim, 50, 50), pixel(&found, 50, 50));
        assert!(dim[3] > 0 && dim[3] < found[3], "{dim:?} {found:?}");
        assert_eq!(dim[0], dim[1], "the colour of what was left out");
    }

    #[test]
    fn every_point_in_view_leaves_a_mark() {
        let points: Vec<[f32; 2]> = (0..100)
            .map(|idx| [(idx % 10) as f32 / 9.0, (idx / 10) as f32 / 9.0])
            .collect();
        let picture = picture(&points, None);
        assert_eq!(picture.n_in_view, 100);
        let view = Viewport::fit(&[[0.0, 0.0], [1.0, 1.0]], [101.0, 101.0]);
        for point in points {
            let [x, y] = view
                .to_screen(point)
                .map(|value| (value + 50.5).floor() as usize);
            assert!(pixel(&picture, x, y)[3] > 0, "{point:?}");
        }
    }

    #[test]
    fn discs_have_a_middle() {
        assert_eq!(disc(0.5), [(0, 0)]);
        assert_eq!(disc(1.0).len(), 5);
        assert!(radius(10) > radius(1_000_000));
    }
}
