//! The figures of a run as tables, when it is over.

use onerec_workbench::engine::eval::report::EvaluationReport;
use onerec_workbench::engine::run::report::{
    AlignmentReport, PretrainReport, RewardHead, RewardReport, RewardSummary, RunReport,
};
use onerec_workbench::engine::tokenizer::report::TokenizerReport;

use crate::cli::output;

/// Prints every part that the run has come to.
pub(crate) fn tell(report: &RunReport) {
    seconds(report);
    if let Some(tokenizer) = &report.tokenizer {
        tell_tokenizer(tokenizer);
    }
    if let Some(pretrain) = &report.pretrain {
        tell_pretrain(pretrain);
    }
    if let Some(reward) = &report.reward {
        tell_reward(reward);
    }
    if let Some(alignment) = &report.alignment {
        tell_alignment(alignment);
    }
    if let Some(seconds) = &report.alignment_seconds {
        output::line(&format!("\nAlignment: {}", seconds.in_words()));
    }
    if let Some(evaluation) = &report.evaluation {
        tell_evaluation(evaluation);
    }
}

fn seconds(report: &RunReport) {
    let total: f64 = report.seconds.values().sum();
    let mut rows = header(&["Stage", "seconds"]);
    // In the order of the pipeline, not of the alphabet.
    for stage in onerec_workbench::engine::event::Stage::ALL {
        if let Some(seconds) = report.seconds.get(stage.name()) {
            rows.push(vec![stage.name().to_owned(), format!("{seconds:.1}")]);
        }
    }
    rows.push(vec!["all".to_owned(), format!("{total:.1}")]);
    section(
        &format!(
            "Time on {}, peak memory {} MiB",
            report.device.actual,
            report.peak_memory_bytes >> 20
        ),
        &rows,
    );
}

fn tell_tokenizer(tokenizer: &TokenizerReport) {
    let mut rows = header(&["Level", "utilization", "entropy", "perplexity"]);
    for level in &tokenizer.levels {
        rows.push(vec![
            (level.level_idx + 1).to_string(),
            format!("{:.3}", level.utilization),
            format!("{:.3}", level.entropy_nats),
            format!("{:.1}", level.perplexity),
        ]);
    }
    section(
        &format!(
            "Semantic IDs: {} distinct, collision rate {:.4}, reconstruction error {} of {:.5}",
            tokenizer.distinct_ids,
            tokenizer.collision_rate,
            tokenizer
                .reconstruction_error
                .map_or_else(|| "unknown".to_owned(), |error| format!("{error:.5}")),
            tokenizer.vector_power
        ),
        &rows,
    );
}

fn tell_pretrain(pretrain: &PretrainReport) {
    let mut rows = header(&["Level", "held-out loss", "unigram entropy"]);
    for (level_idx, (loss, entropy)) in pretrain
        .held_out_loss
        .iter()
        .zip(&pretrain.unigram_entropy)
        .enumerate()
    {
        rows.push(vec![
            (level_idx + 1).to_string(),
            format!("{loss:.4}"),
            format!("{entropy:.4}"),
        ]);
    }
    section(
        &format!(
            "Pretraining: {} parameters, {} steps, loss {:.4} -> {:.4} nats per token, {:.0} tokens per second",
            pretrain.parameters,
            pretrain.steps,
            pretrain.loss_first,
            pretrain.loss_last,
            pretrain.tokens_per_second
        ),
        &rows,
    );
    if let (Some(loss), Some(step)) = (pretrain.validation_loss, pretrain.best_step) {
        output::line(&format!(
            "Lowest held-out loss while training: {loss:.4} nats per token, at step {step}"
        ));
    }
    if !pretrain.experts.is_empty() {
        let mut rows = header(&["Layer of experts", "fullest over mean, first", "last"]);
        rows.extend(pretrain.experts.iter().map(|layer| {
            vec![
                layer.layer.clone(),
                format!("{:.2}", layer.max_over_mean_first),
                format!("{:.2}", layer.max_over_mean_last),
            ]
        }));
        section("Experts", &rows);
    }
}

fn tell_reward(reward: &RewardReport) {
    let is_simulated = reward.heads.iter().any(|head| head.oracle_auc.is_some());
    let mut names = vec!["Head", "positives", "weight", "AUC", "judge's AUC"];
    if is_simulated {
        names.push("oracle's AUC");
    }
    let mut rows = header(&names);
    let auc = |head: Option<&RewardHead>| {
        head.and_then(|head| head.auc)
            .map_or_else(|| "unknown".to_owned(), |auc| format!("{auc:.4}"))
    };
    for head in &reward.heads {
        let mut row = vec![
            head.name.clone(),
            positives(head),
            format!("{:.2}", head.weight),
            auc(Some(head)),
            auc(reward
                .judge_heads
                .iter()
                .find(|other| other.name == head.name)),
        ];
        if is_simulated {
            let oracle = head.oracle_auc.map(|auc| format!("{:.4}", auc.oracle));
            row.push(oracle.unwrap_or_else(|| "-".to_owned()));
        }
        rows.push(row);
    }
    section(
        &format!(
            "Reward models: {} slates, judge {} slates, measured on {} later slates",
            reward.train_slates, reward.judge_train_slates, reward.test_slates
        ),
        &rows,
    );
    if is_simulated {
        output::line(
            "  The oracle ranks by the simulator's own probabilities, on each user's last request; the rest is chance.",
        );
    }
}

/// swt is a rank, which no impression has or lacks; a head without weight is not trained.
fn positives(head: &RewardHead) -> String {
    match (head.name.as_str(), head.weight > 0.0) {
        ("swt", _) => "a rank".to_owned(),
        (_, true) => head.positives.to_string(),
        (_, false) => format!("{}, left out", head.positives),
    }
}

fn tell_alignment(alignment: &AlignmentReport) {
    let mut rows = header(&[
        "Scored by",
        "before",
        "after",
        "change",
        "±95 % of each mean",
    ]);
    let mut row = |name: &str, before: RewardSummary, after: RewardSummary| {
        rows.push(vec![
            name.to_owned(),
            format!("{:.4}", before.mean),
            format!("{:.4}", after.mean),
            format!("{:+.4}", after.mean - before.mean),
            format!("{:.4}", before.mean_ci95.max(after.mean_ci95)),
        ]);
    };
    row("reward", alignment.reward_before, alignment.reward_after);
    row("judge", alignment.judge_before, alignment.judge_after);
    if let (Some(before), Some(after)) = (alignment.oracle_before, alignment.oracle_after) {
        row("true utility", before, after);
    }
    if let (Some(before), Some(after)) = (alignment.flagged_before, alignment.flagged_after) {
        row("flagged items", before, after);
    }
    for head in &alignment.heads {
        row(&format!("head {}", head.name), head.before, head.after);
    }
    section(
        &format!(
            "Alignment: {} pairs, {} steps, mean over the slates of {} users",
            alignment.pairs, alignment.steps, alignment.users
        ),
        &rows,
    );
    if alignment.pairs_left_out + alignment.pairs_turned > 0 {
        output::line(&format!(
            "  As marked, {} pairs were left out and {} learned the other way round.",
            alignment.pairs_left_out, alignment.pairs_turned
        ));
    }
    for sentence in &alignment.verdict {
        output::line(&format!("  {sentence}"));
    }
}

fn tell_evaluation(evaluation: &EvaluationReport) {
    let mut rows = header(&[
        "Model", "HR@5", "HR@10", "±95 %", "NDCG@10", "legality", "coverage",
    ]);
    for model in &evaluation.models {
        rows.push(vec![
            model.name.clone(),
            format!("{:.4}", model.hr_5),
            format!("{:.4}", model.hr_10),
            format!("{:.4}", model.hr_10_ci95),
            format!("{:.4}", model.ndcg_10),
            model
                .legality
                .map_or_else(|| "-".to_owned(), |legality| format!("{legality:.4}")),
            format!("{:.4}", model.coverage),
        ]);
    }
    let users = evaluation.models.first().map_or(0, |model| model.users);
    section(&format!("Held-out items of {users} users"), &rows);
    for sentence in &evaluation.verdict {
        output::line(&format!("  {sentence}"));
    }
    output::line(&format!("  {}", evaluation.protocol));
}

fn header(names: &[&str]) -> Vec<Vec<String>> {
    vec![names.iter().map(|name| (*name).to_owned()).collect()]
}

fn section(title: &str, rows: &[Vec<String>]) {
    output::line(&format!("\n{title}"));
    output::table(rows);
}
