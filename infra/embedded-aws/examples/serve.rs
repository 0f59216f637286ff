//! Serves the embedded AWS services: `cargo run --example serve -- PORT [DATA_DIR]`.

use std::path::PathBuf;
use std::process::ExitCode;

use embedded_aws::{EmbeddedAws, Options};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> ExitCode {
    match serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let port: u16 = arguments.next().as_deref().unwrap_or("4566").parse()?;
    let data_dir = arguments.next().map(PathBuf::from);
    let aws = EmbeddedAws::open(Options { data_dir, ..Options::default() })?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("http://{}", listener.local_addr()?);
    aws.serve(listener, async {
        // Without a signal handler it is served until it is killed.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
    .await;
    Ok(())
}
