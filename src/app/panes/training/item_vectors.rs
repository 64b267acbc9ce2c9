//! The charts of the item vectors, which are drawn together before they are quantised.

use super::spec::{Spec, only};
use crate::app::widgets::Goal;
use crate::engine::event::Stage;

/// The two losses of the alignment.
pub(super) const SPECS: [Spec; 2] = [
    Spec {
        stage: Stage::Tokenize,
        title: "Item vectors: contrastive loss",
        tip: "-ln [exp(cos(i, j) / tau) / sum over the partners j' of the batch of exp(cos(i, j') / tau)], mean over \
              the pairs (i, j) of the step.",
        unit: "nats",
        legend: |name| only(name, "contrastive", "contrastive"),
        goal: Goal::Lowest,
        references: &[],
        note: "Vectors that know nothing have the logarithm of the batch size. It never reaches 0: a batch also holds \
               items that belong together without being a pair.",
    },
    Spec {
        stage: Stage::Tokenize,
        title: "Item vectors: caption loss",
        tip: "Mean negative log-probability per word of the items' own words, which a small text decoder says from the \
              aligned vectors.",
        unit: "nats per word",
        legend: |name| only(name, "caption", "caption"),
        goal: Goal::Lowest,
        references: &[],
        note: "",
    },
];
