//! Semantic IDs on the command line.

use std::path::Path;

use onerec_workbench::engine::data::ItemIdx;
use onerec_workbench::engine::tokenizer::FittedTokenizer;
use serde_json::Value;

use crate::{assert_fails, onerec, sample};

/// Makes semantic IDs whose items all have their nearest codewords.
fn tokenize(run: &str, settings: &[String]) {
    let data = sample();
    let mut args = vec!["tokenize", "--data", &data, "--out", run];
    let nearest = [
        "tokenizer.assignment=nearest",
        "tokenizer.collisions=keep",
        "tokenizer.max_iterations=3",
    ];
    for setting in nearest
        .into_iter()
        .chain(settings.iter().map(String::as_str))
    {
        args.extend(["--set", setting]);
    }
    let output = onerec(&args);
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{message}");
}

/// Encodes the vectors and compares with what the run has of its items, which are the same.
fn assert_encodes_as_fitted(vectors: &str, run: &str) {
    let output = onerec(&["tokenize", "--encode", vectors, "--run", run, "--json"]);
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{message}");
    let fitted = FittedTokenizer::load(&Path::new(run).join("tokenize")).expect("the tokenizer");
    let lines: Vec<Value> = String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).expect("every line is JSON"))
        .collect();
    assert_eq!(lines.len(), fitted.table.n_items(), "one line per item");
    for (line, item) in lines.iter().zip(0..) {
        let codes = fitted.table.sid(ItemIdx(item));
        assert_eq!(line["codes"], serde_json::json!(codes), "{line}");
        let sharing = line["shares_with"].as_array().expect("a list");
        assert_eq!(sharing.len(), fitted.table.items(codes).len(), "{line}");
    }
}

#[test]
fn items_encoded_with_the_codebooks_of_a_run_get_the_codes_they_have_there() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let run = folder.path().join("run").display().to_string();
    tokenize(&run, &[]);
    let stage = Path::new(&run).join("tokenize");
    let vectors = stage.join("embeddings.safetensors").display().to_string();
    assert_encodes_as_fitted(&vectors, &run);

    let codebooks = stage.join("codebooks.safetensors").display().to_string();
    assert_fails(
        &["tokenize", "--encode", &codebooks, "--run", &run],
        3,
        &["could not read item vectors", "hint: "],
    );
    assert_fails(&["tokenize", "--encode", &vectors], 2, &["--run"]);

    // Where the run aligned its vectors, new ones are aligned the same way first.
    let aligned = folder.path().join("aligned").display().to_string();
    let alignment = ["steps=2", "batch_size=8", "d_model=8", "n_heads=2"];
    let mut settings: Vec<String> = alignment
        .map(|setting| format!("embedding.alignment.{setting}"))
        .to_vec();
    settings.push(format!("embedding.file={vectors}"));
    tokenize(&aligned, &settings);
    assert_encodes_as_fitted(&vectors, &aligned);
}
