//! Which token goes to which expert, planned on the host.

/// The plan for one batch of tokens. Experts are `i64`, the CPU backend's own index type.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Routing {
    /// The chosen experts of each token, best first, `[n_tokens * n_active]`.
    pub(super) experts: Vec<i64>,
    /// Choices per expert; they sum to `n_tokens * n_active`.
    pub(super) load: Vec<usize>,
}

impl Routing {
    /// Sends each token to its `n_active` best experts; ties go to the lower index.
    ///
    /// # Shapes
    /// - scores: `[n_tokens * n_experts]`
    pub(super) fn new(scores: &[f32], n_experts: usize, n_active: usize) -> Self {
        let n_tokens = scores.len() / n_experts;
        let mut experts = Vec::with_capacity(n_tokens * n_active);
        let mut load = vec![0; n_experts];
        for row in scores.chunks_exact(n_experts) {
            let start = experts.len();
            for _ in 0..n_active {
                let best = best_except(row, &experts[start..]);
                experts.push(best as i64);
                load[best] += 1;
            }
        }

        Self { experts, load }
    }
}

/// Index of the largest score that is not among `taken`.
fn best_except(row: &[f32], taken: &[i64]) -> usize {
    let mut best: Option<(usize, f32)> = None;
    for (idx, score) in row.iter().enumerate() {
        if taken.contains(&(idx as i64)) {
            continue;
        }
        if best.is_none_or(|(_, largest)| *score > largest) {
            best = Some((idx, *score));
        }
    }
    best.map_or(0, |(idx, _)| idx)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn best_experts_first_and_ties_to_the_lower_index() {
        let scores = [0.1, 0.6, 0.3, /**/ 0.4, 0.2, 0.4];
        assert_eq!(Routing::new(&scores, 3, 2).experts, [1, 2, 0, 2]);
    }
}
