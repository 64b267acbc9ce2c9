//! Attention to keys and values that are already there: no projection of its own for them. [V2 2.2]
//!
//! Grouped queries: `n_heads / n_kv_heads` heads of queries look at the same head of keys and values.

use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::Tensor;

use crate::engine::model::attention::KeyValue;
use crate::engine::model::init::Initializer;
use crate::engine::ops;

/// Queries and output of a cross-attention.
#[derive(Module, Debug)]
pub(super) struct CrossAttention {
    pub(super) query: Linear,
    pub(super) output: Linear,
    n_heads: usize,
}

impl CrossAttention {
    pub(super) fn init(d_model: usize, n_heads: usize, init: &mut Initializer<'_>) -> Self {
        Self {
            query: init.linear(d_model, d_model),
            output: init.linear(d_model, d_model),
            n_heads,
        }
    }

    /// Attends from each query to the keys of its request. The queries of a request stand together.
    ///
    /// # Shapes
    /// - x, output: `[n_requests * n_queries, d_model]`
    /// - memory: `[n_requests, n_keys, n_kv_heads * d_head]`
    /// - mask: broadcasts to `[n_requests, 1, n_queries, n_keys]`
    pub(super) fn forward(
        &self,
        x: Tensor<2>,
        memory: &KeyValue,
        mask: Option<&Tensor<4>>,
    ) -> Tensor<2> {
        let query = ops::linear([x, self.query.weight.val()]);
        let attended = memory.attend(query, mask, self.n_heads);
        ops::linear([attended, self.output.weight.val()])
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use burn::tensor::activation::softmax;

    use super::*;
    use crate::engine::model::attention::Attention;
    use crate::engine::seed::Seed;

    fn random<const D: usize>(shape: [usize; D], seed: u64, device: &Device) -> Tensor<D> {
        Initializer::new(Seed(seed), device)
            .uniform(shape, 1.0)
            .val()
    }

    fn assert_near(found: Tensor<2>, expected: Tensor<2>) {
        let difference: f32 = (found - expected).abs().max().into_scalar();
        assert!(difference < 1e-5, "largest difference {difference}");
    }

    /// With as many key heads as query heads it is the standard attention with the same query and output weights,
    /// given keys and values that need no projection.
    #[test]
    fn as_many_key_heads_as_heads_is_standard_attention() {
        let device = Device::flex();
        let (n_requests, n_queries, n_keys, d_model, n_heads) = (2, 3, 5, 12, 4);
        // The standard one draws query, key, value, output; ours draws query, output from the same streams.
        let standard = Attention::init(d_model, n_heads, &mut Initializer::new(Seed(1), &device));
        let mut init = Initializer::new(Seed(1), &device);
        let mut lazy = CrossAttention::init(d_model, n_heads, &mut init);
        init.linear(d_model, d_model);
        lazy.output = init.linear(d_model, d_model);

        let x = random([n_requests * n_queries, d_model], 2, &device);
        let source = random([n_requests * n_keys, d_model], 3, &device);
        let memory = standard.key_value(source, n_requests);
        assert_near(
            lazy.forward(x.clone(), &memory, None),
            standard.forward(x, &memory, None),
        );
    }

    /// Each head by itself, with the keys and values of its group.
    #[test]
    fn heads_of_a_group_share_keys_and_values() {
        let device = Device::flex();
        let (n_requests, n_queries, n_keys, d_model, n_heads, n_kv_heads) = (2, 3, 5, 12, 4, 2);
        let d_head = d_model / n_heads;
        let lazy = CrossAttention::init(d_model, n_heads, &mut Initializer::new(Seed(1), &device));
        let x = random([n_requests * n_queries, d_model], 2, &device);
        let key = random([n_requests, n_keys, n_kv_heads * d_head], 3, &device);
        let value = random([n_requests, n_keys, n_kv_heads * d_head], 4, &device);
        let memory = KeyValue::joined(Tensor::cat(vec![key.clone(), value.clone()], 2));

        let rows = (0..n_requests)
            .map(|row| {
                let query = lazy
                    .query
                    .forward(x.clone())
                    .slice_dim(0, row * n_queries..(row + 1) * n_queries);
                let heads = (0..n_heads)
                    .map(|head| {
                        let group = head * n_kv_heads / n_heads;
                        let of_group = |x: &Tensor<3>| -> Tensor<2> {
                            let x: Tensor<2> = x.clone().select_dim(0, row);
                            x.slice_dim(1, group * d_head..(group + 1) * d_head)
                        };
                        let query = query
                            .clone()
                            .slice_dim(1, head * d_head..(head + 1) * d_head);
                        let scores =
                            query.matmul(of_group(&key).transpose()) / (d_head as f64).sqrt();
                        softmax(scores, 1).matmul(of_group(&value))
                    })
                    .collect();
                Tensor::cat(heads, 1)
            })
            .collect();
        let expected = lazy.output.forward(Tensor::cat(rows, 0));
        assert_near(lazy.forward(x, &memory, None), expected);
    }
}
