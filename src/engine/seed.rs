//! All randomness comes from one `u64` through named streams, so that adding a draw in one place
//! never changes another.

use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// The seed of an experiment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seed(pub u64);

impl Seed {
    /// The generator of the stream `name` at position `idx`, for example `("pretrain.shuffle", epoch)`.
    pub fn rng(self, name: &str, idx: u64) -> ChaCha8Rng {
        let mut hash = Sha256::new();
        hash.update(self.0.to_le_bytes());
        hash.update(idx.to_le_bytes());
        hash.update(name.as_bytes());
        ChaCha8Rng::from_seed(hash.finalize().into())
    }

    /// A seed of its own for a library that takes a `u64`.
    pub fn derive(self, name: &str, idx: u64) -> u64 {
        use rand::Rng as _;
        self.rng(name, idx).next_u64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_differ_by_seed_name_and_index() {
        let base = Seed(1).derive("a", 0);
        assert_eq!(base, Seed(1).derive("a", 0));
        // 257 and 1 share their lowest byte: all 64 bits must count.
        for other in [
            Seed(257).derive("a", 0),
            Seed(1).derive("b", 0),
            Seed(1).derive("a", 1),
        ] {
            assert_ne!(base, other);
        }
    }
}
