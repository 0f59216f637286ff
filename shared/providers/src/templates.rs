//! Templates: the requests that list, make, change and delete them, what the answers say, and the webhooks about them.
//!
//! Meta and 360dialog spell one thing two ways: statuses in capitals or not, a quality as an object or a word, pages
//! by cursor or by offset (providers.md 2.4 and 3).

mod change;
mod page;
mod read;
mod refusal;
mod write;

pub use change::{Changed, TemplateChange, template_change};
pub use page::{PageError, TemplatePage, page};
pub use refusal::{Refusal, RefusalKind};
pub use write::{New, WriteError, Written, create_request, delete_request, edit_request, written};

use bytes::Bytes;
use domain::provider::Provider;
use domain::template::{Button, Category, Header, ParameterFormat, TemplateState};
use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue, Method, Request, Uri};

/// The Graph API's current version (29 July 2026).
const VERSION: &str = "v26.0";
/// How many templates a page has.
const PER_PAGE: u64 = 100;
/// What we need of a template.
const FIELDS: &str =
    "id,name,language,status,category,parameter_format,components,quality_score,rejected_reason";

const D360_API_KEY: HeaderName = HeaderName::from_static("d360-api-key");

/// A template as a provider reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reported {
    /// The provider's id of it.
    pub provider_template_id: Option<String>,
    /// Its registered name.
    pub name: String,
    /// Its language code.
    pub language: String,
    /// What it is for; a category we do not know counts as marketing, which asks the most of us.
    pub category: Category,
    /// Where it stands; a status we do not know counts as disabled.
    pub state: TemplateState,
    /// How its variables are addressed.
    pub parameter_format: ParameterFormat,
    /// What stands on top.
    pub header: Option<Header>,
    /// Its words.
    pub body: String,
    /// The small line below.
    pub footer: Option<String>,
    /// Its buttons, in order.
    pub buttons: Vec<Button>,
    /// `GREEN`, `YELLOW`, `RED` or `UNKNOWN`, as reported.
    pub quality: Option<String>,
    /// Why it cannot be sent, as reported.
    pub rejected_reason: Option<String>,
}

/// The stored settings of a number cannot make a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the stored account id or secret of the number cannot be sent to {0}")]
pub struct Unusable(pub Provider);

/// Asks for a page of a number's templates: the first without `after`, else where the page before said. `account` is
/// Meta's business account id; 360dialog knows it by its key. UltraMsg and the sandbox have no templates.
///
/// # Errors
/// The account or the secret cannot be part of a request, or the provider has no templates.
pub fn list_request(
    provider: Provider,
    account: &str,
    secret: &str,
    after: Option<&str>,
) -> Result<Request<Bytes>, Unusable> {
    let unusable = Unusable(provider);
    let limit = PER_PAGE.to_string();
    let (path, header, secret) = match provider {
        Provider::Meta => {
            if !is_plain(account) {
                return Err(unusable);
            }
            let path = format!("/{VERSION}/{account}/message_templates");
            (path, AUTHORIZATION, format!("Bearer {secret}"))
        }
        Provider::Dialog360 => ("/v1/configs/templates".to_owned(), D360_API_KEY, secret.to_owned()),
        Provider::Ultramsg | Provider::Sandbox => return Err(unusable),
    };
    let mut query = match provider {
        Provider::Meta => vec![("fields", FIELDS)],
        Provider::Dialog360 | Provider::Ultramsg | Provider::Sandbox => Vec::new(),
    };
    query.push(("limit", &limit));
    match (provider, after) {
        (Provider::Meta, Some(after)) => query.push(("after", after)),
        (Provider::Dialog360, after) => query.push(("offset", after.unwrap_or("0"))),
        (Provider::Meta, None) | (Provider::Ultramsg | Provider::Sandbox, _) => {}
    }
    let query = serde_urlencoded::to_string(query).map_err(|_| unusable)?;
    let uri: Uri = format!("{path}?{query}").parse().map_err(|_| unusable)?;
    let request =
        Request::builder().method(Method::GET).uri(uri).header(header, hidden(&secret).ok_or(unusable)?);
    request.body(Bytes::new()).map_err(|_| unusable)
}

/// A header that no log shows.
fn hidden(secret: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(secret).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Whether an id may stand in a path.
fn is_plain(id: &str) -> bool {
    !id.is_empty() && id.len() <= 64 && id.bytes().all(|b| b.is_ascii_alphanumeric())
}
