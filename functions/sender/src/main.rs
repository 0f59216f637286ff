//! The sender as a Lambda function, fed by the outbound queue.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use platform::bucket::Bucket;
use platform::clock::SystemClock;
use platform::config::Config;
use platform::transport::Transport;
use platform::{Platform, telemetry};
use sender::Sender;
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init_lambda();
    let config = Config::from_env()?;
    let platform = Platform::new(&config, Arc::new(SystemClock))?;
    let sender = &Sender::new(platform, Transport::new(&config)?, Bucket::new(&config)?);
    run(service_fn(
        move |event: LambdaEvent<_>| async move { Ok::<_, Error>(sender.handle(event.payload).await) },
    ))
    .await
}
