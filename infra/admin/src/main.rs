//! `cargo run -p admin -- ...`

use admin::{Args, run};
use clap::Parser;
use platform::clock::{Clock, SystemClock};
use platform::telemetry;
use std::io::Write;
use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    telemetry::init_terminal();
    let args = Args::parse();
    let (mut input, mut out) = (std::io::stdin().lock(), std::io::stdout());
    match run(args, &mut input, &mut out, SystemClock.now()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _closed = writeln!(std::io::stderr(), "admin: {}", telemetry::chain(&error));
            ExitCode::FAILURE
        }
    }
}
