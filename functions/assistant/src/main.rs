//! The assistant as a Lambda function, fed by its queue.

use assistant::Assistant;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use platform::clock::SystemClock;
use platform::config::Config;
use platform::courier::Courier;
use platform::{Platform, telemetry};
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init_lambda();
    let config = Config::from_env()?;
    let platform = Platform::new(&config, Arc::new(SystemClock))?;
    let assistant = &Assistant::new(platform, Courier::new(&config)?);
    run(service_fn(move |event: LambdaEvent<_>| async move {
        Ok::<_, Error>(assistant.handle(event.payload).await)
    }))
    .await
}
