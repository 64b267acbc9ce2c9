//! Stage 6: held-out metrics of the generator before and after alignment beside the floors, and what alignment did
//! to rewards, to the judge and, where the data is simulated, to what users truly want. [A 5.1.3, 5.4]

use crate::engine::control::RunControl;
use crate::engine::data::prepare::PreparedData;
use crate::engine::error::EngineError;
use crate::engine::eval::cases::{moments, sample_cases};
use crate::engine::eval::diversity::{Diversity, diversity};
use crate::engine::eval::evaluator::{Evaluator, GeneratorScore};
use crate::engine::eval::generate::SlateGenerator;
use crate::engine::eval::report::{EvaluationReport, ModelScore};
use crate::engine::eval::rewards::{self, Measurement, compare};
use crate::engine::eval::shown_codes::{CodeCounts, level_codes};
use crate::engine::eval::slates::compare_slates;
use crate::engine::event::{EngineEvent, SlateComparison, Stage};
use crate::engine::model::Generator;
use crate::engine::run::report::RunReport;
use crate::engine::run::{RunDir, journal};
use crate::engine::train::align::flags;
use crate::engine::train::ctx::StageCtx;
use crate::engine::train::fit_reward::Scorers;
use crate::engine::train::fit_tokenizer::Items;
use crate::engine::train::saved_run::SavedRun;

/// Users whose slates are shown without being asked for.
const SHOWN_USERS: usize = 3;
/// Slates per user in such a comparison.
const SHOWN_SLATES: usize = 5;

/// Runs the stage. `after` is the aligned generator with the reward models; `None` where the data allows neither.
///
/// # Errors
/// [`EngineError::Stopped`] on request; there is nothing to save in between, a resume begins it anew.
pub fn run(
    ctx: &mut StageCtx<'_>,
    data: &PreparedData,
    items: &Items,
    base: &Generator,
    after: Option<(&Generator, &Scorers)>,
    report: &mut RunReport,
) -> Result<(), EngineError> {
    /// Parts of the stage, for its progress.
    const PARTS: u64 = 4;
    ctx.reporter.emit(EngineEvent::StageStarted {
        stage: Stage::Evaluate,
        first_step: 0,
        total_steps: PARTS,
    })?;
    if let Some((aligned, scorers)) = after {
        rewards_before_and_after(ctx, data, items, base, aligned, scorers, report)?;
    }

    let config = ctx.config;
    let control = ctx.control.clone();
    let reader = items.reader(&config.model, data);
    let evaluator = Evaluator::new(data, &reader, &config.evaluate, config.seed, &control);
    let floors = evaluator.floors()?;
    let mut scores: Vec<GeneratorScore> = Vec::new();
    let mut generators = vec![("generator", base)];
    generators.extend(after.map(|(aligned, _)| ("aligned", aligned)));
    for (part, (name, model)) in generators.into_iter().enumerate() {
        let mut trouble = Ok(());
        let doing = format!("ranking held-out items with the {name} model");
        let scored = evaluator.generator(name, model, &mut |done, total| {
            if trouble.is_ok() {
                let total = total.max(1) * PARTS;
                let done = (2 + part as u64) * (total / PARTS) + done;
                trouble = ctx
                    .reporter
                    .progress(Stage::Evaluate, done.min(total), total, &doing);
            }
        });
        trouble?;
        scores.push(scored?);
    }
    let evaluation = evaluation_report(&evaluator, floors, &scores);
    report.evaluation = Some(evaluation.clone());
    ctx.reporter.emit(EngineEvent::EvaluationReady(evaluation))
}

fn rewards_before_and_after(
    ctx: &mut StageCtx<'_>,
    data: &PreparedData,
    items: &Items,
    base: &Generator,
    aligned: &Generator,
    scorers: &Scorers,
    report: &mut RunReport,
) -> Result<(), EngineError> {
    let config = ctx.config;
    let reader = items.reader(&config.model, data);
    let slate_len = config.data.session.slate_len;
    let settings = &config.evaluate;
    let generator = SlateGenerator::new(
        &reader,
        &data.popularity,
        slate_len,
        settings.reward_slates,
        settings.batch_size,
    );
    let is_flagged = flags(data, &config.align.flagged)?;
    let scorers = rewards::Scorers {
        reward: &scorers.reward,
        judge: &scorers.judge,
        oracle: data.dataset.oracle.as_ref(),
        flagged: is_flagged.as_deref(),
    };
    let cases = sample_cases(data, settings.reward_users, config.seed);
    let moments = moments(data, &cases, usize::MAX);
    let control = ctx.control.clone();
    let mut measure = |model: &Generator,
                       part: u64,
                       doing: &str|
     -> Result<(Measurement, Diversity, CodeCounts), EngineError> {
        let mut trouble = Ok(());
        let slates = generator.generate(model, &moments, &control, &mut |done, total| {
            if trouble.is_ok() {
                let total = total.max(1);
                trouble =
                    ctx.reporter
                        .progress(Stage::Evaluate, part * total + done, 4 * total, doing);
            }
        });
        trouble?;
        let slates = slates?;
        let shown = diversity(
            &slates,
            &data.popularity,
            &items.embeddings,
            is_flagged.as_deref(),
        );
        let codes = CodeCounts::of(&slates, items.vocab.n_levels);
        let scored = cases
            .iter()
            .zip(&moments)
            .zip(slates)
            .map(|((case, moment), slates)| scorers.score(case.user, &moment.history, &slates))
            .collect();
        Ok((Measurement::new(scored), shown, codes))
    };
    let (before, shown_before, codes_before) =
        measure(base, 0, "generating slates before alignment")?;
    let (after, shown_after, codes_after) =
        measure(aligned, 1, "generating slates after alignment")?;

    let mut alignment = compare(&before, &after);
    (alignment.diversity_before, alignment.diversity_after) = (shown_before, shown_after);
    alignment.codes = level_codes(&codes_before, &codes_after);
    alignment.steps = config.align.n_steps();
    alignment.iterations = config.align.iterations;
    let records = journal::read(&ctx.dir.events_path())?;
    let sum = |name| -> u64 {
        let series = journal::series(&records, Stage::Align, name);
        series.into_values().sum::<f64>() as u64
    };
    alignment.pairs = sum("step_pairs");
    alignment.pairs_left_out = sum("pairs_left_out");
    alignment.pairs_turned = sum("pairs_turned");
    report.alignment = Some(alignment.clone());
    ctx.reporter.emit(EngineEvent::AlignmentReady(alignment))?;

    let shown = SlateGenerator::new(
        &reader,
        &data.popularity,
        slate_len,
        SHOWN_SLATES,
        settings.batch_size,
    );
    for case in cases.iter().take(SHOWN_USERS) {
        let comparison = compare_slates(
            data,
            case.user,
            &shown,
            base,
            Some(aligned),
            scorers,
            &control,
        )?;
        ctx.reporter.emit(EngineEvent::SlatesReady(comparison))?;
    }
    Ok(())
}

/// Generates and scores slates for one user from what a run has saved, on the CPU.
///
/// # Errors
/// If the user is unknown.
pub fn inspect_user(saved: &SavedRun, user: &str) -> Result<SlateComparison, EngineError> {
    let data = &saved.data;
    let user_idx = saved.user(user)?;
    let config = &saved.config;
    let reader = saved.items.reader(&config.model, &saved.data);
    let generator = SlateGenerator::new(
        &reader,
        &data.popularity,
        config.data.session.slate_len,
        SHOWN_SLATES,
        1,
    );
    let after = saved.aligned.as_ref();
    compare_slates(
        data,
        user_idx,
        &generator,
        &saved.base,
        after,
        saved.judges(),
        &RunControl::default(),
    )
}

/// Measures a finished run once more on its held-out data, on the CPU.
///
/// # Errors
/// If the run has no generator yet.
pub fn evaluate_saved(dir: &RunDir, control: &RunControl) -> Result<EvaluationReport, EngineError> {
    let saved = SavedRun::load(dir)?;
    let config = &saved.config;
    let reader = saved.items.reader(&config.model, &saved.data);
    let evaluator = Evaluator::new(&saved.data, &reader, &config.evaluate, config.seed, control);
    let floors = evaluator.floors()?;
    let mut scores = vec![evaluator.generator("generator", &saved.base, &mut |_, _| {})?];
    if let Some(aligned) = &saved.aligned {
        scores.push(evaluator.generator("aligned", aligned, &mut |_, _| {})?);
    }
    Ok(evaluation_report(&evaluator, floors, &scores))
}

/// The floors, then the generator before and, where it was aligned, after alignment.
fn evaluation_report(
    evaluator: &Evaluator<'_>,
    floors: Vec<ModelScore>,
    scores: &[GeneratorScore],
) -> EvaluationReport {
    let entropy = |score: Option<&GeneratorScore>| {
        score.map_or_else(Vec::new, |of| of.held_out.entropy.clone())
    };
    let generators = scores.iter().map(|of| of.score.clone());
    EvaluationReport {
        protocol: evaluator.protocol(),
        models: floors.into_iter().chain(generators).collect(),
        code_entropy_before: entropy(scores.first()),
        code_entropy_after: entropy(scores.get(1)),
        verdict: match scores {
            [before, after] => after.verdict_since(before),
            _ => Vec::new(),
        },
    }
}
