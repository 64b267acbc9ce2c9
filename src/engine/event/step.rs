//! The values of a training step.

use serde::{Deserialize, Serialize};

use super::values;

/// The values of one training step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepPoint {
    /// Optimiser steps done, counting this one.
    pub step: u64,
    /// Training examples seen so far.
    pub samples: u64,
    /// Seconds since the stage began, over all processes that worked on it.
    pub seconds: f64,
    /// Named values, in a fixed order per stage, for example ("loss", 5.2).
    /// Non-finite values travel as the words "NaN", "inf" and "-inf".
    #[serde(with = "values")]
    pub values: Vec<(String, f64)>,
}

impl StepPoint {
    /// The value of that name.
    pub fn value(&self, name: &str) -> Option<f64> {
        self.values
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| *value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn non_finite_values_survive_the_journal() {
        let point = StepPoint {
            step: 3,
            samples: 96,
            seconds: 1.5,
            values: vec![
                ("loss".into(), f64::NAN),
                ("up".into(), f64::INFINITY),
                ("down".into(), -2.5),
            ],
        };
        let text = serde_json::to_string(&point).unwrap();
        let back: StepPoint = serde_json::from_str(&text).unwrap();
        assert!(back.value("loss").unwrap().is_nan(), "{text}");
        assert_eq!(back.value("up"), Some(f64::INFINITY));
        assert_eq!(back.value("down"), Some(-2.5));
    }
}
