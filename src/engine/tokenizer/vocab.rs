//! The generator's vocabulary: three special tokens, then one block of codes per level.

use serde::{Deserialize, Serialize};

use super::Code;

/// Maps codes to tokens and back. [A Fig. 2: SEP before every history item, BOS before the target]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenVocab {
    /// Levels of a semantic ID, L.
    pub n_levels: usize,
    /// Codes per level, K.
    pub codebook_size: usize,
}

impl TokenVocab {
    /// Fills short histories.
    pub const PAD: u32 = 0;
    /// Starts an item that is to be generated.
    pub const BOS: u32 = 1;
    /// Stands before each item of a history.
    pub const SEP: u32 = 2;
    /// Special tokens; the codes come after them.
    pub const N_SPECIAL: usize = 3;

    /// Number of tokens.
    pub fn size(&self) -> usize {
        Self::N_SPECIAL + self.n_levels * self.codebook_size
    }

    /// The token of a code.
    pub fn token(&self, level_idx: usize, code: Code) -> u32 {
        debug_assert!(
            level_idx < self.n_levels && usize::from(code) < self.codebook_size,
            "code {code} of level {level_idx} in {self:?}"
        );
        (Self::N_SPECIAL + level_idx * self.codebook_size + usize::from(code)) as u32
    }

    /// The level and code of a token; nothing for special and unknown tokens.
    pub fn code(&self, token: u32) -> Option<(usize, Code)> {
        let offset = (token as usize).checked_sub(Self::N_SPECIAL)?;
        let level_idx = offset / self.codebook_size;
        (level_idx < self.n_levels).then_some((level_idx, (offset % self.codebook_size) as Code))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_token_is_special_or_one_code() {
        let vocab = TokenVocab {
            n_levels: 3,
            codebook_size: 5,
        };
        assert_eq!(vocab.size(), 18);
        assert_eq!(vocab.token(0, 0), 3);
        assert_eq!(vocab.token(2, 4), 17);
        let mut n_codes = 0;
        for token in 0..vocab.size() as u32 {
            if let Some((level_idx, code)) = vocab.code(token) {
                assert_eq!(vocab.token(level_idx, code), token);
                n_codes += 1;
            }
        }
        assert_eq!(n_codes, 15);
        for token in [
            TokenVocab::PAD,
            TokenVocab::BOS,
            TokenVocab::SEP,
            18,
            u32::MAX,
        ] {
            assert_eq!(vocab.code(token), None);
        }
    }
}
