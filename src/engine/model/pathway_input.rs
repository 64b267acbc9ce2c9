//! The second system's input layer: from features to one vector per position. [B 2.2.1]
//!
//! ```text
//! behaviour = [item; author; tag; time; time watched; duration; label]      widths d, d/2 and d/8 in the paper
//! pathway   = Dense(LeakyReLU(Dense(behaviour)))
//! lifelong  = queries that read its pathway's positions
//! ```
//!
//! All pathways share the tables of features; each has dense layers of its own. The hidden width of these layers is left
//! open by the report: `d_model` here, without biases, as everywhere. New vectors are small and scaled by √d_model, as those
//! of tokens are.

use burn::module::{Module, Param, ParamId};
use burn::nn::Linear;
use burn::tensor::activation::leaky_relu;
use burn::tensor::module::embedding;
use burn::tensor::{Int, Tensor};

use super::attention::padding_mask;
use super::config::ModelConfig;
use super::init::{EMBEDDING_STD, Initializer};
use super::query_reader::{QueryReader, QueryReaderSize};
use crate::engine::batch::FeatureSpec;
use crate::engine::batch::pathway::{
    BehaviourBatch, Pathway, PathwayBatch, PathwayConfig, StaticBatch,
};

/// One vector per value of a feature. What the dataset lacks is absent.
#[derive(Module, Debug)]
pub struct FeatureTables {
    /// `[user_rows, user width]`.
    user: Option<Param<Tensor<2>>>,
    /// All columns of users below each other, `[user_value_rows, user width]`.
    user_value: Option<Param<Tensor<2>>>,
    /// `[item_rows, d_model]`; absent where semantic IDs stand for items.
    item: Option<Param<Tensor<2>>>,
    /// `[author_rows, author width]`.
    author: Option<Param<Tensor<2>>>,
    /// `[tag_rows, feature width]`.
    tag: Option<Param<Tensor<2>>>,
    /// All continuous features below each other, `[n_continuous * N_BUCKETS, feature width]`.
    bucket: Option<Param<Tensor<2>>>,
    /// `[n_labels, feature width]`.
    label: Option<Param<Tensor<2>>>,
}

/// The dense layers of one pathway.
#[derive(Module, Debug)]
pub struct PathwayLayers {
    hidden: Linear,
    output: Linear,
}

/// Tables and layers of all pathways; a pathway that is not read is absent.
#[derive(Module, Debug)]
pub struct PathwayInput {
    tables: FeatureTables,
    users: Option<PathwayLayers>,
    short: Option<PathwayLayers>,
    positive: Option<PathwayLayers>,
    lifelong: Option<PathwayLayers>,
    lifelong_reader: Option<QueryReader>,
    short_len: usize,
    positive_len: usize,
    d_model: usize,
    leaky_slope: f64,
}

/// One pathway's positions.
#[derive(Clone, Debug)]
pub struct PathwayTokens {
    /// `[n_rows * n_positions, d_model]`.
    pub hidden: Tensor<2>,
    /// Positions per row.
    pub n_positions: usize,
    /// Positions that this pathway may have at most.
    pub max_positions: usize,
    /// Hides positions that are not there, `[n_rows, 1, 1, n_positions]`; nothing where all are.
    pub mask: Option<Tensor<4>>,
}

/// Widths and counts that the tables and layers follow from.
pub(super) struct Widths {
    user: usize,
    author: usize,
    feature: usize,
    /// Of the static pathway's features together.
    pub(super) users: usize,
    /// Of a behaviour's features together.
    pub(super) behaviour: usize,
}

impl Widths {
    pub(super) fn new(config: &ModelConfig, spec: &FeatureSpec) -> Self {
        let width = |frac: f64| PathwayConfig::width(config.d_model, frac);
        let (user, author, feature) = (
            width(config.pathways.user_frac),
            width(config.pathways.author_frac),
            width(config.pathways.feature_frac),
        );
        let n_features = usize::from(spec.tag_rows > 0)
            + spec.continuous.len()
            + usize::from(!spec.labels.is_empty());
        let has_author = spec.author_rows > 0;
        Self {
            user,
            author,
            feature,
            users: user * (1 + spec.n_user_columns),
            behaviour: config.d_model + usize::from(has_author) * author + n_features * feature,
        }
    }
}

/// Positions that a pathway may have at most.
fn max_positions(config: &ModelConfig, pathway: Pathway) -> usize {
    match pathway {
        Pathway::Static => 1,
        Pathway::Short => config.pathways.short_len,
        Pathway::Positive => config.history_len,
        Pathway::Lifelong => config.pathways.lifelong_queries,
    }
}

fn reads_behaviours(config: &ModelConfig) -> bool {
    [Pathway::Short, Pathway::Positive, Pathway::Lifelong]
        .iter()
        .any(|pathway| config.pathways.reads(*pathway))
}

/// Positions of the encoder: those of all pathways that are read. [B 2.2.2: 405]
pub fn n_positions(config: &ModelConfig) -> usize {
    let read = Pathway::ALL
        .iter()
        .filter(|pathway| config.pathways.reads(**pathway));
    read.map(|pathway| max_positions(config, *pathway)).sum()
}

fn reader_size(config: &ModelConfig) -> QueryReaderSize {
    QueryReaderSize {
        d_model: config.d_model,
        n_heads: config.n_heads,
        n_queries: config.pathways.lifelong_queries,
        n_layers: config.pathways.lifelong_layers,
        d_ff: config.d_ff,
        residual: config.pathways.lifelong_residual,
    }
}

/// Trainable values of the input layer.
pub fn n_parameters(config: &ModelConfig, spec: &FeatureSpec) -> usize {
    let widths = Widths::new(config, spec);
    let d = config.d_model;
    let reads = |pathway: Pathway| config.pathways.reads(pathway);
    let mut n = 0;
    if reads_behaviours(config) {
        n += spec.item_rows * d
            + spec.author_rows * widths.author
            + (spec.tag_rows + spec.bucket_rows() + spec.labels.len()) * widths.feature;
    }
    if reads(Pathway::Static) {
        n += (spec.user_rows + spec.user_value_rows) * widths.user + widths.users * d + d * d;
    }
    for pathway in [Pathway::Short, Pathway::Positive, Pathway::Lifelong] {
        if reads(pathway) {
            n += widths.behaviour * d + d * d;
        }
    }
    if reads(Pathway::Lifelong) {
        n += reader_size(config).n_parameters();
    }
    n
}

impl PathwayInput {
    pub(crate) fn init(
        config: &ModelConfig,
        spec: &FeatureSpec,
        init: &mut Initializer<'_>,
    ) -> Self {
        let d_model = config.d_model;
        let widths = Widths::new(config, spec);
        let reads = |pathway: Pathway| config.pathways.reads(pathway);
        let (of_users, of_behaviours) = (reads(Pathway::Static), reads_behaviours(config));
        let mut table = |is_read: bool, n_rows: usize, width: usize| {
            (is_read && n_rows > 0).then(|| init.uniform([n_rows, width], EMBEDDING_STD))
        };
        let tables = FeatureTables {
            user: table(of_users, spec.user_rows, widths.user),
            user_value: table(of_users, spec.user_value_rows, widths.user),
            item: table(of_behaviours, spec.item_rows, d_model),
            author: table(of_behaviours, spec.author_rows, widths.author),
            tag: table(of_behaviours, spec.tag_rows, widths.feature),
            bucket: table(of_behaviours, spec.bucket_rows(), widths.feature),
            label: table(of_behaviours, spec.labels.len(), widths.feature),
        };
        let mut layers = |pathway: Pathway, width: usize| {
            reads(pathway).then(|| PathwayLayers {
                hidden: init.linear(width, d_model),
                output: init.linear(d_model, d_model),
            })
        };
        Self {
            tables,
            users: layers(Pathway::Static, widths.users),
            short: layers(Pathway::Short, widths.behaviour),
            positive: layers(Pathway::Positive, widths.behaviour),
            lifelong: layers(Pathway::Lifelong, widths.behaviour),
            lifelong_reader: reads(Pathway::Lifelong)
                .then(|| QueryReader::init(reader_size(config), init)),
            short_len: config.pathways.short_len,
            positive_len: config.history_len,
            d_model,
            leaky_slope: config.pathways.leaky_slope,
        }
    }

    /// The positions of all pathways, in their order.
    ///
    /// # Shapes
    /// - embeddings: `[vocab_size, d_model]`, those of the generator's tokens
    pub fn forward(&self, batch: &PathwayBatch, embeddings: &Tensor<2>) -> Vec<PathwayTokens> {
        let mut found = Vec::new();
        if let (Some(layers), Some(users)) = (&self.users, &batch.users) {
            found.push(PathwayTokens {
                hidden: self.through(layers, self.of_users(users)),
                n_positions: 1,
                max_positions: 1,
                mask: None,
            });
        }
        for (layers, behaviours, max_positions) in [
            (&self.short, &batch.short, self.short_len),
            (&self.positive, &batch.positive, self.positive_len),
        ] {
            if let (Some(layers), Some(behaviours)) = (layers, behaviours) {
                let [_, n_positions] = behaviours.is_pad.dims();
                found.push(PathwayTokens {
                    hidden: self.through(layers, self.of_behaviours(behaviours, embeddings)),
                    n_positions,
                    max_positions,
                    mask: mask_of(behaviours),
                });
            }
        }
        if let (Some(layers), Some(reader), Some(behaviours)) =
            (&self.lifelong, &self.lifelong_reader, &batch.lifelong)
        {
            let positions = self.through(layers, self.of_behaviours(behaviours, embeddings));
            let hidden = reader.forward(positions, batch.n_rows, mask_of(behaviours).as_ref());
            let n_positions = hidden.dims()[0] / batch.n_rows;
            found.push(PathwayTokens {
                hidden,
                n_positions,
                max_positions: n_positions,
                mask: None,
            });
        }
        found
    }

    /// # Shapes
    /// - features: `[n, width]`
    /// - output: `[n, d_model]`
    fn through(&self, layers: &PathwayLayers, features: Tensor<2>) -> Tensor<2> {
        let scaled = features * (self.d_model as f64).sqrt();
        let hidden = leaky_relu(layers.hidden.forward(scaled), self.leaky_slope);
        layers.output.forward(hidden)
    }

    /// `[n_rows, user width * (1 + n_user_columns)]`.
    fn of_users(&self, batch: &StaticBatch) -> Tensor<2> {
        let of = |table: &Option<Param<Tensor<2>>>, rows: &Tensor<2, Int>| {
            table.as_ref().map(|table| side_by_side(table, rows))
        };
        let parts = [
            of(&self.tables.user, &batch.users),
            of(&self.tables.user_value, &batch.values),
        ];
        Tensor::cat(parts.into_iter().flatten().collect(), 1)
    }

    /// `[n, width of a behaviour]`.
    fn of_behaviours(&self, batch: &BehaviourBatch, embeddings: &Tensor<2>) -> Tensor<2> {
        let tables = &self.tables;
        let mut parts = vec![match &tables.item {
            Some(table) => side_by_side(table, &batch.items),
            None => embedding(embeddings.clone(), batch.items.clone())
                .sum_dim(1)
                .squeeze_dim(1),
        }];
        if let Some(table) = &tables.author {
            parts.push(side_by_side(table, &batch.authors));
        }
        if let Some(table) = &tables.tag {
            let shares = batch.tag_shares.clone().unsqueeze_dim::<3>(2);
            let tags = embedding(table.val(), batch.tags.clone()) * shares;
            parts.push(tags.sum_dim(1).squeeze_dim(1));
        }
        if let Some(table) = &tables.bucket {
            parts.push(side_by_side(table, &batch.buckets));
        }
        if let Some(table) = &tables.label {
            parts.push(batch.labels.clone().matmul(table.val()));
        }
        Tensor::cat(parts, 1)
    }

    /// See [`Generator::table_ids`](super::Generator::table_ids).
    pub(super) fn table_ids(&self) -> Vec<ParamId> {
        let tables = &self.tables;
        [
            &tables.user,
            &tables.user_value,
            &tables.item,
            &tables.author,
            &tables.tag,
            &tables.bucket,
            &tables.label,
        ]
        .into_iter()
        .flatten()
        .map(|table| table.id)
        .collect()
    }

    /// See [`Generator::with_embeddings_times`](super::Generator::with_embeddings_times).
    #[cfg(test)]
    pub(super) fn with_tables_times(mut self, factor: f64) -> Self {
        let tables = &mut self.tables;
        for table in [
            &mut tables.user,
            &mut tables.user_value,
            &mut tables.item,
            &mut tables.author,
            &mut tables.tag,
            &mut tables.bucket,
            &mut tables.label,
        ] {
            *table = table.take().map(|table| super::init::times(table, factor));
        }
        self
    }
}

/// The vectors of some rows of a table, one after the other.
///
/// # Shapes
/// - rows: `[n, n_columns]`
/// - output: `[n, n_columns * width]`
fn side_by_side(table: &Param<Tensor<2>>, rows: &Tensor<2, Int>) -> Tensor<2> {
    let [n, n_columns] = rows.dims();
    let [_, width] = table.dims();
    embedding(table.val(), rows.clone()).reshape([n, n_columns * width])
}

fn mask_of(batch: &BehaviourBatch) -> Option<Tensor<4>> {
    batch
        .has_padding
        .then(|| padding_mask(batch.is_pad.clone()))
}
