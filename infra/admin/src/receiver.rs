//! A customer's receiver, put to the test from here.

use crate::{AdminError, Desk};
use crm::deliver::{PROMPT, check_receiver};
use platform::config::Config;
use platform::courier::Courier;
use std::io::BufRead;
use uuid::Uuid;
use zeroize::Zeroizing;

/// Sends good and bad deliveries, and writes a line for each.
pub(crate) async fn run(
    desk: &mut Desk<'_>,
    url: &str,
    allow_loopback: bool,
    input: &mut dyn BufRead,
) -> Result<(), AdminError> {
    let mut line = Zeroizing::new(String::new());
    input.read_line(&mut line).map_err(|_| AdminError::NoValue)?;
    let secret = Zeroizing::new(line.trim().to_owned());
    if secret.is_empty() {
        return Err(AdminError::NoValue);
    }
    let config = Config { allow_loopback_endpoints: allow_loopback, ..desk.config.clone() };
    let courier = Courier::new(&config).map_err(AdminError::Receiver)?;
    let run = Uuid::new_v4().to_string();
    let findings = check_receiver(&courier, url, &secret, desk.now, &run, PROMPT).await;
    let mut failed = 0;
    for finding in &findings {
        let word = if finding.passed { "pass" } else { "FAIL" };
        desk.say(&format!("{word}  {}: {}", finding.name, finding.seen))?;
        failed += usize::from(!finding.passed);
    }
    if failed > 0 {
        return Err(AdminError::Receiver(format!("{failed} of {} checks failed", findings.len())));
    }
    desk.say(&format!("all {} checks passed", findings.len()))
}
