//! Ids: a prefix that says what it names and a ULID that sorts by time.
//!
//! [`TenantId`] is the odd one: holding one is a claim about who is asking, so it is made only by the authenticator,
//! by the verified webhook route, and by reading it back from our own queue or table.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};
use std::fmt;
use ulid::Ulid;

/// The text is not an id of the expected kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a `{prefix}` id")]
pub struct IdError {
    /// The prefix that was expected, without the underscore.
    pub prefix: &'static str,
}

/// A ULID whose time is `at_ms` (Unix milliseconds) and whose other 80 bits are a digest of `parts`: the same facts
/// give the same id on every delivery, which is what makes a second delivery a no-op.
#[must_use]
pub fn derived_ulid(at_ms: u64, parts: &[&str]) -> Ulid {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part.as_bytes());
    }
    let hash = digest.finalize();
    let mut low = [0u8; 16];
    for (to, from) in low.iter_mut().skip(6).zip(hash.iter()) {
        *to = *from;
    }
    Ulid::from_parts(at_ms, u128::from_be_bytes(low))
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Ulid);

        impl $name {
            /// The prefix with its underscore.
            pub const PREFIX: &'static str = concat!($prefix, "_");

            /// Wraps a ULID.
            #[must_use]
            pub const fn from_ulid(ulid: Ulid) -> Self {
                Self(ulid)
            }

            /// The ULID inside.
            #[must_use]
            pub const fn ulid(self) -> Ulid {
                self.0
            }

            /// Reads `prefix_ULID`.
            ///
            /// # Errors
            /// Another prefix, another length, or characters outside Crockford's upper-case base 32.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                let bad = IdError { prefix: $prefix };
                let body = text.strip_prefix(Self::PREFIX).ok_or(bad)?;
                let ulid = Ulid::from_string(body).map_err(|_| bad)?;
                // `from_string` accepts lower case and look-alikes; one id has one spelling.
                if ulid.to_string() == body { Ok(Self(ulid)) } else { Err(bad) }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}{}", Self::PREFIX, self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

id!(
    /// A tenant: one business. Every key in every table starts with one.
    TenantId, "tnt"
);
id!(
    /// A contact: one person, however many identities we know them by.
    ContactId, "ctc"
);
id!(
    /// The conversation with a contact; shares its ULID, so that one leads to the other without a look-up.
    ConversationId, "conv"
);
id!(
    /// A message on a timeline, inbound or outbound.
    MessageId, "msg"
);
id!(
    /// A lead; the lead made for a new contact shares the contact's ULID.
    LeadId, "lead"
);
id!(
    /// An event of the event log.
    EventId, "evt"
);
id!(
    /// An API key (its id, not its secret).
    KeyId, "key"
);

id!(
    /// A row of the consent ledger.
    ConsentId, "con"
);
id!(
    /// An entry of the audit log.
    AuditId, "aud"
);
id!(
    /// A message template.
    TemplateId, "tpl"
);
id!(
    /// A file that we keep to be sent.
    ObjectId, "obj"
);
id!(
    /// A public lead form.
    FormId, "form"
);
id!(
    /// A receiver of customer webhooks.
    EndpointId, "we"
);
id!(
    /// The delivery of one event to one receiver.
    DeliveryId, "dlv"
);
id!(
    /// The erasure of a contact; shares the contact's ULID, so that asking for it twice is one.
    ErasureId, "era"
);

impl ContactId {
    /// The erasure of this contact.
    #[must_use]
    pub const fn erasure(self) -> ErasureId {
        ErasureId(self.0)
    }

    /// The conversation of this contact.
    #[must_use]
    pub const fn conversation(self) -> ConversationId {
        ConversationId(self.0)
    }

    /// The lead that is made when this contact first writes.
    #[must_use]
    pub const fn first_lead(self) -> LeadId {
        LeadId(self.0)
    }
}

impl ConversationId {
    /// The contact this conversation is with.
    #[must_use]
    pub const fn contact(self) -> ContactId {
        ContactId(self.0)
    }
}

impl LeadId {
    /// The contact a first-touch lead belongs to.
    #[must_use]
    pub const fn contact(self) -> ContactId {
        ContactId(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_exactly_one_spelling() {
        let id = MessageId::from_ulid(derived_ulid(1_700_000_000_000, &["a"]));
        let text = id.to_string();
        assert_eq!(MessageId::parse(&text), Ok(id));
        for bad in [
            text.to_lowercase(),
            text.replace("msg_", "evt_"),
            text[..text.len() - 1].to_string(),
            format!("{text}0"),
            text.replace("msg_", ""),
            "msg_".to_string(),
            "msg_#######################".to_string(),
        ] {
            assert!(MessageId::parse(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_same_facts_give_the_same_id_and_shifted_facts_do_not() {
        assert_eq!(derived_ulid(5, &["ab", "c"]), derived_ulid(5, &["ab", "c"]));
        assert_ne!(derived_ulid(5, &["ab", "c"]), derived_ulid(5, &["a", "bc"]));
        assert!(derived_ulid(5, &["z"]) < derived_ulid(6, &["a"]));
    }
}
