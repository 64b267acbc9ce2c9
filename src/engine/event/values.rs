//! Named floating-point values, with words for those that JSON cannot hold.

use serde::de::Error as _;
use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(untagged)]
enum Value {
    Finite(f64),
    Word(String),
}

pub(super) fn serialize<S: Serializer>(values: &[(String, f64)], to: S) -> Result<S::Ok, S::Error> {
    values
        .iter()
        .map(|(name, value)| {
            let value = if value.is_finite() {
                Value::Finite(*value)
            } else {
                Value::Word(value.to_string())
            };
            (name, value)
        })
        .collect::<Vec<_>>()
        .serialize(to)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Vec<(String, f64)>, D::Error> {
    Vec::<(String, Value)>::deserialize(from)?
        .into_iter()
        .map(|(name, value)| match value {
            Value::Finite(value) => Ok((name, value)),
            Value::Word(word) => word
                .parse()
                .map(|value| (name, value))
                .map_err(D::Error::custom),
        })
        .collect()
}
