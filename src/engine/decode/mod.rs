//! Decoding: from histories to slates. [A 3.3.2, 4]

pub mod beam;
pub mod constraint;
pub mod sample;
mod search;
pub mod slate;

#[cfg(test)]
mod tests;

pub use beam::{Beam, beam_search};
pub use sample::{Sampling, sample};
pub use slate::{rank_items, slate_items};
