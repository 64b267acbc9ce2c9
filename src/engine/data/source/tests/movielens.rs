//! MovieLens in its three forms.

use super::common::{item, load_with, rows, viewed};
use crate::engine::data::config::DataConfig;

#[test]
fn the_three_forms_hold_the_same() {
    let latest: [(&str, &[u8]); 4] = [
        ("ratings.csv", b"userId,movieId,rating,timestamp\n1,10,4.0,100\n1,11,3.5,200\n2,10,5,300\n"),
        (
            "movies.csv",
            "movieId,title,genres\n10,\"Caf\u{e9}, the (1999)\",Comedy|War\n11,Heat,(no genres listed)\n12,Unseen,War\n".as_bytes(),
        ),
        ("tags.csv", b"userId,movieId,tag,timestamp\n1,10,fun,100\n"),
        ("links.csv", b"movieId,imdbId,tmdbId\n10,1,2\n"),
    ];
    let million: [(&str, &[u8]); 2] = [
        (
            "ratings.dat",
            b"1::10::4::100\r\n1::11::3.5::200\r\n2::10::5::300\r\n",
        ),
        (
            "movies.dat",
            b"10::Caf\xe9, the (1999)::Comedy|War\n11::Heat::\n12::Unseen::War\n",
        ),
    ];
    let hundred: [(&str, &[u8]); 2] = [
        ("u.data", b"1\t10\t4\t100\n1\t11\t3.5\t200\n2\t10\t5\t300\n"),
        (
            "u.item",
            b"10|Caf\xe9, the (1999)|01-Jan-1999||http://x|0|0|0|0|0|1|0|0|0|0|0|0|0|0|0|0|0|1|0\n\
              11|Heat|||http://y|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0\n",
        ),
    ];
    let load = |files: &[(&str, &[u8])]| load_with(files, &DataConfig::default()).unwrap();
    let datasets = [load(&latest), load(&million), load(&hundred)];
    for dataset in &datasets {
        assert_eq!(dataset.format, "MovieLens");
        assert_eq!(
            rows(dataset),
            [
                ("1", "10", 100_000),
                ("1", "11", 200_000),
                ("2", "10", 300_000)
            ]
        );
        assert_eq!(viewed(dataset), [("1", "10"), ("2", "10")]);
        let cafe = item(dataset, "10");
        assert_eq!(
            (cafe.title.as_str(), cafe.categories.clone()),
            (
                "Caf\u{e9}, the (1999)",
                vec!["Comedy".to_owned(), "War".to_owned()]
            )
        );
        assert!(item(dataset, "11").categories.is_empty());
        assert_eq!(
            dataset.catalog.len(),
            2,
            "movies that nobody rated are no items"
        );
        assert_eq!(dataset.fingerprint, datasets[0].fingerprint);
    }
}

#[test]
fn refusals_name_the_line_and_the_column() {
    let cases: [(&str, &[u8], &str); 3] = [
        (
            "ratings.dat",
            b"1::10::4::100\n1::10::4\n",
            "3 cells between \"::\" instead of 4 (userId, movieId, rating, timestamp) (line 2",
        ),
        (
            "ratings.dat",
            b"1::10::good::100\n",
            "column \"rating\": expected a number, found \"good\" (line 1",
        ),
        (
            "ratings.csv",
            b"userId,movieId,stars,timestamp\n1,2,3,4\n",
            "could not find column \"rating\"",
        ),
    ];
    for (name, text, part) in cases {
        let error = load_with(&[(name, text)], &DataConfig::default()).unwrap_err();
        assert!(error.to_string().contains(part), "gave {error}");
    }
}
