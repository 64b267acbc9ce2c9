//! Loss and entropy of the generator along the true path of held-out targets (teacher forcing): one cheap pass, no search.

use burn::module::Module as _;
use burn::tensor::activation::log_softmax;
use burn::tensor::{Int, Tensor, TensorData};

use super::cases::moments;
use crate::engine::batch::ContextReader;
use crate::engine::control::RunControl;
use crate::engine::data::prepare::{PreparedData, TestCase};
use crate::engine::error::EngineError;
use crate::engine::model::Generator;

/// Means over test cases, one value per level.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HeldOut {
    /// Cross-entropy of the target's code given the codes before it, nats.
    pub loss: Vec<f64>,
    /// Entropy of the level's softmax over all its codes, legal or not, at the same place, nats. [A 5.4]
    pub entropy: Vec<f64>,
}

/// What the pass reads apart from the model.
#[derive(Clone, Copy, Debug)]
pub struct HeldOutInput<'a> {
    /// Histories.
    pub data: &'a PreparedData,
    /// Contexts and semantic IDs.
    pub reader: &'a ContextReader<'a>,
    /// The targets.
    pub cases: &'a [TestCase],
    /// Users per batch.
    pub batch_size: usize,
}

/// Runs the model over the single target item of every case.
///
/// # Errors
/// [`EngineError::Stopped`] on request.
pub fn held_out(
    model: &Generator,
    input: HeldOutInput<'_>,
    control: &RunControl,
) -> Result<HeldOut, EngineError> {
    let model = model.valid();
    let device = model.device();
    let table = input.reader.table();
    let n_levels = table.n_levels();
    let mut sums = vec![0.0; 2 * n_levels];
    for cases in input.cases.chunks(input.batch_size) {
        control.check()?;
        let moments = moments(input.data, cases, input.reader.history_len());
        let context = input.reader.read(&moments).to_device(&device);
        let codes: Vec<i32> = cases
            .iter()
            .flat_map(|case| table.sid(case.target))
            .map(|code| i32::from(*code))
            .collect();
        let shape = [cases.len(), n_levels];
        let codes = Tensor::<2, Int>::from_data(TensorData::new(codes, shape), &device);

        let logits = model.decode(&model.encode(&context), codes.clone());
        let log_probs = log_softmax(logits, 2);
        let entropy = (log_probs.clone().exp() * log_probs.clone())
            .neg()
            .sum_dim(2);
        let loss = log_probs.gather(2, codes.unsqueeze_dim(2)).neg();
        let batch: Vec<f32> = Tensor::cat(vec![loss, entropy], 1)
            .sum_dim(0)
            .try_into_vec_as()
            .expect("the device that computed the losses can be read");
        for (sum, value) in sums.iter_mut().zip(batch) {
            *sum += f64::from(value);
        }
    }
    let n_cases = input.cases.len().max(1) as f64;
    let means: Vec<f64> = sums.into_iter().map(|sum| sum / n_cases).collect();
    let (loss, entropy) = means.split_at(n_levels);
    Ok(HeldOut {
        loss: loss.to_vec(),
        entropy: entropy.to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::decode::beam_search;
    use crate::engine::eval::toy;

    #[test]
    fn loss_is_what_an_exhaustive_search_gives_the_target() {
        let data = toy::data(&[&[0, 4, 8], &[1, 2, 3, 4, 5, 6], &[7, 7, 0]], 9);
        let table = toy::table(9);
        let model = toy::generator();
        let cases = data.test_cases();
        let reader = ContextReader::session(&table, 4);
        let input = HeldOutInput {
            data: &data,
            reader: &reader,
            cases: &cases,
            batch_size: 2,
        };
        let control = RunControl::default();
        let means = held_out(&model, input, &control).unwrap();
        assert_eq!((means.loss.len(), means.entropy.len()), (2, 2));
        for entropy in &means.entropy {
            assert!(
                *entropy > 0.0 && *entropy <= 3.0_f64.ln() + 1e-6,
                "{entropy}"
            );
        }

        let context = reader
            .read(&moments(&data, &cases, 4))
            .to_device(&model.device());
        let found = beam_search(&model, &context, None, 1, 9, &control).unwrap();
        let searched: f64 = cases
            .iter()
            .zip(&found)
            .map(|(case, beams)| {
                let target = table.sid(case.target);
                let beam = beams.iter().find(|beam| beam.codes == target).unwrap();
                -f64::from(beam.log_prob) / cases.len() as f64
            })
            .sum();
        let total: f64 = means.loss.iter().sum();
        assert!((total - searched).abs() < 1e-5, "{total} is not {searched}");

        control.stop();
        let stopped = held_out(&model, input, &control);
        assert!(matches!(stopped, Err(EngineError::Stopped)));
    }
}
