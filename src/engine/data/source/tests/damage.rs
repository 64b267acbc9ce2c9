//! Damaged files of every layout: an error or a counted warning, never a panic, and never more events than before.

use std::panic::{AssertUnwindSafe, catch_unwind};

use proptest::prelude::*;

use super::common::{gzip, load_with};
use crate::engine::data::config::DataConfig;
use crate::engine::data::error::DataError;
use crate::engine::data::source::simulator;
use crate::engine::data::{Dataset, check};
use crate::engine::error::Hint as _;
use crate::engine::seed::Seed;

/// A good dataset, and what of its first file is damaged on purpose.
struct Sample {
    files: Vec<(&'static str, Vec<u8>)>,
    /// A name of a column or key that must be there; nothing where there are none.
    column: Option<&'static str>,
    /// A number that must be one; nothing where any text will do.
    number: Option<&'static str>,
    /// Whether bytes that are no UTF-8 are an error.
    is_utf8: bool,
}

fn text(name: &'static str, text: &str) -> (&'static str, Vec<u8>) {
    (name, text.as_bytes().to_vec())
}

fn sample(
    files: Vec<(&'static str, Vec<u8>)>,
    column: &'static str,
    number: &'static str,
) -> Sample {
    Sample {
        files,
        column: Some(column),
        number: Some(number),
        is_utf8: true,
    }
}

fn samples() -> Vec<Sample> {
    let generic = "user,item,time,watch_secs,view\nu1,a,1650882384,1.5,1\nu1,b,1650882385,0,0\nu2,a,1650882386,9,1\n";
    let json = "{\"user\":\"u1\",\"item\":\"a\",\"time\":1650882384}\n{\"user\":\"u2\",\"item\":\"b\",\"time\":1650882390}\n";
    let kuairand = "user_id,video_id,time_ms,is_click,is_like,is_follow,is_comment,is_forward,is_hate,long_view,play_time_ms\n\
         7,1,1650882384975,1,1,0,0,0,0,1,1500\n7,2,1650882384999,0,0,0,0,0,0,0,0\n";
    let videos = "video_id,author_id,video_duration,tag\n1,55,87433.0,\"20,43\"\n2,5,1000,2\n";
    let labels = "user_id\tvideo_id\ttime_ms\tplay_time_ms\tlabel\n1\t38\t1649581149287\t46186\t1\n1\t39\t1649581149288\t0\t0\n";
    let reviews = "{\"reviewerID\": \"A1\", \"asin\": \"B1\", \"overall\": 5.0, \"unixReviewTime\": 1400000000}\n\
         {\"reviewerID\": \"A1\", \"asin\": \"B2\", \"overall\": 3.0, \"unixReviewTime\": 1400086400}\n";
    let meta = "{'asin': 'B1', 'title': \"it's\", 'categories': [['Beauty']]}\n{\"asin\": \"B2\", \"title\": \"x\"}\n";
    let ratings = "userId,movieId,rating,timestamp\r\n1,10,4.0,964982703\r\n2,10,3.5,964981247\r\n";
    let dat = "1::10::4::978300760\n2::10::5::978302109\n";
    let data = "1\t10\t4\t881250949\n2\t10\t5\t881250950\n";
    let inter =
        "user_id:token\titem_id:token\ttimestamp:float\n1\t10\t881250949\n2\t10\t881250950\n";
    let mini = "user_id,history_item_title,item_title,history_item_id,item_id\nA1,\"['a']\",b,[117],118\nA2,\"['b']\",c,[118],119\n";
    let loose = |files, column, number| Sample {
        is_utf8: false,
        ..sample(files, column, number)
    };
    vec![
        sample(vec![text("events.csv", generic)], "item", "1650882384"),
        sample(vec![("events.csv.gz", gzip(generic.as_bytes()))], "", ""),
        sample(vec![text("events.jsonl", json)], "\"item\"", "1650882384"),
        sample(vec![("events.parquet", parquet_sample())], "", ""),
        sample(
            vec![
                text("log_standard_1k.csv", kuairand),
                text("video_features_basic_1k.csv", videos),
            ],
            "is_hate",
            "1650882384975",
        ),
        sample(
            vec![
                text("video_features_basic_1k.csv", videos),
                text("log_standard_1k.csv", kuairand),
            ],
            "video_id",
            "87433.0",
        ),
        sample(
            vec![text("interactions.tsv", labels)],
            "video_id",
            "1649581149287",
        ),
        sample(
            vec![
                text("Beauty_5.json", reviews),
                text("meta_Beauty.json", meta),
            ],
            "\"asin\"",
            "1400000000",
        ),
        sample(vec![("Beauty_5.json.gz", gzip(reviews.as_bytes()))], "", ""),
        loose(
            vec![
                text("meta_Beauty.json", meta),
                text("Beauty_5.json", reviews),
            ],
            "",
            "",
        ),
        sample(vec![text("ratings.csv", ratings)], "movieId", "964982703"),
        loose(vec![text("ratings.dat", dat)], "", "978300760"),
        loose(vec![text("u.data", data)], "", "881250949"),
        sample(vec![text("ml.inter", inter)], "item_id", "881250949"),
        sample(vec![text("train.csv", mini)], "history_item_id", "[117]"),
        sample(
            vec![
                text("Toy.inter.json", "{\"10\": [117, 0, 1], \"2\": [0, 7]}"),
                text(
                    "Toy.item.json",
                    "{\"0\": {\"title\": \"A\"}, \"1\": \"B\", \"7\": \"C\", \"117\": \"D\"}",
                ),
            ],
            "",
            "117",
        ),
        sample(
            vec![
                text("sequences.txt", "1 1 2\n2 2 1\n"),
                text("items.csv", "item_id,keyphrase\n1,tea\n2,cup\n"),
            ],
            "",
            "2 1",
        ),
    ]
}

/// A damage in words, the damaged bytes, and whether it must be noticed.
type Damage = (String, Vec<u8>, bool);

fn replaced(bytes: &[u8], from: &str, to: &[u8]) -> Vec<u8> {
    let at = bytes
        .windows(from.len())
        .position(|window| window == from.as_bytes())
        .unwrap();
    [&bytes[..at], to, &bytes[at + from.len()..]].concat()
}

fn damages(sample: &Sample) -> Vec<Damage> {
    let (name, bytes) = &sample.files[0];
    let is_binary = name.ends_with(".gz") || name.ends_with(".parquet");
    let mut damages: Vec<Damage> = Vec::new();
    for cut in 0..12 {
        let end = bytes.len() * cut / 12;
        // The file is cut at its beginning, in its header, or nothing tells where a row of text should have ended.
        let must = cut == 0 || is_binary;
        damages.push((format!("cut at {end}"), bytes[..end].to_vec(), must));
    }
    for place in 0..6usize {
        let at = (place * 7919 + 3) % bytes.len();
        for byte in [0u8, 0xff, b'"', b'\n'] {
            let mut changed = bytes.clone();
            changed[at] = byte;
            damages.push((format!("byte {byte} at {at}"), changed, false));
        }
        let mut missing = bytes.clone();
        missing.remove(at);
        damages.push((format!("no byte at {at}"), missing, false));
    }
    if let Some(column) = sample.column.filter(|column| !column.is_empty()) {
        let all = String::from_utf8(bytes.clone())
            .unwrap()
            .replace(column, "\"zzz\"");
        damages.push(("wrong column".to_owned(), all.into_bytes(), true));
        let first_line = bytes.split_inclusive(|&byte| byte == b'\n').next().unwrap();
        let is_header = !first_line.starts_with(b"{");
        damages.push((
            "header twice".to_owned(),
            [first_line, bytes].concat(),
            is_header,
        ));
    }
    if let Some(number) = sample.number.filter(|number| !number.is_empty()) {
        let nines = "9".repeat(400);
        // Quotes make it wrong in JSON, too.
        for wrong in ["\"oops\"", "1e999", "1;7", &nines] {
            let must = wrong != nines || !name.ends_with(".inter.json");
            damages.push((
                format!("{wrong:.9} for {number}"),
                replaced(bytes, number, wrong.as_bytes()),
                must,
            ));
        }
        damages.push((
            "no UTF-8".to_owned(),
            replaced(bytes, number, b"\xff\xfe"),
            true,
        ));
        damages.push((
            "NUL bytes".to_owned(),
            replaced(bytes, number, b"1\0\0"),
            true,
        ));
        let long = [&b"1"[..], &vec![b'x'; (1 << 24) + 9]].concat();
        damages.push((
            "a line of 16 MiB".to_owned(),
            replaced(bytes, number, &long),
            true,
        ));
    } else if sample.is_utf8 && !is_binary {
        damages.push((
            "no UTF-8".to_owned(),
            [bytes, &b"\xff\xfe 1\n"[..]].concat(),
            true,
        ));
    }
    damages
}

#[test]
fn no_damage_goes_unnoticed_or_panics() {
    let (mut n_damages, mut n_noticed) = (0, 0);
    for sample in samples() {
        let load = |bytes: &[u8], skip_bad_rows: bool| -> Result<Dataset, DataError> {
            let mut files: Vec<(&str, &[u8])> = sample
                .files
                .iter()
                .map(|(name, bytes)| (*name, &bytes[..]))
                .collect();
            files[0].1 = bytes;
            let config = DataConfig {
                skip_bad_rows,
                ..DataConfig::default()
            };
            catch_unwind(AssertUnwindSafe(|| load_with(&files, &config)))
                .unwrap_or_else(|_| panic!("{} panicked", files[0].0))
        };
        let whole = load(&sample.files[0].1, false).unwrap();
        assert!(whole.warnings.is_empty(), "{:?}", whole.warnings);
        for (what, bytes, must_be_noticed) in damages(&sample) {
            let name = sample.files[0].0;
            n_damages += 1;
            let is_noticed = [false, true].map(|skip_bad_rows| match load(&bytes, skip_bad_rows) {
                Err(error) => {
                    assert!(error.hint().is_some(), "{name}, {what}: {error}");
                    assert!(!error.to_string().is_empty());
                    true
                }
                Ok(dataset) => {
                    let is_counted = dataset
                        .warnings
                        .iter()
                        .any(|warning| warning.contains(|symbol: char| symbol.is_ascii_digit()));
                    is_counted || dataset.warnings.iter().any(|warning| !warning.is_empty())
                }
            });
            assert!(
                is_noticed == [true, true] || !must_be_noticed,
                "{name}, {what}: noticed {is_noticed:?}"
            );
            n_noticed += usize::from(is_noticed == [true, true]);
        }
    }
    assert!(n_damages >= 500, "{n_damages} damages");
    assert!(n_noticed >= 200, "{n_noticed} of {n_damages} noticed");
}

/// The report on files reads the same damages and never fails, whatever it finds.
#[test]
fn the_check_of_damaged_files_names_row_and_column() {
    let folder = super::common::folder(&[(
        "events.csv",
        b"userId,item,time\nu,a,1\nu,b,soon\nu,c\nv,\xff,5\n",
    )]);
    let config = DataConfig::default();
    let run = |config: &DataConfig| {
        check::check(
            folder.path(),
            config,
            &mut crate::engine::data::Watch::nobody(),
        )
        .unwrap()
    };
    let unmapped = run(&config);
    assert_eq!(unmapped.verdict, check::Verdict::NotUsable);
    assert_eq!(
        unmapped.advice[0],
        "if the names mean what they say, set data.columns.user = \"userId\""
    );
    let columns = &unmapped.files[0].columns;
    assert!(columns[0].name == "user" && !columns[0].is_found && columns.len() == 4);
    let mut mapped = config;
    mapped
        .columns
        .insert("user".to_owned(), "userId".to_owned());
    let report = run(&mapped);
    assert_eq!(
        (
            report.n_bad_rows,
            report.files[0].rows,
            report.files[0].bad_rows
        ),
        (3, 4, 3)
    );
    let places: Vec<(u64, Option<&str>)> = report
        .bad_rows
        .iter()
        .map(|row| (row.line, row.column.as_deref()))
        .collect();
    assert_eq!(places, [(3, Some("time")), (4, None), (5, None)]);
    let used: Vec<&str> = report.files[0]
        .columns
        .iter()
        .filter(|column| column.is_found && column.used_as.is_some())
        .map(|column| column.name.as_str())
        .collect();
    assert_eq!(used, ["time", "userId", "item"]);
    assert!(report.problem.unwrap().contains("has 3 positive events"));
    assert!(report.proposed_positive.is_empty(), "views occur");
    let missing = check::check(
        &folder.path().join("none"),
        &mapped,
        &mut crate::engine::data::Watch::nobody(),
    );
    assert!(matches!(missing, Err(DataError::Io { .. })));
}

/// Likes without views are not missed: the report says how to count them.
#[test]
fn the_check_proposes_the_feedback_that_occurs() {
    let rows: String = (0..40)
        .map(|row| format!("u{},i{},{}\n", row % 4, row % 7, row % 2))
        .collect();
    let text = format!("user,item,like\n{rows}");
    let folder = super::common::folder(&[("events.csv", text.as_bytes())]);
    let run = |config: &DataConfig| {
        let mut watch = crate::engine::data::Watch::nobody();
        check::check(folder.path(), config, &mut watch).unwrap()
    };
    let report = run(&DataConfig::default());
    assert_eq!(report.verdict, check::Verdict::NotUsable);
    assert_eq!(report.proposed_positive, ["like"]);
    assert!(
        report.advice[0].ends_with("set data.positive = [\"like\"]"),
        "{:?}",
        report.advice
    );
    let followed = run(&DataConfig {
        positive: report.proposed_positive,
        ..DataConfig::default()
    });
    assert!(followed.stats.is_some(), "{:?}", followed.problem);
}

#[test]
fn a_stop_ends_the_reading() {
    use crate::engine::control::RunControl;
    use crate::engine::data::Watch;
    let rows: String = (0..200_000)
        .map(|row| format!("u{},i{}\n", row % 97, row % 89))
        .collect();
    let folder = super::common::folder(&[("events.csv", format!("user,item\n{rows}").as_bytes())]);
    let control = RunControl::default();
    let mut told = Vec::new();
    let mut watch = Watch::new(control.clone(), |progress| {
        told.push((progress.done, progress.total));
        if told.len() == 3 {
            control.stop();
        }
    });
    let error = crate::engine::data::source::load_watched(
        folder.path(),
        &DataConfig::default(),
        &mut watch,
    );
    drop(watch);
    assert!(matches!(error, Err(DataError::Stopped)));
    assert_eq!(told.len(), 3, "nothing is read after the stop");
    assert!(
        told.windows(2).all(|pair| pair[0].0 < pair[1].0),
        "{told:?}"
    );
    assert!(told.iter().all(|(done, total)| done <= total), "{told:?}");
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
        for name in [
                "events.csv", "events.jsonl", "events.parquet", "data/log_standard_x.csv", "a.inter", "u.data",
                "a.inter.json", "sequences.txt", "meta.json.gz",
            ] {
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
