//! Item vectors of a run: built or read, then aligned where that is asked for. [B 2.1.1]

use std::ops::ControlFlow;
use std::time::Instant;

use crate::engine::checkpoint::weights;
use crate::engine::data::prepare::PreparedData;
use crate::engine::embedding::{self, EmbeddingError, ItemEmbeddings};
use crate::engine::error::EngineError;
use crate::engine::event::{EngineEvent, NoticeLevel, Stage, StepPoint};
use crate::engine::run::report::RunReport;
use crate::engine::train::align_vectors::{Aligned, AlignmentStep, align};
use crate::engine::train::ctx::StageCtx;
use crate::engine::train::encode_items::compressor_path;
use crate::engine::train::fit_codes::{alignment_units, n_units};

/// Makes the vectors that the tokenizer quantises.
///
/// # Errors
/// If there is nothing to build them from, or a stop was asked for.
pub(super) fn build_vectors(
    ctx: &mut StageCtx<'_>,
    data: &PreparedData,
    report: &mut RunReport,
) -> Result<ItemEmbeddings, EngineError> {
    let config = ctx.config;
    let catalog = &data.dataset.catalog;
    let sequences = embedding::learnable_sequences(data);
    if config.embedding.alignment.steps == 0 {
        let built = embedding::build_from(catalog, &sequences, &config.embedding, config.seed);
        return Ok(built?);
    }
    let began = Instant::now();
    let mut trouble = Ok(());
    let device = ctx.device.clone();
    let aligned = align(
        catalog,
        &sequences,
        &config.embedding,
        config.seed,
        &device,
        &mut |step| {
            trouble = tell(ctx, step, began);
            match &trouble {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            }
        },
    );
    trouble?;
    let Aligned {
        embeddings,
        compressor,
        report: found,
    } = match aligned {
        Err(EmbeddingError::Stopped) => return Err(EngineError::Stopped),
        other => other?,
    };
    weights::save(&compressor, &compressor_path(ctx.dir))?;
    ctx.reporter.notice(
        NoticeLevel::Info,
        Stage::Tokenize,
        format!(
            "item vectors aligned on {} pairs: of the 10 nearest items {:.2}% are watched next, before {:.2}%, \
             by chance {:.2}% ({} held-out pairs)",
            found.n_user_to_item + found.n_item_to_item,
            100.0 * found.precision_after,
            100.0 * found.precision_before,
            100.0 * found.precision_by_chance,
            found.n_held_out,
        ),
    )?;
    ctx.reporter
        .emit(EngineEvent::ItemVectorsAligned(found.clone()))?;
    report.item_alignment = Some(found);
    Ok(embeddings)
}

fn tell(ctx: &mut StageCtx<'_>, step: AlignmentStep, began: Instant) -> Result<(), EngineError> {
    let settings = &ctx.config.embedding.alignment;
    let n_done = step.step as u64;
    let units = alignment_units(ctx.config) * n_done / settings.steps.max(1) as u64;
    let mut values = vec![("contrastive".to_owned(), step.contrastive)];
    values.extend(step.caption.map(|caption| ("caption".to_owned(), caption)));
    let doing = format!(
        "aligning item vectors, step {} of {}",
        step.step, settings.steps
    );
    ctx.reporter
        .progress(Stage::Tokenize, units, n_units(ctx.config), &doing)?;
    ctx.reporter.step(
        Stage::Tokenize,
        StepPoint {
            step: n_done,
            samples: n_done * settings.batch_size as u64,
            seconds: began.elapsed().as_secs_f64(),
            values,
            experts: Vec::new(),
        },
    )?;
    if ctx.wants_stop(Stage::Tokenize, n_done)? {
        return Err(EngineError::Stopped);
    }
    Ok(())
}
