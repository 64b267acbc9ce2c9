//! The alignments that a comparison sets side by side: each changes a few settings of the run's own.

use super::config::{AlignConfig, Objective, Reference};
use crate::engine::config::ExperimentConfig;

/// One alignment of a comparison.
#[derive(Clone, Copy, Debug)]
pub struct ObjectiveVariant {
    /// Short unique name.
    pub name: &'static str,
    /// What it is called in papers.
    pub title: &'static str,
    /// What it is, in words.
    pub description: &'static str,
    change: fn(&mut AlignConfig),
}

impl ObjectiveVariant {
    /// Its settings, given those of the run: the same steps, users and candidates unless the variant says otherwise.
    pub fn of(&self, base: &ExperimentConfig) -> ExperimentConfig {
        let mut config = base.clone();
        (self.change)(&mut config.align);
        config
    }
}

/// Rejected slates per pair of S-DPO. [Chen et al. 2024: 3]
const REJECTED_OF_S_DPO: usize = 3;

/// Share of the sessions that rejection fine-tuning keeps. [B 3.3]
const KEPT_OF_RSFT: f64 = 0.5;

/// All alignments in the order of the table.
pub const VARIANTS: [ObjectiveVariant; 13] = [
    ObjectiveVariant {
        name: "sessions",
        title: "sessions alone",
        description: "the next-token loss alone, for as many steps: what alignment adds nothing to",
        change: |align| align.dpo_ratio = 0.0,
    },
    ObjectiveVariant {
        name: "rsft",
        title: "RSFT",
        description: "rejection fine-tuning: the next-token loss of the sessions watched longest [B 3.3]",
        change: |align| {
            align.dpo_ratio = 0.0;
            align.keep_sessions_frac = align.keep_sessions_frac.min(KEPT_OF_RSFT);
        },
    },
    ObjectiveVariant {
        name: "dpo_fixed",
        title: "DPO",
        description: "DPO with pairs and reference of the pretrained generator, all the time [A 5.1.2]",
        change: |align| {
            align.objective = Objective::Dpo;
            align.reference = Reference::Pretrained;
        },
    },
    ObjectiveVariant {
        name: "dpo",
        title: "DPO, iterated (IPA)",
        description: "DPO with a snapshot as sampler and reference per iteration [A Alg. 2]",
        change: |align| align.objective = Objective::Dpo,
    },
    ObjectiveVariant {
        name: "ipo",
        title: "IPO",
        description: "a margin to reach rather than to widen for ever [Azar et al. 2024]",
        change: |align| align.objective = Objective::Ipo,
    },
    ObjectiveVariant {
        name: "cdpo",
        title: "cDPO",
        description: "DPO of pairs of which some are taken to be the wrong way round [Mitchell 2023]",
        change: |align| align.objective = Objective::Cdpo,
    },
    ObjectiveVariant {
        name: "rdpo",
        title: "rDPO",
        description: "the loss on clean pairs estimated from noisy ones [Chowdhury et al. 2024]",
        change: |align| align.objective = Objective::Rdpo,
    },
    ObjectiveVariant {
        name: "cpo",
        title: "CPO",
        description: "no reference, and the chosen slate is also imitated [Xu et al. 2024]",
        change: |align| align.objective = Objective::Cpo,
    },
    ObjectiveVariant {
        name: "simpo",
        title: "SimPO",
        description: "no reference, log-probabilities per code, a margin to exceed [Meng et al. 2024]",
        change: |align| align.objective = Objective::Simpo,
    },
    ObjectiveVariant {
        name: "s_dpo",
        title: "S-DPO",
        description: "one chosen slate against three rejected ones at once [Chen et al. 2024]",
        change: |align| {
            align.objective = Objective::SDpo;
            align.n_rejected = align.n_rejected.max(REJECTED_OF_S_DPO);
        },
    },
    ObjectiveVariant {
        name: "grpo",
        title: "GRPO",
        description: "policy gradient over a group of slates, ratios clipped [Shao et al. 2024]",
        change: |align| align.objective = Objective::Grpo,
    },
    ObjectiveVariant {
        name: "ecpo",
        title: "ECPO",
        description: "GRPO whose bad slates cannot pull without bound [B 2.4.1]",
        change: |align| align.objective = Objective::Ecpo,
    },
    ObjectiveVariant {
        name: "gbpo",
        title: "GBPO",
        description: "no clipping, every gradient bounded [V2 3.1.2]",
        change: |align| align.objective = Objective::Gbpo,
    },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_objective_is_there_and_every_variant_differs() {
        let base = ExperimentConfig::default();
        let configs = VARIANTS.map(|variant| variant.of(&base).align);
        for objective in Objective::ALL {
            let found = configs.iter().filter(|align| align.objective == objective);
            assert!(found.count() > 0, "{objective:?}");
        }
        let texts: BTreeSet<String> = VARIANTS
            .iter()
            .map(|variant| variant.of(&base).to_toml())
            .collect();
        assert_eq!(texts.len(), VARIANTS.len());
    }
}
