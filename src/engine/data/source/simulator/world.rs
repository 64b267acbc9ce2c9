//! The items of a simulated world: hidden factors, and the content that a reader of the dataset sees of them.

use rand::RngExt as _;
use rand::seq::IndexedRandom as _;
use rand_chacha::ChaCha8Rng;

use super::super::super::Item;
use super::behaviour::Laws;
use super::words::{
    ADJECTIVES, AUTHOR_NAMES, FILM_NOUNS, LOUD, MATERIALS, PRODUCT_NOUNS, TOPICS, Topic,
};
use super::{SimulationKind, SimulatorConfig};
use crate::engine::seed::Seed;

/// Dimensions of style and taste.
pub(super) const N_STYLES: usize = 4;

/// What decides how users respond to an item.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct ItemFactors {
    pub(super) topic: u32,
    /// Position on the ring of the topic.
    pub(super) step: u32,
    pub(super) author: u32,
    /// Standard normal over authors, shifted by the production: moves likes, follows and dislikes.
    pub(super) quality: f32,
    /// Moves views and, beyond what quality holds, dislikes.
    pub(super) appeal: f32,
    /// The author's style, a vector of length 1.
    pub(super) style: [f32; N_STYLES],
    pub(super) duration_secs: f32,
}

/// Items with their factors, their visible content and how often the logging policy shows them.
pub(super) struct World {
    pub(super) factors: Vec<ItemFactors>,
    pub(super) contents: Vec<Item>,
    pub(super) weights: Vec<f64>,
    /// Items of a step: `cells[topic * laws.n_steps + step]`.
    pub(super) cells: Vec<Vec<u32>>,
    pub(super) n_topics: usize,
    pub(super) laws: Laws,
}

struct Author {
    name: String,
    quality: f64,
    style: [f32; N_STYLES],
}

impl World {
    pub(super) fn new(config: &SimulatorConfig, seed: Seed) -> Self {
        let rng = &mut seed.rng("simulator.authors", 0);
        let authors: Vec<Author> = (0..config.n_authors)
            .map(|author_idx| author(rng, &TOPICS[author_idx % config.n_topics], author_idx))
            .collect();
        let rng = &mut seed.rng("simulator.items", 0);
        let mut world = Self {
            factors: Vec::new(),
            contents: Vec::new(),
            weights: Vec::new(),
            cells: vec![Vec::new(); config.n_topics * config.n_steps],
            n_topics: config.n_topics,
            laws: Laws {
                n_steps: config.n_steps as u32,
                certainty: config.certainty,
            },
        };
        for item_idx in 0..config.n_items {
            // The first items fill every cell once; the rest falls where it falls.
            let cell = if item_idx < world.cells.len() {
                item_idx
            } else {
                rng.random_range(0..world.cells.len())
            };
            world.add_item(rng, config, &authors, item_idx, cell);
        }
        world
    }

    fn add_item(
        &mut self,
        rng: &mut ChaCha8Rng,
        config: &SimulatorConfig,
        authors: &[Author],
        item_idx: usize,
        cell: usize,
    ) {
        let (topic, step) = (cell / config.n_steps, cell % config.n_steps);
        // Authors stay with one topic: every n_topics-th of them.
        let n_of_topic = (config.n_authors - topic).div_ceil(config.n_topics);
        let author_idx = topic + config.n_topics * rng.random_range(0..n_of_topic);
        let author = &authors[author_idx];
        let (production, shift) =
            [("studio", 0.6), ("home", 0.0), ("repost", -0.8)][pick(rng, &[0.3, 0.4, 0.3])];
        let is_loud = rng.random_bool(0.25);
        let quality =
            0.7 * author.quality + 0.4 * normal(rng) + shift - if is_loud { 0.5 } else { 0.0 };
        let appeal = 0.6 * normal(rng) + if is_loud { 1.0 } else { 0.0 };
        let duration_secs = (20.0 * (0.6 * normal(rng)).exp()).clamp(5.0, 120.0).round();
        self.cells[cell].push(item_idx as u32);
        self.weights.push((0.9 * normal(rng)).exp());
        self.factors.push(ItemFactors {
            topic: topic as u32,
            step: step as u32,
            author: author_idx as u32,
            quality: quality as f32,
            appeal: appeal as f32,
            style: author.style,
            duration_secs: duration_secs as f32,
        });
        let cover = if is_loud { "loud" } else { "plain" };
        let mut content = Item {
            external_id: format!(
                "{}{item_idx:04}",
                if config.kind == SimulationKind::ShortVideo {
                    'v'
                } else {
                    'p'
                }
            ),
            categories: vec![
                TOPICS[topic].name.0.to_owned(),
                TOPICS[topic].steps[step].0.to_owned(),
            ],
            author: Some(author.name.clone()),
            ..Item::default()
        };
        match config.kind {
            SimulationKind::ShortVideo => {
                content.title = film_title(rng, &TOPICS[topic], step, is_loud);
                content.duration_secs = Some(duration_secs as f32);
                content.features = vec![
                    ("cover".to_owned(), cover.to_owned()),
                    ("production".to_owned(), production.to_owned()),
                ];
            }
            SimulationKind::Catalogue => {
                (content.title, content.text) = product(rng, &TOPICS[topic], step, is_loud);
                content.features = vec![("make".to_owned(), production.to_owned())];
            }
        }
        self.contents.push(content);
    }
}

fn author(rng: &mut ChaCha8Rng, topic: &Topic, author_idx: usize) -> Author {
    let (english, chinese) = choose(rng, &AUTHOR_NAMES);
    let name = if rng.random_bool(0.5) {
        format!("{english} {} {author_idx}", topic.name.0)
    } else {
        format!("{chinese}{}{author_idx}", topic.name.1)
    };
    Author {
        name,
        quality: normal(rng),
        style: direction(rng),
    }
}

fn film_title(rng: &mut ChaCha8Rng, topic: &Topic, step: usize, is_loud: bool) -> String {
    let (sub, sub_zh) = topic.steps[step];
    let (adjective, adjective_zh) = choose(rng, &ADJECTIVES);
    let (noun, noun_zh) = choose(rng, &FILM_NOUNS);
    let (loud, loud_zh) = if is_loud {
        choose(rng, &LOUD)
    } else {
        ("", "")
    };
    let title = match pick(rng, &[0.45, 0.4, 0.15]) {
        0 => format!("{loud} {adjective} {sub} {noun}"),
        1 => format!("{loud_zh}{adjective_zh}{sub_zh}{noun_zh}"),
        _ => format!("{loud} {sub} {noun} · {}{sub_zh}", topic.name.1),
    };
    capitalised(title.trim())
}

fn product(rng: &mut ChaCha8Rng, topic: &Topic, step: usize, is_loud: bool) -> (String, String) {
    let (sub, sub_zh) = topic.steps[step];
    let (adjective, adjective_zh) = choose(rng, &ADJECTIVES);
    let (noun, noun_zh) = choose(rng, &PRODUCT_NOUNS);
    let (material, material_zh) = choose(rng, &MATERIALS);
    let title = match pick(rng, &[0.6, 0.25, 0.15]) {
        0 => format!("{adjective} {material} {noun} for {sub}"),
        1 => format!("{adjective_zh}{material_zh}{sub_zh}{noun_zh}"),
        _ => format!("{sub} {noun} · {material_zh}{sub_zh}"),
    };
    let praise = if is_loud {
        " Best seller! Limited offer, buy now!"
    } else {
        ""
    };
    let text = format!(
        "A {adjective} {noun} for {} lovers who enjoy {sub}. Made of {material}. {}爱好者的{sub_zh}{noun_zh}。{praise}",
        topic.name.0, topic.name.1
    );
    (capitalised(&title), text.trim().to_owned())
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(chars).collect()
    })
}

fn choose<T: Copy>(rng: &mut ChaCha8Rng, from: &[T]) -> T {
    *from.choose(rng).expect("word lists are not empty")
}

/// An index drawn in proportion to its weight.
pub(super) fn pick(rng: &mut ChaCha8Rng, weights: &[f64]) -> usize {
    let mut left = rng.random::<f64>() * weights.iter().sum::<f64>();
    for (idx, weight) in weights.iter().enumerate() {
        left -= weight;
        if left < 0.0 {
            return idx;
        }
    }
    weights.len() - 1
}

/// A standard normal number (Box-Muller).
pub(super) fn normal(rng: &mut ChaCha8Rng) -> f64 {
    let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.random::<f64>()).cos()
}

/// A vector of length 1 in a uniformly random direction.
pub(super) fn direction(rng: &mut ChaCha8Rng) -> [f32; N_STYLES] {
    let vector: [f64; N_STYLES] = std::array::from_fn(|_| normal(rng));
    let length = vector.iter().map(|x| x * x).sum::<f64>().sqrt();
    vector.map(|x| (x / length.max(1e-12)) as f32)
}
