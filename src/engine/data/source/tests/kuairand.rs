//! KuaiRand's layouts.

use super::common::{folder, load_with, rows};
use crate::engine::data::config::DataConfig;
use crate::engine::data::interaction::NO_TIME;
use crate::engine::data::source::load;
use crate::engine::data::{FeedbackFlags, UserIdx};

const KUAIRAND: [(&str, &[u8]); 6] = [
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
        "data/user_features_pure.csv",
        b"user_id,user_active_degree,follow_user_num,onehot_feat0,is_live_streamer\n\
          8,unseen,1,0,1\n9,full_active,3,,1\n7,high_active,5,1,1\n",
    ),
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
fn features_of_users_are_categories_of_those_with_events() {
    let dataset = load(folder(&KUAIRAND).path(), &DataConfig::default()).unwrap();
    assert_eq!(dataset.users, ["7", "9"]);
    // A count is not read, a column in which all are equal says nothing, and user 8 did nothing.
    let names: Vec<&str> = dataset
        .user_columns
        .iter()
        .map(|column| column.name.as_str())
        .collect();
    assert_eq!(names, ["user_active_degree"]);
    let column = &dataset.user_columns[0];
    assert_eq!(column.values, ["full_active", "high_active"]);
    assert_eq!(column.of_user, [2, 1]);
    assert_eq!(column.value(UserIdx(1)), Some("full_active"));
}

#[test]
fn labels_are_likes_and_dislikes() {
    let text = b"user_id\tvideo_id\tdate\ttime_ms\tis_click\tlong_view\tplay_time_ms\tlabel\n\
        111\t38\t20220410\t1649581149287\t1\t1\t46186\t1\n111\t39\t20220410\t1649581149288\t0\t0\t0\t0\n";
    let dataset = load_with(&[("interactions.tsv", text)], &DataConfig::default()).unwrap();
    assert_eq!(dataset.format, "KuaiRand labels");
    let flags: Vec<FeedbackFlags> = dataset
        .log
        .feedback
        .iter()
        .map(|shown| shown.flags)
        .collect();
    let expected = FeedbackFlags::VIEW
        .with(FeedbackFlags::CLICK)
        .with(FeedbackFlags::LIKE);
    assert_eq!(flags, [expected, FeedbackFlags::DISLIKE]);
    assert_eq!(dataset.log.feedback[0].watch_secs, 46.186);
}
