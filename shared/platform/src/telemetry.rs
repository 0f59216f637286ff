//! Logs: JSON lines on Lambda, one readable line elsewhere; ids and counts, never bodies, tokens or phone numbers.

use tracing_subscriber::EnvFilter;

/// Starts logging for a Lambda function: JSON, level from `AWS_LAMBDA_LOG_LEVEL` or `RUST_LOG`, default `info`.
/// A second call changes nothing.
pub fn init_lambda() {
    let filter = EnvFilter::try_from_env("AWS_LAMBDA_LOG_LEVEL")
        .or_else(|_| EnvFilter::try_from_default_env())
        .unwrap_or_else(|_| EnvFilter::new("info"));
    let _already_set = tracing_subscriber::fmt()
        .json()
        .with_env_filter(filter)
        .with_current_span(true)
        .with_span_list(false)
        .without_time()
        .try_init();
}

/// Starts logging for a person at a terminal: to standard error, `RUST_LOG`, default `warn`.
pub fn init_terminal() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    let _already_set =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
}

/// An error with its causes, on one line.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
