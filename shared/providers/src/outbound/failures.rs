//! What each of the providers' error codes means for a message, and what an operator does about it.
//!
//! One table for the answers to our calls and for `statuses[].errors[]`, which carry the same codes hours later. The
//! code decides, never the HTTP status or the wording (providers.md 2.2). Numbers below 3000 that Graph does not use
//! are those of the On-Premise API, which 360dialog's gateway and its older webhooks still name.

use domain::failure::{Failure, FailureClass};

/// The longest text of a provider that is kept, in characters.
const KEPT: usize = 500;

/// What a code says about the message it answers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Certainty {
    /// The provider did not take it.
    NotTaken,
    /// It may have been taken before the error came about (reliability.md 1.5).
    Open,
}

/// One row of the table.
struct Row {
    /// The first and last of the provider's codes.
    codes: (i64, i64),
    /// Our code.
    code: &'static str,
    class: FailureClass,
    certainty: Certainty,
    /// The wait in seconds that the code itself implies.
    wait_s: Option<u32>,
    /// Whether only the provider's words say what is wrong, so that they belong into the sentence.
    quoted: bool,
    message: &'static str,
}

const fn row(code: i64, ours: &'static str, class: FailureClass, message: &'static str) -> Row {
    let codes = (code, code);
    Row { codes, code: ours, class, certainty: Certainty::NotTaken, wait_s: None, quoted: false, message }
}

impl Row {
    const fn to(self, last: i64) -> Self {
        Self { codes: (self.codes.0, last), ..self }
    }

    const fn open(self) -> Self {
        Self { certainty: Certainty::Open, ..self }
    }

    const fn wait(self, seconds: u32) -> Self {
        Self { wait_s: Some(seconds), ..self }
    }

    const fn quoted(self) -> Self {
        Self { quoted: true, ..self }
    }
}

use FailureClass::{
    IntegrationBroken as Broken, Permanent, Retry, RetryOnce, RetryRecipient, RevokeConsent, TemplatePaused,
};

const UNAUTHORIZED: &str =
    "WhatsApp refused the number's access token. An admin has to enter a new one in the settings.";
const PERMISSION: &str = "The access token lacks a permission. An admin has to grant whatsapp_business_messaging and \
    whatsapp_business_management and enter the token again.";
const UNAVAILABLE: &str = "WhatsApp is not available at the moment. Look whether the message arrived before sending it \
    again.";
const LIMITED: &str = "WhatsApp takes no more messages from this account for now. It is tried again later.";
const LOCKED: &str =
    "WhatsApp has blocked or locked the account. An admin has to look into Meta's account quality page.";
const PARAMETER: &str = "WhatsApp does not accept a part of the message. Correct it and send it again.";
const WINDOW: &str = "The customer last wrote more than 24 hours ago. Send an approved template instead.";
const UNDELIVERABLE: &str = "WhatsApp cannot deliver to this customer: no account, an old app, or terms not accepted. \
    Reach them in another way.";
const SELF: &str = "The message is addressed to the number it is sent from. Choose another recipient.";
const EXPERIMENT: &str = "WhatsApp withholds marketing messages from this customer as part of an experiment. Do not \
    send it again; wait for the customer to write.";
const MISMATCH: &str = "The values do not fit the template's variables. Compare their number, names and form with the \
    template and send it again.";
const NOT_APPROVED: &str = "The template does not exist in this language or is not approved. Synchronise the templates \
    and choose an approved one.";
const TOO_LONG: &str = "With its values the template is too long. Shorten the values.";
const UNSUPPORTED: &str =
    "WhatsApp does not support this kind of message for this customer. Send a text instead.";
const POLICY: &str = "The template breaks WhatsApp's rules for its characters or content. Edit the template.";
const TEMPLATE_FORM: &str =
    "WhatsApp does not accept the template as written. Change it and submit it again.";

/// The table, by the provider's code.
const TABLE: &[Row] = &[
    row(0, "integration_unauthorized", Broken, UNAUTHORIZED),
    row(1, "provider_unavailable", Retry, UNAVAILABLE).to(2).open(),
    row(3, "integration_permission_missing", Broken, PERMISSION),
    row(4, "provider_rate_limited", Retry, LIMITED),
    row(10, "integration_permission_missing", Broken, PERMISSION),
    row(33, "invalid_parameter", Permanent, PARAMETER).quoted(),
    row(100, "invalid_parameter", Permanent, PARAMETER).quoted(),
    row(190, "integration_unauthorized", Broken, UNAUTHORIZED),
    row(200, "integration_permission_missing", Broken, PERMISSION).to(299),
    row(368, "account_blocked", Broken, LOCKED),
    // On-Premise.
    row(470, "outside_24h_window", Permanent, WINDOW),
    row(471, "spam_rate_limited", Retry, LIMITED).wait(3600),
    row(472, "recipient_in_experiment", Permanent, EXPERIMENT),
    row(1000, "provider_generic_error", Permanent, PARAMETER).quoted(),
    row(1005, "integration_unauthorized", Broken, UNAUTHORIZED),
    row(1006, "invalid_parameter", Permanent, PARAMETER).quoted(),
    row(1008, "invalid_parameter", Permanent, PARAMETER).to(1010).quoted(),
    row(1013, "recipient_undeliverable", Permanent, UNDELIVERABLE),
    row(1014, "provider_unavailable", Retry, UNAVAILABLE).open(),
    row(1015, "provider_rate_limited", Retry, LIMITED),
    row(1016, "provider_unavailable", Retry, UNAVAILABLE).open(),
    row(1021, "recipient_is_sender", Permanent, SELF),
    row(1026, "recipient_undeliverable", Permanent, UNDELIVERABLE),
    row(1031, "account_locked", Broken, LOCKED),
    row(2000, "template_param_mismatch", Permanent, MISMATCH),
    row(2001, "template_not_approved", Permanent, NOT_APPROVED),
    row(2004, "template_text_too_long", Permanent, TOO_LONG).to(2005),
    row(2006, "template_policy_violation", Permanent, POLICY).to(2007),
    row(2012, "template_param_mismatch", Permanent, MISMATCH),
    // The account.
    row(80007, "provider_rate_limited", Retry, LIMITED),
    row(130429, "provider_rate_limited", Retry, LIMITED),
    row(130472, "recipient_in_experiment", Permanent, EXPERIMENT),
    row(
        130497,
        "recipient_country_restricted",
        Broken,
        "WhatsApp does not let this account write to customers in that country. An admin has to look into Meta's \
         account quality page.",
    ),
    // Messages.
    row(131000, "provider_unavailable", Retry, UNAVAILABLE).open(),
    row(131005, "integration_permission_missing", Broken, PERMISSION),
    row(131008, "missing_parameter", Permanent, PARAMETER).quoted(),
    row(131009, "invalid_parameter", Permanent, PARAMETER).quoted(),
    row(131016, "provider_unavailable", Retry, UNAVAILABLE).open(),
    row(131021, "recipient_is_sender", Permanent, SELF),
    row(131026, "recipient_undeliverable", Permanent, UNDELIVERABLE),
    row(
        131030,
        "recipient_not_allowed",
        Permanent,
        "A test number reaches only the recipients on its list. Add this one in Meta's developer console or use a \
         real number.",
    ),
    row(131031, "account_locked", Broken, LOCKED),
    row(
        131037,
        "display_name_not_approved",
        Permanent,
        "The number's display name is not approved yet. An admin has to have it approved in WhatsApp Manager.",
    ),
    row(
        131042,
        "payment_problem",
        Broken,
        "WhatsApp cannot charge the account. An admin has to repair its payment method in Meta's billing settings.",
    ),
    row(
        131045,
        "number_not_verified",
        Permanent,
        "The number is not verified or its certificate is wrong. An admin has to register the number again.",
    ),
    row(131047, "outside_24h_window", Permanent, WINDOW),
    row(
        131048,
        "spam_rate_limited",
        Retry,
        "Too many customers blocked or reported this number. Pause marketing; it is tried again in an hour.",
    )
    .wait(3600),
    row(
        131049,
        "marketing_limit_reached",
        Permanent,
        "This customer has had enough marketing messages for now. Do not send it again within 24 hours.",
    ),
    row(
        131050,
        "do_not_contact",
        RevokeConsent,
        "The customer stopped marketing messages. Do not send any until they opt in again.",
    ),
    row(131051, "message_type_unsupported", Permanent, UNSUPPORTED),
    row(
        131052,
        "media_download_failed",
        Permanent,
        "WhatsApp could not fetch the file. Check that its address answers without a login and send it again.",
    ),
    row(
        131053,
        "media_upload_failed",
        RetryOnce,
        "WhatsApp does not accept the file: its content and type differ, or it is too large. Convert it and send it \
         again.",
    ),
    row(
        131056,
        "recipient_rate_limited",
        RetryRecipient,
        "Too many messages to this customer in a short time. It is tried again in a few seconds.",
    )
    .wait(6),
    row(131057, "provider_unavailable", Retry, UNAVAILABLE).open(),
    row(
        131062,
        "recipient_phone_needed",
        Permanent,
        "One-time codes need a phone number, and this customer's is hidden. Ask for it first.",
    ),
    row(
        131063,
        "marketing_not_enabled",
        Permanent,
        "Marketing messages are switched off for this account. An admin has to enable them in WhatsApp Manager.",
    ),
    row(
        131064,
        "messaging_limit_reduced",
        Retry,
        "WhatsApp reduced the account's limit because templates were put into the wrong category. An admin has to \
         correct them; it is tried again in an hour.",
    )
    .wait(3600),
    // Templates and flows.
    row(132000, "template_param_mismatch", Permanent, MISMATCH),
    row(132001, "template_not_approved", Permanent, NOT_APPROVED),
    row(132005, "template_text_too_long", Permanent, TOO_LONG),
    row(132007, "template_policy_violation", Permanent, POLICY),
    row(132008, "template_param_mismatch", Permanent, MISMATCH),
    row(132012, "template_param_mismatch", Permanent, MISMATCH),
    row(
        132015,
        "template_paused",
        TemplatePaused,
        "WhatsApp paused the template for its quality. What was not taken yet waits until it is approved again, a week \
         at most; use another template if that is too long.",
    ),
    row(
        132016,
        "template_not_approved",
        Permanent,
        "WhatsApp disabled the template for its quality. Make a new one with other words.",
    ),
    row(
        132068,
        "flow_blocked",
        Permanent,
        "The flow is blocked. An admin has to look into its state in WhatsApp Manager.",
    ),
    row(132069, "flow_throttled", Retry, "The flow is used too often for now. It is tried again later."),
    // The number.
    row(
        133010,
        "number_not_registered",
        Permanent,
        "The number is not registered with the Cloud API. An admin has to register it.",
    ),
    row(133016, "provider_rate_limited", Retry, LIMITED),
    row(135000, "provider_generic_error", Permanent, PARAMETER).quoted(),
    row(
        137000,
        "recipient_identity_changed",
        Permanent,
        "The customer's WhatsApp identity changed. Make sure it is still the same person before writing again.",
    ),
    row(2_388_000, "template_invalid", Permanent, TEMPLATE_FORM).to(2_388_999).quoted(),
];

/// What a provider's code means, wherever it comes from: the answer to a call, or `statuses[].errors[]` later. A code
/// that is not in the table is permanent, with the provider's words.
#[must_use]
pub fn failure_of_code(code: i64, title: Option<&str>, details: Option<&str>) -> Failure {
    known(code, title, details).map_or_else(
        || {
            let said = words(title, details);
            let failure = refused("The provider refused the message.", said);
            Failure { provider_code: Some(code), ..failure }
        },
        |(failure, _)| failure,
    )
}

/// What a code of the table means.
pub(super) fn known(code: i64, title: Option<&str>, details: Option<&str>) -> Option<(Failure, Certainty)> {
    let row = TABLE.iter().find(|row| (row.codes.0..=row.codes.1).contains(&code))?;
    let said = words(title, details);
    let message = if row.quoted { quoting(row.message, said.as_deref()) } else { row.message.to_owned() };
    let failure = Failure {
        code: row.code.to_owned(),
        message,
        class: row.class,
        provider_code: Some(code),
        provider_message: said,
        retry_after_s: row.wait_s,
    };
    Some((failure, row.certainty))
}

/// A failure without a code of the provider's.
pub(super) fn plain(code: &str, class: FailureClass, message: &str, said: Option<String>) -> Failure {
    Failure {
        code: code.to_owned(),
        message: message.to_owned(),
        class,
        provider_code: None,
        provider_message: said,
        retry_after_s: None,
    }
}

/// A refusal of which only the provider's words say anything.
pub(super) fn refused(message: &str, said: Option<String>) -> Failure {
    plain("provider_refused", Permanent, &quoting(message, said.as_deref()), said)
}

fn quoting(message: &str, said: Option<&str>) -> String {
    said.map_or_else(|| message.to_owned(), |said| format!("{message} The provider says: {said}"))
}

/// The provider's words in one text, cut.
pub(super) fn words(title: Option<&str>, details: Option<&str>) -> Option<String> {
    let said = |text: Option<&str>| text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let both = match (said(title), said(details)) {
        (Some(title), Some(details)) if title == details => title,
        (Some(title), Some(details)) => format!("{title}: {details}"),
        (one, other) => one.or(other)?,
    };
    Some(both.chars().take(KEPT).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbound::{refusals, ultramsg_answer};
    use bytes::Bytes;
    use http::{Response, StatusCode};
    use std::collections::BTreeMap;

    /// What the guide calls a class.
    fn then(class: FailureClass) -> &'static str {
        match class {
            Permanent => "failed",
            RetryOnce => "waits once, then failed",
            TemplatePaused => "waits",
            Retry | RetryRecipient => "waits",
            Broken => "number stops",
            RevokeConsent => "failed, marketing withdrawn",
        }
    }

    #[test]
    fn the_guide_for_integrators_lists_every_code_and_what_it_does() {
        let mut known: BTreeMap<String, &str> = BTreeMap::new();
        for row in TABLE {
            let before = known.insert(row.code.to_owned(), then(row.class));
            assert!(before.is_none_or(|before| before == then(row.class)), "{} has two effects", row.code);
        }
        for (code, class) in ultramsg_answer::codes() {
            known.insert(code.to_owned(), then(class));
        }
        for status in 100..600 {
            let answer = Response::new(Bytes::new());
            let status = StatusCode::from_u16(status).unwrap();
            let failure = refusals::by_status(status, &answer, None).failure;
            known.insert(failure.code, then(failure.class));
        }
        let guide = include_str!("../../../../docs/sending.md");
        let section = guide.split("## Error codes of messages").nth(1).unwrap();
        let rows = section.split("\n## ").next().unwrap().lines().filter(|line| line.starts_with("| `"));
        let listed: BTreeMap<String, &str> = rows
            .map(|row| {
                let mut cells = row.trim_matches('|').split('|').map(str::trim);
                (cells.next().unwrap().trim_matches('`').to_owned(), cells.next().unwrap())
            })
            .collect();
        assert_eq!(listed, known);
    }
}
