//! The channels that the contract is held against, each with what goes over its wire.

use crate::kit::sample;
use crate::outbound::{D360, META};
use crate::outbound_ultramsg::ULTRAMSG;
use crate::sms::Sms;
use bytes::Bytes;
use domain::failure::FailureClass;
use domain::provider::Provider;
use domain::receipt::Receipt;
use http::Request;
use providers::channel::{Channel, Line, channel};
use serde_json::Value;

/// A channel and samples of its wire.
pub(crate) struct Adapter {
    pub(crate) channel: &'static dyn Channel,
    /// The number that the samples are about.
    pub(crate) line: Line<'static>,
    pub(crate) text: Wrote,
    pub(crate) receipt: Reported,
    /// A receipt of a message that will not arrive, with the provider's code; UltraMsg reports none.
    pub(crate) failed: Option<(Reported, i64)>,
    /// Bodies that are none of this channel's, beside those that are nobody's.
    pub(crate) foreign: &'static [&'static str],
    /// Reads the recipient and the words back out of a request.
    pub(crate) asked: fn(&Request<Bytes>) -> (String, String),
    /// The answer to a message that was taken, and the id in it.
    pub(crate) accepted: (u16, &'static str, &'static str),
    /// Answers to messages that were not: status, body and what it means.
    pub(crate) refused: [(u16, &'static str, FailureClass); 3],
}

/// A text from +971501234567, written at `kit::AT`.
pub(crate) struct Wrote {
    pub(crate) body: &'static str,
    pub(crate) id: &'static str,
    pub(crate) words: &'static str,
}

/// A receipt for a message to +971501234567.
pub(crate) struct Reported {
    pub(crate) body: &'static str,
    pub(crate) id: &'static str,
    pub(crate) receipt: Receipt,
}

const META_TEXT: &str = sample!("meta/text_arabic.json");
const ULTRAMSG_TEXT: &str = sample!("ultramsg/chat.json");
const SMS_TEXT: &str = "ToCountry=AE&NumMedia=0&SmsStatus=received&Body=%D8%A3%D8%B1%D9%8A%D8%AF+%D9%85%D9%88%D8%B9%D8%AF+%D9%85%D8%B9%D8%A7%D9%8A%D9%86%D8%A9+%D8%BA%D8%AF%D8%A7%D9%8B%D8%8C+5+%D9%85+%26+%D8%B4%D9%83%D8%B1%D8%A7%D9%8B&FromCountry=AE&To=%2B97145550100&NumSegments=1&MessageSid=SM8f14e45fceea167a5a36dedd4bea2543&AccountSid=ACc9f0f895fb98ab9159f51fd0297e236d&From=%2B971501234567&ApiVersion=2010-04-01&Timestamp=1793520000";
const SMS_RECEIPT: &str = "SmsStatus=delivered&MessageStatus=delivered&To=%2B971501234567&MessageSid=SM45c48cce2e2d7fbdea1afc51c7c6ad26&AccountSid=ACc9f0f895fb98ab9159f51fd0297e236d&From=%2B97145550100&ApiVersion=2010-04-01";
const SMS_FAILED: &str = "ErrorCode=30003&ErrorMessage=Unreachable+destination+handset&MessageStatus=undelivered&To=%2B971501234567&MessageSid=SM45c48cce2e2d7fbdea1afc51c7c6ad26&AccountSid=ACc9f0f895fb98ab9159f51fd0297e236d&From=%2B97145550100&Timestamp=1793520000";

const CLOUD_ACCEPTED: (u16, &str, &str) = (
    200,
    r#"{"messaging_product":"whatsapp","contacts":[{"input":"+971501234567","wa_id":"971501234567"}],"messages":[{"id":"wamid.A"}]}"#,
    "wamid.A",
);
const CLOUD_REFUSED: [(u16, &str, FailureClass); 3] = [
    (
        400,
        r#"{"error":{"message":"(#131026) Undeliverable","code":131026,"error_data":{"details":"Unable to deliver."}}}"#,
        FailureClass::Permanent,
    ),
    (
        401,
        r#"{"error":{"message":"Invalid OAuth access token","code":190}}"#,
        FailureClass::IntegrationBroken,
    ),
    (429, r#"{"error":{"message":"(#130429) Rate limit hit","code":130429}}"#, FailureClass::Retry),
];

pub(crate) fn all() -> [Adapter; 4] {
    [meta(), dialog360(), ultramsg(), sms()]
}

fn meta() -> Adapter {
    Adapter {
        channel: channel(Provider::Meta),
        line: META.line(),
        text: Wrote {
            body: META_TEXT,
            id: "wamid.HBgMOTcxNTAxMjM0NTY3FQIAEhg01",
            words: "مرحبا، هل شقة مارينا ما زالت متاحة؟ 🏠 https://hadar.example/l/MAR-17",
        },
        receipt: Reported {
            body: sample!("meta/status_sent.json"),
            id: "wamid.HBgMOTcxNTAxMjM0NTY3FQIAEhgOUT1",
            receipt: Receipt::Sent,
        },
        failed: Some((
            Reported {
                body: sample!("meta/status_failed.json"),
                id: "wamid.HBgMOTcxNTAxMjM0NTY3FQIAEhgOUT1",
                receipt: Receipt::Failed,
            },
            131_047,
        )),
        foreign: &[sample!("dialog360/legacy_text.json"), ULTRAMSG_TEXT, SMS_TEXT],
        asked: asked_of_cloud_api,
        accepted: CLOUD_ACCEPTED,
        refused: CLOUD_REFUSED,
    }
}

fn dialog360() -> Adapter {
    Adapter {
        channel: channel(Provider::Dialog360),
        line: D360.line(),
        text: Wrote {
            body: sample!("dialog360/text.json"),
            id: "wamid.HBgMOTcxNTAxMjM0NTY3FQIAEhgD1",
            words: "مساء الخير",
        },
        receipt: Reported {
            body: sample!("dialog360/status_delivered.json"),
            id: "wamid.HBgMOTcxNTAxMjM0NTY3FQIAEhgOUT1",
            receipt: Receipt::Delivered,
        },
        failed: Some((
            Reported {
                body: sample!("dialog360/legacy_status_failed.json"),
                id: "gBEGlxUBI0VnAgkB",
                receipt: Receipt::Failed,
            },
            470,
        )),
        foreign: &[ULTRAMSG_TEXT, SMS_TEXT],
        asked: asked_of_cloud_api,
        accepted: CLOUD_ACCEPTED,
        refused: CLOUD_REFUSED,
    }
}

fn ultramsg() -> Adapter {
    Adapter {
        channel: channel(Provider::Ultramsg),
        line: ULTRAMSG.line(),
        text: Wrote {
            body: ULTRAMSG_TEXT,
            id: "false_971501234567@c.us_3EB001",
            words: "أريد موعد معاينة غداً",
        },
        receipt: Reported {
            body: sample!("ultramsg/ack_device.json"),
            id: "true_971501234567@c.us_3EB0OUT1",
            receipt: Receipt::Delivered,
        },
        failed: None,
        foreign: &[META_TEXT, SMS_TEXT],
        asked: |request| {
            let fields = form(request);
            (field(&fields, "to"), field(&fields, "body"))
        },
        accepted: (200, r#"{"sent":"true","message":"ok","id":58431}"#, "58431"),
        refused: [
            (200, r#"{"error":[{"to":"is not a valid number"}]}"#, FailureClass::Permanent),
            (200, r#"{"error":"Wrong token. Please provide token."}"#, FailureClass::IntegrationBroken),
            (429, "", FailureClass::Retry),
        ],
    }
}

fn sms() -> Adapter {
    Adapter {
        channel: &Sms,
        line: Line {
            number_id: Some("+97145550100"),
            account_id: Some("ACc9f0f895fb98ab9159f51fd0297e236d"),
            secret: "sms-secret",
        },
        text: Wrote {
            body: SMS_TEXT,
            id: "SM8f14e45fceea167a5a36dedd4bea2543",
            words: "أريد موعد معاينة غداً، 5 م & شكراً",
        },
        receipt: Reported {
            body: SMS_RECEIPT,
            id: "SM45c48cce2e2d7fbdea1afc51c7c6ad26",
            receipt: Receipt::Delivered,
        },
        failed: Some((
            Reported { body: SMS_FAILED, id: "SM45c48cce2e2d7fbdea1afc51c7c6ad26", receipt: Receipt::Failed },
            30_003,
        )),
        foreign: &[META_TEXT, ULTRAMSG_TEXT, "Body=hello&From=%2B971501234567"],
        asked: |request| {
            let fields = form(request);
            (field(&fields, "To"), field(&fields, "Body"))
        },
        accepted: (
            201,
            r#"{"sid":"SM6512bd43d9caa6e02c990b0a82652dca","status":"queued","error_code":null,"error_message":null}"#,
            "SM6512bd43d9caa6e02c990b0a82652dca",
        ),
        refused: [
            (
                400,
                r#"{"code":21211,"message":"Invalid 'To' Phone Number","status":400}"#,
                FailureClass::Permanent,
            ),
            (401, r#"{"code":20003,"message":"Authenticate","status":401}"#, FailureClass::IntegrationBroken),
            (429, r#"{"code":20429,"message":"Too Many Requests","status":429}"#, FailureClass::Retry),
        ],
    }
}

fn asked_of_cloud_api(request: &Request<Bytes>) -> (String, String) {
    let body: Value = serde_json::from_slice(request.body()).unwrap();
    let text = |path| body.pointer(path).and_then(Value::as_str).unwrap().to_owned();
    (text("/to"), text("/text/body"))
}

fn form(request: &Request<Bytes>) -> Vec<(String, String)> {
    serde_urlencoded::from_bytes(request.body()).unwrap()
}

fn field(fields: &[(String, String)], name: &str) -> String {
    fields.iter().find(|(field, _)| field == name).unwrap().1.clone()
}
