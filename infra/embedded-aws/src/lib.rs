//! The AWS services of the local stack on one port: DynamoDB, SQS, KMS, Secrets Manager and S3.
//!
//! They speak the AWS JSON wire protocols (S3: REST), so the AWS SDKs, `aws --endpoint-url` and Hadar's own clients work
//! against them unchanged. State is kept in SQLite files of a data directory (objects: one file each), or in memory. SQLite runs in
//! WAL mode
//! with `synchronous=NORMAL`: what was answered survives the death of the process, not a loss of power.
//! All time is the [`StackClock`]'s. What is missing against AWS is in `docs/local-stack-aws.md`.

mod calls;
mod clock;
mod data_dir;
mod documents;
mod dynamo;
pub mod faults;
mod front;
mod kms;
mod protocol;
mod s3;
mod secrets;
mod server;
mod sqs;

use std::path::PathBuf;
use std::sync::Arc;

pub use calls::Calls;
pub use clock::StackClock;
pub use data_dir::OpenError;
pub use faults::Faults;
pub use front::ConnectionDropped;
pub use sqs::QueueDepth;

use calls::Counted;
use data_dir::DataDir;
use documents::Documents;
use dynamo::Dynamo;
use kms::Kms;
use s3::S3;
use secrets::Secrets;
use sqs::Sqs;

/// The SQLite files of a data directory.
const DATABASES: [&str; 3] = ["dynamodb.sqlite", "sqs.sqlite", "keys-and-secrets.sqlite"];

/// How to open the services.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the state is kept; `None` keeps it in memory.
    pub data_dir: Option<PathBuf>,
    /// The region in every ARN.
    pub region: String,
    /// The account in every ARN and queue URL: 12 digits.
    pub account_id: String,
    /// The time of all services.
    pub clock: StackClock,
    /// The fault rules, asked before every call.
    pub faults: Faults,
    /// Makes messages in flight visible at opening: right when whoever held them ended with the last process.
    pub release_in_flight: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            data_dir: None,
            region: "me-central-1".to_owned(),
            account_id: "000000000000".to_owned(),
            clock: StackClock::new(),
            faults: Faults::new(),
            release_in_flight: false,
        }
    }
}

/// Whose resources these are, for ARNs and URLs.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) region: String,
    pub(crate) account_id: String,
}

/// The running services. Clones share everything; the data directory is free again when the last one is
/// dropped.
#[derive(Clone)]
pub struct EmbeddedAws {
    inner: Arc<Inner>,
}

// Fields are dropped in this order: the lock goes last, when every file is closed.
struct Inner {
    sqs: Sqs,
    dynamo: Dynamo,
    kms: Kms,
    secrets: Secrets,
    s3: S3,
    clock: StackClock,
    faults: Faults,
    counted: Counted,
    data_dir: Option<DataDir>,
}

impl EmbeddedAws {
    /// Opens the services, creating the data directory and its files where they are missing.
    pub fn open(options: Options) -> Result<Self, OpenError> {
        let Options { data_dir, region, account_id, clock, faults, release_in_flight } = options;
        let data_dir = data_dir.map(DataDir::claim).transpose()?;
        let identity = Identity { region, account_id };
        let documents = Documents::open(data_dir.as_ref())?;
        let inner = Inner {
            sqs: Sqs::open(data_dir.as_ref(), identity.clone(), clock.clone(), release_in_flight)?,
            dynamo: Dynamo::open(data_dir.as_ref())?,
            kms: Kms::open(documents.clone(), identity.clone(), clock.clone())?,
            secrets: Secrets::open(documents, identity, clock.clone())?,
            s3: S3::open(data_dir.as_ref(), clock.clone())?,
            clock,
            faults,
            counted: Counted::default(),
            data_dir,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// How often each caller asked for each operation since the services were opened.
    pub fn calls(&self) -> Calls {
        self.inner.counted.all()
    }

    /// Deletes the items whose time to live has passed on the stack's clock; gives how many. Blocks: call it
    /// from a
    /// blocking thread where the tables are large.
    pub fn sweep_ttl(&self) -> usize {
        self.inner.dynamo.sweep_ttl(self.inner.clock.now_ms().div_euclid(1000))
    }

    /// Writes the files of the data directory anew, without what was deleted: SQLite leaves deleted rows in free pages and
    /// in its log until something else is written over them. Blocks while it copies.
    ///
    /// # Errors
    /// A file cannot be written, or somebody has been reading it for too long.
    pub fn compact(&self) -> Result<(), OpenError> {
        let Some(dir) = &self.inner.data_dir else { return Ok(()) };
        DATABASES.iter().map(|name| dir.file(name)).try_for_each(|path| data_dir::compact(&path))
    }

    /// Makes a bucket where it is missing. Blocks for about a millisecond.
    ///
    /// # Errors
    /// The data directory cannot be written.
    pub fn ensure_bucket(&self, name: &str) -> std::io::Result<()> {
        self.inner.s3.ensure_bucket(name)
    }

    /// How full each queue is, by name. Blocks for about a millisecond.
    pub fn queue_depths(&self) -> Vec<QueueDepth> {
        self.inner.sqs.depths()
    }

    pub(crate) fn counted(&self) -> &Counted {
        &self.inner.counted
    }

    pub(crate) fn faults(&self) -> &Faults {
        &self.inner.faults
    }

    pub(crate) fn dynamo(&self) -> &Dynamo {
        &self.inner.dynamo
    }

    pub(crate) fn sqs(&self) -> &Sqs {
        &self.inner.sqs
    }

    pub(crate) fn kms(&self) -> &Kms {
        &self.inner.kms
    }

    pub(crate) fn secrets(&self) -> &Secrets {
        &self.inner.secrets
    }

    pub(crate) fn s3(&self) -> &S3 {
        &self.inner.s3
    }
}
