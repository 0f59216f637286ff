//! API keys and the audit log as a Lambda function behind the HTTP API.

use platform::clock::SystemClock;
use platform::config::Config;
use platform::{Platform, telemetry};
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::init_lambda();
    let platform = Platform::new(&Config::from_env()?, Arc::new(SystemClock))?;
    lambda_http::run(api_keys::router(platform)).await
}
