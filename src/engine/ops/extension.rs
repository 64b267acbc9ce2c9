//! How an operation enters burn: its forward pass as a step on the CPU backend, its backward pass as a node of the
//! autodiff graph.

use std::fmt::Debug;

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{
    Autodiff, BackendTensor, DispatchDevice, DispatchKindConversion, DispatchTensor, Flex,
    TensorMetadata as _,
};
use burn::tensor::{DType, Device, Tensor, TensorData};

/// A tensor of the CPU backend.
pub(super) type HostTensor = FloatTensor<Flex>;

/// A tensor of the CPU backend in the autodiff graph.
type TrackedTensor = FloatTensor<Autodiff<Flex>>;

/// A differentiable operation on `N` contiguous `f32` tensors.
pub(super) trait Operation<const N: usize>: Clone + Debug + Send + 'static {
    /// What the backward pass needs.
    type Saved: Clone + Debug + Send + 'static;

    /// The output, and what to keep.
    fn forward(&self, inputs: [HostTensor; N]) -> (HostTensor, Self::Saved);

    /// Gradients of the inputs given that of the output; only the wanted ones are looked at.
    fn backward(
        &self,
        saved: Self::Saved,
        gradient: HostTensor,
        wanted: [bool; N],
    ) -> [Option<HostTensor>; N];
}

/// Whether tensors on `device` with these numbers are computed by the operations here.
pub(super) fn is_on_host(device: &Device, dtypes: &[DType]) -> bool {
    let device = device.as_dispatch();
    let computes_on = if let DispatchDevice::Autodiff(inner) = device {
        &**inner
    } else {
        device
    };
    let is_flex = matches!(computes_on, DispatchDevice::Flex(_));
    is_flex && dtypes.iter().all(|dtype| *dtype == DType::F32)
}

/// Runs an operation, recording it where an input records gradients.
///
/// # Panics
/// If an input is not on the CPU.
pub(super) fn apply<O: Operation<N>, const N: usize>(
    operation: O,
    inputs: [DispatchTensor; N],
) -> DispatchTensor {
    if inputs.iter().all(is_plain) {
        let (output, _) = operation.forward(inputs.map(plain));
        return untracked(output);
    }
    let inputs = inputs.map(|input| -> TrackedTensor {
        if is_plain(&input) {
            TrackedTensor::new(plain(input))
        } else {
            <DispatchTensor as DispatchKindConversion<Autodiff<Flex>>>::try_into_backend(input)
                .expect("the inputs of an operation are on the same device")
                .float()
        }
    });
    let nodes = inputs.each_ref().map(TrackedTensor::node);
    let inputs = inputs.map(|input| contiguous(input.into_primitive()));
    let prepared = Recorded(operation.clone())
        .prepare::<NoCheckpointing>(nodes)
        .compute_bound()
        .stateful();
    let output = match prepared {
        OpsKind::Tracked(prepared) => {
            let (output, saved) = operation.forward(inputs);
            prepared.finish(saved, output)
        }
        OpsKind::UnTracked(prepared) => prepared.finish(operation.forward(inputs).0),
    };
    <DispatchTensor as DispatchKindConversion<Autodiff<Flex>>>::from_backend(BackendTensor::Float(
        output,
    ))
}

/// An operation in the autodiff graph.
#[derive(Debug)]
struct Recorded<O>(O);

impl<O: Operation<N>, const N: usize> Backward<Flex, N> for Recorded<O> {
    type State = O::Saved;

    fn backward(
        self,
        ops: Ops<O::Saved, N>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let gradient = contiguous(grads.consume::<Flex>(&ops.node));
        let wanted = ops.parents.each_ref().map(Option::is_some);
        let found = self.0.backward(ops.state, gradient, wanted);
        for (parent, gradient) in ops.parents.into_iter().zip(found) {
            if let (Some(parent), Some(gradient)) = (parent, gradient) {
                grads.register::<Flex>(parent.id, gradient);
            }
        }
    }
}

fn is_plain(tensor: &DispatchTensor) -> bool {
    !matches!(tensor.device(), DispatchDevice::Autodiff(_))
}

fn plain(tensor: DispatchTensor) -> HostTensor {
    let tensor = <DispatchTensor as DispatchKindConversion<Flex>>::try_into_backend(tensor)
        .expect("the inputs of an operation are on the same device");
    contiguous(tensor.float())
}

/// A tensor of the CPU backend as one that burn can go on with, outside the autodiff graph.
pub(super) fn untracked(tensor: HostTensor) -> DispatchTensor {
    <DispatchTensor as DispatchKindConversion<Flex>>::from_backend(BackendTensor::Float(tensor))
}

/// Values that no gradient flows to.
pub(super) fn constant<const D: usize>(tensor: Tensor<D>) -> HostTensor {
    plain(tensor.without_autodiff().into_dispatch())
}

/// Integer values in row-major order.
pub(super) fn integers<const D: usize>(
    tensor: Tensor<D, burn::tensor::Int>,
) -> std::sync::Arc<[i64]> {
    let values: Vec<i64> = tensor
        .try_into_vec_as()
        .expect("an integer tensor on the CPU reads back as i64");
    values.into()
}

fn contiguous(tensor: HostTensor) -> HostTensor {
    if tensor.as_slice::<f32>().is_some() {
        tensor
    } else {
        tensor.to_contiguous()
    }
}

/// The values of a tensor that came through [`apply`].
pub(super) fn values(tensor: &HostTensor) -> &[f32] {
    tensor
        .as_slice()
        .expect("inputs are made contiguous before an operation sees them")
}

/// The last dimension of a tensor.
pub(super) fn width(tensor: &HostTensor) -> usize {
    tensor
        .layout()
        .shape()
        .as_slice()
        .last()
        .copied()
        .unwrap_or(1)
}

/// A tensor from values in row-major order.
pub(super) fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D]) -> HostTensor {
    HostTensor::from_data(TensorData::new(values, shape))
}
