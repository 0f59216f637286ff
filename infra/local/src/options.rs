//! How a stack is started, and why it may not start.

use std::path::PathBuf;

/// How to start a stack.
#[derive(Debug, Clone)]
pub struct Options {
    /// The port of the HTTP front; 0 takes any.
    pub port: u16,
    /// Where everything is kept; `None` keeps nothing.
    pub data_dir: Option<PathBuf>,
    /// A template in place of the one built in.
    pub template: Option<PathBuf>,
    /// Whether to make the demo tenants.
    pub demo: bool,
    /// Where to write the ready file.
    pub ready_file: Option<PathBuf>,
    /// In place of `https://graph.facebook.com`; the built-in simulator unless told, as for the next three.
    pub meta_url: Option<String>,
    /// In place of `https://waba-v2.360dialog.io`.
    pub dialog360_url: Option<String>,
    /// In place of `https://api.ultramsg.com`.
    pub ultramsg_url: Option<String>,
    /// In place of `https://www.bayut.com`; nothing answers there unless told.
    pub bayut_url: Option<String>,
    /// In place of `https://dubizzle.com`; nothing answers there unless told.
    pub dubizzle_url: Option<String>,
    /// An OpenAI-compatible base, such as `http://127.0.0.1:8000/v1`.
    pub llm_url: Option<String>,
    /// Whether customer webhooks may go over http to this machine, on any port.
    pub allow_loopback_endpoints: bool,
    /// The limit of the demo tenants' keys in requests per minute, in place of their plans'.
    pub demo_rate_per_minute: Option<u32>,
    /// How long a call of a provider may take in all, in milliseconds, in place of ten seconds.
    pub provider_timeout_ms: Option<u64>,
}

impl Default for Options {
    /// What tests want: any port, nothing kept, demo tenants that may ask as often as they like.
    fn default() -> Self {
        Self {
            port: 0,
            data_dir: None,
            template: None,
            demo: true,
            ready_file: None,
            meta_url: None,
            dialog360_url: None,
            ultramsg_url: None,
            bayut_url: None,
            dubizzle_url: None,
            llm_url: None,
            allow_loopback_endpoints: false,
            demo_rate_per_minute: Some(1_000_000),
            provider_timeout_ms: None,
        }
    }
}

/// Why a stack did not start; one line each.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The port cannot be had.
    #[error("cannot listen on 127.0.0.1:{port}: {}", reason(.cause))]
    Port {
        /// The port asked for.
        port: u16,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The template file cannot be read.
    #[error("cannot read the template {}: {cause}", path.display())]
    TemplateFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The template cannot be run.
    #[error("template: {0}")]
    Template(String),
    /// The data directory, or the AWS services in it.
    #[error(transparent)]
    DataDir(#[from] embedded_aws::OpenError),
    /// A file in the data directory, or the ready file.
    #[error("cannot use {}: {cause}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// A resource of the template cannot be made, or a demo tenant.
    #[error("cannot set up {what}: {cause}")]
    SetUp {
        /// The resource.
        what: String,
        /// Why not.
        cause: String,
    },
}

impl StartError {
    /// Setting up `what` failed; the chain of causes becomes one line.
    pub(crate) fn set_up(what: impl Into<String>, error: &dyn std::error::Error) -> Self {
        Self::SetUp { what: what.into(), cause: platform::telemetry::chain(error) }
    }
}

impl From<crate::template::TemplateError> for StartError {
    fn from(error: crate::template::TemplateError) -> Self {
        Self::Template(error.to_string())
    }
}

fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            "the port is in use; stop what uses it, or choose another with --port (0 takes any)".to_owned()
        }
        _ => error.to_string(),
    }
}
