//! Checks across fields. All problems are returned at once, each with the path of its field.

use super::{ConfigError, ExperimentConfig, validate_align, validate_pretrain};
use crate::engine::data::config::DataConfig;
use crate::engine::data::interaction::FeedbackFlags;

/// Checks everything that the types cannot.
///
/// # Errors
/// [`ConfigError::Invalid`] with one sentence per problem.
pub fn check(config: &ExperimentConfig) -> Result<(), ConfigError> {
    let mut problems = Vec::new();
    let mut require = |holds: bool, problem: String| {
        if !holds {
            problems.push(problem);
        }
    };
    let ExperimentConfig {
        data,
        embedding,
        tokenizer,
        model,
        pretrain,
        reward,
        align,
        evaluate,
        ..
    } = config;

    require(
        data.min_user_events >= 3,
        format!(
            "data.min_user_events must be at least 3, found {}",
            data.min_user_events
        ),
    );
    for name in data.columns.keys() {
        let is_feedback = FeedbackFlags::NAMED.iter().any(|(known, _)| known == name);
        require(
            is_feedback || DataConfig::COLUMNS.contains(&name.as_str()),
            format!(
                "data.columns knows {} and the kinds of feedback, found {name:?}",
                DataConfig::COLUMNS.join(", ")
            ),
        );
    }
    for name in &data.positive {
        require(
            FeedbackFlags::NAMED.iter().any(|(known, _)| known == name),
            format!(
                "data.positive knows {}, found {name:?}",
                FeedbackFlags::NAMED.map(|(known, _)| known).join(", ")
            ),
        );
    }
    require(
        !data.positive.is_empty(),
        "data.positive must name at least one kind of feedback".to_owned(),
    );
    require(
        (1..=20).contains(&data.session.slate_len),
        format!(
            "data.session.slate_len must be 1 to 20, found {}",
            data.session.slate_len
        ),
    );
    require(
        data.session.gap_minutes > 0.0,
        format!(
            "data.session.gap_minutes must be above 0, found {}",
            data.session.gap_minutes
        ),
    );
    require(
        data.split.test_frac > 0.0 && data.split.test_frac < 0.9,
        format!(
            "data.split.test_frac must lie between 0 and 0.9, found {}",
            data.split.test_frac
        ),
    );
    require(
        !embedding.file.as_os_str().is_empty()
            || embedding.content_dim + embedding.collaborative_dim > 0,
        "embedding needs a file, content_dim or collaborative_dim".to_owned(),
    );
    require(
        embedding.hash_buckets.is_power_of_two() && embedding.hash_buckets >= 64,
        format!(
            "embedding.hash_buckets must be a power of two from 64, found {}",
            embedding.hash_buckets
        ),
    );
    require(
        (1..=8).contains(&tokenizer.n_levels),
        format!(
            "tokenizer.n_levels must be 1 to 8, found {}",
            tokenizer.n_levels
        ),
    );
    require(
        (2..=65_536).contains(&tokenizer.codebook_size),
        format!(
            "tokenizer.codebook_size must be 2 to 65536, found {}",
            tokenizer.codebook_size
        ),
    );
    let drawn = &embedding.alignment;
    for (name, value, least) in [
        ("batch_size", drawn.batch_size, 2),
        ("n_queries", drawn.n_queries, 1),
        ("n_layers", drawn.n_layers, 1),
        ("n_heads", drawn.n_heads, 1),
        ("d_model", drawn.d_model, 1),
    ] {
        require(
            value >= least,
            format!("embedding.alignment.{name} must be at least {least}, found {value}"),
        );
    }
    require(
        drawn.d_model.is_multiple_of(drawn.n_heads.max(1)),
        format!(
            "embedding.alignment.d_model ({}) must be a multiple of embedding.alignment.n_heads ({})",
            drawn.d_model, drawn.n_heads
        ),
    );
    for (name, value) in [
        ("temperature", drawn.temperature),
        ("learning_rate", drawn.learning_rate),
        ("swing_alpha", drawn.swing_alpha),
    ] {
        require(
            value > 0.0 && value.is_finite(),
            format!("embedding.alignment.{name} must be above 0, found {value}"),
        );
    }
    require(
        drawn.caption_weight >= 0.0 && drawn.caption_weight.is_finite(),
        format!(
            "embedding.alignment.caption_weight must be at least 0, found {}",
            drawn.caption_weight
        ),
    );
    let rq_vae = &tokenizer.rq_vae;
    require(
        rq_vae.steps > 0
            && rq_vae.batch_size > 0
            && rq_vae.d_latent > 0
            && !rq_vae.hidden.contains(&0),
        "tokenizer.rq_vae.steps, batch_size, d_latent and every hidden width must be at least 1"
            .to_owned(),
    );
    require(
        rq_vae.commitment >= 0.0 && rq_vae.learning_rate > 0.0,
        "tokenizer.rq_vae.commitment must be at least 0 and learning_rate above 0".to_owned(),
    );
    require(
        model.n_heads > 0 && model.d_model.is_multiple_of(model.n_heads.max(1)),
        format!(
            "model.d_model ({}) must be a multiple of model.n_heads ({})",
            model.d_model, model.n_heads
        ),
    );
    require(
        model.n_encoder_layers > 0 && model.n_decoder_layers > 0,
        "model.n_encoder_layers and model.n_decoder_layers must be at least 1".to_owned(),
    );
    require(
        model.n_experts == 0 || (1..=model.n_experts).contains(&model.n_active_experts),
        format!(
            "model.n_active_experts must be 1 to model.n_experts ({}), found {}",
            model.n_experts, model.n_active_experts
        ),
    );
    require(
        model.expert_every_blocks > 0,
        "model.expert_every_blocks must be at least 1".to_owned(),
    );
    require(
        (0.0..1.0).contains(&model.balance_rate),
        format!(
            "model.balance_rate must be 0 to below 1, found {}",
            model.balance_rate
        ),
    );
    for problem in model.lazy.problems(model.n_heads, model.n_decoder_layers) {
        require(false, problem);
    }
    require(
        (0.0..1.0).contains(&model.dropout),
        format!(
            "model.dropout must be 0 to below 1, found {}",
            model.dropout
        ),
    );
    require(
        model.history_len > 0,
        "model.history_len must be at least 1".to_owned(),
    );
    let pathways = &model.pathways;
    require(
        !pathways.read.is_empty(),
        "model.pathways.read must name at least one of static, short, positive and lifelong"
            .to_owned(),
    );
    for (name, value) in [
        ("short_len", pathways.short_len),
        ("lifelong_events", pathways.lifelong_events),
        ("cluster_size", pathways.cluster_size),
        ("lifelong_positions", pathways.lifelong_positions),
        ("lifelong_queries", pathways.lifelong_queries),
        ("lifelong_layers", pathways.lifelong_layers),
        ("max_rows", pathways.max_rows),
    ] {
        require(
            value > 0,
            format!("model.pathways.{name} must be at least 1"),
        );
    }
    for (name, value) in [
        ("author_frac", pathways.author_frac),
        ("feature_frac", pathways.feature_frac),
        ("user_frac", pathways.user_frac),
    ] {
        require(
            value > 0.0 && value <= 1.0,
            format!("model.pathways.{name} must be above 0 and at most 1, found {value}"),
        );
    }
    require(
        (0.0..1.0).contains(&pathways.leaky_slope),
        format!(
            "model.pathways.leaky_slope must be 0 to below 1, found {}",
            pathways.leaky_slope
        ),
    );
    require(
        reward.n_heads > 0 && reward.d_model.is_multiple_of(reward.n_heads.max(1)),
        format!(
            "reward.d_model ({}) must be a multiple of reward.n_heads ({})",
            reward.d_model, reward.n_heads
        ),
    );
    require(
        reward
            .weights
            .iter()
            .all(|weight| weight.is_finite() && *weight >= 0.0),
        format!(
            "reward.weights must be finite and not negative, found {:?}",
            reward.weights
        ),
    );
    for (name, value) in [
        ("pretrain.learning_rate", pretrain.learning_rate),
        ("pretrain.table_lr_factor", pretrain.table_lr_factor),
        ("reward.learning_rate", reward.learning_rate),
        ("align.learning_rate", align.learning_rate),
        ("align.beta", align.beta),
        ("align.simpo_beta", align.simpo_beta),
    ] {
        require(
            value > 0.0 && value.is_finite(),
            format!("{name} must be above 0, found {value}"),
        );
    }
    for (name, value) in [
        ("pretrain.batch_size", pretrain.batch_size),
        ("reward.batch_size", reward.batch_size),
        ("align.batch_size", align.batch_size),
        ("evaluate.batch_size", evaluate.batch_size),
        ("evaluate.reward_slates", evaluate.reward_slates),
    ] {
        require(value > 0, format!("{name} must be at least 1"));
    }
    for (name, value) in [
        ("pretrain.steps", pretrain.steps),
        ("pretrain.log_every_steps", pretrain.log_every_steps),
        (
            "pretrain.checkpoint_every_steps",
            pretrain.checkpoint_every_steps,
        ),
        ("reward.steps", reward.steps),
        ("reward.log_every_steps", reward.log_every_steps),
        (
            "reward.checkpoint_every_steps",
            reward.checkpoint_every_steps,
        ),
        ("align.iterations", align.iterations),
        ("align.steps_per_iteration", align.steps_per_iteration),
        ("align.log_every_steps", align.log_every_steps),
        ("align.checkpoint_every_steps", align.checkpoint_every_steps),
    ] {
        require(value > 0, format!("{name} must be at least 1"));
    }
    validate_pretrain::check(pretrain, &mut require);
    validate_align::check(align, &mut require);
    require(
        evaluate.n_beams >= 10,
        format!(
            "evaluate.n_beams must be at least 10, found {}",
            evaluate.n_beams
        ),
    );

    if problems.is_empty() {
        Ok(())
    } else {
        Err(ConfigError::Invalid { problems })
    }
}
