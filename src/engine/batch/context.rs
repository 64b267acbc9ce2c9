//! What the encoder reads of a user at a moment. Which part of it, and in which form, is the system's choice; everything
//! that trains, searches or measures handles contexts without knowing.

use burn::tensor::Device;

use super::pathway::{FeatureSpec, HostPathways, PathwayBatch, PathwayReader};
use super::{Array, HistoryBatch, HostHistory};
use crate::engine::data::{ItemIdx, Moment};
use crate::engine::tokenizer::SemanticIdTable;

/// Reads contexts for one kind of model.
#[derive(Debug)]
pub struct ContextReader<'a> {
    table: &'a SemanticIdTable,
    history_len: usize,
    features: FeatureSpec,
    /// Where absent, semantic IDs are all that is read.
    pathways: Option<PathwayReader<'a>>,
}

/// A batch of contexts on the host.
#[derive(Clone, Debug, PartialEq)]
pub enum HostContext {
    /// The semantic IDs of the last positive items. [A 3.2]
    Session(HostHistory),
    /// Pathways of features. [B 2.2.1]
    Pathways(Box<HostPathways>),
}

/// A batch of contexts as tensors.
#[derive(Clone, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "one batch lives at a time, and handles are all it holds"
)]
pub enum ContextBatch {
    /// The semantic IDs of the last positive items. [A 3.2]
    Session(HistoryBatch),
    /// Pathways of features. [B 2.2.1]
    Pathways(Box<PathwayBatch>),
}

impl<'a> ContextReader<'a> {
    /// Reads the semantic IDs of the last `history_len` positive items.
    pub fn session(table: &'a SemanticIdTable, history_len: usize) -> Self {
        Self {
            table,
            history_len,
            features: FeatureSpec::default(),
            pathways: None,
        }
    }

    /// Reads pathways of features; `history_len` is the length of the positive-feedback pathway.
    pub fn pathways(
        table: &'a SemanticIdTable,
        history_len: usize,
        pathways: PathwayReader<'a>,
    ) -> Self {
        Self {
            table,
            history_len,
            features: pathways.spec().clone(),
            pathways: Some(pathways),
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

    /// The reader of pathways, where pathways are read.
    pub fn pathway_reader(&self) -> Option<&PathwayReader<'a>> {
        self.pathways.as_ref()
    }

    /// What the model's input layers must be built for.
    pub fn features(&self) -> &FeatureSpec {
        &self.features
    }

    /// Reads a batch. A pure function of the moments; nothing at or after [`Moment::before_row`] is looked at.
    pub fn read<'m>(&self, moments: impl IntoIterator<Item = &'m Moment>) -> HostContext {
        let moments: Vec<&Moment> = moments.into_iter().collect();
        if let Some(pathways) = &self.pathways {
            return HostContext::Pathways(Box::new(pathways.read(&moments)));
        }
        let histories: Vec<&[ItemIdx]> = moments
            .iter()
            .map(|moment| moment.history.as_slice())
            .collect();
        HostContext::Session(HostHistory::new(&histories, self.table, self.history_len))
    }
}

impl HostContext {
    /// The same under names: `history_tokens`, or `context.PATHWAY.FEATURE`.
    pub fn arrays(&self) -> Vec<Array> {
        match self {
            Self::Session(history) => history.arrays(),
            Self::Pathways(pathways) => pathways.arrays(),
        }
    }

    /// The same as tensors.
    pub fn to_device(&self, device: &Device) -> ContextBatch {
        match self {
            Self::Session(history) => ContextBatch::Session(history.to_device(device)),
            Self::Pathways(pathways) => {
                ContextBatch::Pathways(Box::new(pathways.to_device(device)))
            }
        }
    }
}

impl ContextBatch {
    /// Number of contexts.
    pub fn n_rows(&self) -> usize {
        match self {
            Self::Session(history) => history.n_rows(),
            Self::Pathways(pathways) => pathways.n_rows,
        }
    }

    /// Where it is.
    pub fn device(&self) -> Device {
        match self {
            Self::Session(history) => history.tokens.device(),
            Self::Pathways(pathways) => pathways.device(),
        }
    }

    /// The same batch for a model that does not record gradients.
    pub fn without_autodiff(&self) -> Self {
        match self {
            Self::Session(history) => Self::Session(history.without_autodiff()),
            Self::Pathways(pathways) => Self::Pathways(Box::new(pathways.without_autodiff())),
        }
    }
}

impl From<HistoryBatch> for ContextBatch {
    fn from(history: HistoryBatch) -> Self {
        Self::Session(history)
    }
}
