//! `onerec generate`: slates for one user, before and after alignment.

use onerec_workbench::engine::command::EngineCommand;
use onerec_workbench::engine::error::Failure;
use onerec_workbench::engine::event::{EngineEvent, ScoredSlate, SlateItem};

use crate::cli::args::GenerateArgs;
use crate::cli::{client, output};

/// Generates and prints.
pub(crate) fn generate(args: GenerateArgs) -> Result<(), Failure> {
    let record = client::ask(EngineCommand::InspectUser {
        run_dir: args.run,
        user: args.user,
    })?;
    if args.output.json {
        output::record(&record);
        return Ok(());
    }
    let EngineEvent::SlatesReady(slates) = &record.event else {
        return Err(client::failure(
            "the engine did not answer with slates".to_owned(),
        ));
    };
    output::line(&format!("User {}", slates.user));
    output::line("\nHistory, most recent last");
    tell_items(&slates.history);
    output::line("\nWhat the user went on to");
    tell_items(&slates.held_out);
    tell_slates("Before alignment", &slates.before);
    tell_slates("After alignment", &slates.after);
    Ok(())
}

fn tell_slates(title: &str, slates: &[ScoredSlate]) {
    for (idx, slate) in slates.iter().enumerate() {
        output::line(&format!("\n{title}, slate {}: {}", idx + 1, scores(slate)));
        tell_items(&slate.items);
    }
}

fn scores(slate: &ScoredSlate) -> String {
    let mut parts = vec![
        format!("log-probability {:.3}", slate.log_prob),
        format!("reward {:.4}", slate.reward),
        format!("judge {:.4}", slate.judge_reward),
    ];
    parts.extend(
        slate
            .oracle
            .map(|utility| format!("true utility {utility:.4}")),
    );
    parts.extend(
        slate
            .heads
            .iter()
            .map(|(name, value)| format!("{name} {value:.4}")),
    );
    parts.join(", ")
}

fn tell_items(items: &[SlateItem]) {
    for item in items {
        let codes: Vec<String> = item.codes.iter().map(u16::to_string).collect();
        output::line(&format!(
            "  [{}]  {}  {}",
            codes.join(" "),
            item.external_id,
            item.title
        ));
    }
}
