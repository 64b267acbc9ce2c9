//! Item vectors drawn together where items are watched together: the training of compressor and text decoder.
//! [B 2.1.1]

use std::ops::ControlFlow;

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use rand::RngExt as _;

use crate::engine::data::{ItemCatalog, ItemIdx};
use crate::engine::embedding::build::{build_from, co_occurrence};
use crate::engine::embedding::item_alignment::captions::Captions;
use crate::engine::embedding::item_alignment::parts::ItemParts;
use crate::engine::embedding::item_alignment::report::{precision, precision_by_chance};
use crate::engine::embedding::item_alignment::{ItemAlignmentConfig, ItemAlignmentReport};
use crate::engine::embedding::item_pairs::ItemPairs;
use crate::engine::embedding::{EmbeddingConfig, EmbeddingError, ItemEmbeddings};
use crate::engine::loss::contrastive::{contrastive, normalised};
use crate::engine::model::attention::padding_mask;
use crate::engine::model::caption_decoder::CaptionDecoder;
use crate::engine::model::qformer::{QFormer, QFormerSize};
use crate::engine::optim::AdamW;
use crate::engine::seed::Seed;
use crate::engine::train::schedule::warmup_cosine;

/// Of so many users one gives a pair to judge by.
const HELD_OUT_EVERY: usize = 5;
/// Items that are compressed at the same time once the compressor is trained.
const COMPRESSED_AT_ONCE: usize = 1024;
/// Steps between reports.
const REPORT_EVERY: usize = 10;
/// Share of the steps in which the learning rate rises; it falls to 0 afterwards.
const WARMUP_FRAC: f64 = 0.05;

/// The losses of one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AlignmentStep {
    /// Steps done, counting this one.
    pub step: usize,
    /// Contrastive loss.
    pub contrastive: f64,
    /// Caption loss; `None` where no item has words or its weight is 0.
    pub caption: Option<f64>,
}

/// What is trained.
#[derive(Module, Debug)]
struct Aligner {
    compressor: QFormer,
    decoder: Option<CaptionDecoder>,
}

/// What the alignment made.
#[derive(Debug)]
pub struct Aligned {
    /// The vectors of all items.
    pub embeddings: ItemEmbeddings,
    /// What made them.
    pub compressor: QFormer,
    /// Figures.
    pub report: ItemAlignmentReport,
}

/// Builds item vectors, gathers the pairs, trains, and compresses every item.
///
/// Of every fifth user the last two different items that may be learned from are held out as a pair: neither the
/// vectors before nor the aligned ones see them next to each other, and the report judges both by them. `sequences` holds per
/// user the items that may be learned from, in time order. The aligned vectors have length 1.
///
/// # Errors
/// If the vectors cannot be built, no two users share two items, the loss is no number any more, or `on_step` asked
/// to stop.
pub fn align(
    catalog: &ItemCatalog,
    sequences: &[Vec<ItemIdx>],
    config: &EmbeddingConfig,
    seed: Seed,
    device: &Device,
    on_step: &mut dyn FnMut(AlignmentStep) -> ControlFlow<()>,
) -> Result<Aligned, EmbeddingError> {
    let settings = &config.alignment;
    let (sequences, held_out) = hold_out(sequences);
    let (before, parts) = vectors(catalog, &sequences, config, seed)?;
    let pairs = ItemPairs::build(
        catalog.len(),
        &sequences,
        settings.swing_alpha,
        settings.n_latest,
        settings.n_partners,
    );
    let captions = Captions::new(catalog);
    let mut last = Recent::default();
    let compressor = train(
        &parts,
        &pairs.all(),
        &captions,
        settings,
        seed,
        device,
        &mut |step| {
            last.add(step);
            on_step(step)
        },
    )?
    .valid();
    let after = compress(&compressor, &parts, settings, device)?;
    let report = ItemAlignmentReport {
        n_user_to_item: pairs.user_to_item.len() as u64,
        n_item_to_item: pairs.item_to_item.len() as u64,
        n_held_out: held_out.len() as u64,
        precision_before: precision(&before, &held_out),
        precision_after: precision(&after, &held_out),
        precision_co_occurrence: co_occurrence(catalog, &sequences, config, seed)?
            .map(|vectors| precision(&vectors, &held_out)),
        precision_by_chance: precision_by_chance(catalog.len(), &held_out),
        contrastive: last.contrastive(),
        caption: last.caption(),
    };
    Ok(Aligned {
        embeddings: after,
        compressor,
        report,
    })
}

/// Takes the last item of every fifth user away; with the one before it, it is a pair to judge by.
fn hold_out(sequences: &[Vec<ItemIdx>]) -> (Vec<Vec<ItemIdx>>, Vec<(u32, u32)>) {
    let mut sequences = sequences.to_vec();
    let mut held_out = Vec::new();
    for sequence in sequences.iter_mut().step_by(HELD_OUT_EVERY) {
        if let [.., a, b] = sequence.as_slice()
            && a != b
        {
            held_out.push((a.0, b.0));
            sequence.pop();
        }
    }
    (sequences, held_out)
}

/// One vector per item, and those that the compressor reads.
fn vectors(
    catalog: &ItemCatalog,
    sequences: &[Vec<ItemIdx>],
    config: &EmbeddingConfig,
    seed: Seed,
) -> Result<(ItemEmbeddings, ItemParts), EmbeddingError> {
    if config.file.as_os_str().is_empty() {
        let before = build_from(catalog, sequences, config, seed)?;
        let parts = ItemParts::build(catalog, &before, config, seed)?;
        return Ok((before, parts));
    }
    let nothing = ItemEmbeddings {
        values: Vec::new(),
        dim: 0,
    };
    let parts = ItemParts::build(catalog, &nothing, config, seed)?;
    if parts.n_items() != catalog.len() {
        return Err(EmbeddingError::Rows {
            expected: catalog.len(),
            found: parts.n_items(),
            path: config.file.clone(),
        });
    }
    Ok((parts.means(), parts))
}

fn train(
    parts: &ItemParts,
    pairs: &[(u32, u32)],
    captions: &Captions,
    settings: &ItemAlignmentConfig,
    seed: Seed,
    device: &Device,
    on_step: &mut dyn FnMut(AlignmentStep) -> ControlFlow<()>,
) -> Result<QFormer, EmbeddingError> {
    if pairs.is_empty() {
        return Err(EmbeddingError::Nothing {
            found: "no two users share two items, so there are no pairs to align by".to_owned(),
        });
    }
    let device = device.clone().autodiff();
    let has_captions = settings.caption_weight > 0.0 && !captions.is_empty();
    let stream = |name: &str| Seed(seed.derive(name, 0));
    let mut model = Aligner {
        compressor: QFormer::new(
            size(settings),
            parts.dim(),
            stream("embedding.qformer"),
            &device,
        ),
        decoder: has_captions.then(|| {
            CaptionDecoder::new(
                captions,
                settings.n_queries,
                settings.d_model,
                settings.n_heads,
                stream("embedding.caption"),
                &device,
            )
        }),
    };
    let mut optimizer = AdamW::new(0.0, 1.0);
    let mut rng = seed.rng("embedding.pairs", 0);
    let width = settings.n_queries * settings.d_model;
    for step in 1..=settings.steps {
        let batch: Vec<(u32, u32)> = (0..settings.batch_size)
            .map(|_| pairs[rng.random_range(0..pairs.len())])
            .collect();
        let queries: Vec<u32> = batch.iter().map(|(query, _)| *query).collect();
        let partners = batch.iter().map(|(_, partner)| *partner);
        let items: Vec<u32> = queries.iter().copied().chain(partners).collect();
        let n_pairs = queries.len();

        let compressed = read(&model.compressor, parts, &items, &device);
        let rows = compressed.clone().reshape([items.len(), width]);
        let contrast = contrastive(
            rows.clone().slice_dim(0, 0..n_pairs),
            rows.slice_dim(0, n_pairs..items.len()),
            settings.temperature,
        );
        let caption = model.decoder.as_ref().map(|decoder| {
            let of_queries = compressed.slice_dim(0, 0..n_pairs * settings.n_queries);
            decoder.loss(of_queries, captions, &queries)
        });
        let loss = match caption.clone() {
            Some(caption) => contrast.clone() + caption * settings.caption_weight,
            None => contrast.clone(),
        };
        let grads = GradientsParams::from_grads(loss.backward(), &model);
        let rate = warmup_cosine(
            step as u64 - 1,
            settings.steps as u64,
            (WARMUP_FRAC * settings.steps as f64).ceil() as u64,
            settings.learning_rate,
            0.0,
        );
        (model, _) = optimizer.step(rate, model, grads);

        if step.is_multiple_of(REPORT_EVERY) || step == settings.steps {
            let point = AlignmentStep {
                step,
                contrastive: number(contrast)?,
                caption: caption.map(number).transpose()?,
            };
            if !(point.contrastive.is_finite() && point.caption.is_none_or(f64::is_finite)) {
                return Err(EmbeddingError::Diverged { step });
            }
            if on_step(point).is_break() {
                return Err(EmbeddingError::Stopped);
            }
        }
    }
    Ok(model.compressor)
}

/// The sizes of the compressor.
pub(super) fn size(settings: &ItemAlignmentConfig) -> QFormerSize {
    QFormerSize {
        n_queries: settings.n_queries,
        n_layers: settings.n_layers,
        d_model: settings.d_model,
        n_heads: settings.n_heads,
        residual: settings.residual,
    }
}

/// What the compressor makes of some items, `[items * n_queries, d_model]`.
fn read(compressor: &QFormer, parts: &ItemParts, items: &[u32], device: &Device) -> Tensor<2> {
    let (n_items, batch) = (items.len(), parts.batch(items));
    let shape = [n_items * batch.n_parts, parts.dim()];
    let vectors = Tensor::from_data(TensorData::new(batch.values, shape), device);
    let is_pad = TensorData::new(batch.is_pad, [n_items, batch.n_parts]);
    let mask = padding_mask(Tensor::from_data(is_pad, device));
    compressor.forward(vectors, n_items, &mask)
}

/// The vectors of all items: those of the queries side by side, of length 1 together.
///
/// # Errors
/// If the device cannot be read.
pub(super) fn compress(
    compressor: &QFormer,
    parts: &ItemParts,
    settings: &ItemAlignmentConfig,
    device: &Device,
) -> Result<ItemEmbeddings, EmbeddingError> {
    let dim = settings.n_queries * settings.d_model;
    let mut values = Vec::with_capacity(parts.n_items() * dim);
    let all: Vec<u32> = (0..parts.n_items() as u32).collect();
    for items in all.chunks(COMPRESSED_AT_ONCE) {
        let rows = read(compressor, parts, items, device).reshape([items.len(), dim]);
        values.extend(numbers(normalised(rows))?);
    }
    let embeddings = ItemEmbeddings { values, dim };
    embeddings.check_finite()?;
    Ok(embeddings)
}

fn number(tensor: Tensor<1>) -> Result<f64, EmbeddingError> {
    Ok(numbers(tensor)?
        .first()
        .copied()
        .map_or(f64::NAN, f64::from))
}

fn numbers<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, EmbeddingError> {
    tensor
        .try_into_vec_as()
        .map_err(|error| EmbeddingError::Device {
            found: error.to_string(),
        })
}

/// Means over the second half of what was reported.
#[derive(Default)]
struct Recent {
    steps: Vec<AlignmentStep>,
}

impl Recent {
    fn add(&mut self, step: AlignmentStep) {
        self.steps.push(step);
    }

    fn half(&self) -> &[AlignmentStep] {
        &self.steps[self.steps.len() / 2..]
    }

    fn contrastive(&self) -> f64 {
        let half = self.half();
        half.iter().map(|step| step.contrastive).sum::<f64>() / half.len().max(1) as f64
    }

    fn caption(&self) -> Option<f64> {
        let known: Vec<f64> = self.half().iter().filter_map(|step| step.caption).collect();
        (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::data::Item;

    /// Two groups of items that are watched together; of the three words of a title one tells the group.
    fn world() -> (ItemCatalog, Vec<Vec<ItemIdx>>) {
        let items = (0..24).map(|idx| Item {
            title: format!("thing{} kind{} group{}", idx % 5, idx % 7, idx % 2),
            ..Item::default()
        });
        let mut rng = Seed(4).rng("test.world", 0);
        let sequences = (0..60)
            .map(|user| {
                let group = user % 2;
                (0..8)
                    .map(|_| ItemIdx(group + 2 * rng.random_range(0..12)))
                    .collect()
            })
            .collect();
        let catalog = ItemCatalog {
            items: items.collect(),
        };
        (catalog, sequences)
    }

    fn config() -> EmbeddingConfig {
        EmbeddingConfig {
            content_dim: 10,
            collaborative_dim: 0,
            alignment: ItemAlignmentConfig {
                steps: 150,
                batch_size: 32,
                d_model: 8,
                n_heads: 2,
                n_layers: 2,
                learning_rate: 3e-3,
                ..ItemAlignmentConfig::default()
            },
            ..EmbeddingConfig::default()
        }
    }

    fn run(
        config: &EmbeddingConfig,
        on_step: &mut dyn FnMut(AlignmentStep) -> ControlFlow<()>,
    ) -> Result<Aligned, EmbeddingError> {
        let (catalog, sequences) = world();
        align(
            &catalog,
            &sequences,
            config,
            Seed(1),
            &Device::flex(),
            on_step,
        )
    }

    #[test]
    fn held_out_pairs_come_nearer_and_the_losses_fall() {
        let mut steps = Vec::new();
        let Aligned {
            embeddings: found,
            report,
            ..
        } = run(&config(), &mut |step| {
            steps.push(step);
            ControlFlow::Continue(())
        })
        .unwrap();
        assert_eq!((found.n_items(), found.dim), (24, 32));
        for item_idx in 0..24 {
            let length: f32 = found.row(item_idx).iter().map(|value| value * value).sum();
            assert!((length - 1.0).abs() < 1e-4);
        }
        assert!(
            report.n_held_out > 5 && report.n_item_to_item > 50,
            "{report:?}"
        );
        assert!(
            report.precision_after > report.precision_before,
            "{report:?}"
        );
        assert!(
            report.precision_after > report.precision_by_chance,
            "{report:?}"
        );
        let (first, last) = (steps[0], steps[steps.len() - 1]);
        assert!(last.contrastive < first.contrastive, "{steps:?}");
        assert!(last.caption < first.caption, "{steps:?}");
        let again = run(&config(), &mut |_| ControlFlow::Continue(())).unwrap();
        assert_eq!(
            (again.embeddings, again.report),
            (found, report),
            "the same seed gives the same vectors"
        );
    }

    #[test]
    fn it_can_be_stopped_and_needs_pairs() {
        let stopped = run(&config(), &mut |_| ControlFlow::Break(()));
        assert!(matches!(stopped, Err(EmbeddingError::Stopped)));
        let (catalog, _) = world();
        let alone = [vec![ItemIdx(1)], vec![ItemIdx(2)]];
        let found = align(
            &catalog,
            &alone,
            &config(),
            Seed(1),
            &Device::flex(),
            &mut |_| ControlFlow::Continue(()),
        );
        assert!(
            matches!(found, Err(EmbeddingError::Nothing { .. })),
            "{found:?}"
        );
    }

    #[test]
    fn without_words_there_is_no_caption_loss() {
        let mut config = config();
        config.alignment.caption_weight = 0.0;
        config.alignment.steps = 3;
        let Aligned { report, .. } = run(&config, &mut |_| ControlFlow::Continue(())).unwrap();
        assert_eq!(report.caption, None);
    }

    #[test]
    fn every_fifth_user_gives_a_pair_that_is_not_learned_from() {
        let of = |items: &[u32]| -> Vec<ItemIdx> { items.iter().copied().map(ItemIdx).collect() };
        let mut users = vec![of(&[1, 2, 3]); 7];
        users[5] = of(&[4, 4]);
        let (left, held_out) = hold_out(&users);
        assert_eq!(held_out, [(2, 3)], "the same item twice is no pair");
        assert_eq!(left[0], of(&[1, 2]));
        assert_eq!(left[1], of(&[1, 2, 3]));
        assert_eq!(left[5], of(&[4, 4]));
    }
}
