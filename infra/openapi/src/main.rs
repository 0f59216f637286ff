//! `openapi` prints the document; `openapi OLD NEW` compares two and fails when NEW breaks who relies on OLD.

use std::error::Error;
use std::io::Write as _;
use std::process::ExitCode;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let files: Vec<String> = std::env::args().skip(1).collect();
    let mut out = std::io::stdout().lock();
    match files.as_slice() {
        [] => {
            write!(out, "{}", openapi::text()?)?;
            Ok(ExitCode::SUCCESS)
        }
        [old, new] => {
            let read = |path: &String| -> Result<serde_json::Value, Box<dyn Error>> {
                Ok(serde_json::from_str(&std::fs::read_to_string(path)?)?)
            };
            let found = openapi::changes(&read(old)?, &read(new)?);
            for change in &found {
                writeln!(out, "{change}")?;
            }
            let breaks = found.iter().any(|change| change.breaks);
            Ok(if breaks { ExitCode::FAILURE } else { ExitCode::SUCCESS })
        }
        _ => Err("usage: openapi [OLD NEW]".into()),
    }
}
