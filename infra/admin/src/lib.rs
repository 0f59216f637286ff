//! What the platform's engineers do by hand, through the production adapters: on AWS with the credentials of the
//! environment, or against any endpoint that speaks AWS's protocols (docs/runbook.md).

mod audit;
mod command;
mod consents;
mod erasures;
mod error;
mod queues;
mod receiver;
mod rewrap;
mod secrets;
mod tenants;

use command::ConsentsCommand;
pub use command::{Args, Command};
pub use error::AdminError;

use domain::time::Millis;
use platform::Platform;
use platform::aws::Aws;
use platform::clock::SystemClock;
use platform::config::Config;
use std::io::{BufRead, Write};
use std::sync::Arc;

/// What a command works with.
struct Desk<'a> {
    platform: Platform,
    aws: Aws,
    config: Config,
    now: Millis,
    out: &'a mut dyn Write,
}

impl Desk<'_> {
    /// Writes a line of the answer.
    fn say(&mut self, line: &str) -> Result<(), AdminError> {
        writeln!(self.out, "{line}").map_err(AdminError::Output)
    }
}

/// Runs a command. Secrets are read from `input`, never from the command line, which other users of a machine can see.
///
/// # Errors
/// What kept the command from being done, in one line.
pub async fn run(
    args: Args,
    input: &mut dyn BufRead,
    out: &mut dyn Write,
    now: Millis,
) -> Result<(), AdminError> {
    // A receiver is asked, or a file is read, nothing of AWS: it need not be configured for that.
    let without = matches!(
        args.command,
        Command::CheckReceiver { .. } | Command::Consents(ConsentsCommand::Verify { file: Some(_), .. })
    );
    let nowhere = without.then_some("http://127.0.0.1");
    let mut config = Config::of_stage(&args.stage, args.endpoint_url.as_deref().or(nowhere))?;
    if let Some(table) = args.crm_table {
        config.crm_table = table;
    }
    let mut desk = Desk {
        platform: Platform::new(&config, Arc::new(SystemClock))?,
        aws: Aws::new(&config.aws, &config.function)?,
        config,
        now,
        out,
    };
    match args.command {
        Command::Tenant(command) => tenants::run(&mut desk, command).await,
        Command::Status => {
            tenants::list(&mut desk).await?;
            queues::depths(&mut desk).await
        }
        Command::Redrive { queue } => queues::redrive(&mut desk, &queue).await,
        Command::Rotate { secret, force } => secrets::rotate(&mut desk, secret, force, input).await,
        Command::Rewrap { after, limit } => rewrap::run(&mut desk, after, limit).await,
        Command::Consents(command) => consents::run(&mut desk, command).await,
        Command::EraseAgain { from } => erasures::again(&mut desk, from).await,
        Command::Audit(command) => audit::run(&mut desk, command).await,
        Command::CheckReceiver { url, allow_loopback } => {
            receiver::run(&mut desk, &url, allow_loopback, input).await
        }
    }
}
