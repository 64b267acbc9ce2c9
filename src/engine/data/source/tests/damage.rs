//! Damaged files: an error or a counted warning, never a panic.

use proptest::prelude::*;

use super::common::load_with;
use crate::engine::data::DataError;
use crate::engine::data::config::DataConfig;
use crate::engine::data::source::simulator;
use crate::engine::seed::Seed;

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
