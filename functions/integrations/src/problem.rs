//! From what the use cases say to what the API answers.

use crm::ingest::IngestError;
use crm::integrations::IntegrationError;
use crm::send::SendError;
use crm::templates::SyncError;
use domain::number::ConnectionStatus;
use domain::tenant::Plan;
use platform::http::{Code, Problem, Refused};
use platform::vault::VaultError;
use serde_json::json;

/// How long a provider that takes no more calls is left alone, in seconds.
const PAUSE_S: u32 = 60;

/// The answer to a number that was not connected, changed or taken away.
pub(crate) fn problem(error: IntegrationError) -> Problem {
    match error {
        IntegrationError::Sandbox => conflict(
            "A test key belongs to the sandbox, which calls no provider; connect numbers with a live key."
                .into(),
        ),
        IntegrationError::NotFound => Problem::NotFound,
        IntegrationError::Plan { plan, provider } => {
            let message = format!(
                "The plan `{}` does not include {provider}; it needs `growth_with_meta` or `enterprise`.",
                plan_name(plan)
            );
            let mut refused = Problem::refused(Code::Forbidden, message);
            refused.details.insert("plan".to_owned(), json!(plan_name(plan)));
            refused.into()
        }
        IntegrationError::Rejected(rejection) => {
            let mut refused = Problem::refused(Code::ValidationError, rejection.message);
            refused.field = Some(rejection.field.to_owned());
            refused.details.insert("status".to_owned(), json!(rejection.status));
            for (name, value) in
                [("provider_status", rejection.http_status.map(i64::from)), ("provider_code", rejection.code)]
            {
                refused.details.extend(value.map(|value| (name.to_owned(), json!(value))));
            }
            if !rejection.setup.is_empty() {
                refused.details.insert("setup".to_owned(), json!(rejection.setup));
            }
            refused.into()
        }
        IntegrationError::Taken { field } => {
            let message = "This number is connected elsewhere. Disconnect it there first, or ask support.";
            let refused = Problem::refused(Code::Conflict, message);
            Refused { field: Some(field.to_owned()), ..refused }.into()
        }
        IntegrationError::Changed => conflict(
            "Somebody else is changing this number at the same time; look at it and try again.".into(),
        ),
        IntegrationError::Overlapping { until } => {
            let message = format!(
                "The previous secret is good until {until}. Wait until then, or repeat with `?force=true`: then it \
                 ends at once."
            );
            let mut refused = Problem::refused(Code::Conflict, message);
            refused.details.insert("until".to_owned(), json!(until));
            refused.into()
        }
        IntegrationError::NotReady { status, message } => {
            let message = format!("The number does not work now, so nothing was changed. {message}");
            let mut refused = Problem::refused(Code::Conflict, message);
            refused.details.insert("status".to_owned(), json!(status));
            refused.into()
        }
        IntegrationError::NoProfile { .. } => no_profile(),
        IntegrationError::Unanswered(unanswered) => {
            let mut refused = Problem::refused(Code::ServiceUnavailable, unanswered.message);
            // A provider's own pause is minutes long; anything else may pass at once.
            refused.retry_after_s = (unanswered.status == ConnectionStatus::RateLimited).then_some(PAUSE_S);
            let details = [
                ("source", json!("provider")),
                ("provider", json!(unanswered.provider)),
                ("status", json!(unanswered.status)),
                ("provider_status", json!(unanswered.http_status)),
                ("provider_code", json!(unanswered.code)),
            ];
            refused.details.extend(details.map(|(name, value)| (name.to_owned(), value)));
            refused.into()
        }
        IntegrationError::NotReplaceable(why) => conflict(why.to_owned()),
        IntegrationError::Store(error) => error.into(),
        IntegrationError::Vault(error @ VaultError::Transient(_)) => Problem::unavailable(error),
        IntegrationError::Vault(error @ VaultError::Tampered(_)) => Problem::internal(error),
        error @ IntegrationError::Random => Problem::internal(error),
    }
}

/// The answer where the provider's profile is the one in the phone's own app.
pub(crate) fn no_profile() -> Problem {
    let instead = "Change it in the WhatsApp Business app on the phone that the instance is linked to: Settings, \
                   Business tools, Business profile.";
    let mut refused = Problem::refused(
        Code::UnsupportedByProvider,
        format!("UltraMsg shows and sets no business profile. {instead}"),
    );
    refused.details.insert("alternative".to_owned(), json!(instead));
    refused.into()
}

/// The answer to a test message that was not accepted.
pub(crate) fn not_sent(error: SendError) -> Problem {
    let (reasons, instead) = match error {
        SendError::Invalid(error) => return Problem::invalid(error.field, error.message),
        SendError::NotFound => return Problem::NotFound,
        error @ SendError::NotYet { .. } => return Problem::internal(error),
        SendError::Store(error) | SendError::Templates(SyncError::Store(error)) => return error.into(),
        SendError::Contact(IngestError::Transient { reason }) => return Problem::unavailable(reason),
        SendError::Contact(IngestError::Permanent { reason }) => return Problem::internal(reason),
        SendError::Contact(error @ IngestError::Erased) => return Problem::internal(error),
        SendError::Templates(error) => return Problem::unavailable(error),
        SendError::Refused { reasons, instead } => (reasons, instead),
    };
    let Some(gravest) = reasons.first() else { return Problem::internal("a refusal without a reason") };
    let code = Code::ALL.into_iter().find(|code| code.as_str() == gravest.code());
    let mut refused = Problem::refused(code.unwrap_or(Code::ValidationError), gravest.message());
    refused.field = gravest.field();
    refused.details = gravest.details();
    if refused.code == Code::Outside24hWindow {
        let mut names: Vec<String> = instead.into_iter().map(|template| template.name).collect();
        names.dedup();
        refused.message = if names.is_empty() {
            "This person has not written to the number in the last 24 hours. Let them write a message to it, then \
             send the test again."
                .to_owned()
        } else {
            "This person has not written to the number in the last 24 hours. Let them write a message to it first, \
             or name an approved template in `template`."
                .to_owned()
        };
        refused.details.insert("templates_allowed".to_owned(), json!(names));
    }
    refused.into()
}

fn conflict(message: String) -> Problem {
    Problem::Conflict { message, retry_after_s: None }
}

const fn plan_name(plan: Plan) -> &'static str {
    match plan {
        Plan::Starter => "starter",
        Plan::Growth => "growth",
        Plan::GrowthWithMeta => "growth_with_meta",
        Plan::Enterprise => "enterprise",
    }
}
