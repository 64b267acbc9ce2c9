//! OneRec Workbench: a whole generative-recommendation experiment in one program.
//!
//! [`engine`] computes: data, semantic IDs, the generator, the reward model, alignment, evaluation.
//! It knows nothing of the window and can be driven by a test or by the command line.
//! [`places`] knows where runs and samples are, for every client.
//! `app` is the window, one client of the engine.

pub mod engine;
pub mod places;

#[cfg(feature = "gui")]
pub mod app;
