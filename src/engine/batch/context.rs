//! What the encoder reads of a user at a moment. Which part of it, and in which form, is the system's choice; everything
//! that trains, searches or measures handles contexts without knowing.

use burn::tensor::Device;

use super::{HistoryBatch, HostHistory};
use crate::engine::data::{ItemIdx, Moment};
use crate::engine::tokenizer::SemanticIdTable;

/// Which features a dataset has and how many values each takes: what the input layers of a model that reads features are
/// built for. The default has none of them, which is all that a model of semantic IDs alone needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeatureSpec {}

/// Reads contexts for one kind of model.
#[derive(Debug)]
pub struct ContextReader<'a> {
    table: &'a SemanticIdTable,
    history_len: usize,
    features: FeatureSpec,
}

/// A batch of contexts on the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostContext {
    /// The semantic IDs of the last positive items. [A 3.2]
    Session(HostHistory),
}

/// A batch of contexts as tensors.
#[derive(Clone, Debug)]
pub enum ContextBatch {
    /// The semantic IDs of the last positive items. [A 3.2]
    Session(HistoryBatch),
}

impl<'a> ContextReader<'a> {
    /// Reads the semantic IDs of the last `history_len` positive items.
    pub fn session(table: &'a SemanticIdTable, history_len: usize) -> Self {
        Self {
            table,
            history_len,
            features: FeatureSpec::default(),
        }
    }

    /// The semantic IDs.
    pub fn table(&self) -> &'a SemanticIdTable {
        self.table
    }

    /// Positive items that a moment must come with.
    pub fn history_len(&self) -> usize {
        self.history_len
    }

    /// What the model's input layers must be built for.
    pub fn features(&self) -> &FeatureSpec {
        &self.features
    }

    /// Reads a batch. A pure function of the moments; nothing at or after [`Moment::before_row`] is looked at.
    pub fn read<'m>(&self, moments: impl IntoIterator<Item = &'m Moment>) -> HostContext {
        let histories: Vec<&[ItemIdx]> = moments
            .into_iter()
            .map(|moment| moment.history.as_slice())
            .collect();
        HostContext::Session(HostHistory::new(&histories, self.table, self.history_len))
    }
}

impl HostContext {
    /// The same as tensors.
    pub fn to_device(&self, device: &Device) -> ContextBatch {
        match self {
            Self::Session(history) => ContextBatch::Session(history.to_device(device)),
        }
    }
}

impl ContextBatch {
    /// Number of contexts.
    pub fn n_rows(&self) -> usize {
        match self {
            Self::Session(history) => history.n_rows(),
        }
    }

    /// Where it is.
    pub fn device(&self) -> Device {
        match self {
            Self::Session(history) => history.tokens.device(),
        }
    }

    /// The same batch for a model that does not record gradients.
    pub fn without_autodiff(&self) -> Self {
        match self {
            Self::Session(history) => Self::Session(history.without_autodiff()),
        }
    }
}

impl From<HistoryBatch> for ContextBatch {
    fn from(history: HistoryBatch) -> Self {
        Self::Session(history)
    }
}
