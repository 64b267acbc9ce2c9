//! Checks across the fields of preference alignment.

use crate::engine::train::config::AlignConfig;

/// Requires what the types cannot.
pub(super) fn check(align: &AlignConfig, require: &mut impl FnMut(bool, String)) {
    require(
        (0.0..=1.0).contains(&align.dpo_ratio),
        format!("align.dpo_ratio must be 0 to 1, found {}", align.dpo_ratio),
    );
    require(
        (0.0..0.5).contains(&align.label_noise),
        format!(
            "align.label_noise must be 0 to below 0.5, found {}",
            align.label_noise
        ),
    );
    for (name, value) in [
        ("align.clip", align.clip),
        ("align.early_clip", align.early_clip),
        ("align.kl_weight", align.kl_weight),
    ] {
        require(
            (0.0..1e6).contains(&value),
            format!("{name} must be 0 to below 1e6, found {value}"),
        );
    }
    require(
        align.target_margin.is_finite(),
        format!(
            "align.target_margin must be finite, found {}",
            align.target_margin
        ),
    );
    require(
        (1..align.n_candidates.max(2)).contains(&align.n_rejected),
        format!(
            "align.n_rejected must be at least 1 and below align.n_candidates ({}), found {}",
            align.n_candidates, align.n_rejected
        ),
    );
    require(
        align.n_candidates >= 2,
        format!(
            "align.n_candidates must be at least 2, found {}",
            align.n_candidates
        ),
    );
    for (name, value) in [
        ("align.flagged_share", align.flagged_share),
        ("align.flagged_scale", align.flagged_scale),
    ] {
        require(
            (0.0..=1.0).contains(&value),
            format!("{name} must be 0 to 1, found {value}"),
        );
    }
    require(
        align.max_staleness == 0 || align.objective.has_ratio(),
        format!(
            "align.max_staleness must be 0 for {}: only GRPO, ECPO and GBPO correct for an older snapshot, found {}",
            align.objective.title(),
            align.max_staleness
        ),
    );
    require(
        align.keep_sessions_frac > 0.0 && align.keep_sessions_frac <= 1.0,
        format!(
            "align.keep_sessions_frac must be above 0 and at most 1, found {}",
            align.keep_sessions_frac
        ),
    );
    require(
        align.sampling.temperature > 0.0 && align.sampling.top_p > 0.0,
        "align.sampling.temperature and align.sampling.top_p must be above 0".to_owned(),
    );
    require(
        align.format_weight >= 0.0 && align.exposure_weight >= 0.0,
        "align.format_weight and align.exposure_weight must be at least 0".to_owned(),
    );
    require(
        align.format_choices > 0 && align.format_choices <= align.format_samples,
        format!(
            "align.format_choices must be 1 to align.format_samples ({}), found {}",
            align.format_samples, align.format_choices
        ),
    );
    require(
        align.exposure_batch_size > 0 && align.duration_base > 1.0,
        "align.exposure_batch_size must be at least 1 and align.duration_base above 1".to_owned(),
    );
    require(
        align
            .probe_every_steps
            .is_multiple_of(align.log_every_steps.max(1)),
        format!(
            "align.probe_every_steps ({}) must be a multiple of align.log_every_steps ({})",
            align.probe_every_steps, align.log_every_steps
        ),
    );
    require(
        align.probe_slates > 0,
        "align.probe_slates must be at least 1".to_owned(),
    );
}
