//! The model card: what the model is, what it learned from, how good it is and where it must not be trusted.

use std::fmt::Write as _;

use crate::engine::batch::pathway::Pathway;
use crate::engine::config::ExperimentConfig;
use crate::engine::event::Stage;
use crate::engine::model::config::System;
use crate::engine::run::RunDir;
use crate::engine::run::items::ItemTable;
use crate::engine::run::report::RunReport;

/// The card as Markdown. Figures come from the run's report; what the run did not measure is said to be missing.
pub(super) fn text(
    dir: &RunDir,
    stage: Stage,
    config: &ExperimentConfig,
    items: &ItemTable,
) -> String {
    // A run that was stopped early has no report yet, and its generator can still be exported.
    let report = RunReport::load(&dir.report_path()).unwrap_or_default();
    let what = match stage {
        Stage::Align => "after preference alignment",
        _ => "after next-token pretraining",
    };
    let mut text = format!(
        "# Generator of run {}\n\n\
         A OneRec-style generator {what}, trained with OneRec Workbench {}. It reads {} and generates slates of up to {} \
         items. The method is that of arXiv {}.\n\n",
        dir.id(),
        env!("CARGO_PKG_VERSION"),
        reads(config),
        config.data.session.slate_len,
        match config.model.system {
            System::Session => "2502.18965",
            System::Pathways => "2506.13695",
            System::Lazy => "2508.20900",
        },
    );
    text.push_str(&files(config.model.reads_pathways()));
    text.push_str(&data(&report, items, config));
    text.push_str(&figures(&report, stage));
    text.push_str(LIMITS);
    text
}

/// What the encoder reads, in words.
fn reads(config: &ExperimentConfig) -> String {
    if !config.model.reads_pathways() {
        return format!(
            "the semantic IDs of a user's last {} items",
            config.model.history_len
        );
    }
    let names: Vec<&str> = config
        .model
        .pathways
        .read
        .iter()
        .map(|pathway| match pathway {
            Pathway::Static => "static",
            Pathway::Short => "short-term",
            Pathway::Positive => "positive feedback",
            Pathway::Lifelong => "lifelong",
        })
        .collect();
    format!("pathways of features of a user ({})", names.join(", "))
}

fn files(reads_pathways: bool) -> String {
    let (features, use_it) = if reads_pathways {
        (
            "- `features.json`: which row of the model's tables each user, author, tag and value has\n",
            "from onerec_model import read_safetensors, contexts\n\
             context = {name: rows[:1] for name, rows in contexts(read_safetensors(\"reference.safetensors\")).items()}\n\
             slates = generator.generate(context, items.all_codes(), n_items=1, n_beams=16)\n",
        )
    } else {
        (
            "",
            "history = items.all_codes()[:5]\n\
             slates = generator.generate(history, items.all_codes(), n_items=5, n_beams=16)\n",
        )
    };
    format!(
        "## Files\n\n\
         - `model.safetensors`: the weights, under PyTorch's names\n\
         - `config.json`: all sizes and the layout of the vocabulary\n\
         - `semantic_ids.parquet`: every item with its codes\n\
         - `semantic_ids.index.json`: the same in the form of MiniOneRec\n\
         {features}\
         - `onerec_model.py`: the model in PyTorch, with beam search; needs nothing but torch and pyarrow\n\
         - `reference.safetensors`: logits of the workbench; `python onerec_model.py --check reference.safetensors` compares\n\n\
         ```python\n\
         from onerec_model import load\n\
         generator, items = load(\".\")\n\
         {use_it}\
         ```\n\n"
    )
}

fn data(report: &RunReport, items: &ItemTable, config: &ExperimentConfig) -> String {
    let dataset = &report.dataset;
    let mut text = format!("## Data\n\n- items with a semantic ID: {}\n", items.len());
    if !dataset.fingerprint.is_empty() {
        write!(
            text,
            "- dataset: {} ({}), {} users, {} events, SHA-256 `{}`\n- sessions: {}\n- split: {}\n",
            dataset.name,
            dataset.format,
            dataset.users,
            dataset.events,
            dataset.fingerprint,
            dataset.session_rule,
            dataset.split_rule
        )
        .expect("writing to a string cannot fail");
    }
    write!(
        text,
        "- semantic IDs: {} levels of {} codes\n- seed: {}\n\n",
        items.n_levels, items.codebook_size, config.seed.0
    )
    .expect("writing to a string cannot fail");
    text
}

fn figures(report: &RunReport, stage: Stage) -> String {
    let name = if stage == Stage::Align {
        "aligned"
    } else {
        "generator"
    };
    let mut text = "## Figures\n\n".to_owned();
    let evaluation = report.evaluation.as_ref();
    let rows: Vec<_> = evaluation
        .iter()
        .flat_map(|evaluation| &evaluation.models)
        .filter(|model| model.name == name || model.legality.is_none())
        .collect();
    if rows.is_empty() {
        text.push_str("The run was exported before its evaluation.\n\n");
        return text;
    }
    text.push_str("| model | users | HR@10 | NDCG@10 | legality |\n|---|---|---|---|---|\n");
    for model in rows {
        let legality = model
            .legality
            .map_or_else(|| "-".to_owned(), |share| format!("{share:.4}"));
        writeln!(
            text,
            "| {} | {} | {:.4} ± {:.4} | {:.4} | {legality} |",
            model.name, model.users, model.hr_10, model.hr_10_ci95, model.ndcg_10
        )
        .expect("writing to a string cannot fail");
    }
    if let Some(evaluation) = evaluation {
        writeln!(text, "\nProtocol: {}", evaluation.protocol)
            .expect("writing to a string cannot fail");
    }
    if let Some(alignment) = report.alignment.as_ref().filter(|_| stage == Stage::Align) {
        text.push('\n');
        let of_rankings = evaluation.iter().flat_map(|of| &of.verdict);
        for sentence in alignment.verdict.iter().chain(of_rankings) {
            writeln!(text, "- {sentence}").expect("writing to a string cannot fail");
        }
    }
    text.push('\n');
    text
}

const LIMITS: &str = "## Limits\n\n\
    The model knows only the items of `semantic_ids.parquet`; a new item needs a semantic ID from the run's codebooks first. \
    It repeats what its log shows: popular items, and the habits of the recommender that made the log. \
    Figures were measured on held-out events of the same log, not on people. \
    Where true utility is unknown, a higher reward says that a reward model prefers the slates, and no more.\n\n\
    ## Licence\n\n\
    `onerec_model.py` is MIT OR Apache-2.0. The weights and the item table derive from the dataset: its licence decides \
    what may be done with them.\n";
