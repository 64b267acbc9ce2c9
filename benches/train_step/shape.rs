//! What is measured: the rows of the table and their sizes.

use clap::ValueEnum;

/// What is measured. The peer has as many encoder as decoder layers and one width of all feed-forward layers, so both
/// sides have them here; a sample is one history and one item.
#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub(crate) enum Row {
    /// Width 256, 4 + 4 layers, 60 tokens of history.
    Dense,
    /// The same with 24 experts, 2 active.
    Experts,
    /// The sizes of the smoke preset.
    Smoke,
    /// The sizes of the small preset.
    Small,
    /// The lazy decoder: width 256, 4 blocks, 4 heads that share 2 of keys, 60 items of history, slates of 5. No peer.
    Lazy,
    /// 0.121 billion parameters, dense; for a GPU.
    Large,
    /// 0.9 billion parameters, 24 experts, 2 active; for a GPU.
    Huge,
}

/// Sizes of a step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) d_model: usize,
    pub(crate) n_heads: usize,
    pub(crate) n_layers: usize,
    pub(crate) d_ff: usize,
    pub(crate) n_experts: usize,
    pub(crate) n_active: usize,
    pub(crate) n_items: usize,
    pub(crate) n_levels: usize,
    pub(crate) codebook_size: usize,
    pub(crate) batch_size: usize,
    /// Items that a request asks for.
    pub(crate) slate_len: usize,
    /// Heads of keys and values of a lazy decoder; none for encoder and decoder.
    pub(crate) lazy_kv_heads: Option<usize>,
}

impl Row {
    pub(crate) fn shape(self) -> Shape {
        let dense = Shape {
            d_model: 256,
            n_heads: 4,
            n_layers: 4,
            d_ff: 704,
            n_experts: 0,
            n_active: 2,
            n_items: 15,
            n_levels: 3,
            codebook_size: 256,
            batch_size: 128,
            slate_len: 1,
            lazy_kv_heads: None,
        };
        let small = Shape {
            d_model: 128,
            n_layers: 2,
            d_ff: 256,
            n_experts: 24,
            n_items: 20,
            ..dense
        };
        let large = Shape {
            d_model: 1024,
            n_heads: 8,
            d_ff: 1408,
            n_items: 101,
            codebook_size: 8192,
            ..dense
        };
        match self {
            Self::Dense => dense,
            Self::Experts => Shape {
                n_experts: 24,
                ..dense
            },
            Self::Smoke => Shape {
                d_model: 64,
                d_ff: 128,
                n_items: 15,
                codebook_size: 64,
                batch_size: 64,
                ..small
            },
            Self::Small => small,
            Self::Lazy => Shape {
                n_items: 60,
                slate_len: 5,
                lazy_kv_heads: Some(2),
                ..dense
            },
            Self::Large => large,
            Self::Huge => Shape {
                d_ff: 2688,
                n_experts: 24,
                ..large
            },
        }
    }
}

impl Shape {
    pub(crate) fn history_tokens(&self) -> usize {
        self.n_items * (self.n_levels + 1)
    }

    /// Codes of the slate that is asked for.
    pub(crate) fn slate_codes(&self) -> usize {
        self.slate_len * self.n_levels
    }

    pub(crate) fn tokens(&self) -> usize {
        self.batch_size * (self.history_tokens() + self.slate_codes())
    }
}
