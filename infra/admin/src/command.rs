//! The command line.

use clap::{Parser, Subcommand, ValueEnum};
use domain::ids::TenantId;
use domain::language::Language;
use domain::ledger::LedgerHead;
use domain::tenant::Plan;
use platform::dynamo::AuditHead;
use std::path::PathBuf;

/// Hadar's platform, by hand.
#[derive(Debug, Parser)]
#[command(name = "admin", version)]
pub struct Args {
    /// The stage, as every name carries it.
    #[arg(long, default_value = "dev")]
    pub stage: String,
    /// Where AWS is, in place of the region's endpoints: what `cargo run` prints, with `--stage local`.
    #[arg(long, value_name = "URL")]
    pub endpoint_url: Option<String>,
    /// The table `crm`, in place of the stage's own: one that was restored.
    #[arg(long, value_name = "TABLE")]
    pub crm_table: Option<String>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Tenants: make, list, change their plan, give them an admin key.
    #[command(subcommand)]
    Tenant(TenantCommand),
    /// Tenants with what is parked, and how full every queue is.
    Status,
    /// Move what lies in a dead-letter queue back to the queue it came from.
    Redrive {
        /// The queue: `inbound-dlq`, or its full name.
        queue: String,
    },
    /// Give one of the platform's secrets a new value; the one before it stays good until the next rotation.
    Rotate {
        /// Which.
        secret: SecretName,
        /// Although the rotation before this one is younger than a day, whose previous value ends with this one.
        #[arg(long)]
        force: bool,
    },
    /// Wrap the data keys of the tenants' secrets anew, after the master key got new material. May be run again.
    Rewrap {
        /// Begin after this tenant: the last one that a run before this one named.
        #[arg(long, value_parser = tenant)]
        after: Option<TenantId>,
        /// How many tenants at most.
        #[arg(long, default_value_t = 1_000)]
        limit: u32,
    },
    /// Do erasures again on a table that was restored from before them (`--crm-table`).
    EraseAgain {
        /// The table that knows all erasures: the one that was in use until the restore.
        #[arg(long, value_name = "TABLE")]
        from: String,
    },
    /// The audit log of a tenant.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// The consent ledger of a tenant.
    #[command(subcommand)]
    Consents(ConsentsCommand),
    /// Send a receiver of customer webhooks good and bad deliveries, and say what it does with each. Its secret is read
    /// from the input.
    CheckReceiver {
        /// Where it is.
        #[arg(long)]
        url: String,
        /// Take receivers on this machine, over http, too.
        #[arg(long)]
        allow_loopback: bool,
    },
}

/// What to do with tenants.
#[derive(Debug, Subcommand)]
pub enum TenantCommand {
    /// Make a tenant with its sandbox twin and its first admin key, which is shown once.
    Create {
        /// What it calls itself.
        #[arg(long)]
        name: String,
        /// What it pays for: starter, growth, growth_with_meta or enterprise.
        #[arg(long, default_value = "starter", value_parser = plan)]
        plan: Plan,
        /// What its customers are answered in when nothing is known: en or ar.
        #[arg(long, default_value = "en", value_parser = language)]
        language: Language,
    },
    /// All tenants, with how many events of each wait for a person.
    List,
    /// Give a tenant another plan, and its keys the limit of it.
    Plan {
        /// The tenant.
        #[arg(value_parser = tenant)]
        tenant: TenantId,
        /// The plan.
        #[arg(value_parser = plan)]
        plan: Plan,
    },
    /// Make an admin key for a tenant that has none any more; shown once, and written into its audit log.
    AdminKey {
        /// The tenant.
        #[arg(value_parser = tenant)]
        tenant: TenantId,
        /// What people will call the key.
        #[arg(long, default_value = "made by the platform")]
        name: String,
    },
}

/// What to do with an audit log.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Check the whole chain.
    Verify {
        /// The tenant.
        #[arg(value_parser = tenant)]
        tenant: TenantId,
        /// An end that was known before, as `<seq>:<hash>`: the table's own is checked anyway.
        #[arg(long, value_parser = head)]
        head: Option<AuditHead>,
    },
}

/// What to do with a consent ledger.
#[derive(Debug, Subcommand)]
pub enum ConsentsCommand {
    /// Check the whole chain: of a tenant, in its table and against its sealed ends, or of an exported file, without AWS.
    Verify {
        /// The tenant.
        #[arg(value_parser = tenant, required_unless_present = "file", conflicts_with = "file")]
        tenant: Option<TenantId>,
        /// A file of GET /v1/consents/export, all pages one after the other.
        #[arg(long)]
        file: Option<PathBuf>,
        /// An end that was known before, as `<seq>:<hash>`: the one of a piece of evidence, or of an earlier export.
        #[arg(long, value_parser = ledger_head)]
        head: Option<LedgerHead>,
    },
}

/// One of the platform's secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SecretName {
    /// What seals cursors of lists; made here.
    CursorKey,
    /// What Meta signs with; read from the input.
    MetaAppSecret,
    /// What Meta repeats in the handshake; read from the input.
    MetaVerifyToken,
    /// What 360dialog signs a partner's webhooks with; read from the input.
    #[value(name = "dialog360-platform-secret")]
    Dialog360PlatformSecret,
}

impl SecretName {
    /// Its name in the secret.
    #[must_use]
    pub const fn field(self) -> &'static str {
        match self {
            Self::CursorKey => "cursor_key",
            Self::MetaAppSecret => "meta_app_secret",
            Self::MetaVerifyToken => "meta_verify_token",
            Self::Dialog360PlatformSecret => "dialog360_platform_secret",
        }
    }
}

fn tenant(text: &str) -> Result<TenantId, String> {
    TenantId::parse(text).map_err(|error| error.to_string())
}

fn plan(text: &str) -> Result<Plan, String> {
    Plan::parse(text).ok_or_else(|| format!("expected {}", Plan::ALL.map(Plan::as_str).join(", ")))
}

fn language(text: &str) -> Result<Language, String> {
    Language::parse(text).ok_or_else(|| "expected en or ar".to_owned())
}

fn head(text: &str) -> Result<AuditHead, String> {
    let parts = text.split_once(':').and_then(|(seq, hash)| Some((seq.parse().ok()?, hash)));
    let (seq, hash) = parts.ok_or("expected <seq>:<hash>")?;
    if hash.len() != 64 || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err("a hash has 64 hexadecimal digits".to_owned());
    }
    Ok(AuditHead { seq, hash: hash.to_ascii_lowercase() })
}

fn ledger_head(text: &str) -> Result<LedgerHead, String> {
    head(text).map(|AuditHead { seq, hash }| LedgerHead { seq, hash })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn what_makes_no_sense_is_refused_before_anything_is_called() {
        let parse = |line: &str| Args::try_parse_from(line.split(' '));
        let hash = "a".repeat(64);
        for good in [
            "admin tenant create --name X --plan growth_with_meta --language ar",
            "admin --stage local --endpoint-url http://127.0.0.1:8788 status",
            "admin rotate meta-app-secret --force",
            "admin rewrap --after tnt_01ARZ3NDEKTSV4RRFFQ69G5FAV --limit 10",
            "admin check-receiver --url https://example.ae/hooks",
            "admin consents verify --file ledger.ndjson",
            &format!("admin consents verify tnt_01ARZ3NDEKTSV4RRFFQ69G5FAV --head 7:{hash}"),
            &format!("admin audit verify tnt_01ARZ3NDEKTSV4RRFFQ69G5FAV --head 7:{hash}"),
        ] {
            assert!(parse(good).is_ok(), "{good}");
        }
        for bad in [
            "admin",
            "admin tenant create",
            "admin tenant create --name X --plan gold",
            "admin tenant plan tnt_1 growth",
            "admin rotate meta-app-secret s3cret",
            "admin rewrap --after nobody",
            "admin check-receiver --url https://example.ae/hooks --secret whsec_AAAA",
            "admin consents verify",
            "admin consents verify tnt_01ARZ3NDEKTSV4RRFFQ69G5FAV --file ledger.ndjson",
            "admin audit verify tnt_01ARZ3NDEKTSV4RRFFQ69G5FAV --head 7",
            "admin audit verify tnt_01ARZ3NDEKTSV4RRFFQ69G5FAV --head 7:xyz",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
