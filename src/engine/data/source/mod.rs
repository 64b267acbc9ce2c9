//! Readers: from files of several layouts to one [`Dataset`]. A reader only parses;
//! `builder` sorts, numbers and fingerprints what it found.

mod builder;
mod cell;
mod generic;
mod kuairand;
pub mod simulator;
mod table;

use std::path::Path;

use super::config::DataConfig;
use super::{DataError, Dataset};

/// What the readers look for, for messages.
const EXPECTED: &str = "a KuaiRand folder (log_standard_*.csv), a folder with a CSV, JSON Lines or Parquet file whose \
                        name contains event, inter, log or rating, or one such file";

/// Reads a dataset from a folder or a file; the files present decide which reader is used.
///
/// # Errors
/// [`DataError`] naming the file and, where there is one, the line and the column.
pub fn load(path: &Path, config: &DataConfig) -> Result<Dataset, DataError> {
    let mut dataset = if let Some(files) = kuairand::detect(path)? {
        kuairand::load(&files, config)?
    } else if let Some(files) = generic::detect(path)? {
        generic::load(&files, config)?
    } else {
        return Err(DataError::Unrecognised {
            expected: EXPECTED.to_owned(),
            found: found_names(path)?,
            path: path.to_owned(),
        });
    };
    dataset.name = name_of(path);
    if dataset.log.is_empty() {
        return Err(DataError::Empty {
            found: "no event could be read".to_owned(),
            path: path.to_owned(),
        });
    }
    Ok(dataset)
}

/// The files directly inside a folder, sorted by name; the path itself when it is a file.
fn files_in(path: &Path) -> Result<Vec<std::path::PathBuf>, DataError> {
    let io = |source| DataError::Io {
        path: path.to_owned(),
        source,
    };
    if !std::fs::metadata(path).map_err(io)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(io)? {
        let file = entry.map_err(io)?.path();
        if file.is_file() {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

/// The name of a file or folder as text, without its path.
fn file_name(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

fn found_names(path: &Path) -> Result<String, DataError> {
    const N_SHOWN: usize = 8;
    let names: Vec<String> = files_in(path)?.iter().map(|file| file_name(file)).collect();
    Ok(match names.len() {
        0 => "no files".to_owned(),
        n if n > N_SHOWN => format!("{} and {} more", names[..N_SHOWN].join(", "), n - N_SHOWN),
        _ => names.join(", "),
    })
}

/// The dataset's name: that of its folder, or of its file without the ending.
fn name_of(path: &Path) -> String {
    // A path such as "." has no name of its own until it is resolved.
    let full = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if full.is_dir() {
        file_name(&full)
    } else {
        full.file_stem()
            .map(|stem| stem.to_string_lossy().into_owned())
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Write as _;
    use std::path::PathBuf;

    use proptest::prelude::*;
    use tempfile::TempDir;

    use super::*;
    use crate::engine::data::interaction::NO_TIME;
    use crate::engine::data::prepare::prepare;
    use crate::engine::data::{FeedbackFlags, UserIdx};
    use crate::engine::error::Hint as _;
    use crate::engine::seed::Seed;

    fn folder(files: &[(&str, &[u8])]) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            File::create(path).unwrap().write_all(bytes).unwrap();
        }
        folder
    }

    fn load_with(files: &[(&str, &[u8])], config: &DataConfig) -> Result<Dataset, DataError> {
        load(folder(files).path(), config)
    }

    fn events(text: &str) -> Result<Dataset, DataError> {
        load_with(&[("events.csv", text.as_bytes())], &DataConfig::default())
    }

    /// (user, item, time) of each row, by their names.
    fn rows(dataset: &Dataset) -> Vec<(&str, &str, i64)> {
        let log = &dataset.log;
        (0..log.len())
            .map(|row| {
                (
                    dataset.users[log.user[row].idx()].as_str(),
                    dataset.catalog.items[log.item[row].idx()]
                        .external_id
                        .as_str(),
                    log.time_millis[row],
                )
            })
            .collect()
    }

    /// The message without the path, which is in a random folder.
    fn message(error: &DataError) -> String {
        let text = error.to_string();
        text.split(" of \"")
            .next()
            .unwrap_or_default()
            .split(" (in \"")
            .next()
            .unwrap_or_default()
            .to_owned()
    }

    #[test]
    fn rows_are_sorted_by_user_then_time_then_file() {
        let dataset = events("user,item,time\nb,x,20\na,y,30\na,x,10\nb,z,20\n").unwrap();
        assert_eq!(
            rows(&dataset),
            [
                ("b", "x", 20_000),
                ("b", "z", 20_000),
                ("a", "x", 10_000),
                ("a", "y", 30_000)
            ]
        );
        assert_eq!(dataset.log.user_start, [0, 2, 4]);
    }

    #[test]
    fn every_form_of_time_is_understood() {
        let dataset = events(
            "user;item;time\nu;a;1650882384\nu;b;1650882384975\nu;c;1650882385.5\nu;d;2022-04-25T10:39:46Z\nu;e;2022-04-26\n",
        )
        .unwrap();
        let times: Vec<i64> = dataset.log.time_millis.clone();
        assert_eq!(
            times,
            [
                1_650_882_384_000,
                1_650_882_384_975,
                1_650_882_385_500,
                1_650_883_186_000,
                1_650_931_200_000
            ]
        );
    }

    #[test]
    fn an_order_column_or_else_the_file_gives_the_order() {
        let ordered = events("user\titem\torder\nu\tb\t2\nu\ta\t1\n").unwrap();
        assert_eq!(rows(&ordered), [("u", "a", NO_TIME), ("u", "b", NO_TIME)]);
        let plain = events("user,item\nu,b\nu,a\n").unwrap();
        assert_eq!(rows(&plain), [("u", "b", NO_TIME), ("u", "a", NO_TIME)]);
        assert!(
            plain
                .log
                .feedback
                .iter()
                .all(|shown| shown.flags.has(FeedbackFlags::VIEW))
        );
    }

    #[test]
    fn a_mapping_finds_columns_and_ratings_become_views() {
        let mut config = DataConfig::default();
        for (ours, theirs) in [
            ("user", "userId"),
            ("item", "movieId"),
            ("time", "timestamp"),
        ] {
            config.columns.insert(ours.to_owned(), theirs.to_owned());
        }
        let text = b"userId,movieId,rating,timestamp\n1,10,4.0,100\n1,11,3.5,200\n";
        let dataset = load_with(&[("ratings.csv", text)], &config).unwrap();
        let views: Vec<bool> = dataset
            .log
            .feedback
            .iter()
            .map(|shown| shown.flags.has(FeedbackFlags::VIEW))
            .collect();
        assert_eq!(views, [true, false]);
        config
            .columns
            .insert("like".to_owned(), "thumbs".to_owned());
        let error = load_with(&[("ratings.csv", text)], &config).unwrap_err();
        assert!(
            matches!(&error, DataError::MissingColumn { column, .. } if column == "thumbs"),
            "{error}"
        );
    }

    #[test]
    fn the_same_events_read_the_same_from_every_format() {
        let csv =
            b"user,item,time,watch_secs,view,like\nu,a,5,1.5,1,0\nu,b,6,,0,1\nw,a,7,3,true,false\n";
        let json = br#"{"user":"u","item":"a","time":5,"watch_secs":1.5,"view":true}
{"user":"u","item":"b","time":6,"watch_secs":null,"like":1}

{"user":"w","item":"a","time":7,"watch_secs":3,"view":1}"#;
        let from_csv = load_with(&[("events.csv", csv)], &DataConfig::default()).unwrap();
        let from_json = load_with(&[("events.jsonl", json)], &DataConfig::default()).unwrap();
        assert_eq!(from_csv.fingerprint, from_json.fingerprint);
        let other =
            b"user,item,time,watch_secs,view,like\nu,a,5,1.5,1,1\nu,b,6,,0,1\nw,a,7,3,true,false\n";
        let changed = load_with(&[("events.csv", other)], &DataConfig::default()).unwrap();
        assert_ne!(from_csv.fingerprint, changed.fingerprint, "one like more");
    }

    #[test]
    fn items_bring_text_categories_and_features() {
        let items = "item,title,categories,author,duration_secs,colour\na,\"猫, cat\",pets|cats,Ann,12.5,red\nc,Never shown,,,,\n";
        let dataset = load_with(
            &[
                ("items.csv", items.as_bytes()),
                ("log.csv", b"user,item\nu,a\nu,b\n"),
            ],
            &DataConfig::default(),
        )
        .unwrap();
        let item = &dataset.catalog.items[0];
        assert_eq!(
            (item.title.as_str(), item.author.as_deref()),
            ("猫, cat", Some("Ann"))
        );
        assert_eq!(
            (item.categories.clone(), item.duration_secs),
            (vec!["pets".into(), "cats".into()], Some(12.5))
        );
        assert_eq!(item.features, [("colour".to_owned(), "red".to_owned())]);
        let ids: Vec<&str> = dataset
            .catalog
            .items
            .iter()
            .map(|item| item.external_id.as_str())
            .collect();
        assert_eq!(
            ids,
            ["a", "c", "b"],
            "items of the file first, then those of events"
        );
    }

    #[test]
    fn errors_say_what_was_expected_what_was_found_and_where() {
        let error = events("user,item,time\nu,a,1\nu,b,n/a\n").unwrap_err();
        assert_eq!(
            message(&error),
            "could not read column \"time\": expected a time in seconds or milliseconds since 1970, or a date, found \
             \"n/a\" (line 3"
        );
        assert!(error.hint().unwrap().contains("skip_bad_rows"));
        for (text, part) in [
            (
                "user,item,view\nu,a,maybe\n",
                "column \"view\": expected 0 or 1, found \"maybe\" (line 2",
            ),
            (
                "user,item,watch_secs\nu,a,-3\n",
                "expected a number from 0 to 1e12, found \"-3\"",
            ),
            (
                "user,item,watch_secs\nu,a,1e999\n",
                "expected a number, found \"1e999\"",
            ),
            (
                "user,item\nu,\n",
                "column \"item\": expected an identifier, found \"\"",
            ),
            (
                "user,item,order\nu,a,99999999999999999999\n",
                "expected an integer",
            ),
            (
                "user,item\nu,a,3\n",
                "3 cells where the header has 2 (line 2",
            ),
            ("user,item,user\nu,a,u\n", "two columns are called \"user\""),
            (
                "user,title\nu,a\n",
                "could not find column \"item\": the file has [\"user\", \"title\"]",
            ),
            ("", "no header line"),
            ("user,item\n", "no event could be read"),
        ] {
            let found = events(text).unwrap_err().to_string();
            assert!(found.contains(part), "{text:?} gave {found}");
        }
        let error = load_with(
            &[("events.csv", b"user,item\nu,\xff\xfe\n")],
            &DataConfig::default(),
        );
        assert!(message(&error.unwrap_err()).contains("not UTF-8 in cell 2 (line 2"));
        let error = load_with(
            &[("events.jsonl", b"{\"user\":1,\"item\":2}\n{\"user\":")],
            &DataConfig::default(),
        );
        assert!(message(&error.unwrap_err()).contains("as JSON Lines"));
        let error = load_with(&[("notes.md", b"hello")], &DataConfig::default()).unwrap_err();
        assert!(message(&error).ends_with("found notes.md"), "{error}");
        let error = load(Path::new("no such folder"), &DataConfig::default()).unwrap_err();
        assert!(matches!(error, DataError::Io { .. }), "{error}");
    }

    #[test]
    fn bad_rows_can_be_left_out_and_are_counted() {
        let config = DataConfig {
            skip_bad_rows: true,
            ..DataConfig::default()
        };
        let dataset = load_with(
            &[(
                "events.csv",
                b"user,item,time\nu,a,1\nu,b,x\nu,c\nu,d,4\nv,\xff,5\n",
            )],
            &config,
        )
        .unwrap();
        assert_eq!(rows(&dataset), [("u", "a", 1000), ("u", "d", 4000)]);
        assert_eq!(dataset.warnings.len(), 1);
        assert!(
            dataset.warnings[0].starts_with("3 of 5 rows of events.csv were left out; the first: ")
        );
        assert_eq!(
            dataset.users,
            ["u"],
            "a user with bad rows only does not exist"
        );
    }

    const KUAIRAND: [(&str, &[u8]); 5] = [
        (
            "data/log_standard_1_pure.csv",
            b"user_id,video_id,time_ms,is_click,is_like,is_follow,is_comment,is_forward,is_hate,long_view,play_time_ms\n\
              7,1,1650882384975,1,1,0,0,0,0,1,1500\n",
        ),
        (
            "data/log_standard_2_pure.csv",
            b"user_id,video_id,time_ms,is_click,is_like,is_follow,is_comment,is_forward,is_hate,long_view,play_time_ms\n\
              7,0,1650882380000,0,0,1,0,0,1,0,0\n",
        ),
        (
            "data/video_features_basic_pure.csv",
            b"video_id,author_id,video_type,upload_type,video_duration,music_type,tag\n\
              0,55,NORMAL,LongImport,87433.0,9.0,\"20,43\"\n1,56,NORMAL,Kmovie,,,2\n",
        ),
        ("data/video_features_statistic_pure.csv", b"video_id,show_cnt\n0,1\n"),
        (
            "history_events.csv",
            b"user_id,pos,video_id,long_watch,is_like\n7,1,1,1,0\n7,0,8,0,1\n9,0,1,1,0\n",
        ),
    ];

    #[test]
    fn kuairand_history_precedes_the_log() {
        let folder = folder(&KUAIRAND);
        let dataset = load(folder.path(), &DataConfig::default()).unwrap();
        assert_eq!(dataset.format, "KuaiRand");
        assert_eq!(
            rows(&dataset),
            [
                ("7", "8", NO_TIME),
                ("7", "1", NO_TIME),
                ("7", "0", 1_650_882_380_000),
                ("7", "1", 1_650_882_384_975),
                ("9", "1", NO_TIME),
            ]
        );
        let log = &dataset.log;
        assert!(
            log.feedback[0].watch_secs.is_nan(),
            "the history has no watch time"
        );
        assert_eq!(log.feedback[3].watch_secs, 1.5);
        let flags: Vec<FeedbackFlags> = log.feedback.iter().map(|shown| shown.flags).collect();
        assert_eq!(flags[0], FeedbackFlags::LIKE);
        assert_eq!(flags[2], FeedbackFlags::FOLLOW.with(FeedbackFlags::DISLIKE));
        assert_eq!(
            flags[3],
            FeedbackFlags::VIEW
                .with(FeedbackFlags::CLICK)
                .with(FeedbackFlags::LIKE)
        );
        let item = &dataset.catalog.items[0];
        assert_eq!(
            (item.categories.clone(), item.duration_secs),
            (vec!["20".into(), "43".into()], Some(87.433))
        );
        assert!(
            dataset
                .catalog
                .items
                .iter()
                .all(|item| item.features.iter().all(|(name, _)| name != "show_cnt")),
            "averages over the test days must not become features"
        );
        assert_eq!(
            load(&folder.path().join("data"), &DataConfig::default())
                .unwrap()
                .log
                .len(),
            2
        );
    }

    #[test]
    fn kuairand_pure_has_the_published_counts() {
        let Some(root) = std::env::var_os("ONEREC_DATA") else {
            eprintln!("skipped: set ONEREC_DATA to the folder that holds kuairand-pure");
            return;
        };
        let config = DataConfig::default();
        let data = prepare(&PathBuf::from(root).join("kuairand-pure"), &config).unwrap();
        let log = &data.dataset.log;
        let n_timed = log
            .time_millis
            .iter()
            .filter(|&&time| time != NO_TIME)
            .count();
        assert_eq!((n_timed, log.len() - n_timed), (222_451, 817_187));
        let n_users_with_time = (0..log.n_users())
            .filter(|&user| {
                log.rows_of(UserIdx(user as u32))
                    .any(|row| log.time_millis[row] != NO_TIME)
            })
            .count();
        assert_eq!(n_users_with_time, 25_156);
        assert_eq!(data.dataset.catalog.len(), 7_583);
        assert_eq!(data.stats.test_users, 23_442);
        let n_positives: usize = data
            .positives
            .iter()
            .map(Vec::len)
            .filter(|&n| n >= config.min_user_events)
            .sum();
        assert_eq!(n_positives, 357_834);
        println!("{:#?}", data.stats);
    }

    fn parquet_sample() -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let config = simulator::SimulatorConfig {
            n_users: 6,
            n_items: 40,
            n_topics: 4,
            n_steps: 3,
            n_authors: 8,
            requests: (2, 3),
            ..simulator::SimulatorConfig::default()
        };
        let path = folder.path().join("made");
        simulator::simulate(&config, Seed(3), &path).unwrap();
        std::fs::read(path.join("events.parquet")).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

        #[test]
        fn no_text_makes_a_reader_panic(
            bytes in proptest::collection::vec(any::<u8>(), 0..200),
            tail in "[\",;|{}\\[\\]:.0-9a-z\n\t-]{0,80}",
            skip_bad_rows in any::<bool>(),
        ) {
            let config = DataConfig { skip_bad_rows, ..DataConfig::default() };
            for name in ["events.csv", "events.jsonl", "events.parquet", "data/log_standard_x.csv"] {
                for head in ["", "user,item,time,watch_secs\n", "{\"user\":1,\"item\":\"a\"}\n"] {
                    for body in [&bytes[..], tail.as_bytes()] {
                        let file = [head.as_bytes(), body].concat();
                        drop(load_with(&[(name, &file)], &config));
                    }
                }
            }
        }

        #[test]
        fn a_cut_off_parquet_file_is_an_error(keep_frac in 0.0f64..0.999) {
            let whole = parquet_sample();
            let cut = &whole[..(whole.len() as f64 * keep_frac) as usize];
            let error = load_with(&[("events.parquet", cut)], &DataConfig::default()).unwrap_err();
            prop_assert!(matches!(error, DataError::Malformed { format: "Parquet", .. }), "{}", error);
        }
    }
}
