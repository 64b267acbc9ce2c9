//! The values of a training step.

use serde::{Deserialize, Serialize};

use super::values;

/// The values of one training step.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
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
    /// How the tokens were spread over the experts, layer by layer; empty where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub experts: Vec<ExpertLoad>,
}

/// How the tokens were spread over the experts of one layer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ExpertLoad {
    /// The block that the layer belongs to, for example "decoder 1".
    pub layer: String,
    /// Choices per expert since the point before, or since this process took up the stage. They sum to tokens times
    /// active experts.
    pub load: Vec<u64>,
    /// What is added to each expert's score when experts are chosen, after the step; empty without balancing.
    pub bias: Vec<f32>,
}

impl ExpertLoad {
    /// Load of the fullest expert over the mean load: 1 where all have the same; NaN without any choice.
    pub fn max_over_mean(&self) -> f64 {
        let total: u64 = self.load.iter().sum();
        let highest = self.load.iter().copied().max().unwrap_or(0);
        highest as f64 * self.load.len() as f64 / total as f64
    }
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
            experts: vec![ExpertLoad {
                layer: "decoder 1".into(),
                load: vec![3, 0, 1],
                bias: vec![-0.001, 0.002, 0.0],
            }],
        };
        let text = serde_json::to_string(&point).unwrap();
        let back: StepPoint = serde_json::from_str(&text).unwrap();
        assert!(back.value("loss").unwrap().is_nan(), "{text}");
        assert_eq!(back.value("up"), Some(f64::INFINITY));
        assert_eq!(back.value("down"), Some(-2.5));
        assert_eq!(back.experts, point.experts);
    }

    #[test]
    fn points_of_earlier_versions_have_no_experts() {
        let text = r#"{"step":1,"samples":2,"seconds":0.5,"values":[]}"#;
        let point: StepPoint = serde_json::from_str(text).unwrap();
        assert!(point.experts.is_empty());
    }

    #[test]
    fn max_over_mean_by_hand() {
        let of = |load: &[u64]| {
            let load = load.to_vec();
            ExpertLoad {
                load,
                ..ExpertLoad::default()
            }
            .max_over_mean()
        };
        assert_eq!(of(&[3, 0, 1, 0]), 3.0);
        assert_eq!(of(&[5, 5]), 1.0);
        assert!(of(&[0, 0]).is_nan());
    }
}
