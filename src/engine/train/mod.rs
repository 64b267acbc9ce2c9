//! Training stages: one stage, one file, read from top to bottom.

pub mod align;
pub mod alignment_term;
mod build_vectors;
pub mod compare_tokenizers;
pub mod config;
pub mod ctx;
pub mod evaluate;
pub mod examples;
pub mod experiment;
mod fit_codes;
pub mod fit_reward;
pub mod fit_tokenizer;
pub mod preference_pairs;
pub mod pretrain;
pub mod rollouts;
pub mod saved_run;
pub mod schedule;
