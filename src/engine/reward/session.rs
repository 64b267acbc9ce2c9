//! The session reward model R(u, S): target attention, self-attention, a sum over items, four heads. [A 3.3.1 eq 5-6]
//!
//! ```text
//! v_i = W e_i                          frozen item vectors, projected
//! a_i = Attention(v_i, history)        target attention; a learned null key serves empty histories
//! h_i = MLP[v_i, a_i, v_i * a_i]       e_i of the paper: the item, seen with the user's eyes
//! x   = sum_i SelfAttention(h)_i       no positions in the slate: the order of its items does not matter
//! r_x = sigmoid(MLP_x(x))              x in swt, vtr, wtr, ltr
//! ```
//! The paper leaves open the target-aware operation, the number of heads and all widths. It has no item
//! identity here beyond the item vectors, so that items without feedback can be scored too.

use burn::module::{Module, Param};
use burn::nn::{Initializer, Linear, LinearConfig};
use burn::tensor::activation::{gelu, softmax};
use burn::tensor::{Bool, Device, Tensor};

use super::config::RewardConfig;

/// Names of the heads: session watch time, view, follow and like probability.
pub const HEAD_NAMES: [&str; N_HEADS] = ["swt", "vtr", "wtr", "ltr"];

/// Number of heads.
pub const N_HEADS: usize = 4;

/// Score of a masked key before the softmax: its weight is 0 in 32-bit floats.
const MASKED: f32 = -1e9;

/// Histories and slates as item vectors.
#[derive(Clone, Debug)]
pub struct RewardInput {
    /// `[b, h, d_embed]`, most recent first; h at most `history_len`.
    pub history: Tensor<3>,
    /// `[b, h]`, true where there is no item.
    pub history_is_pad: Tensor<2, Bool>,
    /// `[b, m, d_embed]`.
    pub slate: Tensor<3>,
    /// `[b, m]`, true where there is no item.
    pub slate_is_pad: Tensor<2, Bool>,
}

/// The model; also the judge, when trained on other users.
#[derive(Module, Debug)]
pub struct RewardModel {
    project: Linear,
    positions: Param<Tensor<2>>,
    null_key: Param<Tensor<2>>,
    target_attention: Attention,
    join: Perceptron,
    session_attention: Attention,
    heads: Vec<Perceptron>,
}

impl RewardConfig {
    /// A fresh model for item vectors of `d_embed` dimensions. Its weights come from the device's random
    /// numbers: seed the device first.
    pub fn init(&self, d_embed: usize, device: &Device) -> RewardModel {
        let small = Initializer::Normal {
            mean: 0.0,
            std: 0.02,
        };
        RewardModel {
            project: linear(d_embed, self.d_model, device),
            positions: small.init([self.history_len.max(1), self.d_model], device),
            null_key: small.init([1, self.d_model], device),
            target_attention: Attention::new(self.d_model, self.n_heads, device),
            join: Perceptron::new(3 * self.d_model, self.d_hidden, self.d_model, device),
            session_attention: Attention::new(self.d_model, self.n_heads, device),
            heads: (0..N_HEADS)
                .map(|_| Perceptron::new(self.d_model, self.d_hidden, 1, device))
                .collect(),
        }
        .materialize()
    }
}

impl RewardModel {
    /// Logits of the four heads.
    ///
    /// # Shapes
    /// - output: `[b, 4]`, order of [`HEAD_NAMES`]
    pub fn forward(&self, input: RewardInput) -> Tensor<2> {
        let [b, m, _] = input.slate.dims();
        let [_, h, _] = input.history.dims();
        let [_, d_model] = self.null_key.dims();

        let items = on_rows(input.slate, |rows| self.project.forward(rows));
        let positions = self.positions.val().narrow(0, 0, h).unsqueeze::<3>();
        let history = on_rows(input.history, |rows| self.project.forward(rows)) + positions;

        // The null key closes every history, so that no user is without a key.
        let null_key = self.null_key.val().unsqueeze::<3>().expand([b, 1, d_model]);
        let keys = Tensor::cat(vec![history, null_key], 1);
        let no_pad = Tensor::<2, Bool>::zeros([b, 1], &input.history_is_pad.device());
        let keys_are_pad = Tensor::cat(vec![input.history_is_pad, no_pad], 1);

        let attended = self
            .target_attention
            .forward(items.clone(), keys, keys_are_pad);
        let product = items.clone() * attended.clone();
        let joined = Tensor::cat(vec![items, attended, product], 2);
        let joined = on_rows(joined, |rows| self.join.forward(rows));

        let fused =
            self.session_attention
                .forward(joined.clone(), joined, input.slate_is_pad.clone());
        let is_pad = input.slate_is_pad.reshape([b, m, 1]).expand([b, m, d_model]);
        let session = fused
            .mask_fill(is_pad, 0.0)
            .sum_dim(1)
            .reshape([b, d_model]);

        let logits = self.heads.iter().map(|head| head.forward(session.clone()));
        Tensor::cat(logits.collect(), 1)
    }

    /// The device that holds the weights.
    pub fn device(&self) -> Device {
        self.null_key.val().device()
    }

    /// Longest history that the model has positions for.
    pub fn history_len(&self) -> usize {
        self.positions.dims()[0]
    }
}

/// Multi-head attention without biases.
#[derive(Module, Debug)]
struct Attention {
    query: Linear,
    key: Linear,
    value: Linear,
    output: Linear,
    n_heads: usize,
}

impl Attention {
    fn new(d_model: usize, n_heads: usize, device: &Device) -> Self {
        assert!(
            d_model.is_multiple_of(n_heads),
            "d_model {d_model} is not a multiple of n_heads {n_heads}"
        );
        Self {
            query: linear(d_model, d_model, device),
            key: linear(d_model, d_model, device),
            value: linear(d_model, d_model, device),
            output: linear(d_model, d_model, device),
            n_heads,
        }
    }

    /// # Shapes
    /// - queries: `[b, q, d_model]`, keys: `[b, k, d_model]`, is_pad: `[b, k]`
    /// - output: `[b, q, d_model]`
    fn forward(&self, queries: Tensor<3>, keys: Tensor<3>, is_pad: Tensor<2, Bool>) -> Tensor<3> {
        let [b, q, d_model] = queries.dims();
        let [_, k, _] = keys.dims();
        let d_head = d_model / self.n_heads;
        let split = |linear: &Linear, x: Tensor<3>, len: usize| {
            linear
                .forward(x.reshape([b * len, d_model]))
                .reshape([b, len, self.n_heads, d_head])
                .swap_dims(1, 2)
        };
        let query = split(&self.query, queries, q);
        let key = split(&self.key, keys.clone(), k);
        let value = split(&self.value, keys, k);

        let mask = is_pad
            .reshape([b, 1, 1, k])
            .expand([b, self.n_heads, q, k]);
        let scores = query
            .matmul(key.swap_dims(2, 3))
            .div_scalar((d_head as f32).sqrt())
            .mask_fill(mask, MASKED);
        let context = softmax(scores, 3)
            .matmul(value)
            .swap_dims(1, 2)
            .reshape([b * q, d_model]);
        self.output.forward(context).reshape([b, q, d_model])
    }
}

/// Two linear layers with a GELU between.
#[derive(Module, Debug)]
struct Perceptron {
    hidden: Linear,
    output: Linear,
}

impl Perceptron {
    fn new(d_input: usize, d_hidden: usize, d_output: usize, device: &Device) -> Self {
        Self {
            hidden: LinearConfig::new(d_input, d_hidden).init(device),
            output: LinearConfig::new(d_hidden, d_output).init(device),
        }
    }

    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        self.output.forward(gelu(self.hidden.forward(x)))
    }
}

fn linear(d_input: usize, d_output: usize, device: &Device) -> Linear {
    LinearConfig::new(d_input, d_output)
        .with_bias(false)
        .init(device)
}

/// Applies `f [rows, d] -> [rows, d']` to every vector of `[b, n, d]`: one matrix product instead of b small ones.
fn on_rows(x: Tensor<3>, f: impl FnOnce(Tensor<2>) -> Tensor<2>) -> Tensor<3> {
    let [b, n, d] = x.dims();
    let y = f(x.reshape([b * n, d]));
    let [_, d_output] = y.dims();
    y.reshape([b, n, d_output])
}
