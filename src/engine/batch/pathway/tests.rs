//! What the pathways read of a small log: by hand, and never from the future.

use burn::tensor::{Device, Int, Tensor};

use super::{
    BehaviourBatch, ItemInput, PathwayBatch, PathwayConfig, PathwayReader, PositionRule, toy,
};
use crate::engine::data::fixtures::Event;
use crate::engine::data::prepare::PreparedData;
use crate::engine::data::{FeedbackFlags, Moment, UserIdx};

fn moment(data: &PreparedData, user: u32, n_before: usize) -> Moment {
    data.moment(UserIdx(user), toy::row(data, user, n_before), 4)
}

fn read(data: &PreparedData, config: &PathwayConfig, moments: &[(u32, usize)]) -> PathwayBatch {
    let (table, embeddings) = (toy::table(), toy::embeddings());
    let reader = PathwayReader::new(data, &table, &embeddings, config, 4);
    let moments: Vec<Moment> = moments
        .iter()
        .map(|(user, n_before)| moment(data, *user, *n_before))
        .collect();
    let moments: Vec<&Moment> = moments.iter().collect();
    reader.read(&moments).to_device(&Device::flex())
}

fn ints(x: &Tensor<2, Int>) -> Vec<i64> {
    x.clone().try_into_vec_as().unwrap()
}

fn floats(x: &Tensor<2>) -> Vec<f32> {
    x.clone().try_into_vec_as().unwrap()
}

fn vid() -> PathwayConfig {
    PathwayConfig {
        item: ItemInput::Vid,
        short_len: 3,
        cluster_size: 2,
        ..PathwayConfig::default()
    }
}

fn is_pad(batch: &BehaviourBatch) -> Vec<bool> {
    batch.is_pad.clone().into_data().try_into_vec().unwrap()
}

#[test]
fn short_and_positive_pathways_by_hand() {
    let data = toy::data();
    let batch = read(&data, &vid(), &[(0, 5), (2, 1), (1, 0)]);
    // User 0 saw items 0, 5, 10, 3, 8 and skipped the third; items count from 1 in the table.
    let short = batch.short.unwrap();
    assert_eq!(ints(&short.items), [11, 4, 9, /**/ 0, 0, 12, /**/ 0, 0, 0]);
    assert_eq!(
        is_pad(&short),
        [false, false, false, true, true, false, true, true, false],
        "an empty row keeps one position of which nothing is known"
    );
    let positive = batch.positive.unwrap();
    assert_eq!(
        ints(&positive.items),
        [1, 6, 4, 9, /**/ 0, 0, 0, 12, /**/ 0, 0, 0, 0]
    );
    // Kinds that occur: view and like.
    assert_eq!(
        floats(&short.labels)[..8],
        [
            0.0, 0.0, /**/ 1.0, 0.0, /**/ 1.0, 0.0, /**/ 0.0, 0.0
        ]
    );
    // Authors 0 to 3 of items 10, 3 and 8: 10 % 4 and 3 % 4, and 8 % 4; none for items that leave 4 when divided by 5.
    assert_eq!(ints(&short.authors)[..3], [3, 4, 1]);
    // Item 8 has tags "tag 0" and "tag 1", item 10 has "tag 0", item 3 has none.
    assert_eq!(ints(&short.tags)[..6], [1, 0, /**/ 0, 0, /**/ 1, 2]);
    assert_eq!(
        floats(&short.tag_shares)[..6],
        [1.0, 0.0, 0.0, 0.0, 0.5, 0.5]
    );
    // Three continuous features; the newest known event has age 0, of user 2 nothing is known but the length of item 11.
    let buckets = ints(&short.buckets);
    assert_eq!(buckets[6], 1, "age 0 of the newest");
    assert_eq!(buckets[3], 1 + 3, "90 s are 1.3 octaves of minutes");
    assert_eq!(buckets[15], 0, "no time");
    assert_eq!(buckets[16], 64, "no time watched");
    assert!(buckets[17] > 128, "a length");

    let users = batch.users.unwrap();
    assert_eq!(ints(&users.users), [1, 3, 2]);
    assert_eq!(ints(&users.values), [0, 2, 1]);
}

#[test]
fn a_user_without_learnable_events_is_unknown() {
    let mut events = toy::events();
    events.push(Event::view(3, 0, 5));
    let data = toy::data_of(&events);
    let batch = read(&data, &vid(), &[(3, 1), (0, 1)]);
    assert_eq!(ints(&batch.users.unwrap().users), [0, 1]);
}

#[test]
fn semantic_ids_stand_for_items_where_asked_for() {
    let data = toy::data();
    let config = PathwayConfig {
        item: ItemInput::SemanticId,
        short_len: 1,
        ..PathwayConfig::default()
    };
    let batch = read(&data, &config, &[(2, 1)]);
    // Item 11: codes 1, 3, 2 after 3 special tokens, levels of 5.
    let short = batch.short.unwrap();
    assert_eq!(ints(&short.items), [3 + 1, 8 + 3, 13 + 2]);
}

#[test]
fn the_lifelong_pathway_holds_clusters_in_place_or_once() {
    let data = toy::data();
    let lifelong = |positions, lifelong_positions| {
        let config = PathwayConfig {
            positions,
            lifelong_positions,
            ..vid()
        };
        let batch = read(&data, &config, &[(0, 9)]);
        ints(&batch.lifelong.unwrap().items)
    };
    let in_place = lifelong(PositionRule::InPlace, 100);
    assert_eq!(in_place.len(), 9);
    let once = lifelong(PositionRule::Clusters, 100);
    // Clusters hold at most two of nine events.
    assert!((5..9).contains(&once.len()), "{once:?}");
    let mut distinct = in_place.clone();
    distinct.sort_unstable();
    distinct.dedup();
    let mut sorted = once.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(distinct, sorted, "the same representatives");
    assert_eq!(lifelong(PositionRule::InPlace, 4), in_place[5..]);
    assert_eq!(lifelong(PositionRule::Clusters, 2), once[once.len() - 2..]);
    assert_eq!(once.last(), in_place.last());
}

/// Whatever happens at or after a moment: other items, feedback, times or nothing at all.
#[test]
fn nothing_after_the_moment_is_read() {
    let events = toy::events();
    let n_before = 7;
    let data = toy::data_of(&events);
    // The held-out part of the other users stays as it is, so that the tables do.
    let mut changed = events.clone();
    for (step, event) in changed[n_before..14].iter_mut().enumerate() {
        event.item = (event.item + 1) % toy::N_ITEMS as u32;
        event.time_millis += 1 + step as i64 * 1_000_000;
        event.watch_secs = 500.0;
        event.flags = FeedbackFlags::VIEW.with(FeedbackFlags::LIKE);
    }
    let changed = toy::data_of(&changed);
    let (table, embeddings) = (toy::table(), toy::embeddings());
    let contexts: Vec<_> = [&data, &changed]
        .map(|data| {
            let reader = PathwayReader::new(data, &table, &embeddings, &vid(), 4);
            (
                reader.read(&[&moment(data, 0, n_before)]),
                reader.read(&[&moment(data, 0, n_before + 1)]),
            )
        })
        .into();
    assert_eq!(contexts[0].0, contexts[1].0);
    assert_ne!(
        contexts[0].1, contexts[1].1,
        "what was changed has become the past"
    );
}

#[test]
fn features_that_the_data_lacks_have_no_column() {
    let mut events = toy::events();
    for event in &mut events {
        event.time_millis = crate::engine::data::interaction::NO_TIME;
        event.watch_secs = f32::NAN;
    }
    let mut data = toy::data_of(&events);
    data.dataset.user_columns.clear();
    for item in &mut data.dataset.catalog.items {
        item.author = None;
        item.categories.clear();
        item.duration_secs = None;
    }
    let (table, embeddings) = (toy::table(), toy::embeddings());
    let reader = PathwayReader::new(&data, &table, &embeddings, &vid(), 4);
    let spec = reader.spec();
    assert_eq!(
        (
            spec.author_rows,
            spec.tag_rows,
            spec.bucket_rows(),
            spec.user_value_rows
        ),
        (0, 0, 0, 0)
    );
    assert_eq!((spec.item_rows, spec.user_rows), (1 + toy::N_ITEMS, 1 + 3));
    let batch = reader
        .read(&[&moment(&data, 0, 3)])
        .to_device(&Device::flex());
    let short = batch.short.unwrap();
    for n_columns in [
        short.authors.dims()[1],
        short.tags.dims()[1],
        short.buckets.dims()[1],
    ] {
        assert_eq!(n_columns, 0);
    }
}
