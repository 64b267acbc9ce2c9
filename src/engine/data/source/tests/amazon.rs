//! Amazon reviews of both years.

use super::common::{gzip, item, load_with, message, rows, viewed};
use crate::engine::data::config::DataConfig;

const REVIEWS: &str = r#"{"reviewerID": "A1", "asin": "B1", "overall": 5.0, "unixReviewTime": 1400000000, "reviewText": "x"}
{"reviewerID": "A1", "asin": "B2", "overall": 2.0, "unixReviewTime": 1400086400}
{"reviewerID": "A2", "asin": "B1", "overall": 4.0, "unixReviewTime": 1400000000, "verified": true}
"#;

#[test]
fn reviews_of_2014_have_products_in_python_form() {
    let meta = r#"{'asin': 'B1', 'title': "Nail 'n' file", 'categories': [['Beauty', 'Nails'], ['Beauty', 'Tools']], 'brand': 'OPI'}
{'asin': 'B9', 'title': 'never reviewed'}
{"asin": "B2", "description": "In JSON", "price": 3.5}
"#;
    let (reviews, meta) = (gzip(REVIEWS.as_bytes()), gzip(meta.as_bytes()));
    let files = [
        ("meta_Beauty.json.gz", &meta[..]),
        ("reviews_Beauty_5.json.gz", &reviews[..]),
    ];
    let dataset = load_with(&files, &DataConfig::default()).unwrap();
    assert_eq!(dataset.format, "Amazon reviews");
    assert_eq!(
        rows(&dataset),
        [
            ("A1", "B1", 1_400_000_000_000),
            ("A1", "B2", 1_400_086_400_000),
            ("A2", "B1", 1_400_000_000_000)
        ]
    );
    assert_eq!(
        viewed(&dataset),
        [("A1", "B1"), ("A2", "B1")],
        "ratings from 4"
    );
    let first = item(&dataset, "B1");
    assert_eq!(first.title, "Nail 'n' file");
    assert_eq!(first.categories, ["Beauty", "Nails", "Tools"]);
    assert_eq!(first.author.as_deref(), Some("OPI"));
    assert_eq!(item(&dataset, "B2").text, "In JSON");
    assert_eq!(
        dataset.catalog.len(),
        2,
        "products without a review are no items"
    );
    assert!(dataset.warnings.is_empty(), "{:?}", dataset.warnings);
}

#[test]
fn reviews_of_2018_have_lists_in_their_products() {
    let meta = r#"{"asin": "B1", "title": "File", "category": ["Beauty", "Nails"], "description": ["One.", "Two."], "brand": ""}"#;
    let files = [
        ("Beauty_5.json", REVIEWS.as_bytes()),
        ("meta_Beauty.json", meta.as_bytes()),
    ];
    let dataset = load_with(&files, &DataConfig::default()).unwrap();
    let first = item(&dataset, "B1");
    assert_eq!(
        (first.text.as_str(), first.author.as_deref()),
        ("One. Two.", None)
    );
    assert_eq!(first.categories, ["Beauty", "Nails"]);
    assert_eq!(
        dataset.warnings,
        ["1 of 2 items have events and no row in the item file, for example \"B2\""]
    );
}

#[test]
fn refusals_name_the_line_and_the_column() {
    for (line, part) in [
        (
            "{\"reviewerID\": \"A1\", \"asin\": ",
            "EOF while parsing a value at column 28 (line 4",
        ),
        (
            "{\"reviewerID\": \"A1\", \"asin\": \"B1\", \"overall\": \"many\", \"unixReviewTime\": 1}",
            "column \"overall\": expected a number, found \"many\" (line 4",
        ),
        (
            "{\"asin\": \"B1\", \"overall\": 1, \"unixReviewTime\": 1}",
            "column \"reviewerID\": expected an identifier, found \"\" (line 4",
        ),
        (
            "{'asin': oops}",
            "expected a value, found 'o' at column 10 (line 4",
        ),
    ] {
        let text = format!("{REVIEWS}{line}\n");
        let error = load_with(
            &[("Beauty_5.json", text.as_bytes())],
            &DataConfig::default(),
        );
        let error = error.unwrap_err();
        assert!(error.to_string().contains(part), "{line:?} gave {error}");
    }
    let cut = &gzip(REVIEWS.as_bytes())[..60];
    let error = load_with(&[("reviews.json.gz", cut)], &DataConfig::default()).unwrap_err();
    assert!(!message(&error).is_empty());
}
