//! Operations with hand-written forward and backward passes for the CPU, one per file.
//!
//! Each is a function of tensors that computes what its comment says on every device: on the CPU by the code here, with
//! products by faer and loops over all cores; elsewhere by the plain composition of burn's operations, which is also
//! what the tests compare with. Numbers other than `f32` take the plain path too: there weights are rounded to the numbers
//! of what they are applied to, and sums over a softmax or a row are `f32`.
//!
//! Every sum is taken in an order that does not depend on the number of threads, so the same input gives the same bits.

mod adam_w;
mod attention;
mod attention_plain;
mod attention_scores;
mod buffer;
mod code_log_prob;
mod dtype;
mod embedding;
mod expert;
mod expert_blocks;
mod expert_groups;
mod extension;
mod level_logits;
mod linear;
mod mask;
mod past;
mod product;
mod rms_norm;
mod simd;
mod swi_glu;

#[cfg(test)]
mod checks;

pub use adam_w::{AdamWStep, adam_w, squared_norm};
pub use attention::{Heads, attention};
pub use buffer::{end_step, release};
pub use code_log_prob::{code_log_prob, log_total};
pub use dtype::widen;
pub use embedding::embedding;
pub use expert::{ExpertWeights, experts};
pub use level_logits::{Codewords, level_logits};
pub use linear::linear;
pub use past::Past;
pub use rms_norm::rms_norm;
pub use swi_glu::swi_glu;
