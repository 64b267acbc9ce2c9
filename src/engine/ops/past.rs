//! Causal attention of new tokens to those before them, in rows that are kept, dropped and multiplied on the way: the
//! memory of a search.
//!
//! On the CPU the keys and values of a step stay where they were made; each row knows by number which row of every
//! earlier step it continues, and attention follows these numbers. Elsewhere the chosen rows are copied.

use burn::tensor::{Int, Tensor, TensorData};
use rayon::prelude::*;

use super::attention::{Heads, attention};
use super::buffer;
use super::extension::{constant, is_on_host, tensor, untracked, values};
use super::simd::{BLOCK_ROWS, exp, largest, sum, vectorised};

/// Keys and values of all tokens so far, without gradients.
#[derive(Clone, Debug, Default)]
pub struct Past {
    steps: Vec<Step>,
}

/// The tokens of one step.
#[derive(Clone, Debug)]
struct Step {
    /// `[n_rows at that time, n_tokens, 2 * n_heads * d_head]`, the keys of all heads before the values of all heads.
    key_value: Tensor<3>,
    /// Which of these rows each row now continues.
    rows: Vec<usize>,
}

impl Past {
    /// Whether there is no token.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Puts the next tokens of every row behind those before.
    ///
    /// # Shapes
    /// - key_value: `[n_rows, n_new, 2 * n_heads * d_head]`
    pub fn append(&mut self, key_value: Tensor<3>) {
        let [n_rows, _, _] = key_value.dims();
        let step = |key_value| Step {
            key_value,
            rows: (0..n_rows).collect(),
        };
        match self.steps.pop() {
            Some(last) if !stays(&key_value) => {
                let joined = Tensor::cat(vec![last.key_value, key_value], 1);
                self.steps.push(step(joined));
            }
            last => {
                self.steps.extend(last);
                self.steps.push(step(key_value));
            }
        }
    }

    /// Row `i` continues what was row `rows[i]`.
    pub fn select_rows(&mut self, rows: &[usize]) {
        for step in &mut self.steps {
            if stays(&step.key_value) {
                step.rows = rows.iter().map(|row| step.rows[*row]).collect();
            } else {
                step.key_value = chosen_rows(&step.key_value, rows);
                step.rows = (0..rows.len()).collect();
            }
        }
    }

    /// For each of the newest tokens the mean of the values of its row up to itself, weighted by the softmax of its
    /// scaled products with their keys. The tokens of a row stand together.
    ///
    /// # Shapes
    /// - query, output: `[n_rows * n_new, n_heads * d_head]`
    pub fn attend(&self, query: Tensor<2>, n_heads: usize) -> Tensor<2> {
        let on_host = is_on_host(&query.device(), &[query.dtype()]);
        if on_host && self.steps.iter().all(|step| stays(&step.key_value)) {
            self.attend_here(query, n_heads)
        } else {
            self.plain(query, n_heads)
        }
    }

    fn attend_here(&self, query: Tensor<2>, n_heads: usize) -> Tensor<2> {
        let [n_tokens, width] = query.dims();
        let n_rows = self.n_rows();
        let n_new = n_tokens / n_rows;
        let query = constant(query);
        let query = values(&query);
        let kept: Vec<_> = self
            .steps
            .iter()
            .map(|step| (constant(step.key_value.clone()), &step.rows))
            .collect();
        let steps: Vec<(&[f32], usize, &[usize])> = self
            .steps
            .iter()
            .zip(&kept)
            .map(|(step, (key_value, rows))| {
                let [_, n_tokens, _] = step.key_value.dims();
                (values(key_value), n_tokens * 2 * width, rows.as_slice())
            })
            .collect();
        let n_keys = steps.iter().map(|(_, len, _)| len / (2 * width)).sum();
        let mut output = buffer::take(query.len());
        output
            .par_chunks_mut(BLOCK_ROWS * n_new * width)
            .enumerate()
            .for_each_init(
                || (Vec::with_capacity(n_keys), vec![0.0; n_heads * n_keys]),
                |(tokens, weights), (block_idx, output)| {
                    let rows = output.chunks_exact_mut(n_new * width);
                    for (row, output) in (block_idx * BLOCK_ROWS..).zip(rows) {
                        tokens.clear();
                        for (values, len, rows) in &steps {
                            let of_row = &values[rows[row] * len..(rows[row] + 1) * len];
                            tokens.extend(of_row.chunks_exact(2 * width));
                        }
                        let queries = query[row * n_new * width..].chunks_exact(width);
                        let outputs = output.chunks_exact_mut(width);
                        for ((new_idx, query), output) in (1..).zip(queries).zip(outputs) {
                            let seen = &tokens[..n_keys - n_new + new_idx];
                            vectorised(
                                #[inline(always)]
                                || attend_token(query, seen, n_heads, weights, output),
                            );
                        }
                    }
                },
            );
        Tensor::from_dispatch(untracked(tensor(output, [n_tokens, width])))
    }

    fn plain(&self, query: Tensor<2>, n_heads: usize) -> Tensor<2> {
        let n_rows = self.n_rows();
        let n_new = query.dims()[0] / n_rows;
        let steps = self.steps.iter();
        let parts = steps.map(|step| chosen_rows(&step.key_value, &step.rows));
        let key_value = Tensor::cat(parts.collect(), 1);
        let n_keys = key_value.dims()[1];
        let mask: Vec<f32> = (0..n_new)
            .flat_map(|new_idx| {
                let last_seen = n_keys - n_new + new_idx;
                (0..n_keys).map(move |key_idx| if key_idx > last_seen { -1e9 } else { 0.0 })
            })
            .collect();
        let mask = TensorData::new(mask, [1, 1, n_new, n_keys]);
        let mask: Tensor<4> = Tensor::from_data(mask, &query.device());
        attention(query, key_value, Some(&mask), Heads::all(n_heads))
    }

    fn n_rows(&self) -> usize {
        self.steps.last().map_or(0, |step| step.rows.len())
    }
}

/// Whether keys and values stay where they are.
fn stays(key_value: &Tensor<3>) -> bool {
    is_on_host(&key_value.device(), &[key_value.dtype()])
}

fn chosen_rows(key_value: &Tensor<3>, rows: &[usize]) -> Tensor<3> {
    let [n_rows, n_tokens, width] = key_value.dims();
    let indices: Vec<i64> = rows.iter().map(|row| *row as i64).collect();
    let indices = TensorData::new(indices, [rows.len()]);
    let indices: Tensor<1, Int> = Tensor::from_data(indices, &key_value.device());
    key_value
        .clone()
        .reshape([n_rows, n_tokens * width])
        .select(0, indices)
        .reshape([rows.len(), n_tokens, width])
}

/// One query of all heads over the tokens that it sees.
#[inline(always)]
fn attend_token(
    query: &[f32],
    tokens: &[&[f32]],
    n_heads: usize,
    weights: &mut [f32],
    output: &mut [f32],
) {
    let width = query.len();
    let d_head = width / n_heads;
    let n_keys = tokens.len();
    let scale = (d_head as f32).sqrt().recip();
    for (key_idx, token) in tokens.iter().enumerate() {
        let heads = query
            .chunks_exact(d_head)
            .zip(token[..width].chunks_exact(d_head));
        for (head, (query, key)) in heads.enumerate() {
            weights[head * n_keys + key_idx] = scale * product(query, key);
        }
    }
    output.fill(0.0);
    for (head, output) in output.chunks_exact_mut(d_head).enumerate() {
        let weights = &mut weights[head * n_keys..(head + 1) * n_keys];
        let largest = largest(weights);
        for weight in &mut *weights {
            *weight = exp(*weight - largest);
        }
        let share = sum(weights).recip();
        for (weight, token) in weights.iter().zip(tokens) {
            let value = &token[width + head * d_head..][..d_head];
            let weight = weight * share;
            for (output, value) in output.iter_mut().zip(value) {
                *output += weight * value;
            }
        }
    }
}

/// Sum of products of one head's width.
#[inline(always)]
fn product(a: &[f32], b: &[f32]) -> f32 {
    const N_LANES: usize = 16;
    let mut lanes = [0.0_f32; N_LANES];
    let (a_chunks, a_rest) = a.as_chunks::<N_LANES>();
    let (b_chunks, b_rest) = b.as_chunks::<N_LANES>();
    for (a, b) in a_chunks.iter().zip(b_chunks) {
        for lane in 0..N_LANES {
            lanes[lane] += a[lane] * b[lane];
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    lanes.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use rand::RngExt as _;

    use super::*;
    use crate::engine::seed::Seed;

    /// A search of several steps, with two tokens at once in one of them, against the copied rows in plain attention.
    #[test]
    fn following_row_numbers_equals_copying_rows() {
        let device = Device::flex();
        for (n_heads, d_head) in [(1, 3), (2, 16), (4, 20)] {
            let width = n_heads * d_head;
            let mut rng = Seed(3).rng("test.past", d_head as u64);
            let mut random = |shape: [usize; 3]| -> Tensor<3> {
                let n = shape.iter().product();
                let values: Vec<f32> = (0..n).map(|_| rng.random_range(-2.0..2.0)).collect();
                Tensor::from_data(TensorData::new(values, shape), &device)
            };
            let mut past = Past::default();
            assert!(past.is_empty());
            let mut copied: Option<Tensor<3>> = None;
            let mut n_rows = 2;
            // Rows multiply at first, then some are dropped and the others change places.
            let choices: [&[usize]; 4] = [
                &[0, 0, 0, 1, 1, 1],
                &[2, 0, 0, 5, 3, 3],
                &[1, 0, 2, 3],
                &[3, 3, 1, 1],
            ];
            for (rows, n_new) in choices.into_iter().zip([1, 2, 1, 1]) {
                let newer = random([n_rows, n_new, 2 * width]);
                past.append(newer.clone());
                let all = match copied.take() {
                    Some(before) => Tensor::cat(vec![before, newer], 1),
                    None => newer,
                };
                let query = random([1, n_rows * n_new, width]).reshape([n_rows * n_new, width]);
                let found = past.attend(query.clone(), n_heads);
                for expected in [
                    past.plain(query.clone(), n_heads),
                    Past {
                        steps: vec![Step {
                            rows: (0..n_rows).collect(),
                            key_value: all.clone(),
                        }],
                    }
                    .plain(query, n_heads),
                ] {
                    let difference: f32 = (found.clone() - expected).abs().max().into_scalar();
                    assert!(difference < 1e-5, "{n_heads} heads: {difference}");
                }
                past.select_rows(rows);
                copied = Some(chosen_rows(&all, rows));
                n_rows = rows.len();
            }
        }
    }
}
