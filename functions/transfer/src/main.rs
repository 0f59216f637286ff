//! Exports and imports as a Lambda function behind the HTTP API.

use platform::bucket::Bucket;
use platform::clock::SystemClock;
use platform::config::Config;
use platform::{Platform, telemetry};
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::init_lambda();
    let config = Config::from_env()?;
    let platform = Platform::new(&config, Arc::new(SystemClock))?;
    lambda_http::run(transfer::router(platform, Bucket::new(&config)?)).await
}
