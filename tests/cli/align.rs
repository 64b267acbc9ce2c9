//! Alignment objectives side by side on the command line.

use std::path::Path;

use serde_json::Value;

use crate::{assert_fails, onerec, sample};

/// Settings under which a run takes seconds.
const TINY: [&str; 16] = [
    "tokenizer.max_iterations=3",
    "model.d_model=16",
    "model.n_heads=2",
    "model.n_experts=4",
    "model.history_len=6",
    "pretrain.steps=4",
    "pretrain.warmup_steps=1",
    "pretrain.batch_size=16",
    "reward.steps=4",
    "reward.d_model=16",
    "reward.n_heads=2",
    "align.iterations=1",
    "align.steps_per_iteration=2",
    "align.n_candidates=4",
    "evaluate.max_users=20",
    "evaluate.reward_users=8",
];

fn compare<'a>(data: &'a str, out: &'a str, only: &'a str) -> Vec<&'a str> {
    let mut args = vec!["align", "--compare", "--json", "--data", data, "--out", out];
    args.extend(["--seeds", "5,2", "--only", only]);
    for setting in TINY {
        args.extend(["--set", setting]);
    }
    args
}

/// Compares, and returns the comparison with what was said on the way.
fn comparison(args: &[&str]) -> (Value, String) {
    let output = onerec(args);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let comparison = serde_json::from_str(&text).expect("one JSON value");
    (comparison, said)
}

#[test]
fn a_comparison_is_a_table_and_goes_on_where_it_was() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("matrix").display().to_string();
    let data = sample();
    let (first, _) = comparison(&compare(&data, &out, "ipo"));
    let names = |comparison: &Value| -> Vec<String> {
        let rows = comparison["rows"].as_array().expect("rows").iter();
        rows.map(|row| row["name"].as_str().expect("a name").to_owned())
            .collect()
    };
    assert_eq!(names(&first), ["before", "ipo"]);
    let seeds = |row: usize| -> Vec<u64> {
        let outcomes = first["rows"][row]["outcomes"].as_array().expect("outcomes");
        let seeds = outcomes.iter().map(|outcome| outcome["seed"].as_u64());
        seeds.map(|seed| seed.expect("a seed")).collect()
    };
    assert_eq!((seeds(0), seeds(1)), (vec![2, 5], vec![2, 5]));

    // Another objective is added; what was there is neither trained again nor changed, and starts from the same.
    let written = |path: &Path| std::fs::metadata(path).and_then(|it| it.modified()).ok();
    let report = Path::new(&out).join("seed-2/ipo/report.json");
    let before = written(&report);
    let (second, said) = comparison(&compare(&data, &out, "grpo,ipo"));
    assert_eq!(names(&second), ["before", "ipo", "grpo"]);
    assert!(said.contains("seed 2, IPO: done before"), "{said}");
    assert!(!said.contains("seed 2, GRPO: done before"), "{said}");
    assert!(before.is_some() && written(&report) == before);
    assert_eq!(second["rows"][0], first["rows"][0]);
    assert_eq!(second["rows"][1], first["rows"][1]);
    assert_ne!(second["rows"][2]["outcomes"], first["rows"][1]["outcomes"]);

    let table = |extension: &str| {
        let path = Path::new(&out).join(format!("objectives.{extension}"));
        std::fs::read_to_string(path).expect("a table")
    };
    assert_eq!(table("csv").lines().count(), 4, "{}", table("csv"));
    assert!(table("md").contains("| GRPO | 2 | "), "{}", table("md"));
    assert!(table("tex").contains("$\\pm$"), "{}", table("tex"));

    // Runs of other settings are not mixed with these: neither another alignment of the same start, nor another start.
    for (setting, place) in [
        ("align.beta=0.7", "seed-2/ipo"),
        ("reward.steps=5", "seed-2/start"),
    ] {
        let mut other = compare(&data, &out, "ipo");
        other.extend(["--set", setting]);
        assert_fails(&other, 1, &[place, "other settings", "hint: ", "--out"]);
    }
}

#[test]
fn an_unknown_objective_is_named_with_those_there_are() {
    let data = sample();
    assert_fails(
        &["align", "--compare", "--data", &data, "--only", "dpo,dbo"],
        2,
        &["dbo", "s_dpo", "hint: "],
    );
    assert_fails(&["align", "--data", &data], 2, &["--compare"]);
}
