//! `demo.env`: addresses and demo tenants as shell variables, for the commands of the README.

use crate::options::StartError;
use crate::ready::{Ready, write_whole};
use crate::template::{ACCOUNT, REGION};
use std::fmt::{self, Write};
use std::path::Path;

/// Writes the file into the data directory. It is written at every start: ports change.
pub(crate) fn write_file(ready: &Ready, data_dir: &Path) -> Result<(), StartError> {
    write_whole(&data_dir.join("demo.env"), text(ready).as_bytes())
}

fn text(ready: &Ready) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _infallible = write(&mut out, ready);
    out
}

fn write(out: &mut String, ready: &Ready) -> fmt::Result {
    let mut export = |name: &str, value: &str| writeln!(out, "export {name}='{value}'");
    export("HADAR", &ready.base_url)?;
    export("AWS_ENDPOINT", &ready.aws_endpoint_url)?;
    for (short, url) in &ready.queues {
        let name = short.to_uppercase().replace('-', "_");
        export(&format!("{name}_URL"), url)?;
        let full = url.rsplit('/').next().unwrap_or_default();
        export(&format!("{name}_ARN"), &format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{full}"))?;
    }
    for tenant in &ready.tenants {
        let provider = tenant.provider.to_uppercase();
        let mut export = |name: &str, value: &str| export(&format!("{provider}_{name}"), value);
        export("TENANT", &tenant.id)?;
        export("WEBHOOK", &tenant.webhook_url)?;
        export("KEY", &tenant.keys.live_admin)?;
        if let Some(form) = &tenant.form_id {
            export("FORM", form)?;
        }
        if let Some(meta) = &tenant.meta {
            export("APP_SECRET", &meta.app_secret)?;
            export("VERIFY_TOKEN", &meta.verify_token)?;
            export("PHONE_NUMBER_ID", &meta.phone_number_id)?;
            export("WABA_ID", &meta.waba_id)?;
            export("ACCESS_TOKEN", &meta.token)?;
        }
        if let Some(dialog360) = &tenant.dialog360 {
            export("TOKEN", &dialog360.webhook_token)?;
            export("API_KEY", &dialog360.api_key)?;
        }
        if let Some(ultramsg) = &tenant.ultramsg {
            export("INSTANCE_ID", &ultramsg.instance_id)?;
            export("TOKEN", &ultramsg.webhook_token)?;
            export("API_TOKEN", &ultramsg.token)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queues_are_named_by_url_and_arn() {
        let url = "http://127.0.0.1:2/000000000000/hadar-local-inbound-dlq";
        let ready = Ready {
            base_url: "http://127.0.0.1:1".into(),
            aws_endpoint_url: "http://127.0.0.1:2".into(),
            sim_url: String::new(),
            queues: [("inbound-dlq".to_owned(), url.to_owned())].into(),
            tables: [].into(),
            tenants: Vec::new(),
        };
        let expected = format!(
            "export HADAR='http://127.0.0.1:1'\nexport AWS_ENDPOINT='http://127.0.0.1:2'\n\
             export INBOUND_DLQ_URL='{url}'\n\
             export INBOUND_DLQ_ARN='arn:aws:sqs:me-central-1:000000000000:hadar-local-inbound-dlq'\n"
        );
        assert_eq!(text(&ready), expected);
    }
}
