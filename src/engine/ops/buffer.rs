//! Memory that operations hand on to each other.
//!
//! A training step asks for the same large buffers again and again. Asking the system for them costs more than many an
//! operation: every page arrives zeroed, by a fault of its own. So what a backward pass no longer needs is kept here for
//! the next step.
//!
//! How much that is, the steps themselves say. What a whole step had no use for is returned, see [`end_step`]; and where
//! nothing fits, as after a batch of another length, a new buffer drives out as much as it takes, down to [`SPARE`].

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::extension::{HostTensor, values};

/// Smaller buffers are left to the allocator.
const SMALLEST: usize = 16 * 1024;
/// Elements that new buffers do not drive out, 1 GiB.
const SPARE: usize = 256 * 1024 * 1024;
/// Elements kept at most, 8 GiB, for those who never end a step.
const MOST: usize = 2048 * 1024 * 1024;

static POOL: Mutex<Pool> = Mutex::new(Pool::new());

/// Buffers that nobody uses.
struct Pool {
    /// The least recently used first.
    free: Vec<Kept>,
    n_steps: u64,
}

struct Kept {
    values: Vec<f32>,
    /// Number of the step that kept it.
    step: u64,
}

fn pool() -> MutexGuard<'static, Pool> {
    // A panic elsewhere leaves the list as it was.
    POOL.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pool {
    const fn new() -> Self {
        Self {
            free: Vec::new(),
            n_steps: 0,
        }
    }

    /// The tightest fit, if it wastes less than a fifth. Of several the latest, so that those too many are not used.
    fn take(&mut self, len: usize) -> Option<Vec<f32>> {
        let fitting = self
            .free
            .iter()
            .enumerate()
            .rev()
            .filter(|(_, kept)| (len..=len + len / 4).contains(&kept.values.capacity()));
        let best = fitting.min_by_key(|(_, kept)| kept.values.capacity());
        best.map(|(idx, _)| idx)
            .map(|idx| self.free.remove(idx).values)
    }

    /// Returns as much as a new buffer takes, as long as more than `spare` elements are kept.
    fn make_room(&mut self, len: usize, spare: usize) {
        self.shrink(len.min(self.n_kept().saturating_sub(spare)));
    }

    fn keep(&mut self, values: Vec<f32>) {
        let step = self.n_steps;
        self.free.push(Kept { values, step });
        self.shrink(self.n_kept().saturating_sub(MOST));
    }

    fn n_kept(&self) -> usize {
        self.free.iter().map(|kept| kept.values.capacity()).sum()
    }

    /// Returns at least `n` elements, if there are so many, the least recently used first.
    fn shrink(&mut self, n: usize) {
        let mut n_elements = 0;
        let mut n_buffers = 0;
        for kept in &self.free {
            if n_elements >= n {
                break;
            }
            n_elements += kept.values.capacity();
            n_buffers += 1;
        }
        self.free.drain(..n_buffers);
    }

    fn end_step(&mut self) {
        let step = self.n_steps;
        self.free.retain(|kept| kept.step == step);
        self.n_steps += 1;
    }
}

/// `len` values, whatever they are.
pub(super) fn take(len: usize) -> Vec<f32> {
    if len < SMALLEST {
        return vec![0.0; len];
    }
    let found = {
        let mut pool = pool();
        let found = pool.take(len);
        if found.is_none() {
            pool.make_room(len, SPARE);
        }
        found
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
    pool().keep(values);
}

/// Ends a training step: what was kept before it and not used in it is returned to the system.
pub fn end_step() {
    pool().end_step();
}

/// Returns all that is kept to the system.
pub fn release() {
    pool().free.clear();
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

    #[test]
    fn what_is_given_is_taken_again_unless_it_is_shared() {
        // A size that no other test asks for; tests that end steps beside this one may return the buffer.
        const LEN: usize = 1_234_567;
        for attempt in 0.. {
            let values = vec![7.0; LEN];
            let place = values.as_ptr();
            let shared = tensor(values, [LEN]);
            give(shared.clone());
            let other = take(LEN);
            assert_ne!(other.as_ptr(), place, "still in use");
            drop(other);
            give(shared);
            let again = take(LEN - 1);
            assert_eq!(again.len(), LEN - 1);
            let is_same = again.as_ptr() == place;
            keep(again);
            let zeros = zeros(LEN);
            assert!(zeros.iter().all(|value| value.to_bits() == 0));
            if is_same && zeros.as_ptr() == place {
                break;
            }
            assert!(attempt < 100, "never the same buffer");
        }
    }

    fn pool_of(capacities: &[usize]) -> Pool {
        let mut pool = Pool::new();
        for n in capacities {
            pool.keep(Vec::with_capacity(*n));
        }
        pool
    }

    fn capacities(pool: &Pool) -> Vec<usize> {
        let kept = pool.free.iter();
        kept.map(|kept| kept.values.capacity()).collect()
    }

    #[test]
    fn the_latest_of_the_tightest_is_taken() {
        let mut pool = pool_of(&[100, 110, 100, 130]);
        let place = pool.free[2].values.as_ptr();
        let taken = pool.take(99).unwrap();
        assert_eq!(taken.as_ptr(), place);
        assert_eq!(capacities(&pool), [100, 110, 130]);
        assert_eq!(pool.take(103).unwrap().capacity(), 110);
        assert!(pool.take(103).is_none(), "130 wastes more than a fifth");
    }

    #[test]
    fn a_step_returns_what_it_had_no_use_for() {
        let mut pool = pool_of(&[10, 20, 30]);
        pool.end_step();
        assert_eq!(capacities(&pool), [10, 20, 30]);
        let used = pool.take(20).unwrap();
        pool.keep(used);
        pool.keep(Vec::with_capacity(40));
        pool.end_step();
        assert_eq!(capacities(&pool), [20, 40]);
        pool.end_step();
        assert_eq!(capacities(&pool), [0; 0]);
    }

    #[test]
    fn a_new_buffer_drives_out_the_oldest_down_to_what_is_spare() {
        let mut pool = pool_of(&[10, 20, 30, 40]);
        pool.make_room(15, 50);
        assert_eq!(capacities(&pool), [30, 40]);
        pool.make_room(1000, 50);
        assert_eq!(capacities(&pool), [40]);
        pool.make_room(1000, 50);
        assert_eq!(capacities(&pool), [40]);
    }

    #[test]
    fn values_to_be_overwritten_are_copied_where_others_read_them() {
        let one = tensor(vec![1.0, 2.0], [2]);
        let mut values = into_values(one.clone());
        values[0] = 5.0;
        assert_eq!(super::super::extension::values(&one), [1.0, 2.0]);
    }
}
