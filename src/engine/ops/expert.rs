//! Gated feed-forward layers of which each token uses a few: the tokens of an expert are one product each.
//!
//! The cost follows the number of choices, not of experts, however uneven the load is. Nothing is dropped.

use std::sync::Arc;

use burn::tensor::Tensor;
use faer::Accum;
use rayon::prelude::*;

use super::buffer;
use super::expert_blocks;
use super::expert_groups::Groups;
use super::extension::{HostTensor, Operation, apply, is_on_host, tensor, values, width};
use super::product::{matrix, matrix_mut, product_here};
use super::simd::{sigmoid, sum, vectorised};

/// Weights of all experts.
#[derive(Clone, Debug)]
pub struct ExpertWeights {
    /// `[n_experts, d_model, d_hidden]`.
    pub gate: Tensor<3>,
    /// `[n_experts, d_model, d_hidden]`.
    pub up: Tensor<3>,
    /// `[n_experts, d_hidden, d_model]`.
    pub down: Tensor<3>,
}

/// Sum of the chosen experts' outputs, each times its share.
///
/// # Shapes
/// - x, output: `[n_tokens, d_model]`
/// - shares: `[n_tokens, n_active]`
/// - chosen: the expert of each share, `[n_tokens * n_active]`, no expert twice for a token
pub fn experts(
    x: Tensor<2>,
    shares: Tensor<2>,
    chosen: Vec<i64>,
    weights: ExpertWeights,
) -> Tensor<2> {
    let ExpertWeights { gate, up, down } = &weights;
    let [n_experts, _, _] = gate.dims();
    let dtypes = [
        x.dtype(),
        shares.dtype(),
        gate.dtype(),
        up.dtype(),
        down.dtype(),
    ];
    if !is_on_host(&x.device(), &dtypes) {
        return expert_blocks::experts(x, shares, chosen, weights);
    }
    let [_, n_active] = shares.dims();
    let operation = Experts {
        groups: Arc::new(Groups::new(&chosen, n_experts, n_active)),
    };
    let ExpertWeights { gate, up, down } = weights;
    let operands = [
        x.into_dispatch(),
        shares.into_dispatch(),
        gate.into_dispatch(),
        up.into_dispatch(),
        down.into_dispatch(),
    ];
    Tensor::from_dispatch(apply(operation, operands))
}

#[derive(Clone, Debug)]
struct Experts {
    groups: Arc<Groups>,
}

/// Operands, and what the gates and the upward products gave, by slot.
#[derive(Clone, Debug)]
struct Saved {
    operands: [HostTensor; 5],
    gated: HostTensor,
    raised: HostTensor,
}

/// The weights of one expert.
fn of_expert(weights: &HostTensor, expert: usize, len: usize) -> &[f32] {
    &values(weights)[expert * len..(expert + 1) * len]
}

impl Operation<5> for Experts {
    type Saved = Saved;

    fn forward(&self, operands: [HostTensor; 5]) -> (HostTensor, Saved) {
        let groups = &*self.groups;
        let [x, shares, gate, up, down] = &operands;
        let (d_model, d_hidden) = (width(x), width(gate));
        let n_slots = groups.choices.len();
        let mut gated = buffer::take(n_slots * d_hidden);
        let mut raised = buffer::take(n_slots * d_hidden);
        let mut outputs = buffer::take(n_slots * d_model);
        groups
            .split(&mut gated, d_hidden)
            .into_par_iter()
            .zip(groups.split(&mut raised, d_hidden))
            .zip(groups.split(&mut outputs, d_model))
            .enumerate()
            .with_max_len(1)
            .filter(|(expert, _)| !groups.of_expert(*expert).is_empty())
            .for_each(|(expert, ((gated, raised), outputs))| {
                let input = groups.gather(expert, values(x), d_model);
                let [gate, up, down] =
                    [gate, up, down].map(|weights| of_expert(weights, expert, d_model * d_hidden));
                let times = |output: &mut [f32], weights| {
                    product_here(
                        matrix_mut(output, d_hidden),
                        Accum::Replace,
                        matrix(&input, d_model),
                        matrix(weights, d_hidden),
                    );
                };
                times(gated, gate);
                times(raised, up);
                let mut hidden = buffer::take(gated.len());
                vectorised(
                    #[inline(always)]
                    || {
                        let factors = gated.iter().zip(&*raised);
                        for (hidden, (gated, raised)) in hidden.iter_mut().zip(factors) {
                            *hidden = gated * sigmoid(*gated) * raised;
                        }
                    },
                );
                product_here(
                    matrix_mut(outputs, d_model),
                    Accum::Replace,
                    matrix(&hidden, d_hidden),
                    matrix(down, d_model),
                );
                buffer::keep(hidden);
                buffer::keep(input);
            });
        let shares = values(shares);
        let output = groups.combine(&outputs, d_model, |choice| shares[choice]);
        buffer::keep(outputs);
        let n_tokens = n_slots / groups.n_active;
        let saved = Saved {
            operands,
            gated: tensor(gated, [n_slots, d_hidden]),
            raised: tensor(raised, [n_slots, d_hidden]),
        };
        (tensor(output, [n_tokens, d_model]), saved)
    }

    /// The gradient of a share is the product of its expert's hidden values with the gradient that reaches them
    /// without it, so the outputs need not be kept.
    fn backward(
        &self,
        saved: Saved,
        gradient: HostTensor,
        _wanted: [bool; 5],
    ) -> [Option<HostTensor>; 5] {
        let groups = &*self.groups;
        let [x, shares, gate, up, down] = &saved.operands;
        let (d_model, d_hidden) = (width(x), width(gate));
        let n_slots = groups.choices.len();
        let n_experts = groups.starts.len() - 1;
        let n_weights = d_model * d_hidden;
        let mut gated = buffer::into_values(saved.gated);
        let mut raised = buffer::into_values(saved.raised);
        let mut of_inputs = buffer::take(n_slots * d_model);
        let mut of_slot_shares = vec![0.0; n_slots];
        let [mut of_gate, mut of_up, mut of_down] =
            [(); 3].map(|()| buffer::take(n_experts * n_weights));
        let slot_parts = groups
            .split(&mut gated, d_hidden)
            .into_par_iter()
            .zip(groups.split(&mut raised, d_hidden))
            .zip(groups.split(&mut of_inputs, d_model))
            .zip(groups.split(&mut of_slot_shares, 1))
            .map(|(((gated, raised), of_input), of_shares)| SlotParts {
                gated,
                raised,
                of_input,
                of_shares,
            });
        slot_parts
            .zip(of_gate.par_chunks_mut(n_weights))
            .zip(of_up.par_chunks_mut(n_weights))
            .zip(of_down.par_chunks_mut(n_weights))
            .enumerate()
            .with_max_len(1)
            .for_each(|(expert, (((parts, of_gate), of_up), of_down))| {
                if groups.of_expert(expert).is_empty() {
                    for of_weights in [of_gate, of_up, of_down] {
                        of_weights.fill(0.0);
                    }
                    return;
                }
                let [gate, up, down] =
                    [gate, up, down].map(|weights| of_expert(weights, expert, n_weights));
                let task = Task {
                    groups,
                    expert,
                    d_model,
                    d_hidden,
                };
                task.run(
                    [values(x), values(shares), values(&gradient)],
                    [gate, up, down],
                    parts,
                    [of_gate, of_up, of_down],
                );
            });
        let of_x = groups.combine(&of_inputs, d_model, |_| 1.0);
        let of_shares: Vec<f32> = groups
            .slots
            .iter()
            .map(|slot| of_slot_shares[*slot])
            .collect();
        buffer::keep(gated);
        buffer::keep(raised);
        buffer::keep(of_inputs);
        buffer::give(gradient);
        saved.operands.into_iter().for_each(buffer::give);
        let n_tokens = n_slots / groups.n_active;
        [
            Some(tensor(of_x, [n_tokens, d_model])),
            Some(tensor(of_shares, [n_tokens, groups.n_active])),
            Some(tensor(of_gate, [n_experts, d_model, d_hidden])),
            Some(tensor(of_up, [n_experts, d_model, d_hidden])),
            Some(tensor(of_down, [n_experts, d_hidden, d_model])),
        ]
    }
}

/// The slots of one expert.
struct SlotParts<'a> {
    gated: &'a mut [f32],
    raised: &'a mut [f32],
    of_input: &'a mut [f32],
    of_shares: &'a mut [f32],
}

/// The backward pass of one expert.
struct Task<'a> {
    groups: &'a Groups,
    expert: usize,
    d_model: usize,
    d_hidden: usize,
}

impl Task<'_> {
    fn run(
        &self,
        [x, shares, gradient]: [&[f32]; 3],
        [gate, up, down]: [&[f32]; 3],
        parts: SlotParts<'_>,
        [of_gate, of_up, of_down]: [&mut [f32]; 3],
    ) {
        let (d_model, d_hidden) = (self.d_model, self.d_hidden);
        let SlotParts {
            gated,
            raised,
            of_input,
            of_shares,
        } = parts;
        let input = self.groups.gather(self.expert, x, d_model);
        let of_output = self.groups.gather(self.expert, gradient, d_model);
        let mut hidden = buffer::take(gated.len());
        product_here(
            matrix_mut(&mut hidden, d_hidden),
            Accum::Replace,
            matrix(&of_output, d_model),
            matrix(down, d_model).transpose(),
        );
        let choices = self.groups.of_expert(self.expert);
        vectorised(
            #[inline(always)]
            || {
                let rows = hidden
                    .chunks_exact_mut(d_hidden)
                    .zip(gated.chunks_exact_mut(d_hidden))
                    .zip(raised.chunks_exact_mut(d_hidden));
                for ((((hidden, gated), raised), choice), of_share) in
                    rows.zip(choices).zip(of_shares)
                {
                    *of_share = backward_slot(hidden, gated, raised, shares[*choice]);
                }
            },
        );
        let of_weights = |of_weights: &mut [f32], a: &[f32], b: &[f32], rows, columns| {
            product_here(
                matrix_mut(of_weights, columns),
                Accum::Replace,
                matrix(a, rows).transpose(),
                matrix(b, columns),
            );
        };
        of_weights(of_down, &hidden, &of_output, d_hidden, d_model);
        of_weights(of_gate, &input, gated, d_model, d_hidden);
        of_weights(of_up, &input, raised, d_model, d_hidden);
        for (accum, of_product, weights) in
            [(Accum::Replace, gated, gate), (Accum::Add, raised, up)]
        {
            product_here(
                matrix_mut(of_input, d_model),
                accum,
                matrix(of_product, d_hidden),
                matrix(weights, d_hidden).transpose(),
            );
        }
        buffer::keep(hidden);
        buffer::keep(of_output);
        buffer::keep(input);
    }
}

/// Turns the gradient of one token's hidden values, which lacks its share, into hidden values times the share, and the
/// two factors into their gradients. Returns the gradient of the share.
#[inline(always)]
fn backward_slot(hidden: &mut [f32], gated: &mut [f32], raised: &mut [f32], share: f32) -> f32 {
    // The products gated * sigmoid(gated) * raised are needed once for the sum and once for the update.
    let mut activated = [0.0_f32; 64];
    let mut of_share = 0.0;
    for ((hidden, gated), raised) in hidden
        .chunks_mut(64)
        .zip(gated.chunks_mut(64))
        .zip(raised.chunks_mut(64))
    {
        let activated = &mut activated[..hidden.len()];
        for (((hidden, gated), raised), activated) in hidden
            .iter_mut()
            .zip(gated)
            .zip(raised)
            .zip(&mut *activated)
        {
            let (of_hidden, x, factor) = (*hidden, *gated, *raised);
            let sigmoid = sigmoid(x);
            let silu = x * sigmoid;
            *activated = silu * factor * of_hidden;
            *hidden = silu * factor * share;
            *raised = share * of_hidden * silu;
            *gated = share * of_hidden * factor * (sigmoid + silu * (1.0 - sigmoid));
        }
        of_share += sum(activated);
    }
    of_share
}

#[cfg(test)]
mod tests {
    use super::super::checks::check;
    use super::*;

    #[test]
    fn equals_the_blocks_of_the_plain_composition() {
        // Tokens, experts, active, widths; in the first two some experts have no token.
        for (n_tokens, n_experts, n_active, d_model, d_hidden) in [
            (1, 5, 1, 3, 4),
            (3, 9, 2, 1, 1),
            (70, 4, 2, 6, 70),
            (9, 3, 3, 5, 7),
        ] {
            let chosen: Vec<i64> = (0..n_tokens)
                .flat_map(|token| {
                    (0..n_active).map(move |choice| ((token * token + choice) % n_experts) as i64)
                })
                .collect();
            let operands = |x: &[Tensor<1>]| {
                let weights =
                    |x: &Tensor<1>, rows, columns| x.clone().reshape([n_experts, rows, columns]);
                (
                    x[0].clone().reshape([n_tokens, d_model]),
                    x[1].clone().reshape([n_tokens, n_active]),
                    ExpertWeights {
                        gate: weights(&x[2], d_model, d_hidden),
                        up: weights(&x[3], d_model, d_hidden),
                        down: weights(&x[4], d_hidden, d_model),
                    },
                )
            };
            let n_weights = n_experts * d_model * d_hidden;
            check(
                &[
                    n_tokens * d_model,
                    n_tokens * n_active,
                    n_weights,
                    n_weights,
                    n_weights,
                ],
                1.0,
                |x| {
                    let (x, shares, weights) = operands(x);
                    experts(x, shares, chosen.clone(), weights).flatten(0, 1)
                },
                |x| {
                    let (x, shares, weights) = operands(x);
                    expert_blocks::experts(x, shares, chosen.clone(), weights).flatten(0, 1)
                },
            );
        }
    }
}
