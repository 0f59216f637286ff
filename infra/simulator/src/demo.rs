//! The templates that every number on Meta and 360dialog starts with.

use crate::cloud::templates::Template;
use crate::ids;
use serde_json::{Value, json};

const VIEWING_EN: &str = "Hello, this is {{agent_name}}. Your viewing of {{property_name}} is confirmed for \
                          {{viewing_time}}. See you there.";
const VIEWING_AR: &str =
    "مرحبا، معكم {{agent_name}}. تم تأكيد موعد معاينة {{property_name}} بتاريخ {{viewing_time}}. نراكم هناك.";

/// The demo's templates: at least three pages of ten.
pub(crate) fn templates() -> Vec<Template> {
    let viewing = |text: &str| {
        vec![named_body(
            text,
            &[("agent_name", "Sara"), ("property_name", "Marina Gate 2"), ("viewing_time", "5 pm")],
        )]
    };
    let area = |text: &str| {
        let example = json!({"body_text": [["Dubai Marina", "12"]]});
        vec![json!({"type": "BODY", "text": text, "example": example})]
    };
    let listing = |text: &str, button: &str| {
        vec![
            json!({"type": "HEADER", "format": "IMAGE", "example": {"header_handle": ["https://scontent.whatsapp.net/v/t61/demo.jpg"]}}),
            named_body(text, &[("price", "AED 1,450,000")]),
            json!({"type": "BUTTONS", "buttons": [{"type": "URL", "text": button,
                "url": "https://example.ae/listings/{{1}}", "example": ["https://example.ae/listings/mg-204"]}]}),
        ]
    };
    let plain = |text: &str| vec![json!({"type": "BODY", "text": text})];
    let mut made = vec![
        approved("viewing_confirmation", "en", "UTILITY", viewing(VIEWING_EN)),
        approved("viewing_confirmation", "ar", "UTILITY", viewing(VIEWING_AR)),
        approved("viewing_confirmation_en", "en", "UTILITY", viewing(VIEWING_EN)),
        approved(
            "area_summary",
            "en",
            "MARKETING",
            area("Prices in {{1}}: {{2}} new listings this week, from us to you."),
        ),
        approved(
            "area_summary",
            "ar",
            "MARKETING",
            area("الأسعار في {{1}}: يوجد {{2}} عرضا جديدا هذا الأسبوع من أجلكم."),
        ),
        approved(
            "listing_share",
            "en",
            "MARKETING",
            listing("A new listing for {{price}} matches your search.", "View listing"),
        ),
        approved(
            "listing_share",
            "ar",
            "MARKETING",
            listing("عرض جديد بسعر {{price}} يناسب بحثكم.", "عرض التفاصيل"),
        ),
        approved(
            "opt_in_request",
            "en",
            "MARKETING",
            plain(
                "Thank you for your enquiry. You asked for our offers on WhatsApp: reply YES to agree, STOP to refuse.",
            ),
        ),
        approved(
            "opt_in_request",
            "ar",
            "MARKETING",
            plain("شكرا لاستفسارك. طلبت تلقي عروضنا عبر واتساب: للموافقة أجب بكلمة نعم، وللرفض بكلمة إلغاء."),
        ),
        Template {
            status: "PENDING".into(),
            ..approved("pending_offer", "en", "MARKETING", plain("A special offer for you this week."))
        },
        Template {
            status: "REJECTED".into(),
            rejected_reason: "INVALID_FORMAT".into(),
            ..approved("rejected_offer", "en", "MARKETING", plain("You have won! Click now."))
        },
        Template {
            status: "PAUSED".into(),
            quality: "RED".into(),
            ..approved("paused_offer", "en", "MARKETING", plain("Our offers of the week are here."))
        },
        approved("login_code", "en", "AUTHENTICATION", login_code()),
    ];
    for (name, text_en, text_ar) in NOTICES {
        made.push(approved(name, "en", "UTILITY", plain(text_en)));
        made.push(approved(name, "ar", "UTILITY", plain(text_ar)));
    }
    made
}

/// Notices without variables, in both languages.
const NOTICES: [(&str, &str, &str); 8] = [
    (
        "office_hours",
        "Our office is open from 9 am to 6 pm, Monday to Friday.",
        "مكتبنا مفتوح من التاسعة صباحا حتى السادسة مساء من الاثنين إلى الجمعة.",
    ),
    ("documents_received", "We have received your documents. Thank you.", "استلمنا مستنداتكم. شكرا لكم."),
    (
        "documents_missing",
        "Some documents are still missing. Please send them here.",
        "ما زالت بعض المستندات ناقصة. يرجى إرسالها هنا.",
    ),
    ("contract_ready", "Your tenancy contract is ready to be signed.", "عقد الإيجار جاهز للتوقيع."),
    ("payment_received", "We have received your payment. Thank you.", "استلمنا دفعتكم. شكرا لكم."),
    (
        "viewing_cancelled",
        "Your viewing had to be cancelled. Reply here to choose another time.",
        "تم إلغاء موعد المعاينة. يرجى الرد لاختيار موعد آخر.",
    ),
    ("keys_ready", "Your keys are ready to be collected at our office.", "المفاتيح جاهزة للاستلام من مكتبنا."),
    (
        "feedback_request",
        "How was your viewing? Reply here, we read every answer.",
        "كيف كانت المعاينة؟ يرجى الرد هنا، نقرأ كل إجابة.",
    ),
];

fn approved(name: &str, language: &str, category: &str, components: Vec<Value>) -> Template {
    let named = components.iter().any(|part| part.pointer("/example/body_text_named_params").is_some());
    Template {
        id: ids::number(),
        name: name.to_owned(),
        language: language.to_owned(),
        category: category.to_owned(),
        status: "APPROVED".to_owned(),
        named,
        components,
        rejected_reason: "NONE".to_owned(),
        quality: "GREEN".to_owned(),
        edited_ms: None,
    }
}

fn named_body(text: &str, examples: &[(&str, &str)]) -> Value {
    let examples: Vec<_> =
        examples.iter().map(|(name, example)| json!({"param_name": name, "example": example})).collect();
    json!({"type": "BODY", "text": text, "example": {"body_text_named_params": examples}})
}

fn login_code() -> Vec<Value> {
    vec![
        json!({"type": "BODY", "text": "*{{1}}* is your verification code.", "add_security_recommendation": false,
            "example": {"body_text": [["123456"]]}}),
        json!({"type": "BUTTONS", "buttons": [{"type": "OTP", "otp_type": "COPY_CODE", "text": "Copy code",
            "url": "https://www.whatsapp.com/otp/code/?otp_type=COPY_CODE&code=otp{{1}}"}]}),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_three_pages_of_ten_and_each_name_and_language_is_there_once() {
        let templates = templates();
        assert!((25..=30).contains(&templates.len()), "{}", templates.len());
        let mut keys: Vec<_> = templates.iter().map(|one| (&one.name, &one.language)).collect();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), templates.len());
    }
}
