//! `cargo run`: all of Hadar on this machine.

use clap::Parser;
use domain::time::Millis;
use local::{Options, Stack, screen};
use platform::clock::{Clock, SystemClock};
use platform::telemetry;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

/// Hadar, the WhatsApp CRM, on this machine: every function, with the AWS services inside.
#[derive(Debug, Parser)]
#[command(name = "hadar", version)]
struct Flags {
    /// Port of the API on 127.0.0.1; 0 takes any.
    #[arg(long, default_value_t = 8787)]
    port: u16,
    /// Where everything is kept.
    #[arg(long, value_name = "DIR", default_value = ".hadar")]
    data_dir: PathBuf,
    /// Keep nothing.
    #[arg(long)]
    ephemeral: bool,
    /// Write addresses, names and keys to this file, as JSON, when serving.
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
    /// Run this template in place of the one built in.
    #[arg(long, value_name = "FILE")]
    template: Option<PathBuf>,
    /// Make no demo tenants.
    #[arg(long)]
    no_demo: bool,
    /// Call this in place of Meta's Graph API; the built-in simulator unless told.
    #[arg(long, value_name = "URL")]
    meta_url: Option<String>,
    /// Call this in place of 360dialog; the built-in simulator unless told.
    #[arg(long, value_name = "URL")]
    dialog360_url: Option<String>,
    /// Call this in place of UltraMsg; the built-in simulator unless told.
    #[arg(long, value_name = "URL")]
    ultramsg_url: Option<String>,
    /// Ask this in place of Bayut for leads; nothing answers unless told.
    #[arg(long, value_name = "URL")]
    bayut_url: Option<String>,
    /// Ask this in place of Dubizzle for leads; nothing answers unless told.
    #[arg(long, value_name = "URL")]
    dubizzle_url: Option<String>,
    /// Call this OpenAI-compatible base, such as http://127.0.0.1:8000/v1; the built-in stand-in unless told.
    #[arg(long, value_name = "URL")]
    llm_url: Option<String>,
    /// Let customer webhooks go over http to this machine, on any port.
    #[arg(long)]
    allow_loopback_endpoints: bool,
    /// How many requests a minute each demo key may make, in place of its plan's limit.
    #[arg(long, value_name = "COUNT")]
    demo_rate_per_minute: Option<u32>,
}

#[tokio::main]
async fn main() -> ExitCode {
    telemetry::init_terminal();
    let flags = Flags::parse();
    let options = Options {
        port: flags.port,
        data_dir: (!flags.ephemeral).then_some(flags.data_dir),
        template: flags.template,
        demo: !flags.no_demo,
        ready_file: flags.ready_file,
        meta_url: flags.meta_url,
        dialog360_url: flags.dialog360_url,
        ultramsg_url: flags.ultramsg_url,
        bayut_url: flags.bayut_url,
        dubizzle_url: flags.dubizzle_url,
        llm_url: flags.llm_url,
        allow_loopback_endpoints: flags.allow_loopback_endpoints,
        demo_rate_per_minute: flags.demo_rate_per_minute,
        provider_timeout_ms: None,
    };
    let data_dir = options.data_dir.clone();
    let stack = match Stack::start(options).await {
        Ok(stack) => stack,
        Err(error) => {
            say(&mut std::io::stderr(), &format!("hadar: {error}\n"));
            return ExitCode::FAILURE;
        }
    };
    let mut out = std::io::stdout();
    let colour = out.is_terminal();
    let now: Millis = SystemClock.now();
    say(&mut out, &screen::first(stack.ready(), data_dir.as_deref(), now.unix_ms() / 1000, colour));
    asked_to_stop().await;
    say(&mut out, "\nStopping: finishing what is under way.\n");
    tokio::select! {
        () = stack.stop() => ExitCode::SUCCESS,
        () = asked_to_stop() => ExitCode::FAILURE,
    }
}

/// Writes a text; whoever closed the other end does not want it.
fn say(to: &mut impl Write, text: &str) {
    let _closed = to.write_all(text.as_bytes()).and_then(|()| to.flush());
}

/// Ctrl-C, or the signal that service managers send.
async fn asked_to_stop() {
    let interrupted = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<()>();
    tokio::select! {
        () = interrupted => {}
        () = terminated => {}
    }
}
