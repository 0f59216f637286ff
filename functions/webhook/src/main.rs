//! The webhook as a Lambda function behind the HTTP API.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use platform::clock::SystemClock;
use platform::config::Config;
use platform::{Platform, telemetry};
use serde_json::value::RawValue;
use std::sync::Arc;
use webhook::Webhook;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init_lambda();
    let platform = Platform::new(&Config::from_env()?, Arc::new(SystemClock))?;
    let webhook = &Webhook::new(platform);
    run(service_fn(move |event: LambdaEvent<Box<RawValue>>| async move {
        Ok::<_, Error>(webhook.handle(webhook::gateway::parse(&event.payload)?.request()).await)
    }))
    .await
}
