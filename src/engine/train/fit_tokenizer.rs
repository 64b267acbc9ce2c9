//! Stage 2: item vectors, balanced residual K-means, semantic IDs, the item table. [A 3.1, Alg. 1]

use std::path::Path;

use crate::engine::batch::ContextReader;
use crate::engine::data::ItemIdx;
use crate::engine::data::prepare::PreparedData;
use crate::engine::embedding::neighbours::MAX_ITEMS;
use crate::engine::embedding::{self, ItemEmbeddings};
use crate::engine::error::EngineError;
use crate::engine::event::{EngineEvent, NoticeLevel, Stage};
use crate::engine::model::ModelConfig;
use crate::engine::run::items::{ItemTable, ItemTableBuilder};
use crate::engine::run::report::RunReport;
use crate::engine::tokenizer::published::{self, KeyKind};
use crate::engine::tokenizer::trie::SemanticIdTrie;
use crate::engine::tokenizer::vocab::TokenVocab;
use crate::engine::tokenizer::{self, FittedTokenizer, SemanticIdTable, TokenizerError, health};
use crate::engine::train::build_vectors::build_vectors;
use crate::engine::train::ctx::StageCtx;
use crate::engine::train::fit_codes::{fit_codes, n_units};

/// Nearest neighbours that the item table keeps per item, for catalogues up to [`MAX_ITEMS`].
const N_NEIGHBOURS: usize = 10;
/// Items of a larger catalogue whose neighbours are looked at to judge the semantic IDs.
const N_SAMPLED: usize = 2000;

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

    /// What reads contexts for a generator of this configuration.
    pub fn reader<'a>(&'a self, config: &ModelConfig, data: &'a PreparedData) -> ContextReader<'a> {
        config.reader(data, &self.tokenizer.table, &self.embeddings)
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
    let n_units = n_units(config);
    ctx.reporter.emit(EngineEvent::StageStarted {
        stage: Stage::Tokenize,
        first_step: 0,
        total_steps: n_units,
    })?;
    ctx.reporter
        .progress(Stage::Tokenize, 0, n_units, "building item vectors")?;
    let embeddings = build_vectors(ctx, data, report)?;

    let (mut fitted, unfinished) = if config.tokenizer.file.as_os_str().is_empty() {
        fit_codes(ctx, &embeddings)?
    } else {
        let (table, kind) = published_table(&config.tokenizer.file, data)?;
        ctx.reporter.notice(
            NoticeLevel::Info,
            Stage::Tokenize,
            format!(
                "semantic IDs taken from {}, whose keys {kind}",
                config.tokenizer.file.display()
            ),
        )?;
        let adopted = tokenizer::adopt(&embeddings, &table, &config.tokenizer)?;
        (adopted, None)
    };
    let neighbours = Neighbours::find(&embeddings);
    judge_by_use(&mut fitted, data, &neighbours);

    embeddings.save(&ctx.dir.embeddings_path())?;
    fitted.save(&ctx.dir.stage_dir(Stage::Tokenize))?;
    item_table(data, neighbours, &fitted).save(&ctx.dir.items_path())?;
    if let Some(unfinished) = unfinished {
        unfinished.remove();
    }
    report.tokenizer = Some(fitted.report.clone());
    ctx.reporter.emit(EngineEvent::ItemsReady {
        report: fitted.report.clone(),
        items_path: ctx.dir.items_path(),
    })?;
    Ok(Items::new(embeddings, fitted))
}

/// A table of semantic IDs made elsewhere, in the order of the catalogue, and how its keys name the items.
///
/// # Errors
/// If the file is no such table, or lacks items of the catalogue.
pub fn published_table(
    path: &Path,
    data: &PreparedData,
) -> Result<(SemanticIdTable, KeyKind), TokenizerError> {
    let items = data.dataset.catalog.items.iter();
    let items: Vec<&str> = items.map(|item| item.external_id.as_str()).collect();
    published::read(path)?.for_items(&items)
}

/// The nearest items of all items, or of some of a large catalogue.
pub struct Neighbours {
    /// (item, its nearest items with their distances).
    of: Vec<(u32, Vec<(u32, f32)>)>,
    is_complete: bool,
}

impl Neighbours {
    /// Looks for them.
    pub fn find(embeddings: &ItemEmbeddings) -> Self {
        let n_items = embeddings.n_items();
        let is_complete = n_items <= MAX_ITEMS;
        let n_asked = if is_complete { n_items } else { N_SAMPLED };
        // Evenly spread, so that the same items are asked about on every machine.
        let asked: Vec<u32> = (0..n_asked)
            .map(|idx| (idx * n_items / n_asked) as u32)
            .collect();
        let found = embedding::neighbours_of(embeddings, &asked, N_NEIGHBOURS);
        Self {
            of: asked.into_iter().zip(found).collect(),
            is_complete,
        }
    }

    fn pairs(&self) -> impl Iterator<Item = (ItemIdx, ItemIdx)> {
        self.of.iter().flat_map(|(item, nearest)| {
            nearest
                .iter()
                .map(|(other, _)| (ItemIdx(*item), ItemIdx(*other)))
        })
    }

    /// One list per item; all empty where only some items were asked about.
    fn into_lists(self) -> impl Iterator<Item = Vec<(u32, f32)>> {
        let lists = if self.is_complete {
            self.of
        } else {
            Vec::new()
        };
        lists.into_iter().map(|(_, nearest)| nearest)
    }
}

/// Adds to the report what needs more than the codes: popularity and whether IDs follow vectors and histories.
pub fn judge_by_use(fitted: &mut FittedTokenizer, data: &PreparedData, neighbours: &Neighbours) {
    let (table, report) = (&fitted.table, &mut fitted.report);
    report.neighbourhood_agreement = health::agreement(table, neighbours.pairs());
    let sequences = embedding::learnable_sequences(data);
    let adjacent = sequences.iter().flat_map(|items| {
        items
            .windows(2)
            .map(|pair| (pair[0], pair[1]))
            .filter(|(a, b)| a != b)
    });
    report.co_watch_agreement = health::agreement(table, adjacent);
    let popularity = health::popularity_per_code(table, &data.popularity);
    for (level, popularity) in report.levels.iter_mut().zip(popularity) {
        level.popularity = popularity;
    }
}

fn item_table(data: &PreparedData, neighbours: Neighbours, fitted: &FittedTokenizer) -> ItemTable {
    let table = &fitted.table;
    let mut builder = ItemTableBuilder::new(table.n_levels(), table.codebook_size());
    let mut neighbours = neighbours.into_lists();
    for (item_idx, item) in data.dataset.catalog.items.iter().enumerate() {
        builder.push(
            item,
            table.sid(ItemIdx(item_idx as u32)),
            data.popularity[item_idx],
            neighbours.next().unwrap_or_default(),
        );
    }
    builder.finish()
}
