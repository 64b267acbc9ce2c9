//! The program as a user meets it: exit codes, messages with a hint, and output that a script can read.

mod align;
mod tokenize;

use std::path::Path;
use std::process::{Command, Output};

fn onerec(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_onerec"))
        .args(args)
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .output()
        .expect("the program was built for this test")
}

fn sample() -> String {
    // Tests run in the folder of the package; a path compiled in may be another checkout's with the same target folder.
    "datasets/short-video".to_owned()
}

/// Asserts that the command fails with this code and that its message holds these words, and a hint.
fn assert_fails(args: &[&str], code: i32, words: &[&str]) {
    let output = onerec(args);
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{args:?} said: {message}");
    for word in words {
        assert!(message.contains(word), "{word:?} is missing in: {message}");
    }
    assert!(
        output.stdout.is_empty(),
        "{args:?} must print no result when it fails"
    );
}

#[test]
fn wrong_settings_name_the_key_and_what_was_expected() {
    let data = sample();
    let run = |setting: &'static str| {
        ["run", "--data", data.as_str(), "--set", setting].map(str::to_owned)
    };
    for (setting, words) in [
        ("pretrain.stepz=3", ["stepz", "steps", "hint: "]),
        ("pretrain.steps=many", ["many", "u64", "hint: "]),
        ("model.n_heads=7", ["model.n_heads", "7", "hint: "]),
        ("steps", ["key=value", "steps", "hint: "]),
    ] {
        let args = run(setting);
        assert_fails(&args.each_ref().map(String::as_str), 2, &words);
    }
}

#[test]
fn a_wrong_line_of_a_settings_file_is_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("experiment.toml");
    let mut file = std::fs::File::create(&path).expect("a new file");
    std::io::Write::write_all(&mut file, b"seed = 1\n\n[pretrain]\nstepz = 3\n")
        .expect("a writable file");
    let path = path.display().to_string();
    assert_fails(
        &["run", &path, "--data", &sample()],
        2,
        &["stepz", "line 4", "experiment.toml", "hint: "],
    );
}

#[test]
fn wrong_usage_ends_with_2() {
    assert_fails(
        &["run", "--preset", "huge"],
        2,
        &["huge", "smoke, small, base"],
    );
    assert_fails(&["run", "--until", "lunch"], 2, &["lunch", "pretrain"]);
    assert_fails(&["traain"], 2, &["traain", "hint: ", "--help"]);
    assert_fails(&[], 2, &["hint: ", "onerec run"]);
}

#[test]
fn unusable_data_ends_with_3_and_leaves_no_run_behind() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("run").display().to_string();
    let missing = folder.path().join("missing").display().to_string();
    assert_fails(
        &["run", "--data", &missing, "--out", &out],
        3,
        &["missing", "hint: "],
    );
    assert!(
        !Path::new(&out).exists(),
        "a wrong path must not create {out}"
    );
    assert_fails(&["data", "inspect", &missing], 3, &["missing", "hint: "]);
    assert_fails(
        &["data", "inspect", "clippy.toml"],
        3,
        &["clippy.toml", "expected", "hint: "],
    );
}

#[test]
fn an_explicit_device_is_met_or_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("run").display().to_string();
    let (data, until) = (sample(), "data");
    let run = |backend| {
        onerec(&[
            "run",
            "--data",
            &data,
            "--out",
            &out,
            "--until",
            until,
            "--backend",
            backend,
        ])
    };
    // The one device that every machine lacks, so that the test holds on machines with GPUs too.
    assert_fails(
        &[
            "run",
            "--data",
            &data,
            "--out",
            &out,
            "--backend",
            "cpu",
            "--set",
            "device.index=99",
        ],
        4,
        &["cpu 99", "hint: ", "doctor"],
    );
    assert!(
        !Path::new(&out).exists(),
        "a wrong device must not create {out}"
    );
    let met = run("cpu");
    assert!(
        met.status.success(),
        "{}",
        String::from_utf8_lossy(&met.stderr)
    );
    if !cfg!(feature = "cuda") {
        let out = folder.path().join("other").display().to_string();
        assert_fails(
            &["run", "--data", &data, "--out", &out, "--backend", "cuda"],
            4,
            &["could not use device cuda", "hint: "],
        );
    }
}

#[test]
fn doctor_answers_as_json() {
    let output = onerec(&["doctor", "--json"]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let record: serde_json::Value =
        serde_json::from_slice(&output.stdout).expect("one record of JSON");
    assert_eq!(record["event"]["type"], "devices_probed");
    let devices = record["event"]["devices"]
        .as_array()
        .expect("a list of devices");
    assert!(
        devices
            .iter()
            .any(|device| device["backend"] == "cpu" && device["can_train"] == true)
    );
}

#[test]
fn the_sample_can_be_inspected() {
    let output = onerec(&["data", "inspect", &sample()]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    for word in [
        "users",
        "1000",
        "2000",
        "true utility",
        "known",
        "fingerprint",
    ] {
        assert!(text.contains(word), "{word:?} is missing in: {text}");
    }
}

#[test]
fn files_can_be_checked() {
    let output = onerec(&["data", "check", &sample()]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    for word in ["can be used", "events.parquet", "used: ", "held-out users"] {
        assert!(text.contains(word), "{word:?} is missing in: {text}");
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("events.csv");
    std::fs::copy("datasets/catalogue/events.csv", &path).expect("the sample can be copied");
    let mut rows = std::fs::OpenOptions::new()
        .append(true)
        .open(&path)
        .expect("the copy can be written to");
    std::io::Write::write_all(&mut rows, b"u,a,soon\n").expect("a row can be added");
    let path = path.display().to_string();
    let output = onerec(&["data", "check", &path]);
    let (text, message) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert_eq!(output.status.code(), Some(3), "{text}");
    assert!(text.contains("bad row: events.csv line "), "{text}");
    assert!(
        message.contains("hint: ") && message.contains("skip_bad_rows"),
        "{message}"
    );
    let output = onerec(&["data", "check", &path, "--set", "data.skip_bad_rows=true"]);
    assert!(output.status.success(), "one bad row of many is left out");
}

#[test]
fn a_run_speaks_json_and_its_folder_is_refused_a_second_time() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("run").display().to_string();
    let data = sample();
    let args = [
        "run",
        "--data",
        &data,
        "--out",
        &out,
        "--backend",
        "cpu",
        "--until",
        "tokenize",
        "--json",
    ];
    let output = onerec(&args);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let types: Vec<String> = String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| {
            let record: serde_json::Value = serde_json::from_str(line).expect("every line is JSON");
            record["event"]["type"]
                .as_str()
                .expect("every event has a type")
                .to_owned()
        })
        .collect();
    assert_eq!(types.first().map(String::as_str), Some("run_started"));
    assert_eq!(types.last().map(String::as_str), Some("run_finished"));
    assert!(
        Path::new(&out).join("charts/codebook_load.svg").exists(),
        "charts must be written"
    );
    assert_eq!(
        onerec(&args).status.code(),
        Some(1),
        "a folder with a run in it must not be used again"
    );
    assert_fails(
        &[
            "export",
            &out,
            "--out",
            &folder.path().join("export").display().to_string(),
        ],
        2,
        &["pretrain", "hint: "],
    );
}

#[test]
fn simulations_are_the_same_for_the_same_seed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let make = |name: &str, seed: &str| {
        let out = folder.path().join(name).display().to_string();
        let output = onerec(&[
            "simulate",
            "--preset",
            "catalogue",
            "--seed",
            seed,
            "--out",
            &out,
        ]);
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let inspected = onerec(&["data", "inspect", &out, "--json"]);
        let record: serde_json::Value =
            serde_json::from_slice(&inspected.stdout).expect("one record of JSON");
        record["event"]["stats"]["fingerprint"]
            .as_str()
            .expect("a fingerprint")
            .to_owned()
    };
    let first = make("first", "7");
    assert_eq!(first, make("again", "7"));
    assert_ne!(first, make("other", "8"));
}

#[test]
fn a_simulated_world_can_be_of_another_size() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().display().to_string();
    let small = ["--users", "40", "--items", "300", "--out", &out];
    let output = onerec(&[&["simulate"][..], &small].concat());
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("40 users, 300 items"), "{said}");
    let impossible = ["simulate", "--items", "1", "--out", &out];
    assert_fails(&impossible, 3, &["n_items is 1", "160", "hint: "]);
}

#[test]
fn a_size_is_counted_without_being_trained() {
    let output = onerec(&["size", "--size", "v2-8b", "--json"]);
    assert!(output.status.success(), "{output:?}");
    let record: serde_json::Value =
        serde_json::from_slice(&output.stdout).expect("one line of JSON");
    let parameters = record["size"]["parameters"].as_u64().expect("a count");
    assert!(
        (7_900_000_000..8_100_000_000).contains(&parameters),
        "{parameters}"
    );
    assert!(record["probe"].is_null());

    let output = onerec(&["size", "--all"]);
    let table = String::from_utf8_lossy(&output.stdout);
    for name in ["a-1b", "v2-0.1b", "counted only"] {
        assert!(table.contains(name), "{name} is missing in: {table}");
    }
    assert_fails(
        &["size", "--size", "b-9b"],
        2,
        &["expected one of", "v2-1b"],
    );
}

#[test]
fn a_run_that_cannot_fit_is_refused_with_both_figures() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("run").display().to_string();
    let args = [
        "run",
        "--data",
        &sample(),
        "--out",
        &out,
        "--backend",
        "cpu",
        "--size",
        "v2-8b",
    ];
    assert_fails(
        &args,
        2,
        &["could not train this model", "GB", "onerec size"],
    );
}

#[test]
fn a_probe_tells_what_an_epoch_takes() {
    let output = onerec(&[
        "size",
        "--probe",
        "--json",
        "--data",
        &sample(),
        "--backend",
        "cpu",
        "--set",
        "pretrain.batch_size=4",
        "--set",
        "model.system=lazy",
    ]);
    assert!(output.status.success(), "{output:?}");
    let record: serde_json::Value =
        serde_json::from_slice(&output.stdout).expect("one line of JSON");
    let probe = &record["probe"];
    assert_eq!(probe["n_steps"], 10);
    assert!(probe["seconds_per_epoch"].as_f64() > probe["seconds_per_step"].as_f64());
}
