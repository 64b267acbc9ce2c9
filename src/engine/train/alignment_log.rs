//! What a logged step of alignment tells: its values, the pairs it learned from, and every few steps a probe of the
//! policy, with the warnings that follow from them. Nothing that is learned depends on it.

use burn::tensor::Tensor;

use super::alignment_probe::{AlignmentProbe, ProbeInput};
use super::alignment_term::AlignmentTerm;
use super::alignment_watch::{AlignmentWatch, Warning};
use super::ctx::StageCtx;
use super::preference_pairs::PreferencePair;
use super::shown_groups::group_spread;
use super::shown_pairs::shown_pairs;
use crate::engine::error::EngineError;
use crate::engine::event::{EngineEvent, Stage, StepPoint};
use crate::engine::loss::preference::PairLogProbs;
use crate::engine::model::Generator;

/// What a step computed, not yet read back.
pub(super) struct Computed {
    pub loss: Tensor<1>,
    pub next_token_loss: Tensor<1>,
    /// What was added to it: alignment, format reward, logged exposures.
    pub terms: Vec<AlignmentTerm>,
    pub learning_rate: f64,
    pub grad_norm: Option<Tensor<1>>,
    /// Of each level's predictions, `[n_levels]`.
    pub entropy: Tensor<1>,
}

/// The probe and the watch over one alignment.
pub(super) struct AlignmentLog<'a> {
    input: ProbeInput<'a>,
    /// Made when the first probe falls due; nothing within where there is nobody to measure.
    probe: Option<Option<AlignmentProbe<'a>>>,
    watch: AlignmentWatch,
}

impl<'a> AlignmentLog<'a> {
    pub(super) fn new(input: ProbeInput<'a>) -> Self {
        Self {
            input,
            probe: None,
            watch: AlignmentWatch::default(),
        }
    }

    /// Reads the values of step number `number` and tells its pairs.
    ///
    /// # Errors
    /// If the journal cannot be written.
    pub(super) fn values(
        &mut self,
        ctx: &mut StageCtx<'_>,
        number: u64,
        pairs: &[PreferencePair<'_>],
        computed: Computed,
    ) -> Result<Vec<(String, f64)>, EngineError> {
        let terms = || computed.terms.iter();
        if let Some(said) = terms().find_map(|term| term.pairs.as_ref()) {
            self.tell_pairs(ctx, number, pairs, said)?;
        }
        if let Some((advantages, ratios)) = terms().find_map(|term| term.spread.as_ref()) {
            let spread = group_spread(number, advantages, ratios);
            ctx.reporter.emit(EngineEvent::GroupsLearned(spread))?;
        }
        let mut values = vec![
            ("loss".to_owned(), read(computed.loss)),
            ("next_token_loss".to_owned(), read(computed.next_token_loss)),
        ];
        values.extend(computed.terms.into_iter().flat_map(read_term));
        values.push(("learning_rate".to_owned(), computed.learning_rate));
        if let Some(norm) = computed.grad_norm {
            values.push(("grad_norm".to_owned(), read(norm)));
        }
        let entropy = computed.entropy.into_data();
        for (entropy, level) in entropy.iter::<f32>().zip(1..) {
            values.push((format!("entropy_level_{level}"), entropy.into()));
        }
        if let Some((_, gap)) = values.iter().find(|(name, _)| name == "reward_gap") {
            tell(ctx, self.watch.look_at_pairs(number, *gap))?;
        }
        Ok(values)
    }

    /// Measures the policy after step number `number` where a probe falls due, and warns where the figures ask for it.
    ///
    /// # Errors
    /// [`EngineError::Stopped`] on request, or if the journal cannot be written.
    pub(super) fn probe(
        &mut self,
        ctx: &mut StageCtx<'_>,
        number: u64,
        policy: &Generator,
    ) -> Result<Vec<(String, f64)>, EngineError> {
        let settings = &ctx.config.align;
        let every = settings.probe_every_steps;
        if every == 0 || !number.is_multiple_of(every) {
            return Ok(Vec::new());
        }
        let Some(probe) = self.probe_of(ctx)? else {
            return Ok(Vec::new());
        };
        let point = probe.look(policy, ctx.control)?;
        tell(ctx, self.watch.look(number, &point))?;
        Ok(point.values())
    }

    /// Tells the generator's figures before the first step, where every curve of the probes begins.
    ///
    /// # Errors
    /// [`EngineError::Stopped`] on request, or if the journal cannot be written.
    pub(super) fn begin(&mut self, ctx: &mut StageCtx<'_>) -> Result<(), EngineError> {
        if ctx.config.align.probe_every_steps == 0 {
            return Ok(());
        }
        let Some(probe) = self.probe_of(ctx)? else {
            return Ok(());
        };
        let beginning = StepPoint {
            values: probe.beginning().values(),
            ..StepPoint::default()
        };
        ctx.reporter.step(Stage::Align, beginning)
    }

    /// The probe, made when it is first asked for.
    fn probe_of(&mut self, ctx: &StageCtx<'_>) -> Result<Option<&AlignmentProbe<'a>>, EngineError> {
        if self.probe.is_none() {
            let settings = &ctx.config.align;
            let made = AlignmentProbe::new(self.input, settings, ctx.control)?;
            self.probe = Some(made);
        }
        Ok(self.probe.as_ref().and_then(Option::as_ref))
    }

    fn tell_pairs(
        &self,
        ctx: &mut StageCtx<'_>,
        number: u64,
        pairs: &[PreferencePair<'_>],
        said: &PairLogProbs,
    ) -> Result<(), EngineError> {
        let ProbeInput {
            data,
            reader,
            scorers,
            ..
        } = self.input;
        let shown = shown_pairs(number, pairs, said, data, reader.table(), scorers);
        ctx.reporter.emit(EngineEvent::PairsLearned(shown))
    }
}

fn read_term(term: AlignmentTerm) -> impl Iterator<Item = (String, f64)> {
    let tensors = term
        .tensors
        .into_iter()
        .map(|(name, tensor)| (name.to_owned(), read(tensor)));
    let plain = term
        .values
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value));
    tensors.chain(plain)
}

fn read(tensor: Tensor<1>) -> f64 {
    f64::from(tensor.into_scalar::<f32>())
}

fn tell(ctx: &mut StageCtx<'_>, warnings: Vec<Warning>) -> Result<(), EngineError> {
    for warning in warnings {
        ctx.reporter
            .warn(Stage::Align, warning.text, warning.hint)?;
    }
    Ok(())
}
