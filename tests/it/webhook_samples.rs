//! The verification samples of docs/webhooks.md, run with the published vector and with what must be refused (F14, R03).

use e2e::verify::verify;
use std::fs;
use std::path::Path;
use std::process::Command;

const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const BODY: &str = r#"{"id":"evt_01ARZ3NDEKTSV4RRFFQ69G5FAV","type":"ping"}"#;
const GOOD: &str = "9b0fa459b62642ea0288d5d95928c78962ff37d1f0161d4b2cc530ae74136169";

fn document() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("docs/webhooks.md"))
        .unwrap()
}

/// The first block of code in a language.
fn block(language: &str) -> String {
    let text = document();
    let start = text.split(&format!("```{language}\n")).nth(1).unwrap_or_else(|| panic!("no {language}"));
    start.split("\n```").next().unwrap().to_owned()
}

/// Secret, header, body, time, and whether it is good.
fn cases() -> Vec<(&'static str, String, &'static str, u64, bool)> {
    let good = format!("t=1700000000,v1={GOOD}");
    let other = "0".repeat(64);
    vec![
        (SECRET, good.clone(), BODY, 1_700_000_000, true),
        (SECRET, good.clone(), BODY, 1_700_000_300, true),
        (SECRET, good.clone(), BODY, 1_699_999_700, true),
        (SECRET, format!("t=1700000000,v1={other},v1={GOOD}"), BODY, 1_700_000_000, true),
        (SECRET, good.clone(), BODY, 1_700_000_301, false),
        (SECRET, good.clone(), BODY, 1_699_999_699, false),
        (SECRET, good.clone(), "{\"id\":\"evt_\"}", 1_700_000_000, false),
        ("whsec_AAAA", good, BODY, 1_700_000_000, false),
        (SECRET, format!("t=1700000001,v1={GOOD}"), BODY, 1_700_000_000, false),
        (SECRET, format!("t=1700000000,v1={other}"), BODY, 1_700_000_000, false),
        (SECRET, format!("t=1700000000,v1={}", &GOOD[..62]), BODY, 1_700_000_000, false),
        (SECRET, format!("t=1700000000,v0={GOOD}"), BODY, 1_700_000_000, false),
        (SECRET, "t=1700000000,v1=zz".to_owned(), BODY, 1_700_000_000, false),
        (SECRET, "t=,v1=".to_owned(), BODY, 1_700_000_000, false),
        (SECRET, format!("v1={GOOD}"), BODY, 1_700_000_000, false),
        (SECRET, String::new(), BODY, 1_700_000_000, false),
    ]
}

#[test]
fn the_rust_sample_is_what_the_document_shows_and_tells_good_from_bad() {
    let source = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("verify.rs")).unwrap();
    let shown = source.split_once("\n\n").unwrap().1.trim_end();
    assert_eq!(block("rust"), shown);
    for (secret, header, body, now, expected) in cases() {
        assert_eq!(verify(secret, &header, body.as_bytes(), now), expected, "{header} at {now}");
    }
    assert!(document().contains(GOOD) && document().contains(SECRET));
}

/// Runs a sample on the cases, given as JSON; it prints a line of `true` or `false` for each.
fn run(program: &str, flag: &str, code: String) {
    let given: Vec<_> =
        cases().into_iter().map(|(secret, header, body, now, _)| (secret, header, body, now)).collect();
    let given = serde_json::to_string(&given).unwrap();
    let done = Command::new(program).arg(flag).arg(code).env("CASES", given).output();
    let done = done.unwrap_or_else(|error| panic!("{program} is needed to try its sample: {error}"));
    assert!(done.status.success(), "{program}: {}", String::from_utf8_lossy(&done.stderr));
    let said = String::from_utf8_lossy(&done.stdout).to_lowercase();
    let said: Vec<bool> = said.lines().map(|line| line.trim() == "true").collect();
    let expected: Vec<bool> = cases().into_iter().map(|case| case.4).collect();
    assert_eq!(said, expected, "{program}");
}

#[test]
fn the_python_sample_tells_good_from_bad() {
    let code = format!(
        "{}\nimport json, os\nfor s, h, b, n in json.loads(os.environ['CASES']): print(verify(s, h, b.encode(), n))\n",
        block("python")
    );
    run("python3", "-c", code);
}

#[test]
fn the_node_sample_tells_good_from_bad() {
    // Whoever has no Node tries the other two; the gate has it.
    #[expect(clippy::disallowed_methods, reason = "what runs this test, not what is tested")]
    let gate = std::env::var_os("CI").is_some();
    if !gate && Command::new("node").arg("--version").output().is_err() {
        return;
    }
    let code = format!(
        "{}\nfor (const [s, h, b, n] of JSON.parse(process.env.CASES)) console.log(verify(s, h, Buffer.from(b), n));\n",
        block("js")
    );
    run("node", "-e", code);
}
