//! eval/baselines
