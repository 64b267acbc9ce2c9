//! The generator: a T5-style encoder-decoder over semantic-ID tokens with a mixture of experts in the decoder. [A 3.2]

pub mod config;
