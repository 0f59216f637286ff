//! The processor as a Lambda function, fed by the inbound queue.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use platform::clock::SystemClock;
use platform::config::Config;
use platform::transport::Transport;
use platform::{Platform, telemetry};
use processor::Processor;
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init_lambda();
    let config = Config::from_env()?;
    let platform = Platform::new(&config, Arc::new(SystemClock))?;
    let processor = &Processor::new(platform, Transport::new(&config)?);
    run(service_fn(move |event: LambdaEvent<_>| async move {
        Ok::<_, Error>(processor.handle(event.payload).await)
    }))
    .await
}
