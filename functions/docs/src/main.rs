//! The API's description as a Lambda function behind the HTTP API.

use platform::telemetry;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::init_lambda();
    lambda_http::run(docs::router(None)).await
}
