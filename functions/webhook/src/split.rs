//! Halving a Cloud API body without understanding it: two valid bodies of the same shape whose lists, put one after
//! the other, are the lists of the whole. What a list's neighbours need (ids, metadata, contacts) is in both.

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};
use std::borrow::Cow;
use std::fmt;

/// People that messages refer to: context, not events.
const CONTEXT: &str = "contacts";

type Halves = Option<(Box<RawValue>, Box<RawValue>)>;

/// Two bodies for one; `None` when it has no list with two events in it.
pub(crate) fn halves(body: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let root: Object<'_> = serde_json::from_slice(body).ok()?;
    let (first, second) = if root.get("entry").is_some() {
        root.halve_list("entry", |entry| {
            entry.halve_list("changes", |change| change.halve_object("value", |value| value.halve_events()))
        })
    } else {
        // Before there were envelopes, 360dialog sent what is now a change's value.
        root.halve_events()
    }?;
    let bytes = |half: Box<RawValue>| Box::<str>::from(half).into_string().into_bytes();
    Some((bytes(first), bytes(second)))
}

/// A JSON object whose members are kept as the text they are.
struct Object<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Object<'a> {
    /// The member of this name; none when there are two, because readers differ on which of them counts.
    fn get(&self, name: &str) -> Option<&'a RawValue> {
        let mut found = self.0.iter().filter(|(key, _)| key == name);
        let (_, value) = found.next()?;
        found.next().is_none().then_some(*value)
    }

    /// As JSON, each member as `choose` has it: replaced, or left out.
    fn with<'b>(
        &'b self,
        choose: impl Fn(&str, &'b RawValue) -> Option<&'b RawValue>,
    ) -> Option<Box<RawValue>> {
        let members =
            self.0.iter().filter_map(|(key, value)| Some((Cow::Borrowed(&**key), choose(key, value)?)));
        to_raw_value(&Object(members.collect())).ok()
    }

    /// Twice this object, with one half of a list each; of a list of one element, with the halves of that.
    fn halve_list(&self, name: &str, halve_one: impl Fn(&Object<'_>) -> Halves) -> Halves {
        let list: Vec<&RawValue> = serde_json::from_str(self.get(name)?.get()).ok()?;
        let (first, second) = match list.as_slice() {
            [] => return None,
            [one] => {
                let (first, second) = halve_one(&serde_json::from_str(one.get()).ok()?)?;
                (to_raw_value(&[first]).ok()?, to_raw_value(&[second]).ok()?)
            }
            several => cut(several)?,
        };
        self.replaced(name, &first, &second)
    }

    /// Twice this object, with one half of a member each.
    fn halve_object(&self, name: &str, halve: impl Fn(&Object<'_>) -> Halves) -> Halves {
        let (first, second) = halve(&serde_json::from_str(self.get(name)?.get()).ok()?)?;
        self.replaced(name, &first, &second)
    }

    fn replaced(&self, name: &str, first: &RawValue, second: &RawValue) -> Halves {
        let one = self.with(|key, value| Some(if key == name { first } else { value }))?;
        let two = self.with(|key, value| Some(if key == name { second } else { value }))?;
        Some((one, two))
    }

    /// Halves what happened. The largest list is cut, or, when every list has one element, taken away from the
    /// others; the first half has the rest of the lists.
    fn halve_events(&self) -> Halves {
        let is_list = |key: &str, value: &RawValue| key != CONTEXT && value.get().starts_with('[');
        let mut lists = Vec::new();
        for (key, value) in self.0.iter().filter(|(key, value)| is_list(key, value)) {
            let list: Vec<&RawValue> = serde_json::from_str(self.get(key)?.get()).ok()?;
            if !list.is_empty() {
                lists.push((list.len() > 1, value.get().len(), key.as_ref(), list));
            }
        }
        let others = lists.len() - 1.min(lists.len());
        let (can_be_cut, _, name, list) =
            lists.into_iter().max_by_key(|(several, size, ..)| (*several, *size))?;
        if !can_be_cut && others == 0 {
            return None;
        }
        let (first, second) = if can_be_cut {
            cut(&list).map(|(a, b)| (Some(a), b))?
        } else {
            (None, to_raw_value(&list).ok()?)
        };
        let one = self.with(|key, value| if key == name { first.as_deref() } else { Some(value) })?;
        let two = self.with(|key, value| match key {
            _ if key == name => Some(&*second),
            _ if is_list(key, value) => None,
            _ => Some(value),
        })?;
        Some((one, two))
    }
}

/// A list in two, each about half of the text.
fn cut(list: &[&RawValue]) -> Halves {
    let total: usize = list.iter().map(|one| one.get().len()).sum();
    let mut before = 0;
    let middle = list.iter().position(|one| {
        before += one.get().len();
        before * 2 >= total
    })?;
    // Neither half is empty, however heavy the last element is.
    let (first, second) = list.split_at_checked((middle + 1).min(list.len() - 1))?;
    Some((to_raw_value(first).ok()?, to_raw_value(second).ok()?))
}

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut members = Vec::new();
                while let Some((key, value)) = map.next_entry()? {
                    members.push((key, value));
                }
                Ok(Object(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(body: &str) -> Option<(String, String)> {
        let (first, second) = halves(body.as_bytes())?;
        Some((String::from_utf8(first).unwrap(), String::from_utf8(second).unwrap()))
    }

    fn both(first: &str, second: &str) -> Option<(String, String)> {
        Some((first.into(), second.into()))
    }

    #[test]
    fn entries_are_parted_before_changes_and_changes_before_messages() {
        assert_eq!(
            split(r#"{"object":"w","entry":[{"id":1},{"id":2}],"x":1}"#),
            both(r#"{"object":"w","entry":[{"id":1}],"x":1}"#, r#"{"object":"w","entry":[{"id":2}],"x":1}"#)
        );
        assert_eq!(
            split(r#"{"entry":[{"id":1,"changes":[{"a":"\u0645"},{"b":"\/"}]}]}"#),
            both(
                r#"{"entry":[{"id":1,"changes":[{"a":"\u0645"}]}]}"#,
                r#"{"entry":[{"id":1,"changes":[{"b":"\/"}]}]}"#
            )
        );
        assert_eq!(
            split(r#"{"entry":[{"changes":[{"value":{"contacts":[1,2],"messages":[3,4,5]},"field":"f"}]}]}"#),
            both(
                r#"{"entry":[{"changes":[{"value":{"contacts":[1,2],"messages":[3,4]},"field":"f"}]}]}"#,
                r#"{"entry":[{"changes":[{"value":{"contacts":[1,2],"messages":[5]},"field":"f"}]}]}"#
            )
        );
    }

    #[test]
    fn statuses_stay_with_the_first_half_and_part_from_a_lone_message() {
        assert_eq!(
            split(r#"{"messages":[30,31],"statuses":[1],"m":{}}"#),
            both(r#"{"messages":[30],"statuses":[1],"m":{}}"#, r#"{"messages":[31],"m":{}}"#)
        );
        assert_eq!(
            split(r#"{"messages":[333],"statuses":[1],"contacts":[9]}"#),
            both(r#"{"statuses":[1],"contacts":[9]}"#, r#"{"messages":[333],"contacts":[9]}"#)
        );
    }

    #[test]
    fn the_heavy_end_of_a_list_does_not_leave_an_empty_half() {
        assert_eq!(split(r#"{"entry":[1,22222]}"#), both(r#"{"entry":[1]}"#, r#"{"entry":[22222]}"#));
        assert_eq!(split(r#"{"entry":[11111,2]}"#), both(r#"{"entry":[11111]}"#, r#"{"entry":[2]}"#));
    }

    #[test]
    fn what_has_no_list_of_events_is_not_halved() {
        for body in [
            "",
            "x",
            "[]",
            "{}",
            r#"{"entry":[]}"#,
            r#"{"entry":7}"#,
            r#"{"entry":[{"changes":[{"value":{"messages":[1]}}]}]}"#,
            r#"{"contacts":[1,2,3],"messages":[1]}"#,
            r#"{"entry":[1,2],"entry":[3,4]}"#,
            r#"{"messages":[1,2],"messages":[3,4]}"#,
            r#"{"event_type":"message_received","data":{"id":1}}"#,
        ] {
            assert_eq!(split(body), None, "{body}");
        }
        let deep = format!(r#"{{"entry":[{}1{}]}}"#, "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(split(&deep), None);
    }
}
