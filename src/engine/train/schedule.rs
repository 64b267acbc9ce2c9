//! Learning rates as pure functions of the step.

use std::f64::consts::PI;

/// Linear warm-up to `peak` over `warmup_steps`, then a half cosine down to `peak * final_frac` at `total_steps`.
/// `step` counts from 0.
pub fn warmup_cosine(
    step: u64,
    total_steps: u64,
    warmup_steps: u64,
    peak: f64,
    final_frac: f64,
) -> f64 {
    if step < warmup_steps {
        return peak * (step + 1) as f64 / warmup_steps as f64;
    }
    let span = total_steps.saturating_sub(warmup_steps).max(1) as f64;
    let done = ((step - warmup_steps) as f64 / span).min(1.0);
    peak * (final_frac + (1.0 - final_frac) * 0.5 * (1.0 + (PI * done).cos()))
}

/// Linear warm-up to `peak` over `warmup_steps`, then constant.
pub fn warmup_constant(step: u64, warmup_steps: u64, peak: f64) -> f64 {
    peak * ((step + 1) as f64 / warmup_steps.max(1) as f64).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_rises_to_its_peak_and_falls_to_its_floor() {
        let rate = |step| warmup_cosine(step, 1000, 100, 2.0, 0.1);
        assert!((rate(0) - 0.02).abs() < 1e-12);
        assert!((rate(99) - 2.0).abs() < 1e-12);
        assert!(
            (rate(550) - 1.1).abs() < 1e-12,
            "half way is the middle between peak and floor"
        );
        assert!((rate(1000) - 0.2).abs() < 1e-12);
        assert!((rate(5000) - 0.2).abs() < 1e-12);
        assert!((warmup_constant(4, 10, 1.0) - 0.5).abs() < 1e-12);
    }
}
