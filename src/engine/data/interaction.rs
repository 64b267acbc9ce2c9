//! What users did: a columnar log and the feedback of one impression.

use serde::{Deserialize, Serialize};

use super::{ItemIdx, UserIdx};

/// Kinds of feedback as a set of bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FeedbackFlags(pub u16);

impl FeedbackFlags {
    /// Effectively viewed: the dataset's long view, a full play, a purchase, a rating above the threshold.
    pub const VIEW: Self = Self(1);
    /// Clicked.
    pub const CLICK: Self = Self(1 << 1);
    /// Liked.
    pub const LIKE: Self = Self(1 << 2);
    /// Followed the author.
    pub const FOLLOW: Self = Self(1 << 3);
    /// Commented.
    pub const COMMENT: Self = Self(1 << 4);
    /// Forwarded or shared.
    pub const FORWARD: Self = Self(1 << 5);
    /// Collected or saved.
    pub const COLLECT: Self = Self(1 << 6);
    /// Disliked, hated, hidden.
    pub const DISLIKE: Self = Self(1 << 7);

    /// All kinds with the names used in files and configurations.
    pub const NAMED: [(&'static str, Self); 8] = [
        ("view", Self::VIEW),
        ("click", Self::CLICK),
        ("like", Self::LIKE),
        ("follow", Self::FOLLOW),
        ("comment", Self::COMMENT),
        ("forward", Self::FORWARD),
        ("collect", Self::COLLECT),
        ("dislike", Self::DISLIKE),
    ];

    /// The kind of that name, or the empty set.
    pub fn named(name: &str) -> Self {
        Self::NAMED
            .iter()
            .find(|(known, _)| *known == name)
            .map_or(Self(0), |&(_, kind)| kind)
    }

    /// Whether all bits of `other` are set.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both sets together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// The user's answer to one impression.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Feedback {
    /// Seconds watched; NaN where the dataset does not say.
    pub watch_secs: f32,
    /// What else happened.
    pub flags: FeedbackFlags,
}

/// The time of an event whose dataset gives an order but no clock. Sorts before every real time.
pub const NO_TIME: i64 = i64::MIN;

/// All interactions as columns of equal length, sorted by user, then time, then file order.
#[derive(Clone, Debug, Default)]
pub struct InteractionLog {
    /// Who.
    pub user: Vec<UserIdx>,
    /// Which item.
    pub item: Vec<ItemIdx>,
    /// When, in milliseconds since 1970, or [`NO_TIME`].
    pub time_millis: Vec<i64>,
    /// The request that showed it, where the dataset says; equal numbers of one user belong together.
    pub request: Option<Vec<u32>>,
    /// What the user did.
    pub feedback: Vec<Feedback>,
    /// `user_start[u]..user_start[u + 1]` are the rows of user `u`.
    pub user_start: Vec<usize>,
}

impl InteractionLog {
    /// Number of events.
    pub fn len(&self) -> usize {
        self.item.len()
    }

    /// True when there is no event.
    pub fn is_empty(&self) -> bool {
        self.item.is_empty()
    }

    /// Rows of one user, in time order.
    pub fn rows_of(&self, user: UserIdx) -> std::ops::Range<usize> {
        self.user_start[user.idx()]..self.user_start[user.idx() + 1]
    }

    /// Number of users, those without events included.
    pub fn n_users(&self) -> usize {
        self.user_start.len().saturating_sub(1)
    }
}
