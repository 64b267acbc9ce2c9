//! Checks across the fields of next-token training.

use crate::engine::train::config::PretrainConfig;

/// Requires what the types cannot.
pub(super) fn check(pretrain: &PretrainConfig, require: &mut impl FnMut(bool, String)) {
    require(
        (0.0..1.0).contains(&pretrain.label_smoothing),
        format!(
            "pretrain.label_smoothing must be 0 to below 1, found {}",
            pretrain.label_smoothing
        ),
    );
    require(
        (1..=pretrain.batch_size.max(1)).contains(&pretrain.micro_batches),
        format!(
            "pretrain.micro_batches must be 1 to pretrain.batch_size ({}), found {}",
            pretrain.batch_size, pretrain.micro_batches
        ),
    );
    require(
        pretrain.patience == 0 || pretrain.validate_every_steps > 0,
        "pretrain.patience needs pretrain.validate_every_steps above 0".to_owned(),
    );
    require(
        pretrain.validate_every_steps == 0 || pretrain.validation_users > 0,
        "pretrain.validation_users must be at least 1 where pretrain.validate_every_steps is above 0".to_owned(),
    );
}
