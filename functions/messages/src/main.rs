//! Sending as a Lambda function behind the HTTP API.

use platform::clock::SystemClock;
use platform::config::Config;
use platform::courier::Courier;
use platform::transport::Transport;
use platform::{Platform, telemetry};
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::init_lambda();
    let config = Config::from_env()?;
    let platform = Platform::new(&config, Arc::new(SystemClock))?;
    lambda_http::run(messages::router(platform, Transport::new(&config)?, Courier::new(&config)?)).await
}
