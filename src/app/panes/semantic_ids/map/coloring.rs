//! What the colours of the map stand for.

use super::super::column::ItemColumn;
use crate::app::theme::Tokens;
use crate::app::widgets::level_letter;
use crate::engine::run::items::ItemTable;

/// Texts that get a colour of their own; the rest shares one.
const N_NAMED: usize = 7;
/// Steps of popularity.
const N_STEPS: usize = 32;

/// Colours as red, green and blue.
pub(super) type Palette = Vec<[u8; 3]>;

/// What the colours stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coloring {
    /// The code of one level.
    Level(usize),
    /// The first category.
    Category,
    /// A feature of the dataset.
    Feature(usize),
    /// Positive events in the training part.
    Popularity,
}

/// The colours of all items.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Colors {
    /// Per item: its colour among the palette.
    pub of: Vec<u16>,
    /// What the colours mean, in order, with the number of items; empty where there are too many to list.
    pub legend: Vec<(String, usize)>,
}

impl Coloring {
    /// What a table can be coloured by.
    pub(super) fn all(table: &ItemTable, columns: &[ItemColumn]) -> Vec<Self> {
        let mut all: Vec<Self> = (0..table.n_levels).map(Self::Level).collect();
        all.push(Self::Popularity);
        all.extend(columns.iter().filter_map(|column| match column {
            ItemColumn::Categories => Some(Self::Category),
            ItemColumn::Feature(idx) => Some(Self::Feature(*idx)),
            _ => None,
        }));
        all
    }

    /// Its name.
    pub(super) fn name(self, table: &ItemTable) -> String {
        match self {
            Self::Level(level_idx) => format!("level {}", level_letter(level_idx)),
            Self::Category => "first category".to_owned(),
            Self::Feature(idx) => table
                .feature_names()
                .nth(idx)
                .unwrap_or("feature")
                .to_owned(),
            Self::Popularity => "popularity".to_owned(),
        }
    }

    /// How to read it, in one sentence.
    pub(super) fn explanation(self, table: &ItemTable) -> String {
        match self {
            Self::Level(_) => format!(
                "One hue per code of {}; equal hues mean equal codes, near hues mean nothing.",
                table.codebook_size
            ),
            Self::Popularity => {
                "Stronger means more positive events, on a logarithmic scale.".to_owned()
            }
            Self::Category | Self::Feature(_) => {
                format!("The {N_NAMED} most frequent have a colour of their own.")
            }
        }
    }

    /// The colours of all items.
    pub(super) fn colors(self, table: &ItemTable) -> Colors {
        let rows = 0..table.len();
        match self {
            Self::Level(level_idx) => Colors {
                of: rows.map(|row| table.codes(row)[level_idx]).collect(),
                legend: Vec::new(),
            },
            Self::Category => {
                let first = |row: usize| table.category_numbers(row).first().copied();
                named(
                    table.len(),
                    table.category_names().len(),
                    &first,
                    &|number| table.category_names().get(number).to_owned(),
                )
            }
            Self::Feature(idx) => {
                let names = table.feature_values(idx);
                let value = |row: usize| table.feature_number(idx, row);
                named(table.len(), names.len(), &value, &|number| {
                    names.get(number).to_owned()
                })
            }
            Self::Popularity => {
                let most = rows.clone().map(|row| table.popularity(row)).max();
                let scale = f64::from(most.unwrap_or(0)).ln_1p().max(f64::MIN_POSITIVE);
                let last = (N_STEPS - 1) as f64;
                let step = |row| {
                    let share = f64::from(table.popularity(row)).ln_1p() / scale;
                    (share * last).round() as u16
                };
                Colors {
                    of: rows.map(step).collect(),
                    legend: Vec::new(),
                }
            }
        }
    }

    /// The colours as the theme has them.
    pub(super) fn palette(self, table: &ItemTable, tokens: &Tokens) -> Palette {
        let parts = |color: egui::Color32| [color.r(), color.g(), color.b()];
        match self {
            Self::Level(_) => (0..table.codebook_size)
                .map(|code| parts(tokens.code_color(code)))
                .collect(),
            Self::Popularity => (0..N_STEPS)
                .map(|step| {
                    let share = 0.25 + 0.75 * step as f32 / (N_STEPS - 1) as f32;
                    parts(tokens.heat(share))
                })
                .collect(),
            Self::Category | Self::Feature(_) => (0..N_NAMED)
                .map(|number| parts(tokens.series_color(number)))
                .chain([parts(tokens.weak_text)])
                .collect(),
        }
    }
}

/// A colour for each of the most frequent texts; one more for the rest and for items without.
fn named(
    n_items: usize,
    n_names: usize,
    number_of: &dyn Fn(usize) -> Option<u32>,
    name_of: &dyn Fn(u32) -> String,
) -> Colors {
    let mut counts = vec![0_usize; n_names];
    for number in (0..n_items).filter_map(number_of) {
        counts[number as usize] += 1;
    }
    let mut by_count: Vec<u32> = (0..n_names as u32).collect();
    by_count.sort_by_key(|number| (std::cmp::Reverse(counts[*number as usize]), *number));
    by_count.retain(|number| counts[*number as usize] > 0);
    by_count.truncate(N_NAMED);
    let mut color_of = vec![N_NAMED as u16; n_names];
    for (color, number) in by_count.iter().enumerate() {
        color_of[*number as usize] = color as u16;
    }
    let of: Vec<u16> = (0..n_items)
        .map(|row| number_of(row).map_or(N_NAMED as u16, |number| color_of[number as usize]))
        .collect();
    let mut legend: Vec<(String, usize)> = by_count
        .iter()
        .map(|number| (name_of(*number), counts[*number as usize]))
        .collect();
    let n_named: usize = legend.iter().map(|(_, count)| count).sum();
    if n_named < n_items {
        // The colour of the rest is the last one, whatever comes before it.
        legend.resize(N_NAMED, (String::new(), 0));
        legend.push(("others or none".to_owned(), n_items - n_named));
    }
    Colors { of, legend }
}

#[cfg(test)]
mod tests {
    use super::super::super::index::tests::table;
    use super::*;

    #[test]
    fn levels_colour_by_code() {
        let table = table();
        let colors = Coloring::Level(1).colors(&table);
        assert_eq!(colors.of, [3, 3, 3, 5]);
        let palette = Coloring::Level(1).palette(&table, &Tokens::DARK);
        assert_eq!(palette.len(), 16);
        assert_ne!(palette[3], palette[5]);
    }

    #[test]
    fn frequent_texts_have_colours_of_their_own() {
        let numbers = [Some(1), Some(0), Some(1), None, Some(9)];
        let colors = named(5, 12, &|row| numbers[row], &|number| format!("n{number}"));
        assert_eq!(colors.of, [0, 1, 0, 7, 2]);
        assert_eq!(colors.legend[0], ("n1".to_owned(), 2));
        assert_eq!(colors.legend[7], ("others or none".to_owned(), 1));
        let table = table();
        let colors = Coloring::Category.colors(&table);
        assert_eq!(colors.legend, [("film".to_owned(), 4)]);
    }

    #[test]
    fn popularity_has_steps_from_least_to_most() {
        let colors = Coloring::Popularity.colors(&table());
        assert_eq!(colors.of[2], 31, "the most popular");
        assert!(colors.of[3] < colors.of[1]);
        let names: Vec<String> = Coloring::all(&table(), &ItemColumn::all(&table()))
            .into_iter()
            .map(|coloring| coloring.name(&table()))
            .collect();
        let expected = [
            "level a",
            "level b",
            "level c",
            "popularity",
            "first category",
            "kind",
        ];
        assert_eq!(names, expected);
    }
}
