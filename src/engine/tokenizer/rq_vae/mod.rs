//! Learned residual quantisers: RQ-VAE and RQ-K-means+. [B 2.2.5; TIGER 3.1; MINI rq/]
//!
//! Both train an encoder, the codebooks and a decoder together. An RQ-VAE starts from random networks and K-means of
//! their latents. RQ-K-means+ starts from residual K-means with networks that change nothing yet, so that its first
//! codes are those of residual K-means. What comes out is frozen: a [`Quantizer`](super::Quantizer) as any other.

mod fit;
mod mlp;
mod model;

pub use fit::fit_rq_vae;

use serde::{Deserialize, Serialize};

/// Settings of the methods that learn by gradients.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RqVaeConfig {
    /// Widths between vector and latent; the decoder has them in reverse. [TIGER: 512, 256, 128]
    pub hidden: Vec<usize>,
    /// Dimensions of an RQ-VAE's latents and codewords; RQ-K-means+ has those of the vectors. [TIGER: 32]
    pub d_latent: usize,
    /// Weight of the commitment, beta. [TIGER: 0.25]
    pub commitment: f64,
    /// Steps.
    pub steps: usize,
    /// Items per step. [TIGER: 1024]
    pub batch_size: usize,
    /// Learning rate. [MINI: 0.001]
    pub learning_rate: f64,
    /// Whether codes that no item of an epoch took restart at a random item's residual.
    pub revives_dead_codes: bool,
    /// Whether the last level is given out by equal-load transport while training. [LC-Rec]
    pub sinkhorn: bool,
}

impl Default for RqVaeConfig {
    fn default() -> Self {
        Self {
            hidden: vec![512, 256, 128],
            d_latent: 32,
            commitment: 0.25,
            steps: 2000,
            batch_size: 1024,
            learning_rate: 1e-3,
            revives_dead_codes: true,
            sinkhorn: false,
        }
    }
}
