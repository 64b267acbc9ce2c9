//! Memory that operations hand on to each other.
//!
//! A training step asks for the same large buffers again and again. Asking the system for them costs more than many an
//! operation: every page arrives zeroed, by a fault of its own. So what a backward pass no longer needs is kept here.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::extension::{HostTensor, values};

/// Smaller buffers are left to the allocator.
const SMALLEST: usize = 16 * 1024;
/// Elements kept at most, 1 GiB: what lies here is not there for others.
const MOST: usize = 256 * 1024 * 1024;

/// Buffers that nobody uses, the least recently used first.
static FREE: Mutex<Vec<Vec<f32>>> = Mutex::new(Vec::new());

fn free() -> MutexGuard<'static, Vec<Vec<f32>>> {
    // A panic elsewhere leaves the list as it was.
    FREE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `len` values, whatever they are.
pub(super) fn take(len: usize) -> Vec<f32> {
    if len < SMALLEST {
        return vec![0.0; len];
    }
    let found = {
        let mut free = free();
        // The tightest fit, if it wastes less than a fifth.
        let fitting = free
            .iter()
            .enumerate()
            .filter(|(_, buffer)| (len..=len + len / 4).contains(&buffer.capacity()));
        let best = fitting.min_by_key(|(_, buffer)| buffer.capacity());
        best.map(|(idx, _)| idx).map(|idx| free.remove(idx))
    };
    match found {
        Some(mut buffer) => {
            buffer.resize(len, 0.0);
            buffer
        }
        None => vec![0.0; len],
    }
}

/// `len` zeros.
pub(super) fn zeros(len: usize) -> Vec<f32> {
    let mut values = take(len);
    values.fill(0.0);
    values
}

/// Keeps the memory of a tensor that nobody else holds.
pub(super) fn give(tensor: HostTensor) {
    if owns_all(&tensor) {
        keep(into_values(tensor));
    }
}

/// Keeps a buffer.
pub(super) fn keep(values: Vec<f32>) {
    if values.capacity() < SMALLEST {
        return;
    }
    let mut free = free();
    free.push(values);
    let mut n_kept: usize = free.iter().map(Vec::capacity).sum();
    while n_kept > MOST {
        n_kept -= free.remove(0).capacity();
    }
}

/// The values of a tensor to be overwritten: its own memory if nobody else holds it, or else a copy.
pub(super) fn into_values(tensor: HostTensor) -> Vec<f32> {
    if owns_all(&tensor) {
        let (bytes, _, _) = tensor.into_data().into_parts();
        return bytes.try_into_vec().unwrap_or_else(|bytes| {
            let (values, _) = bytes.as_chunks();
            values.iter().copied().map(f32::from_ne_bytes).collect()
        });
    }
    let values = values(&tensor);
    let mut copy = take(values.len());
    copy.copy_from_slice(values);
    copy
}

/// Whether a tensor is the only one on its memory and uses all of it.
fn owns_all(tensor: &HostTensor) -> bool {
    tensor.is_unique() && tensor.bytes().len() == size_of_val(values(tensor))
}

#[cfg(test)]
mod tests {
    use super::super::extension::tensor;
    use super::*;

    // Sizes that no other test asks for.
    const LEN: usize = 1_234_567;

    #[test]
    fn what_is_given_is_taken_again_unless_it_is_shared() {
        let values = vec![7.0; LEN];
        let place = values.as_ptr();
        let shared = tensor(values, [LEN]);
        give(shared.clone());
        let other = take(LEN);
        assert_ne!(other.as_ptr(), place, "still in use");
        drop(other);
        give(shared);
        let again = take(LEN - 1);
        assert_eq!(again.as_ptr(), place);
        assert_eq!(again.len(), LEN - 1);
        keep(again);
        let zeros = zeros(LEN);
        assert_eq!(zeros.as_ptr(), place);
        assert!(zeros.iter().all(|value| value.to_bits() == 0));
    }

    #[test]
    fn values_to_be_overwritten_are_copied_where_others_read_them() {
        let one = tensor(vec![1.0, 2.0], [2]);
        let mut values = into_values(one.clone());
        values[0] = 5.0;
        assert_eq!(super::super::extension::values(&one), [1.0, 2.0]);
    }
}
