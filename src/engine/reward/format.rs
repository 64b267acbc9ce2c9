//! The format reward: freely decoded semantic IDs that belong to an item are right, whatever they are. [B 2.4.2]

use rand::Rng;
use rand::seq::index;
use serde::{Deserialize, Serialize};

/// Which of the freely written IDs teach legality.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FormatChoice {
    /// Any of them: the paper's choice, because it reaches what the generator rarely writes.
    Random,
    /// The likeliest: for comparison; it only confirms what is likely already.
    Top,
}

/// The IDs of a group that teach, as (index, advantage): `n_chosen` of them, 1 for a legal one and 0 for another.
/// An illegal one that is chosen is dropped, not punished: punishment is what squeezes probability out of legal IDs.
///
/// `is_legal` holds the group's IDs, likeliest first.
pub fn chosen_samples(
    is_legal: &[bool],
    n_chosen: usize,
    choice: FormatChoice,
    rng: &mut impl Rng,
) -> Vec<(usize, f64)> {
    let n_chosen = n_chosen.min(is_legal.len());
    let chosen: Vec<usize> = match choice {
        FormatChoice::Random => index::sample(rng, is_legal.len(), n_chosen).into_vec(),
        FormatChoice::Top => (0..n_chosen).collect(),
    };
    chosen
        .into_iter()
        .map(|idx| (idx, f64::from(u8::from(is_legal[idx]))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::seed::Seed;

    #[test]
    fn legal_ones_among_the_chosen_count_and_illegal_ones_never_do() {
        let is_legal = [true, false, true, true, false];
        let mut rng = Seed(1).rng("test", 0);
        assert_eq!(
            chosen_samples(&is_legal, 3, FormatChoice::Top, &mut rng),
            [(0, 1.0), (1, 0.0), (2, 1.0)]
        );
        let mut n_chosen = [0_u32; 5];
        for _ in 0..200 {
            let found = chosen_samples(&is_legal, 2, FormatChoice::Random, &mut rng);
            assert_eq!(found.len(), 2);
            assert_ne!(found[0].0, found[1].0);
            for (idx, advantage) in found {
                assert_eq!(advantage > 0.0, is_legal[idx]);
                n_chosen[idx] += 1;
            }
        }
        // Each of five is chosen with probability 2/5: 80 times of 200, give or take four deviations.
        assert!(
            n_chosen.iter().all(|n| (52..=108).contains(n)),
            "{n_chosen:?}"
        );
    }

    #[test]
    fn more_choices_than_samples_are_all_samples() {
        let mut rng = Seed(1).rng("test", 0);
        let found = chosen_samples(&[true, true], 5, FormatChoice::Random, &mut rng);
        assert_eq!(found.len(), 2);
    }
}
