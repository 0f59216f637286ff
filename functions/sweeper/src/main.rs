//! The sweeper as a Lambda function, called by its schedule.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use platform::bucket::Bucket;
use platform::clock::SystemClock;
use platform::config::Config;
use platform::transport::Transport;
use platform::{Platform, telemetry};
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init_lambda();
    let config = Config::from_env()?;
    let platform = &Platform::new(&config, Arc::new(SystemClock))?;
    let transport = &Transport::new(&config)?;
    let bucket = &Bucket::new(&config)?;
    run(service_fn(move |_: LambdaEvent<serde_json::Value>| async move {
        Ok::<_, Error>(sweeper::sweep(platform, transport, bucket, &uuid::Uuid::new_v4().to_string()).await?)
    }))
    .await
}
