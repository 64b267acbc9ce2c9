//! Stage 2: item vectors, balanced residual K-means, semantic IDs, the item table. [A 3.1, Alg. 1]

use std::ops::ControlFlow;

use crate::engine::data::ItemIdx;
use crate::engine::data::prepare::PreparedData;
use crate::engine::embedding::{self, ItemEmbeddings};
use crate::engine::error::EngineError;
use crate::engine::event::{EngineEvent, Stage};
use crate::engine::run::atomic;
use crate::engine::run::items::{ItemRow, ItemTable};
use crate::engine::run::report::RunReport;
use crate::engine::tokenizer::trie::SemanticIdTrie;
use crate::engine::tokenizer::vocab::TokenVocab;
use crate::engine::tokenizer::{self, FittedTokenizer, TokenizerError};
use crate::engine::train::ctx::StageCtx;

/// Nearest neighbours that the item table keeps per item, for catalogues up to [`NEIGHBOURS_UP_TO`].
const N_NEIGHBOURS: usize = 10;
const NEIGHBOURS_UP_TO: usize = 50_000;

/// Everything later stages need to know of the items.
pub struct Items {
    /// `[n_items, d_embed]`.
    pub embeddings: ItemEmbeddings,
    /// Codebooks and the table of semantic IDs.
    pub tokenizer: FittedTokenizer,
    /// Legal continuations.
    pub trie: SemanticIdTrie,
    /// Tokens of the generator.
    pub vocab: TokenVocab,
}

impl Items {
    fn new(embeddings: ItemEmbeddings, tokenizer: FittedTokenizer) -> Self {
        let table = &tokenizer.table;
        let trie = SemanticIdTrie::new(table);
        let vocab = TokenVocab {
            n_levels: table.n_levels(),
            codebook_size: table.codebook_size(),
        };
        Self {
            embeddings,
            tokenizer,
            trie,
            vocab,
        }
    }

    /// Loads what the stage wrote.
    ///
    /// # Errors
    /// If a file is missing or damaged.
    pub fn load(dir: &crate::engine::run::RunDir) -> Result<Self, EngineError> {
        let embeddings = ItemEmbeddings::load(&dir.embeddings_path())?;
        let tokenizer = FittedTokenizer::load(&dir.stage_dir(Stage::Tokenize))?;
        Ok(Self::new(embeddings, tokenizer))
    }
}

/// Runs the stage, or loads its result when it is complete.
///
/// # Errors
/// If there is nothing to build vectors from, the catalogue is too small, or a stop was asked for.
pub fn run(
    ctx: &mut StageCtx<'_>,
    data: &PreparedData,
    report: &mut RunReport,
    is_complete: bool,
) -> Result<Items, EngineError> {
    if is_complete {
        return Items::load(ctx.dir);
    }
    let config = ctx.config;
    let n_levels = config.tokenizer.n_levels as u64;
    ctx.reporter.emit(EngineEvent::StageStarted {
        stage: Stage::Tokenize,
        first_step: 0,
        total_steps: n_levels + 1,
    })?;
    ctx.reporter
        .progress(Stage::Tokenize, 0, n_levels + 1, "building item vectors")?;
    let embeddings = embedding::build(data, &config.embedding, config.seed)?;

    let mut trouble = Ok(());
    let fitted = tokenizer::fit(&embeddings, &config.tokenizer, config.seed, &mut |level| {
        let doing = format!(
            "fitting level {} of {n_levels}, sweep {}",
            level.level_idx + 1,
            level.iteration
        );
        trouble = ctx
            .reporter
            .emit(EngineEvent::CodebookUpdated(level.clone()))
            .and_then(|()| {
                ctx.reporter.progress(
                    Stage::Tokenize,
                    level.level_idx as u64 + 1,
                    n_levels + 1,
                    &doing,
                )
            })
            .and_then(|()| ctx.wants_stop(Stage::Tokenize, level.level_idx as u64))
            .and_then(|stop| {
                if stop {
                    Err(EngineError::Stopped)
                } else {
                    Ok(())
                }
            });
        if trouble.is_ok() {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    });
    trouble?;
    let fitted = match fitted {
        Err(TokenizerError::Stopped) => return Err(EngineError::Stopped),
        other => other?,
    };

    embeddings.save(&ctx.dir.embeddings_path())?;
    fitted.save(&ctx.dir.stage_dir(Stage::Tokenize))?;
    atomic::write_json(
        &ctx.dir.items_path(),
        &item_table(data, &embeddings, &fitted),
    )?;
    report.tokenizer = Some(fitted.report.clone());
    ctx.reporter.emit(EngineEvent::ItemsReady {
        report: fitted.report.clone(),
        items_path: ctx.dir.items_path(),
    })?;
    Ok(Items::new(embeddings, fitted))
}

fn item_table(
    data: &PreparedData,
    embeddings: &ItemEmbeddings,
    fitted: &FittedTokenizer,
) -> ItemTable {
    let catalog = &data.dataset.catalog;
    let mut neighbours = if catalog.len() <= NEIGHBOURS_UP_TO {
        embedding::neighbours(embeddings, N_NEIGHBOURS)
    } else {
        Vec::new()
    }
    .into_iter();
    let rows = catalog
        .items
        .iter()
        .enumerate()
        .map(|(item_idx, item)| ItemRow {
            item: item.clone(),
            codes: fitted.table.sid(ItemIdx(item_idx as u32)).to_vec(),
            popularity: data.popularity[item_idx],
            neighbours: neighbours.next().unwrap_or_default(),
        })
        .collect();
    ItemTable {
        n_levels: fitted.table.n_levels(),
        codebook_size: fitted.table.codebook_size(),
        rows,
    }
}
