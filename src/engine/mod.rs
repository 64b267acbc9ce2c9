//! The training engine, in the order in which data flows through it.
//!
//! ```text
//! data -> embedding -> tokenizer -> batch -> model + loss -> train::pretrain
//!                                            reward       -> train::fit_reward
//!                                            decode       -> train::align
//!                                                            eval -> run::report
//! ```
//!
//! Clients meet the engine in [`handle`], [`command`], [`event`] and [`config`] only:
//! scalars, names and small tables cross that boundary, tensors never do.

// The boundary.
pub mod command;
pub mod config;
pub mod event;
pub mod handle;

// The pipeline.
pub mod batch;
pub mod chart;
pub mod data;
pub mod decode;
pub mod embedding;
pub mod eval;
pub mod export;
pub mod loss;
pub mod model;
pub mod ops;
pub mod optim;
pub mod reward;
pub mod tokenizer;
pub mod train;

// Running it.
pub mod checkpoint;
pub mod control;
pub mod device;
pub mod error;
pub mod number;
pub mod reporter;
pub mod run;
pub mod seed;
pub mod supervisor;
pub mod text_table;
