//! One user's walk through a simulated world: requests, what the logging policy shows, and what the user does.
//!
//! The state of a user moves between requests only, so that all impressions of one request are answered from one
//! [`Moment`]. The policy is a plain recommender: it follows topics and steps, adds popular and random items, and
//! knows nothing of quality, style or taste.

use std::collections::HashSet;

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use super::super::super::FeedbackFlags;
use super::SimulatorConfig;
use super::behaviour::{Moment, WATCHED_SHARES, response};
use super::world::{World, direction, pick};
use crate::engine::seed::Seed;

/// One impression and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Impression {
    pub(super) item: u32,
    pub(super) time_millis: i64,
    /// Counts from 0 for each user.
    pub(super) request: u32,
    pub(super) watch_secs: f32,
    pub(super) flags: FeedbackFlags,
}

/// A user's log, and the user just before the request of the last view: the moment that leave-one-out asks about.
pub(super) struct Journey {
    pub(super) impressions: Vec<Impression>,
    pub(super) moment: Moment,
}

/// 2024-01-01 00:00 UTC.
const FIRST_DAY_MILLIS: i64 = 1_704_067_200_000;
const MILLIS_PER_DAY: i64 = 86_400_000;

/// How strongly a user feels about their topics, the favourite first.
const INTERESTS: [f32; 4] = [1.0, 0.85, 0.7, 0.55];

/// The focus moves to another topic between two requests with this probability.
const SWITCH_PROB: f64 = 0.3;

impl Journey {
    pub(super) fn of(world: &World, config: &SimulatorConfig, seed: Seed, user_idx: usize) -> Self {
        let rng = &mut seed.rng("simulator.users", user_idx as u64);
        let mut moment = first_moment(rng, world);
        // Most users walk the ring forwards, the others backwards: one event does not tell which.
        let pace = if rng.random_bool(0.6) {
            1
        } else {
            world.laws.n_steps - 1
        };
        let mut walk = Walk {
            world,
            config,
            viewed: HashSet::new(),
            impressions: Vec::new(),
        };
        let mut last_moment = moment.clone();
        for (request, start_millis) in request_times(rng, config).into_iter().enumerate() {
            let viewed_topics = walk.request(rng, &moment, request as u32, start_millis);
            if viewed_topics.is_empty() {
                continue;
            }
            last_moment.clone_from(&moment);
            for topic in viewed_topics {
                let step = &mut moment.next_step[topic as usize];
                *step = (*step + pace) % world.laws.n_steps;
            }
            if rng.random_bool(SWITCH_PROB) {
                moment.focus = interesting_topic(rng, &moment);
            }
        }
        Self {
            impressions: walk.impressions,
            moment: last_moment,
        }
    }
}

fn first_moment(rng: &mut ChaCha8Rng, world: &World) -> Moment {
    let mut interest = vec![0.0; world.n_topics];
    for strength in INTERESTS {
        let topic = loop {
            let topic = rng.random_range(0..world.n_topics);
            if interest[topic] == 0.0 {
                break topic;
            }
        };
        interest[topic] = strength;
    }
    let mut moment = Moment {
        interest,
        taste: direction(rng),
        focus: 0,
        next_step: (0..world.n_topics)
            .map(|_| rng.random_range(0..world.laws.n_steps))
            .collect(),
    };
    moment.focus = interesting_topic(rng, &moment);
    moment
}

fn interesting_topic(rng: &mut ChaCha8Rng, moment: &Moment) -> u32 {
    let weights: Vec<f64> = moment.interest.iter().map(|&x| f64::from(x)).collect();
    pick(rng, &weights) as u32
}

/// Starts of a user's requests in ascending order.
fn request_times(rng: &mut ChaCha8Rng, config: &SimulatorConfig) -> Vec<i64> {
    let (least, most) = config.requests;
    let n_requests = rng.random_range(least..=most);
    let span = config.n_days as i64 * MILLIS_PER_DAY;
    // Equal shares of the time with one request in each keep requests from overlapping.
    let share = span / n_requests as i64;
    (0..n_requests as i64)
        .map(|idx| FIRST_DAY_MILLIS + idx * share + rng.random_range(0..share / 2 + 1))
        .collect()
}

/// What has happened to a user so far.
struct Walk<'a> {
    world: &'a World,
    config: &'a SimulatorConfig,
    /// Items that are not shown again.
    viewed: HashSet<u32>,
    impressions: Vec<Impression>,
}

impl Walk<'_> {
    /// Serves one request and returns the topics that were viewed on the step the user wanted, each once.
    fn request(
        &mut self,
        rng: &mut ChaCha8Rng,
        moment: &Moment,
        request: u32,
        start_millis: i64,
    ) -> Vec<u32> {
        let (least, most) = self.config.impressions;
        let n_shown = rng.random_range(least..=most);
        let mut slate: Vec<u32> = Vec::with_capacity(n_shown);
        let mut time_millis = start_millis;
        let mut viewed_topics = Vec::new();
        for position in 0..n_shown {
            slate.push(self.choose(rng, moment, &slate));
            let item = slate[position];
            let factors = &self.world.factors[item as usize];
            let chances = response(
                moment,
                &self.world.factors,
                self.world.laws,
                &slate,
                position,
            );
            let mut flags = FeedbackFlags::default();
            let is_viewed = rng.random_bool(chances.view);
            // The kinds that need a view are drawn given the view.
            let given_view = |prob: f64| if is_viewed { prob / chances.view } else { 0.0 };
            for (kind, prob) in [
                (FeedbackFlags::VIEW, f64::from(u8::from(is_viewed))),
                (FeedbackFlags::LIKE, given_view(chances.like)),
                (FeedbackFlags::FOLLOW, given_view(chances.follow)),
                (FeedbackFlags::DISLIKE, chances.dislike),
            ] {
                if rng.random_bool(prob.clamp(0.0, 1.0)) {
                    flags = flags.with(kind);
                }
            }
            let (least, most) = WATCHED_SHARES[usize::from(!is_viewed)];
            let watched_frac = rng.random_range(least..most);
            let watch_secs = (factors.duration_secs * watched_frac * 10.0).round() / 10.0;
            self.impressions.push(Impression {
                item,
                time_millis,
                request,
                watch_secs,
                flags,
            });
            time_millis += (watch_secs * 1000.0) as i64 + 500;
            if is_viewed {
                self.viewed.insert(item);
                if !viewed_topics.contains(&factors.topic) {
                    viewed_topics.push(factors.topic);
                }
            }
        }
        viewed_topics
    }

    /// The logging policy: an item that the user has not viewed and the slate does not hold.
    fn choose(&self, rng: &mut ChaCha8Rng, moment: &Moment, slate: &[u32]) -> u32 {
        // In a small world a user may have viewed nearly everything; then the last proposal is shown.
        const N_TRIES: usize = 50;
        let mut proposal = 0;
        for _ in 0..N_TRIES {
            proposal = self.propose(rng, moment);
            if !self.viewed.contains(&proposal) && !slate.contains(&proposal) {
                break;
            }
        }
        proposal
    }

    fn propose(&self, rng: &mut ChaCha8Rng, moment: &Moment) -> u32 {
        let world = self.world;
        let n_steps = world.laws.n_steps as usize;
        match pick(rng, &[0.75, 0.15, 0.1]) {
            0 => {
                let topic = if rng.random_bool(0.5) {
                    moment.focus
                } else {
                    interesting_topic(rng, moment)
                } as usize;
                let step = if rng.random_bool(0.75) {
                    moment.next_step[topic] as usize
                } else {
                    rng.random_range(0..n_steps)
                };
                let cell = &world.cells[topic * n_steps + step];
                let weights: Vec<f64> = cell
                    .iter()
                    .map(|&item| world.weights[item as usize])
                    .collect();
                cell[pick(rng, &weights)]
            }
            1 => pick(rng, &world.weights) as u32,
            _ => rng.random_range(0..world.factors.len() as u32),
        }
    }
}
