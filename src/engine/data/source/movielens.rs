//! MovieLens in the three forms of its downloads: `ratings.csv` with `movies.csv` (latest, 20M to 32M), `ratings.dat` with
//! `::` between the cells (1M, 10M), and `u.data` with `u.item` (100K). The older ones are in Latin-1.
//!
//! `tags.csv` is not read: tags are written over the same days as the ratings, those that are held out included.

use std::path::{Path, PathBuf};

use super::super::{DataError, Dataset, Item};
use super::builder::DatasetBuilder;
use super::cell::Row;
use super::event_table::EventColumns;
use super::reading::Reading;
use super::recognised::{Listing, Recognised};
use super::table::{Form, Table, first_line};

const NO_TAGS: &str = "tags are written over the same days as the ratings, those held out included";

/// The genres of `u.item`, in the order of its columns.
const GENRES: [&str; 19] = [
    "unknown",
    "Action",
    "Adventure",
    "Animation",
    "Children's",
    "Comedy",
    "Crime",
    "Documentary",
    "Drama",
    "Fantasy",
    "Film-Noir",
    "Horror",
    "Musical",
    "Mystery",
    "Romance",
    "Sci-Fi",
    "Thriller",
    "War",
    "Western",
];

const U_ITEM: [&str; 24] = [
    "movieId",
    "title",
    "release date",
    "video release date",
    "IMDb URL",
    "unknown",
    "Action",
    "Adventure",
    "Animation",
    "Children's",
    "Comedy",
    "Crime",
    "Documentary",
    "Drama",
    "Fantasy",
    "Film-Noir",
    "Horror",
    "Musical",
    "Mystery",
    "Romance",
    "Sci-Fi",
    "Thriller",
    "War",
    "Western",
];

const RATINGS: [&str; 4] = ["userId", "movieId", "rating", "timestamp"];

/// What one form calls its files and how it writes them.
struct Files {
    ratings: (PathBuf, Form),
    movies: Option<(PathBuf, Form)>,
    aside: Vec<(PathBuf, &'static str)>,
}

pub(super) fn detect(listing: &Listing) -> Result<Option<Recognised>, DataError> {
    let dat = Form::Lines {
        separator: "::",
        header: &RATINGS,
    };
    let movies_dat = Form::Lines {
        separator: "::",
        header: &["movieId", "title", "genres"],
    };
    let tabs = Form::Lines {
        separator: "\t",
        header: &RATINGS,
    };
    let bars = Form::Lines {
        separator: "|",
        header: &U_ITEM,
    };
    let forms = [
        ("ratings.csv", Form::ByName, "movies.csv", Form::ByName),
        ("ratings.dat", dat, "movies.dat", movies_dat),
        ("u.data", tabs, "u.item", bars),
    ];
    for (name, form, movies, movies_form) in forms {
        let Some(ratings) = listing.file(name) else {
            continue;
        };
        let line = first_line(&ratings)?;
        let is_ours = match form {
            Form::ByName => line.contains("userId") && line.contains("movieId"),
            _ => true,
        };
        if !is_ours {
            continue;
        }
        let mut aside = Vec::new();
        for (prefix, why) in [
            ("tags.", NO_TAGS),
            ("links.", "other sites' numbers of the movies"),
            ("genome-", "scores of tags, fitted to all days"),
            ("users.dat", "no model here uses features of users"),
            ("u.user", "no model here uses features of users"),
        ] {
            let files = listing.named(|name| name.starts_with(prefix));
            aside.extend(files.into_iter().map(|file| (file, why)));
        }
        let files = Files {
            movies: listing
                .beside(&ratings, movies)
                .map(|path| (path, movies_form)),
            ratings: (ratings, form),
            aside,
        };
        let why = format!("{name} with users, movies, ratings and times");
        return Ok(Some(Recognised::new("MovieLens", why, move |reading| {
            load(&files, reading)
        })));
    }
    Ok(None)
}

fn load(files: &Files, reading: &mut Reading<'_, '_>) -> Result<Dataset, DataError> {
    let mut builder = DatasetBuilder::default();
    // Ratings first: movies that nobody rated are no items.
    let (path, form) = &files.ratings;
    let mut table = Table::open(path, *form, "events")?;
    let columns = EventColumns {
        user: table.require("user", "userId")?,
        item: table.require("item", "movieId")?,
        rating: Some(table.require("rating", "rating")?),
        time: Some(table.require("time", "timestamp")?),
        ..EventColumns::default()
    };
    columns.read(table, reading, &mut builder)?;
    if let Some((path, form)) = &files.movies {
        read_movies(path, *form, reading, &mut builder)?;
    }
    for (path, why) in &files.aside {
        reading.leave_aside(path, why);
    }
    reading.finish(builder, "MovieLens")
}

fn read_movies(
    path: &Path,
    form: Form,
    reading: &mut Reading<'_, '_>,
    builder: &mut DatasetBuilder,
) -> Result<(), DataError> {
    let mut table = Table::open(path, form, "items")?;
    let id = table.require("item", "movieId")?;
    let title = table.require("title", "title")?;
    let genres = match table.has(GENRES[0]) {
        true => Genres::Flags(
            GENRES
                .iter()
                .map(|&genre| Ok((genre, table.require("categories", genre)?)))
                .collect::<Result<_, DataError>>()?,
        ),
        false => Genres::List(table.require("categories", "genres")?),
    };
    table.for_each_row(reading, |row| {
        let movie = row.id(id)?;
        if builder.has_item(movie) {
            builder.add_item(Item {
                external_id: movie.to_owned(),
                title: row.text(title).to_owned(),
                categories: genres.of(row)?,
                ..Item::default()
            });
        }
        Ok(())
    })
}

/// How the genres of a movie are written.
enum Genres {
    /// `Action|Drama`.
    List(usize),
    /// A column of 0 and 1 for each.
    Flags(Vec<(&'static str, usize)>),
}

impl Genres {
    fn of(&self, row: &Row<'_>) -> Result<Vec<String>, DataError> {
        match self {
            Self::List(column) => Ok(row
                .text(*column)
                .split('|')
                .map(str::trim)
                .filter(|genre| !genre.is_empty() && *genre != "(no genres listed)")
                .map(str::to_owned)
                .collect()),
            Self::Flags(columns) => {
                let mut genres = Vec::new();
                for &(genre, column) in columns {
                    if row.flag(column)? {
                        genres.push(genre.to_owned());
                    }
                }
                Ok(genres)
            }
        }
    }
}
