//! A customer's receiver, put to the test from here.

use crate::AdminError;
use crm::deliver::check_receiver;
use domain::time::Millis;
use platform::config::Config;
use platform::courier::Courier;
use std::io::{BufRead, Write};
use uuid::Uuid;
use zeroize::Zeroizing;

/// Sends good and bad deliveries, and writes a line for each.
pub(crate) async fn run(
    config: &Config,
    url: &str,
    input: &mut dyn BufRead,
    out: &mut dyn Write,
    now: Millis,
) -> Result<(), AdminError> {
    let mut line = Zeroizing::new(String::new());
    input.read_line(&mut line).map_err(AdminError::Output)?;
    let secret = Zeroizing::new(line.trim().to_owned());
    if secret.is_empty() {
        return Err(AdminError::NoValue);
    }
    let courier = Courier::new(config).map_err(AdminError::Receiver)?;
    let findings = check_receiver(&courier, url, &secret, now, &Uuid::new_v4().to_string()).await;
    let mut failed = 0;
    for finding in &findings {
        let word = if finding.passed { "pass" } else { "FAIL" };
        writeln!(out, "{word}  {}: {}", finding.name, finding.seen).map_err(AdminError::Output)?;
        failed += usize::from(!finding.passed);
    }
    if failed > 0 {
        return Err(AdminError::Receiver(format!("{failed} of {} checks failed", findings.len())));
    }
    writeln!(out, "all {} checks passed", findings.len()).map_err(AdminError::Output)
}
