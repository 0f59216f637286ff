//! The types that are written as one text, as the OpenAPI document describes them.

use crate::address_range::AddressRange;
use crate::email::Email;
use crate::ids::{
    AuditId, ConsentId, ContactId, ConversationId, DeliveryId, EndpointId, ErasureId, EventId, FormId, KeyId,
    LeadId, MessageId, ObjectId, TemplateId, TenantId,
};
use crate::lead::LeadSource;
use crate::phone::Phone;
use crate::time::Millis;
use std::borrow::Cow;
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema, SchemaFormat};
use utoipa::{PartialSchema, ToSchema};

/// A ULID as it stands behind a prefix: upper-case Crockford base 32, 128 bits.
const ULID: &str = "[0-7][0-9A-HJKMNP-TV-Z]{25}";
/// The ULID of the examples.
const EXAMPLE: &str = "01JH3Q7T5V8W9X0Y1Z2A3B4C5D";

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::new(Type::String))
}

macro_rules! ids {
    ($($name:ident: $what:literal),+ $(,)?) => {
        $(
            impl PartialSchema for $name {
                fn schema() -> RefOr<Schema> {
                    text()
                        .description(Some($what))
                        .pattern(Some(format!("^{}{ULID}$", Self::PREFIX)))
                        .examples([format!("{}{EXAMPLE}", Self::PREFIX)])
                        .into()
                }
            }

            impl ToSchema for $name {
                fn name() -> Cow<'static, str> {
                    stringify!($name).into()
                }
            }
        )+
    };
}

ids! {
    TenantId: "The id of a tenant.",
    ContactId: "The id of a contact.",
    ConversationId: "The id of a conversation.",
    FormId: "The id of a form.",
    MessageId: "The id of a message.",
    LeadId: "The id of a lead.",
    EventId: "The id of an event.",
    KeyId: "The id of an API key; not the key.",
    ConsentId: "The id of a row of the consent ledger.",
    AuditId: "The id of an entry of the audit log.",
    TemplateId: "The id of a template.",
    ObjectId: "The id of an uploaded file.",
    EndpointId: "The id of an endpoint.",
    DeliveryId: "The id of a delivery.",
    ErasureId: "The id of an erasure.",
}

macro_rules! texts {
    ($($name:ident, $schema:expr);+ $(;)?) => {
        $(
            impl PartialSchema for $name {
                fn schema() -> RefOr<Schema> {
                    $schema.into()
                }
            }

            impl ToSchema for $name {
                fn name() -> Cow<'static, str> {
                    stringify!($name).into()
                }
            }
        )+
    };
}

texts! {
    Millis, text()
        .description(Some("An instant as in RFC 3339. Answers are in UTC with milliseconds and `Z`."))
        .format(Some(SchemaFormat::KnownFormat(utoipa::openapi::KnownFormat::DateTime)))
        .examples(["2026-01-31T08:00:00.000Z"]);
    Phone, text()
        .description(Some("A complete phone number in E.164."))
        .pattern(Some("^\\+[1-9][0-9]{6,14}$"))
        .examples(["+971501234567"]);
    Email, text()
        .description(Some("An e-mail address."))
        .format(Some(SchemaFormat::KnownFormat(utoipa::openapi::KnownFormat::Email)))
        .examples(["aisha@example.com"]);
    AddressRange, text()
        .description(Some("An IP address or a range in CIDR notation, IPv4 or IPv6."))
        .examples(["203.0.113.0/24"]);
    LeadSource, text()
        .description(Some("Where a lead came from."))
        .min_length(Some(1))
        .max_length(Some(64))
        .examples(["property_finder"]);
}
