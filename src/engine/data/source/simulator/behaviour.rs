//! How a user responds to an impression, and what that is worth. The simulated log is drawn from these probabilities
//! and [`Oracle`](super::Oracle) sums them, so the oracle is exactly the mean of what the simulator would do.
//!
//! For a user at one moment, item `i` at position `p` (from 0) of a slate, with `s` the logistic function and `c` the
//! certainty of the world:
//!
//! ```text
//! look    = 0.97^p                                                          the position is looked at
//! pull    = 2.0 interest[topic] + 0.8 [topic = focus] + 1.2 interest[topic] near + 0.5 appeal
//!           - 0.4 (earlier items of its step) - 1.0 (earlier items of its author)
//! view    = look * s(-0.3 + c (pull - 1.9))
//! like    = view * s(-1.9 + c (1.2 quality + 1.0 taste.style))
//! follow  = view * s(-4.0 + c (1.0 quality + 1.5 taste.style))
//! dislike = look * s(-4.5 + c (-1.2 quality + 0.5 appeal))
//! ```
//!
//! The higher the certainty, the less is left to chance; 1.9 is about the pull of what the log shows, so that it moves the
//! rate of views little.
//!
//! `near` is 1 on the step of the ring where the user wants to go on, 0.4 one step beside it, else 0. An item that the
//! slate holds already is not viewed again. A slate is worth
//! `sum of view sqrt(duration / 20 s) + 2 like + 4 follow - 3 dislike`, in views of a 20-second item.

use serde::{Deserialize, Serialize};

use super::world::{ItemFactors, N_STYLES};

/// A user at one moment: what the response depends on.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Moment {
    /// Per topic, 0 to 1.
    pub(super) interest: Vec<f32>,
    /// What the user likes in a style, a vector of length 1.
    pub(super) taste: [f32; N_STYLES],
    /// The topic of the moment.
    pub(super) focus: u32,
    /// Per topic, the step where the user wants to go on.
    pub(super) next_step: Vec<u32>,
}

/// Probabilities of each kind of feedback to one impression.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Response {
    pub(super) view: f64,
    pub(super) like: f64,
    pub(super) follow: f64,
    pub(super) dislike: f64,
}

/// What holds for all users and items of a world.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Laws {
    /// Length of the rings.
    pub(super) n_steps: u32,
    /// How far what speaks for a response decides it.
    #[serde(default = "common_certainty", skip_serializing_if = "is_common")]
    pub(super) certainty: f64,
}

/// The certainty of the samples.
pub(super) fn common_certainty() -> f64 {
    1.0
}

/// So that files of the common certainty need not name it.
pub(super) fn is_common(certainty: &f64) -> bool {
    *certainty == common_certainty()
}

/// The response to the item at `position` of a slate.
pub(super) fn response(
    moment: &Moment,
    factors: &[ItemFactors],
    Laws { n_steps, certainty }: Laws,
    slate: &[u32],
    position: usize,
) -> Response {
    let item_idx = slate[position];
    let item = &factors[item_idx as usize];
    let earlier = &slate[..position];
    let interest = f64::from(moment.interest[item.topic as usize]);
    let n_same_step = count(earlier, factors, |other| {
        (other.topic, other.step) == (item.topic, item.step)
    });
    let n_same_author = count(earlier, factors, |other| other.author == item.author);
    let is_focus = f64::from(u8::from(item.topic == moment.focus));
    let near = nearness(item.step, moment.next_step[item.topic as usize], n_steps);
    let (quality, appeal) = (f64::from(item.quality), f64::from(item.appeal));
    let match_of_style: f64 = moment
        .taste
        .iter()
        .zip(&item.style)
        .map(|(taste, style)| f64::from(taste * style))
        .sum();

    let look = 0.97_f64.powi(position as i32);
    let view = if earlier.contains(&item_idx) {
        0.0
    } else {
        let pull = 2.0 * interest + 0.8 * is_focus + 1.2 * interest * near + 0.5 * appeal
            - 0.4 * n_same_step
            - 1.0 * n_same_author;
        look * logistic(-0.3 + certainty * (pull - 1.9))
    };
    Response {
        view,
        like: view * logistic(-1.9 + certainty * (1.2 * quality + match_of_style)),
        follow: view * logistic(-4.0 + certainty * (quality + 1.5 * match_of_style)),
        dislike: look * logistic(-4.5 + certainty * (0.5 * appeal - 1.2 * quality)),
    }
}

/// What a slate is worth to a user, in views of a 20-second item.
pub(super) fn utility(moment: &Moment, factors: &[ItemFactors], laws: Laws, slate: &[u32]) -> f64 {
    (0..slate.len())
        .map(|position| {
            let expected = response(moment, factors, laws, slate, position);
            let duration_secs = f64::from(factors[slate[position] as usize].duration_secs);
            expected.view * (duration_secs / 20.0).sqrt()
                + 2.0 * expected.like
                + 4.0 * expected.follow
                - 3.0 * expected.dislike
        })
        .sum()
}

/// Shares of its length that a viewed item and another one are watched for: fewest and most. Drawn evenly between.
pub(super) const WATCHED_SHARES: [(f32, f32); 2] = [(0.7, 1.0), (0.0, 0.3)];

/// Seconds that an item is watched for on average.
pub(super) fn watch_secs(response: &Response, duration_secs: f32) -> f64 {
    let [viewed, passed] = WATCHED_SHARES.map(|(least, most)| f64::from(least + most) / 2.0);
    f64::from(duration_secs) * (response.view * viewed + (1.0 - response.view) * passed)
}

/// How near a step is to where the user wants to go on.
fn nearness(step: u32, wanted: u32, n_steps: u32) -> f64 {
    let apart = step.abs_diff(wanted);
    match apart.min(n_steps.saturating_sub(apart)) {
        0 => 1.0,
        1 => 0.4,
        _ => 0.0,
    }
}

fn count(items: &[u32], factors: &[ItemFactors], is_counted: impl Fn(&ItemFactors) -> bool) -> f64 {
    items
        .iter()
        .filter(|&&item_idx| is_counted(&factors[item_idx as usize]))
        .count() as f64
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}
