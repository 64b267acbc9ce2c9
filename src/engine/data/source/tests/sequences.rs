//! Sequences of items without times.

use super::common::{folder, item, load_with, rows};
use crate::engine::data::DataError;
use crate::engine::data::config::DataConfig;
use crate::engine::data::interaction::NO_TIME;
use crate::engine::data::source::load;

const ITEMS: &[u8] = br#"{"0": {"title": "A kit", "description": "Long.", "brand": "Sup", "categories": "Tools,Kits"},
 "1": "Only a title", "7": {"title": "Never bought"}}"#;

#[test]
fn json_sequences_keep_their_order_and_their_numbers() {
    let files: [(&str, &[u8]); 2] = [
        ("Toy.inter.json", br#"{"10": [1, 0, 1], "2": ["0", 7]}"#),
        ("Toy.item.json", ITEMS),
    ];
    let folder = folder(&files);
    let dataset = load(folder.path(), &DataConfig::default()).unwrap();
    assert_eq!(
        rows(&dataset),
        [
            ("10", "1", NO_TIME),
            ("10", "0", NO_TIME),
            ("10", "1", NO_TIME),
            ("2", "0", NO_TIME),
            ("2", "7", NO_TIME)
        ]
    );
    let kit = item(&dataset, "0");
    assert_eq!((kit.title.as_str(), kit.text.as_str()), ("A kit", "Long."));
    assert_eq!(
        (kit.categories.len(), kit.author.as_deref()),
        (2, Some("Sup"))
    );
    assert_eq!(item(&dataset, "1").title, "Only a title");
    let alone = load(
        &folder.path().join("Toy.inter.json"),
        &DataConfig::default(),
    )
    .unwrap();
    assert_eq!(
        alone.fingerprint, dataset.fingerprint,
        "the item file beside it is found"
    );
}

#[test]
fn lines_of_a_user_and_its_items() {
    let files: [(&str, &[u8]); 2] = [
        ("sequences.txt", b"1 1 2\n\n2 2 9\n1 3\n"),
        (
            "items.csv",
            b"item_id,asin,keyphrase,attribute_ids\n1,B1,nail lacquer,173 1\n2,B2,,\n3,B3,tea,4\n",
        ),
    ];
    let dataset = load_with(&files, &DataConfig::default()).unwrap();
    assert_eq!(
        rows(&dataset),
        [
            ("1", "1", NO_TIME),
            ("1", "2", NO_TIME),
            ("1", "3", NO_TIME),
            ("2", "2", NO_TIME),
            ("2", "9", NO_TIME)
        ]
    );
    assert_eq!(item(&dataset, "1").title, "nail lacquer");
    assert_eq!(item(&dataset, "1").categories, ["173", "1"]);
    assert_eq!(
        dataset.warnings.len(),
        2,
        "a user twice, an item without a row: {:?}",
        dataset.warnings
    );
}

#[test]
fn refusals_say_where() {
    let tolerant = DataConfig {
        skip_bad_rows: true,
        ..DataConfig::default()
    };
    for (name, text, part) in [
        (
            "a.inter.json",
            "{\"1\": [1, 2],\n \"2\": 5}",
            "expected a list of items of user \"2\", found 5 at line 2 column",
        ),
        (
            "a.inter.json",
            "{\"1\": [1, null]}",
            "expected numbers or texts as items of user \"1\"",
        ),
        ("sequences.txt", "1 2\n3\n", "a user without items (line 2"),
    ] {
        let files = [(name, text.as_bytes())];
        let error = load_with(&files, &DataConfig::default()).unwrap_err();
        assert!(error.to_string().contains(part), "{text:?} gave {error}");
        match load_with(&files, &tolerant) {
            Ok(dataset) => assert!(
                dataset.warnings[0].contains("1 of 2 rows"),
                "{:?}",
                dataset.warnings
            ),
            Err(error) => assert!(matches!(error, DataError::Empty { .. }), "{error}"),
        }
    }
    for text in ["[1, 2]", "{\"1\": [1, 2]} 3", "{\"1\": [1, 2", ""] {
        let error = load_with(&[("a.inter.json", text.as_bytes())], &tolerant).unwrap_err();
        assert!(
            matches!(error, DataError::Malformed { .. }),
            "{text:?} gave {error}"
        );
    }
}
