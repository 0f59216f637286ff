//! The several spellings the providers use for one thing: absent, `null` and `""`; numbers in quotes and without.

use domain::time::Millis;
use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// Why a part could not be read, in words an admin understands and without the part's own text.
#[derive(Debug)]
pub(crate) struct Why(String);

impl Why {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }

    pub(crate) fn missing(field: &str) -> Self {
        Self(format!("`{field}` is missing"))
    }

    /// Says which part it was.
    pub(crate) fn inside(self, part: &str) -> Self {
        Self(format!("{part}: {}", self.0))
    }

    pub(crate) fn into_reason(self) -> String {
        self.0
    }
}

impl From<serde_json::Error> for Why {
    fn from(e: serde_json::Error) -> Self {
        let text = e.to_string();
        // `invalid type: string "what the customer wrote", expected …`: the quotation must not reach a log.
        match (text.split_once(": "), text.rfind(", expected")) {
            (Some((problem, given)), Some(from)) if problem.starts_with("invalid ") => {
                let kind = given.split([' ', ',']).next().unwrap_or_default();
                Self(format!("{problem}: {kind}{}", text.get(from..).unwrap_or_default()))
            }
            _ => Self(text),
        }
    }
}

/// Reads an object. Arrays are refused, which serde would take for a struct's fields in order.
pub(crate) fn object<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Result<T, Why> {
    object_str(raw.get())
}

/// [`object`] over text without leading white space.
pub(crate) fn object_str<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Why> {
    if !text.starts_with('{') {
        return Err(Why::new("expected an object"));
    }
    Ok(serde_json::from_str(text)?)
}

/// The elements of a list, each with its bytes as received; a lone object counts as a list of one.
pub(crate) fn items(raw: &RawValue) -> Result<Vec<&RawValue>, Why> {
    match raw.get().as_bytes().first() {
        Some(b'[') => Ok(serde_json::from_str(raw.get())?),
        Some(b'{') => Ok(vec![raw]),
        _ => Err(Why::new("expected a list")),
    }
}

/// A text for people, with what is no Unicode replaced: a cut emoji in a name must not cost the message.
pub(crate) fn lossy(raw: Option<&RawValue>) -> Option<String> {
    struct Bytes;
    impl Visitor<'_> for Bytes {
        type Value = String;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("text")
        }
        fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<String, E> {
            Ok(String::from_utf8_lossy(bytes).into_owned())
        }
    }
    let text = raw?.get();
    // serde_json gives lone surrogates to `deserialize_bytes` only (its documentation of that method).
    let read = serde_json::Deserializer::from_str(text).deserialize_bytes(Bytes).ok()?;
    (text.starts_with('"') && !read.is_empty()).then_some(read)
}

/// A text; absent, `null` and empty are the same, and a number stands for its digits.
#[derive(Debug, Clone, Default)]
pub(crate) struct Text<'a>(Option<Cow<'a, str>>);

impl Text<'_> {
    pub(crate) fn get(&self) -> Option<&str> {
        self.0.as_deref()
    }

    pub(crate) fn owned(&self) -> Option<String> {
        self.get().map(str::to_owned)
    }

    /// The text, or why its field cannot be empty.
    pub(crate) fn required(&self, field: &str) -> Result<&str, Why> {
        self.get().ok_or_else(|| Why::missing(field))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Text<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text")
            }
            fn visit_borrowed_str<E: de::Error>(self, v: &'de str) -> Result<Text<'de>, E> {
                Ok(Text((!v.is_empty()).then_some(Cow::Borrowed(v))))
            }
            fn visit_str<E: de::Error>(self, v: &str) -> Result<Text<'de>, E> {
                Ok(Text((!v.is_empty()).then(|| Cow::Owned(v.to_owned()))))
            }
            fn visit_u64<E: de::Error>(self, v: u64) -> Result<Text<'de>, E> {
                Ok(Text(Some(Cow::Owned(v.to_string()))))
            }
            fn visit_i64<E: de::Error>(self, v: i64) -> Result<Text<'de>, E> {
                Ok(Text(Some(Cow::Owned(v.to_string()))))
            }
            fn visit_unit<E: de::Error>(self) -> Result<Text<'de>, E> {
                Ok(Text(None))
            }
        }
        d.deserialize_any(V)
    }
}

/// A number of any spelling, or what stands in its place.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) enum Number {
    #[default]
    Absent,
    Whole(i64),
    Fraction(f64),
    NotOne,
}

impl Number {
    /// As a provider's clock reading.
    pub(crate) fn instant(self) -> Result<Option<Millis>, Why> {
        match self {
            Self::Absent => Ok(None),
            Self::Whole(value) => match Millis::from_provider(value) {
                Ok(at) => Ok(Some(at)),
                Err(_) => Err(Why::new(format!("`timestamp` {value} is out of range"))),
            },
            Self::Fraction(_) | Self::NotOne => Err(Why::new("`timestamp` is not Unix seconds")),
        }
    }

    /// As a clock reading that must be there.
    pub(crate) fn required_instant(self) -> Result<Millis, Why> {
        self.instant()?.ok_or_else(|| Why::missing("timestamp"))
    }

    /// As a number with a fraction, such as degrees.
    #[expect(clippy::cast_precision_loss, reason = "degrees, not counts")]
    pub(crate) fn float(self) -> Option<f64> {
        match self {
            Self::Whole(value) => Some(value as f64),
            Self::Fraction(value) => Some(value),
            Self::Absent | Self::NotOne => None,
        }
    }

    /// As a whole number, zero when it is none.
    pub(crate) fn whole(self) -> i64 {
        if let Self::Whole(value) = self { value } else { 0 }
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct V;
        impl Visitor<'_> for V {
            type Value = Number;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number")
            }
            fn visit_i64<E: de::Error>(self, v: i64) -> Result<Number, E> {
                Ok(Number::Whole(v))
            }
            fn visit_u64<E: de::Error>(self, v: u64) -> Result<Number, E> {
                Ok(i64::try_from(v).map_or(Number::NotOne, Number::Whole))
            }
            fn visit_f64<E: de::Error>(self, v: f64) -> Result<Number, E> {
                Ok(Number::Fraction(v))
            }
            fn visit_str<E: de::Error>(self, v: &str) -> Result<Number, E> {
                let v = v.trim();
                if v.is_empty() {
                    return Ok(Number::Absent);
                }
                let whole = v.parse().map(Number::Whole).ok();
                let fraction = || v.parse().ok().filter(|f: &f64| f.is_finite()).map(Number::Fraction);
                Ok(whole.or_else(fraction).unwrap_or(Number::NotOne))
            }
            fn visit_bool<E: de::Error>(self, _: bool) -> Result<Number, E> {
                Ok(Number::NotOne)
            }
            fn visit_unit<E: de::Error>(self) -> Result<Number, E> {
                Ok(Number::Absent)
            }
        }
        d.deserialize_any(V)
    }
}

/// A yes or no: `true`, `"true"`, `1`; anything else that is a text or number is no.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Flag(Option<bool>);

impl Flag {
    pub(crate) fn get(self) -> Option<bool> {
        self.0
    }

    pub(crate) fn is_set(self) -> bool {
        self.0 == Some(true)
    }
}

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct V;
        impl Visitor<'_> for V {
            type Value = Flag;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("true or false")
            }
            fn visit_bool<E: de::Error>(self, v: bool) -> Result<Flag, E> {
                Ok(Flag(Some(v)))
            }
            fn visit_u64<E: de::Error>(self, v: u64) -> Result<Flag, E> {
                Ok(Flag(Some(v == 1)))
            }
            fn visit_str<E: de::Error>(self, v: &str) -> Result<Flag, E> {
                Ok(Flag((!v.is_empty()).then_some(matches!(v, "true" | "1"))))
            }
            fn visit_unit<E: de::Error>(self) -> Result<Flag, E> {
                Ok(Flag(None))
            }
        }
        d.deserialize_any(V)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Sample<'a> {
        #[serde(borrow)]
        text: Text<'a>,
        number: Number,
        flag: Flag,
    }

    fn sample(json: &str) -> Sample<'_> {
        object_str(json).unwrap()
    }

    #[test]
    fn absent_null_and_empty_are_one() {
        for json in
            ["{}", r#"{"text":null,"number":null,"flag":null}"#, r#"{"text":"","number":"","flag":""}"#]
        {
            let read = sample(json);
            assert_eq!(
                (read.text.get(), read.number, read.flag.get()),
                (None, Number::Absent, None),
                "{json}"
            );
        }
    }

    #[test]
    fn numbers_read_with_and_without_quotes() {
        assert_eq!(sample(r#"{"number":"1700000000"}"#).number, Number::Whole(1_700_000_000));
        assert_eq!(sample(r#"{"number":1700000000}"#).number, Number::Whole(1_700_000_000));
        assert_eq!(sample(r#"{"number":"25.2"}"#).number.float(), Some(25.2));
        assert_eq!(sample(r#"{"text":971501234567}"#).text.get(), Some("971501234567"));
        assert!(sample(r#"{"flag":"true"}"#).flag.is_set());
    }

    #[test]
    fn a_clock_reading_that_is_none_says_why() {
        for (json, why) in [
            (r#"{"number":0}"#, "out of range"),
            (r#"{"number":-1}"#, "out of range"),
            (r#"{"number":"1000000000000000000"}"#, "out of range"),
            (r#"{"number":1e18}"#, "not Unix seconds"),
            (r#"{"number":"soon"}"#, "not Unix seconds"),
            (r#"{"number":"inf"}"#, "not Unix seconds"),
            (r#"{"number":true}"#, "not Unix seconds"),
            ("{}", "missing"),
        ] {
            let reason = sample(json).number.required_instant().unwrap_err().into_reason();
            assert!(reason.contains(why), "{json}: {reason}");
        }
    }

    #[test]
    fn a_reason_never_quotes_what_the_customer_wrote() {
        for (json, kind) in [(r#"["I, \"boss\", expected 0501234567"]"#, "string"), ("[{}]", "map")] {
            let reason = Why::from(serde_json::from_str::<Vec<u8>>(json).unwrap_err()).into_reason();
            assert!(reason.starts_with(&format!("invalid type: {kind}, expected u8 at line 1")), "{reason}");
        }
        let reason =
            Why::from(serde_json::from_str::<Vec<String>>("[971501234567]").unwrap_err()).into_reason();
        assert!(reason.starts_with("invalid type: integer, expected a string at line 1"), "{reason}");
    }

    #[test]
    fn a_cut_emoji_in_a_name_is_replaced() {
        let raw: &RawValue = serde_json::from_str(r#""Ann \ud83d""#).unwrap();
        assert!(lossy(Some(raw)).unwrap().starts_with("Ann \u{fffd}"));
        let raw: &RawValue = serde_json::from_str("[65,66]").unwrap();
        assert_eq!(lossy(Some(raw)), None);
    }
}
