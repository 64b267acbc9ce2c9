//! Frames of the codebook pane with three levels and all their sweeps.

use onerec_workbench::app::pane::PaneKind;
use onerec_workbench::app::state::AppState;
use onerec_workbench::engine::event::{EngineEvent, EventRecord, RunId};
use onerec_workbench::engine::seed::Seed;
use onerec_workbench::engine::tokenizer::Code;
use onerec_workbench::engine::tokenizer::health::level_health;
use onerec_workbench::engine::tokenizer::report::{CodebookLevel, TokenizerReport};
use rand::RngExt as _;

use crate::stage::Stage;

/// Sweeps of each level: as many as the pane keeps.
const SWEEPS: usize = 128;

pub(crate) fn frames(n_items: usize, codebook_size: u16, n_frames: usize) {
    let mut state = AppState::default();
    let mut seq = 0;
    let mut apply = |state: &mut AppState, event: EngineEvent| {
        state.run.apply(&EventRecord {
            seq,
            time_millis: seq,
            run: RunId("bench".to_owned()),
            event,
        });
        seq += 1;
    };
    let mut finished = Vec::new();
    for level_idx in 0..3 {
        for sweep in 1..=SWEEPS {
            let level = level(level_idx, sweep, n_items, codebook_size);
            apply(&mut state, EngineEvent::CodebookUpdated(level.clone()));
            if sweep == SWEEPS {
                finished.push(level);
            }
        }
    }
    Stage::header();
    let fitting = state.clone();
    let mut stage = Stage::new(PaneKind::Codebook, fitting);
    stage.measure("the codebooks are fitted, first", 1, |_| Vec::new());
    stage.measure("the codebooks are fitted", n_frames, |_| Vec::new());

    let report = TokenizerReport {
        levels: finished,
        collision_rate: 0.01,
        reconstruction_error: Some(0.1),
        vector_power: 1.0,
        ..TokenizerReport::default()
    };
    let mut done = state;
    done.run.tokenizer = Some(report);
    let mut stage = Stage::new(PaneKind::Codebook, done);
    stage.measure("the codebooks are done, first", 1, |_| Vec::new());
    stage.measure("the codebooks are done", n_frames, |_| Vec::new());
}

/// A level whose items move towards an even load from sweep to sweep.
fn level(level_idx: usize, sweep: usize, n_items: usize, codebook_size: u16) -> CodebookLevel {
    let mut rng = Seed(4).rng("bench.load", (1000 * level_idx + sweep) as u64);
    let n_codes = usize::from(codebook_size);
    let codes = (0..n_items.min(4 * n_codes)).map(|_| {
        let place: f64 = rng.random_range(0.0..1.0);
        let crowding = 1.0 + 2.0 / sweep as f64;
        ((n_codes as f64 * place.powf(crowding)) as usize).min(n_codes - 1) as Code
    });
    CodebookLevel {
        iteration: sweep,
        is_final: sweep == SWEEPS,
        popularity: vec![3; n_codes],
        ..level_health(level_idx, n_codes, codes, 1.0 / sweep as f64)
    }
}
