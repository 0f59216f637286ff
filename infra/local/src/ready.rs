//! What a running stack tells: addresses, names, demo tenants. The ready file is this as JSON.

use crate::options::StartError;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;

/// Everything that a client of the stack needs. Shown and written in the clear: the keys are throw-away keys of this
/// machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    /// The HTTP front.
    pub base_url: String,
    /// Where the AWS protocols are spoken.
    pub aws_endpoint_url: String,
    /// The provider simulator.
    pub sim_url: String,
    /// Queue URLs by short name, such as `inbound`.
    pub queues: BTreeMap<String, String>,
    /// Full table names by short name, such as `crm`.
    pub tables: BTreeMap<String, String>,
    /// The demo tenants, one per provider.
    pub tenants: Vec<DemoTenant>,
}

/// A demo tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DemoTenant {
    /// Its id.
    pub id: String,
    /// Its provider: `meta`, `dialog360` or `ultramsg`.
    pub provider: String,
    /// Its sandbox twin, whose data test keys open.
    pub sandbox_id: String,
    /// What it pays for.
    pub plan: String,
    /// Its API keys.
    pub keys: DemoKeys,
    /// Where its provider posts.
    pub webhook_url: String,
    /// Its public lead form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form_id: Option<String>,
    /// Its number on Meta.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<DemoMeta>,
    /// Its number on 360dialog.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dialog360: Option<DemoDialog360>,
    /// Its number on UltraMsg.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ultramsg: Option<DemoUltramsg>,
}

/// The API keys of a demo tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DemoKeys {
    /// May do everything.
    pub live_admin: String,
    /// Works conversations and leads.
    pub live_agent: String,
    /// Reads.
    pub live_viewer: String,
    /// May do everything in the sandbox twin.
    pub test_admin: String,
}

/// A demo number on Meta.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DemoMeta {
    /// Signs webhooks.
    pub app_secret: String,
    /// Answers the handshake.
    pub verify_token: String,
    /// The number.
    pub phone_number_id: String,
    /// The business account.
    pub waba_id: String,
    /// The access token.
    pub token: String,
}

/// A demo number on 360dialog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DemoDialog360 {
    /// The key of the number's channel.
    pub api_key: String,
    /// The secret of its webhooks.
    pub webhook_token: String,
}

/// A demo instance of UltraMsg.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DemoUltramsg {
    /// The instance, without the `instance` prefix.
    pub instance_id: String,
    /// The token of the instance.
    pub token: String,
    /// The secret of its webhooks.
    pub webhook_token: String,
}

impl Ready {
    /// Writes the ready file at once: whoever sees it sees all of it.
    pub(crate) fn write(&self, path: &Path) -> Result<(), StartError> {
        write_whole(path, &serde_json::to_vec_pretty(self).unwrap_or_default())
    }
}

/// Writes a file under another name and renames it. Readable by its owner only: it holds keys.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), StartError> {
    let failed = |cause| StartError::File { path: path.to_path_buf(), cause };
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.tmp", std::process::id()));
    let draft = path.with_file_name(name);
    let mut options = fs::File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&draft).map_err(failed)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed)?;
    fs::rename(&draft, path).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn ready() -> Ready {
        Ready {
            base_url: "http://127.0.0.1:8787".into(),
            aws_endpoint_url: "http://127.0.0.1:8788".into(),
            sim_url: "http://127.0.0.1:8787/_sim".into(),
            queues: [("inbound".to_owned(), "u".to_owned())].into(),
            tables: [("crm".to_owned(), "hadar-local-crm".to_owned())].into(),
            tenants: vec![DemoTenant {
                id: "tnt_1".into(),
                provider: "ultramsg".into(),
                sandbox_id: "tnt_2".into(),
                plan: "starter".into(),
                keys: DemoKeys {
                    live_admin: "a".into(),
                    live_agent: "b".into(),
                    live_viewer: "c".into(),
                    test_admin: "d".into(),
                },
                webhook_url: "http://127.0.0.1:8787/v1/webhooks/whatsapp/tnt_1".into(),
                form_id: None,
                meta: None,
                dialog360: None,
                ultramsg: Some(DemoUltramsg {
                    instance_id: "1".into(),
                    token: "t".into(),
                    webhook_token: "w".into(),
                }),
            }],
        }
    }

    #[test]
    fn the_ready_file_has_the_agreed_shape() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ready.json");
        ready().write(&path).unwrap();
        let written: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let expected = json!({
            "base_url": "http://127.0.0.1:8787",
            "aws_endpoint_url": "http://127.0.0.1:8788",
            "sim_url": "http://127.0.0.1:8787/_sim",
            "queues": {"inbound": "u"},
            "tables": {"crm": "hadar-local-crm"},
            "tenants": [{
                "id": "tnt_1",
                "provider": "ultramsg",
                "sandbox_id": "tnt_2",
                "plan": "starter",
                "keys": {"live_admin": "a", "live_agent": "b", "live_viewer": "c", "test_admin": "d"},
                "webhook_url": "http://127.0.0.1:8787/v1/webhooks/whatsapp/tnt_1",
                "ultramsg": {"instance_id": "1", "token": "t", "webhook_token": "w"},
            }],
        });
        assert_eq!(written, expected);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "the draft is gone");
    }

    #[test]
    fn a_ready_file_that_cannot_be_written_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let said = ready().write(&dir.path().join("no/such/ready.json")).unwrap_err().to_string();
        assert!(said.contains("no/such/ready.json") && !said.contains('\n'), "{said}");
    }
}
