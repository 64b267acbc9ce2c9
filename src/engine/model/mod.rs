//! The generator: a T5-style encoder-decoder over semantic-ID tokens with a mixture of experts in the decoder. [A 3.2]
//!
//! Made of the same layers: the compressor of an item's vectors and the text decoder that checks it. [B 2.1.1]
//!
//! Between the layers, activations are kept as `[rows, d_model]`: all tokens of the batch below each other.
//! Only attention looks at them as sequences.

pub mod attention;
pub mod block;
pub mod cache;
pub mod caption_decoder;
pub mod config;
pub mod context_input;
pub mod encoder_decoder;
pub mod experts;
pub mod feed_forward;
pub mod generator;
pub(crate) mod init;
pub mod lazy_decoder;
pub mod norm;
pub mod pathway_input;
pub mod precision;
pub mod qformer;
pub mod query_reader;
mod routing;
pub mod size;

#[cfg(test)]
pub(crate) mod gradient_check;
#[cfg(test)]
mod pathway_tests;
#[cfg(test)]
mod tests;

pub use cache::DecodeCache;
pub use config::ModelConfig;
pub use encoder_decoder::Memory;
pub use generator::Generator;
