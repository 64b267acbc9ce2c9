//! The behaviours of a batch as numbers: one column per feature, first on the host, then as tensors.

use burn::tensor::{Bool, Device, Int, Tensor, TensorData};

use super::behaviour::Behaviour;
use super::bucket::{N_BUCKETS, bucket};
use super::columns::{FeatureSpec, ItemColumns};
use crate::engine::batch::Array;
use crate::engine::data::Continuous;
use crate::engine::tokenizer::SemanticIdTable;
use crate::engine::tokenizer::vocab::TokenVocab;

/// Behaviours of a batch on the host, the most recent one last in every row. As [`BehaviourBatch`], row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct HostBehaviours {
    n_rows: usize,
    width: usize,
    n_levels: usize,
    items: Vec<i64>,
    authors: Vec<i64>,
    buckets: Vec<i64>,
    n_tags: usize,
    tags: Vec<i64>,
    tag_shares: Vec<f32>,
    labels: Vec<f32>,
    is_pad: Vec<bool>,
}

/// Behaviours of a batch as tensors; `n` is `n_rows * width`. A feature that the dataset lacks has no column.
#[derive(Clone, Debug)]
pub struct BehaviourBatch {
    /// Rows of the table of items, `[n, 1]`, or tokens of the semantic ID, `[n, n_levels]`; 0 where there is no item.
    pub items: Tensor<2, Int>,
    /// Rows of the table of authors, `[n, 1]`.
    pub authors: Tensor<2, Int>,
    /// Rows of the table of buckets, one per continuous feature, `[n, n_continuous]`.
    pub buckets: Tensor<2, Int>,
    /// Rows of the table of tags, `[n, n_tags]`; as wide as the behaviour with the most tags.
    pub tags: Tensor<2, Int>,
    /// Shares of these tags, same shape; 0 where there is no tag.
    pub tag_shares: Tensor<2>,
    /// 1 for each kind of feedback that was given, `[n, n_labels]`.
    pub labels: Tensor<2>,
    /// Positions before the first behaviour, `[n_rows, width]`.
    pub is_pad: Tensor<2, Bool>,
    /// Whether there are any.
    pub has_padding: bool,
}

/// What numbers the features.
pub(super) struct Numbering<'a> {
    pub(super) spec: &'a FeatureSpec,
    pub(super) columns: &'a ItemColumns,
    pub(super) table: &'a SemanticIdTable,
}

impl HostBehaviours {
    /// One row per user. The batch is as wide as its longest row; a row without behaviours becomes a lone one of which
    /// nothing is known, so that there is always something to attend to. `now_millis` are the times that ages count back from.
    pub(super) fn new(
        rows: &[&[Behaviour]],
        now_millis: &[f64],
        numbering: &Numbering<'_>,
    ) -> Self {
        let Numbering {
            spec,
            columns,
            table,
        } = numbering;
        let has_item_table = spec.item_rows > 0;
        let n_levels = if has_item_table { 1 } else { table.n_levels() };
        let width = rows.iter().map(|row| row.len()).max().unwrap_or(0).max(1);
        let n_tags = if spec.tag_rows == 0 {
            0
        } else {
            let behaviours = rows.iter().flat_map(|row| row.iter());
            behaviours
                .map(|one| one.tags.len())
                .max()
                .unwrap_or(0)
                .max(1)
        };
        let mut host = Self {
            n_rows: rows.len(),
            width,
            n_levels,
            items: Vec::new(),
            authors: Vec::new(),
            buckets: Vec::new(),
            n_tags,
            tags: Vec::new(),
            tag_shares: Vec::new(),
            labels: Vec::new(),
            is_pad: Vec::new(),
        };
        for (row, now) in rows.iter().zip(now_millis) {
            let n_missing = width - row.len();
            let n_pad = if row.is_empty() {
                n_missing - 1
            } else {
                n_missing
            };
            host.push_nothing(n_missing, spec);
            host.is_pad.extend(std::iter::repeat_n(true, n_pad));
            host.is_pad
                .extend(std::iter::repeat_n(false, width - n_pad));
            for one in *row {
                if has_item_table {
                    host.items.push(1 + i64::from(one.item.0));
                } else {
                    host.items.extend(tokens_of(table, one));
                }
                if spec.author_rows > 0 {
                    host.authors.push(i64::from(columns.author(one.item)));
                }
                for (column, feature) in spec.continuous.iter().enumerate() {
                    let seconds = match feature {
                        Continuous::Age => (now - one.time_millis) / 1000.0,
                        Continuous::Watched => one.watch_secs,
                        Continuous::Duration => one.duration_secs,
                    };
                    let row = column * N_BUCKETS + bucket(*feature, seconds);
                    host.buckets.push(row as i64);
                }
                if n_tags > 0 {
                    host.push_tags(&one.tags);
                }
                let given = spec.labels.iter().map(|kind| one.flags.has(*kind));
                host.labels
                    .extend(given.map(|is_given| f32::from(u8::from(is_given))));
            }
        }
        host
    }

    /// Positions of which nothing is known.
    fn push_nothing(&mut self, n: usize, spec: &FeatureSpec) {
        let zeros = |per_position: usize| std::iter::repeat_n(0, n * per_position);
        self.items.extend(zeros(self.n_levels));
        self.authors
            .extend(zeros(usize::from(spec.author_rows > 0)));
        for _ in 0..n {
            let unknown = (0..spec.continuous.len()).map(|column| (column * N_BUCKETS) as i64);
            self.buckets.extend(unknown);
        }
        self.tags.extend(zeros(self.n_tags));
        let none = |per_position: usize| std::iter::repeat_n(0.0, n * per_position);
        self.tag_shares.extend(none(self.n_tags));
        self.labels.extend(none(spec.labels.len()));
    }

    fn push_tags(&mut self, tags: &[(u32, f32)]) {
        let n_missing = self.n_tags - tags.len();
        self.tags
            .extend(tags.iter().map(|(tag, _)| i64::from(*tag)));
        self.tags.extend(std::iter::repeat_n(0, n_missing));
        self.tag_shares.extend(tags.iter().map(|(_, share)| *share));
        self.tag_shares.extend(std::iter::repeat_n(0.0, n_missing));
    }

    /// The same under names; a feature without a column is left out.
    pub(super) fn arrays(&self, pathway: &str) -> Vec<Array> {
        let positions = self.n_rows * self.width;
        let name = |feature: &str| format!("context.{pathway}.{feature}");
        let shape = |n_values: usize| [self.n_rows, self.width, n_values / positions.max(1)];
        let ints = [
            ("items", &self.items),
            ("authors", &self.authors),
            ("buckets", &self.buckets),
            ("tags", &self.tags),
        ];
        let floats = [("tag_shares", &self.tag_shares), ("labels", &self.labels)];
        let is_pad: Vec<i64> = self
            .is_pad
            .iter()
            .map(|is_pad| i64::from(*is_pad))
            .collect();
        let ints = ints
            .into_iter()
            .filter(|(_, values)| !values.is_empty())
            .map(|(feature, values)| Array::ints(name(feature), &shape(values.len()), values));
        let floats = floats
            .into_iter()
            .filter(|(_, values)| !values.is_empty())
            .map(|(feature, values)| Array::floats(name(feature), &shape(values.len()), values));
        let is_pad = Array::ints(name("is_pad"), &[self.n_rows, self.width], &is_pad);
        ints.chain(floats).chain([is_pad]).collect()
    }

    /// The same as tensors.
    pub(super) fn to_device(&self, device: &Device) -> BehaviourBatch {
        let n = self.n_rows * self.width;
        let int = |values: &[i64]| -> Tensor<2, Int> {
            let shape = [n, values.len().checked_div(n).unwrap_or(0)];
            Tensor::from_data(TensorData::new(values.to_vec(), shape), device)
        };
        let float = |values: &[f32]| -> Tensor<2> {
            let shape = [n, values.len().checked_div(n).unwrap_or(0)];
            Tensor::from_data(TensorData::new(values.to_vec(), shape), device)
        };
        BehaviourBatch {
            items: int(&self.items),
            authors: int(&self.authors),
            buckets: int(&self.buckets),
            tags: int(&self.tags),
            tag_shares: float(&self.tag_shares),
            labels: float(&self.labels),
            is_pad: Tensor::from_data(
                TensorData::new(self.is_pad.clone(), [self.n_rows, self.width]),
                device,
            ),
            has_padding: self.is_pad.contains(&true),
        }
    }
}

impl BehaviourBatch {
    /// The same for a model that does not record gradients.
    pub(super) fn without_autodiff(&self) -> Self {
        Self {
            items: self.items.clone().without_autodiff(),
            authors: self.authors.clone().without_autodiff(),
            buckets: self.buckets.clone().without_autodiff(),
            tags: self.tags.clone().without_autodiff(),
            tag_shares: self.tag_shares.clone().without_autodiff(),
            labels: self.labels.clone().without_autodiff(),
            is_pad: self.is_pad.clone().without_autodiff(),
            has_padding: self.has_padding,
        }
    }
}

/// The tokens of an item's semantic ID.
fn tokens_of(table: &SemanticIdTable, one: &Behaviour) -> Vec<i64> {
    let vocab = TokenVocab {
        n_levels: table.n_levels(),
        codebook_size: table.codebook_size(),
    };
    let codes = table.sid(one.item).iter().enumerate();
    codes
        .map(|(level_idx, code)| i64::from(vocab.token(level_idx, *code)))
        .collect()
}
