//! From moments to the features of all pathways.

use burn::tensor::{Device, Int, Tensor, TensorData};
use rayon::prelude::*;

use super::behaviour::{Behaviour, compress};
use super::columns::{FeatureSpec, ItemColumns};
use super::config::{Pathway, PathwayConfig, PositionRule};
use super::tokens::{BehaviourBatch, HostBehaviours, Numbering};
use crate::engine::batch::Array;
use crate::engine::data::interaction::NO_TIME;
use crate::engine::data::{Features, Moment, PreparedData, UserIdx};
use crate::engine::embedding::ItemEmbeddings;
use crate::engine::tokenizer::SemanticIdTable;

/// Reads the pathways of a user at a moment.
#[derive(Debug)]
pub struct PathwayReader<'a> {
    data: &'a PreparedData,
    table: &'a SemanticIdTable,
    embeddings: &'a ItemEmbeddings,
    config: PathwayConfig,
    positive_len: usize,
    spec: FeatureSpec,
    columns: ItemColumns,
}

/// The pathways of a batch on the host; one that is not read is absent.
#[derive(Clone, Debug, PartialEq)]
pub struct HostPathways {
    n_rows: usize,
    users: Option<HostUsers>,
    short: Option<HostBehaviours>,
    positive: Option<HostBehaviours>,
    lifelong: Option<HostBehaviours>,
}

#[derive(Clone, Debug, PartialEq)]
struct HostUsers {
    /// `[n_rows]`.
    users: Vec<i64>,
    /// `[n_rows * n_user_columns]`.
    values: Vec<i64>,
}

/// The pathways of a batch as tensors; one that is not read is absent.
#[derive(Clone, Debug)]
pub struct PathwayBatch {
    /// Number of users.
    pub n_rows: usize,
    /// Who they are.
    pub users: Option<StaticBatch>,
    /// The last interactions.
    pub short: Option<BehaviourBatch>,
    /// The last positive interactions.
    pub positive: Option<BehaviourBatch>,
    /// The compressed history.
    pub lifelong: Option<BehaviourBatch>,
    device: Device,
}

/// Who the users are.
#[derive(Clone, Debug)]
pub struct StaticBatch {
    /// Rows of the table of users, `[n_rows, 1]`.
    pub users: Tensor<2, Int>,
    /// Rows of the table of the users' features, `[n_rows, n_user_columns]`.
    pub values: Tensor<2, Int>,
}

/// One user's behaviours, oldest first.
#[derive(Default)]
struct UserRow {
    now_millis: f64,
    short: Vec<Behaviour>,
    positive: Vec<Behaviour>,
    lifelong: Vec<Behaviour>,
}

impl<'a> PathwayReader<'a> {
    /// Looks at the catalogue once. `positive_len` is the length of the positive-feedback pathway.
    pub fn new(
        data: &'a PreparedData,
        table: &'a SemanticIdTable,
        embeddings: &'a ItemEmbeddings,
        config: &PathwayConfig,
        positive_len: usize,
    ) -> Self {
        let features = Features::of(&data.dataset, &data.split);
        let spec = FeatureSpec::new(&features, config);
        Self {
            data,
            table,
            embeddings,
            columns: ItemColumns::new(&data.dataset.catalog, &features, &spec),
            config: config.clone(),
            positive_len,
            spec,
        }
    }

    /// What a model's input layers must be built for.
    pub fn spec(&self) -> &FeatureSpec {
        &self.spec
    }

    /// Reads a batch. Nothing at or after [`Moment::before_row`] is looked at.
    pub fn read(&self, moments: &[&Moment]) -> HostPathways {
        let rows: Vec<UserRow> = moments
            .par_iter()
            .map(|moment| self.user_row(moment.user, moment.before_row))
            .collect();
        let now: Vec<f64> = rows.iter().map(|row| row.now_millis).collect();
        let numbering = Numbering {
            spec: &self.spec,
            columns: &self.columns,
            table: self.table,
        };
        let behaviours = |pathway: Pathway, of: fn(&UserRow) -> &[Behaviour]| {
            self.config.reads(pathway).then(|| {
                let rows: Vec<&[Behaviour]> = rows.iter().map(of).collect();
                HostBehaviours::new(&rows, &now, &numbering)
            })
        };
        HostPathways {
            n_rows: moments.len(),
            users: self
                .config
                .reads(Pathway::Static)
                .then(|| self.users(moments)),
            short: behaviours(Pathway::Short, |row| &row.short),
            positive: behaviours(Pathway::Positive, |row| &row.positive),
            lifelong: behaviours(Pathway::Lifelong, |row| &row.lifelong),
        }
    }

    fn users(&self, moments: &[&Moment]) -> HostUsers {
        let columns = &self.data.dataset.user_columns;
        let mut values = Vec::with_capacity(moments.len() * columns.len());
        for moment in moments {
            let mut first_row = 0;
            for column in columns {
                let value = column.of_user[moment.user.idx()];
                values.push((first_row + value as usize) as i64);
                first_row += 1 + column.values.len();
            }
        }
        HostUsers {
            users: moments
                .iter()
                .map(|moment| self.user_row_number(moment.user))
                .collect(),
            values,
        }
    }

    /// The user's row in the table of users; 0, the unknown one, where nothing can be learned of the user: a vector that no
    /// step changes is noise.
    pub fn user_row_number(&self, user: UserIdx) -> i64 {
        let end = self.data.split.learn_end[user.idx()];
        let rows = &self.data.positives[user.idx()];
        let n_learnable = rows.partition_point(|row| (*row as usize) < end);
        if n_learnable < 2 {
            return 0;
        }
        i64::from(FeatureSpec::row(user.idx(), self.spec.user_rows))
    }

    fn user_row(&self, user: UserIdx, before_row: usize) -> UserRow {
        let log = &self.data.dataset.log;
        let start = log.rows_of(user).start.min(before_row);
        let of = |row: usize| Behaviour::of_row(log, &self.columns, row);
        let last = |n: usize| before_row.saturating_sub(n).max(start)..before_row;
        let newest = (before_row > start).then(|| log.time_millis[before_row - 1]);
        let mut found = UserRow {
            now_millis: match newest {
                Some(time) if time != NO_TIME => time as f64,
                _ => f64::NAN,
            },
            ..UserRow::default()
        };
        if self.config.reads(Pathway::Short) {
            found.short = last(self.config.short_len).map(of).collect();
        }
        if self.config.reads(Pathway::Positive) {
            let rows = &self.data.positives[user.idx()];
            let end = rows.partition_point(|row| (*row as usize) < before_row);
            let recent = &rows[end.saturating_sub(self.positive_len)..end];
            found.positive = recent.iter().map(|row| of(*row as usize)).collect();
        }
        if self.config.reads(Pathway::Lifelong) {
            let history: Vec<Behaviour> = last(self.config.lifelong_events).map(of).collect();
            found.lifelong = self.lifelong(&history);
        }
        found
    }

    fn lifelong(&self, history: &[Behaviour]) -> Vec<Behaviour> {
        let (clusters, cluster_of) = compress(history, self.embeddings, self.config.cluster_size);
        let n_positions = self.config.lifelong_positions;
        match self.config.positions {
            PositionRule::InPlace => cluster_of[history.len().saturating_sub(n_positions)..]
                .iter()
                .map(|cluster| clusters[*cluster].clone())
                .collect(),
            PositionRule::Clusters => {
                clusters[clusters.len().saturating_sub(n_positions)..].to_vec()
            }
        }
    }
}

impl HostPathways {
    /// The same under the names `context.PATHWAY.FEATURE`; a feature that the dataset lacks is left out.
    pub(in super::super) fn arrays(&self) -> Vec<Array> {
        let mut arrays = Vec::new();
        if let Some(host) = &self.users {
            let n_columns = host.values.len().checked_div(self.n_rows).unwrap_or(0);
            let name = |feature: &str| format!("context.static.{feature}");
            arrays.push(Array::ints(name("users"), &[self.n_rows, 1], &host.users));
            if n_columns > 0 {
                let shape = [self.n_rows, n_columns];
                arrays.push(Array::ints(name("values"), &shape, &host.values));
            }
        }
        for (name, host) in [
            ("short", &self.short),
            ("positive", &self.positive),
            ("lifelong", &self.lifelong),
        ] {
            if let Some(host) = host {
                arrays.extend(host.arrays(name));
            }
        }
        arrays
    }

    /// The same as tensors.
    pub fn to_device(&self, device: &Device) -> PathwayBatch {
        let matrix = |values: &[i64]| -> Tensor<2, Int> {
            let n_columns = values.len().checked_div(self.n_rows).unwrap_or(0);
            let data = TensorData::new(values.to_vec(), [self.n_rows, n_columns]);
            Tensor::from_data(data, device)
        };
        let behaviours =
            |host: &Option<HostBehaviours>| host.as_ref().map(|host| host.to_device(device));
        PathwayBatch {
            n_rows: self.n_rows,
            users: self.users.as_ref().map(|host| StaticBatch {
                users: matrix(&host.users),
                values: matrix(&host.values),
            }),
            short: behaviours(&self.short),
            positive: behaviours(&self.positive),
            lifelong: behaviours(&self.lifelong),
            device: device.clone(),
        }
    }
}

impl PathwayBatch {
    /// Where it is.
    pub fn device(&self) -> Device {
        self.device.clone()
    }

    /// The same for a model that does not record gradients.
    pub fn without_autodiff(&self) -> Self {
        let behaviours =
            |batch: &Option<BehaviourBatch>| batch.as_ref().map(BehaviourBatch::without_autodiff);
        Self {
            n_rows: self.n_rows,
            users: self.users.as_ref().map(|batch| StaticBatch {
                users: batch.users.clone().without_autodiff(),
                values: batch.values.clone().without_autodiff(),
            }),
            short: behaviours(&self.short),
            positive: behaviours(&self.positive),
            lifelong: behaviours(&self.lifelong),
            device: self.device.clone().inner(),
        }
    }
}
