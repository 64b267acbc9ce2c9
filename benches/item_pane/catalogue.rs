//! A synthetic catalogue and where its items lie on the plane.

use onerec_workbench::engine::data::Item;
use onerec_workbench::engine::embedding::ItemPlane;
use onerec_workbench::engine::run::items::{ItemTable, ItemTableBuilder};
use onerec_workbench::engine::seed::Seed;
use onerec_workbench::engine::tokenizer::Code;
use rand::RngExt as _;

/// Items with titles of a few words, two of 60 categories, one of 20,000 authors, a length and two features.
pub(crate) fn catalogue(n_items: usize, codebook_size: u16) -> ItemTable {
    const WORDS: [&str; 16] = [
        "river", "stone", "paper", "light", "garden", "winter", "music", "city", "mountain",
        "glass", "story", "night", "ocean", "bridge", "forest", "letter",
    ];
    let mut rng = Seed(1).rng("bench.items", 0);
    let mut builder = ItemTableBuilder::new(3, usize::from(codebook_size));
    for number in 0..n_items {
        let mut word = || WORDS[rng.random_range(0..WORDS.len())];
        let title = format!("{} {} {} {number}", word(), word(), word());
        let item = Item {
            external_id: format!("{}", 10_000_000 + number),
            title,
            categories: vec![
                format!("kind {}", rng.random_range(0..12)),
                format!("theme {}", rng.random_range(0..48)),
            ],
            author: Some(format!("author {}", rng.random_range(0..20_000))),
            duration_secs: Some(rng.random_range(5.0..300.0)),
            features: vec![
                (
                    "upload".to_owned(),
                    format!("way {}", rng.random_range(0..5)),
                ),
                ("visibility".to_owned(), "public".to_owned()),
            ],
            ..Item::default()
        };
        // A fifth of the IDs is shared by neighbours in the table.
        let original = number - usize::from(number % 5 == 4);
        let mut codes = Seed(2).rng("bench.codes", original as u64);
        let codes: [Code; 3] = std::array::from_fn(|_| codes.random_range(0..codebook_size));
        let rank = rng.random_range(1.0_f64..1000.0);
        builder.push(&item, &codes, (20_000.0 / rank) as u32, []);
    }
    builder.finish()
}

/// Points in clusters.
pub(crate) fn plane(n_items: usize) -> ItemPlane {
    let mut rng = Seed(3).rng("bench.plane", 0);
    let centers: Vec<[f32; 2]> = (0..64)
        .map(|_| [rng.random_range(-3.0..3.0), rng.random_range(-2.0..2.0)])
        .collect();
    let points = (0..n_items)
        .map(|number| {
            let center = centers[number % centers.len()];
            center.map(|value| {
                let spread: f32 = (0..4).map(|_| rng.random_range(-0.3..0.3)).sum();
                value + spread
            })
        })
        .collect();
    ItemPlane {
        points,
        shares: [0.3, 0.2],
    }
}
