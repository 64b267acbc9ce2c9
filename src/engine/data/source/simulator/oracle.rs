//! The truth about a simulated dataset: kept as `oracle.safetensors` beside the log, never seen by any model.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};

use super::super::super::{DataError, Item, ItemIdx, UserIdx};
use super::behaviour::{self, Laws, Moment};
use super::world::{ItemFactors, N_STYLES};

/// True utility of any slate for any user of a simulated dataset.
#[derive(Clone, Debug)]
pub struct Oracle {
    laws: Laws,
    items: Vec<ItemFactors>,
    users: Vec<Moment>,
    /// Whether the log beside it holds every event that was simulated.
    is_log_whole: bool,
}

/// Identifiers in the order of the tensors' rows, and what holds for all of them.
#[derive(Serialize, Deserialize)]
struct Header {
    #[serde(flatten)]
    laws: Laws,
    items: Vec<String>,
    users: Vec<String>,
}

/// The metadata of the file has this single key, so that equal content gives equal bytes.
const HEADER_KEY: &str = "simulator";

impl Oracle {
    /// The expected total utility of a slate shown to a user, in views of a 20-second item. The formula stands at the
    /// head of `behaviour.rs`; the moment is the request of the user's last view, which is the one that
    /// leave-one-out asks about.
    pub fn utility(&self, user: UserIdx, slate: &[ItemIdx]) -> f64 {
        let slate: Vec<u32> = slate.iter().map(|item| item.0).collect();
        behaviour::utility(&self.users[user.idx()], &self.items, self.laws, &slate)
    }

    /// What feedback to the items of one request would be on average at that moment, for each item in the order shown:
    /// seconds watched, and probabilities of a view, a follow and a like.
    pub fn feedback(&self, user: UserIdx, shown: &[ItemIdx]) -> Vec<[f64; 4]> {
        let moment = &self.users[user.idx()];
        let shown: Vec<u32> = shown.iter().map(|item| item.0).collect();
        (0..shown.len())
            .map(|position| {
                let response =
                    behaviour::response(moment, &self.items, self.laws, &shown, position);
                let duration_secs = self.items[shown[position] as usize].duration_secs;
                let secs = behaviour::watch_secs(&response, duration_secs);
                [secs, response.view, response.follow, response.like]
            })
            .collect()
    }

    /// Whether the log beside it holds every event that was simulated; else an item's place in its request is not known.
    pub fn is_log_whole(&self) -> bool {
        self.is_log_whole
    }

    /// The rows that are named, in that order, beside a log without the others.
    pub(in super::super::super) fn subset(&self, items: &[usize], users: &[usize]) -> Self {
        Self {
            laws: self.laws,
            items: items.iter().map(|&item| self.items[item].clone()).collect(),
            users: users.iter().map(|&user| self.users[user].clone()).collect(),
            is_log_whole: false,
        }
    }

    pub(super) fn new(items: Vec<ItemFactors>, users: Vec<Moment>, laws: Laws) -> Self {
        Self {
            laws,
            items,
            users,
            is_log_whole: true,
        }
    }

    /// The file's bytes. `items` and `users` are the identifiers of the rows.
    pub(super) fn to_bytes(&self, items: Vec<String>, users: Vec<String>) -> Vec<u8> {
        let header = Header {
            laws: self.laws,
            items,
            users,
        };
        let mut file = Writer::default();
        let (n_items, n_users) = (self.items.len(), self.users.len());
        let n_topics = self.users.first().map_or(0, |user| user.interest.len());
        let items = || self.items.iter();
        let users = || self.users.iter();
        file.u32("item.topic", &[n_items], items().map(|item| item.topic));
        file.u32("item.step", &[n_items], items().map(|item| item.step));
        file.u32("item.author", &[n_items], items().map(|item| item.author));
        file.f32("item.quality", &[n_items], items().map(|item| item.quality));
        file.f32("item.appeal", &[n_items], items().map(|item| item.appeal));
        file.f32(
            "item.style",
            &[n_items, N_STYLES],
            items().flat_map(|item| item.style),
        );
        file.f32(
            "item.duration_secs",
            &[n_items],
            items().map(|item| item.duration_secs),
        );
        file.f32(
            "user.interest",
            &[n_users, n_topics],
            users().flat_map(|user| user.interest.iter().copied()),
        );
        file.f32(
            "user.taste",
            &[n_users, N_STYLES],
            users().flat_map(|user| user.taste),
        );
        file.u32("user.focus", &[n_users], users().map(|user| user.focus));
        file.u32(
            "user.next_step",
            &[n_users, n_topics],
            users().flat_map(|user| user.next_step.iter().copied()),
        );
        file.finish(&header)
    }

    /// Reads the file and brings its rows into the order of a dataset.
    pub(in super::super) fn read(
        path: &Path,
        items: &[Item],
        users: &[String],
    ) -> Result<Self, DataError> {
        let bytes = std::fs::read(path).map_err(|source| DataError::Io {
            path: path.to_owned(),
            source,
        })?;
        let parsed = Self::parse(&bytes).and_then(|(oracle, header)| {
            let item_names = items.iter().map(|item| item.external_id.as_str());
            Ok(Self {
                items: in_order(&oracle.items, &header.items, item_names)?,
                users: in_order(
                    &oracle.users,
                    &header.users,
                    users.iter().map(String::as_str),
                )?,
                ..oracle
            })
        });
        parsed.map_err(|found| DataError::Malformed {
            format: "the simulator's oracle",
            found,
            line: 0,
            path: path.to_owned(),
        })
    }

    fn parse(bytes: &[u8]) -> Result<(Self, Header), String> {
        let file = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|error| error.to_string())?;
        let header: Header = metadata
            .metadata()
            .as_ref()
            .and_then(|metadata| metadata.get(HEADER_KEY))
            .ok_or_else(|| format!("no metadata called {HEADER_KEY:?}"))
            .and_then(|text| serde_json::from_str(text).map_err(|error| error.to_string()))?;
        if !header.laws.certainty.is_finite() {
            return Err(format!("the certainty is {}", header.laws.certainty));
        }
        let (n_items, n_users) = (header.items.len(), header.users.len());
        let n_topics = file
            .tensor("user.interest")
            .ok()
            .and_then(|tensor| tensor.shape().get(1).copied())
            .ok_or("no tensor \"user.interest\" of two dimensions")?;
        let f32s = |name, shape: &[usize]| {
            let values: Vec<f32> = cells(&file, name, Dtype::F32, shape)?
                .map(f32::from_le_bytes)
                .collect();
            match values.iter().find(|value| !value.is_finite()) {
                Some(value) => Err(format!("{name:?} holds {value}")),
                None => Ok(values),
            }
        };
        // An index beyond its range would be read out of bounds later on.
        let indices = |name, shape: &[usize], below: usize| {
            let values: Vec<u32> = cells(&file, name, Dtype::U32, shape)?
                .map(u32::from_le_bytes)
                .collect();
            match values.iter().find(|&&value| value as usize >= below) {
                Some(value) => Err(format!(
                    "{name:?} holds {value}, expected less than {below}"
                )),
                None => Ok(values),
            }
        };
        let n_steps = header.laws.n_steps as usize;
        let topic = indices("item.topic", &[n_items], n_topics)?;
        let step = indices("item.step", &[n_items], n_steps)?;
        let author = indices("item.author", &[n_items], usize::MAX)?;
        let quality = f32s("item.quality", &[n_items])?;
        let appeal = f32s("item.appeal", &[n_items])?;
        let style = f32s("item.style", &[n_items, N_STYLES])?;
        let duration_secs = f32s("item.duration_secs", &[n_items])?;
        let interest = f32s("user.interest", &[n_users, n_topics])?;
        let taste = f32s("user.taste", &[n_users, N_STYLES])?;
        let focus = indices("user.focus", &[n_users], n_topics)?;
        let next_step = indices("user.next_step", &[n_users, n_topics], n_steps)?;
        let items = (0..n_items)
            .map(|row| ItemFactors {
                topic: topic[row],
                step: step[row],
                author: author[row],
                quality: quality[row],
                appeal: appeal[row],
                style: std::array::from_fn(|idx| style[row * N_STYLES + idx]),
                duration_secs: duration_secs[row],
            })
            .collect();
        let users = (0..n_users)
            .map(|row| Moment {
                interest: interest[row * n_topics..(row + 1) * n_topics].to_vec(),
                taste: std::array::from_fn(|idx| taste[row * N_STYLES + idx]),
                focus: focus[row],
                next_step: next_step[row * n_topics..(row + 1) * n_topics].to_vec(),
            })
            .collect();
        Ok((Self::new(items, users, header.laws), header))
    }
}

/// The rows that carry `wanted` names, in that order.
fn in_order<'a, T: Clone>(
    rows: &[T],
    names: &[String],
    wanted: impl Iterator<Item = &'a str>,
) -> Result<Vec<T>, String> {
    let row_of: BTreeMap<&str, usize> = names
        .iter()
        .enumerate()
        .map(|(row, name)| (name.as_str(), row))
        .collect();
    wanted
        .map(|name| {
            row_of
                .get(name)
                .map(|&row| rows[row].clone())
                .ok_or_else(|| format!("nothing about {name:?}, which the dataset holds"))
        })
        .collect()
}

/// The cells of a tensor of an expected type and shape.
fn cells<'a>(
    file: &SafeTensors<'a>,
    name: &str,
    dtype: Dtype,
    shape: &[usize],
) -> Result<impl Iterator<Item = [u8; 4]> + use<'a>, String> {
    let tensor = file.tensor(name).map_err(|error| error.to_string())?;
    if tensor.dtype() != dtype || tensor.shape() != shape {
        return Err(format!(
            "tensor {name:?} is {:?} {:?}, expected {dtype:?} {shape:?}",
            tensor.dtype(),
            tensor.shape()
        ));
    }
    let (cells, _) = tensor.data().as_chunks::<4>();
    Ok(cells.iter().copied())
}

/// Tensors of a file in the making.
#[derive(Default)]
struct Writer {
    tensors: Vec<(&'static str, Dtype, Vec<usize>, Vec<u8>)>,
}

impl Writer {
    fn u32(&mut self, name: &'static str, shape: &[usize], values: impl Iterator<Item = u32>) {
        let bytes = values.flat_map(u32::to_le_bytes).collect();
        self.tensors.push((name, Dtype::U32, shape.to_vec(), bytes));
    }

    fn f32(&mut self, name: &'static str, shape: &[usize], values: impl Iterator<Item = f32>) {
        let bytes = values.flat_map(f32::to_le_bytes).collect();
        self.tensors.push((name, Dtype::F32, shape.to_vec(), bytes));
    }

    fn finish(&self, header: &Header) -> Vec<u8> {
        let header = serde_json::to_string(header).expect("a header is plain text and numbers");
        let views = self.tensors.iter().map(|(name, dtype, shape, bytes)| {
            let view = TensorView::new(*dtype, shape.clone(), bytes)
                .expect("every tensor has as many cells as its shape says");
            (*name, view)
        });
        let metadata = HashMap::from([(HEADER_KEY.to_owned(), header)]);
        safetensors::serialize(views, Some(metadata))
            .expect("sizes and types were checked when the views were made")
    }
}
