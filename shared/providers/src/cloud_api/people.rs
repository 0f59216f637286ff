//! Who is who: the ids beside a message, completed from the `contacts` beside the list.
//!
//! With a user name adopted the phone is left out (older drafts: an empty string; some traffic: the business-scoped
//! id in the phone's place), so nothing here may count on a phone (Meta business-scoped user ids, 2026).

use crate::wire::{Text, Why, lossy, object};
use domain::identity::{Bsuid, Identity, Person};
use domain::phone::Phone;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::HashMap;

/// Reads the ids of one person: what stands where the phone used to, the user id and the parent user id.
pub(super) fn person(id: &Text<'_>, user_id: &Text<'_>, parent_user_id: &Text<'_>) -> Person {
    let (id, user_id) = (id.get(), user_id.get());
    let bsuid = user_id.and_then(Bsuid::parse).or_else(|| id.and_then(Bsuid::parse));
    let phone = id.and_then(|text| Phone::from_wa_id(text).ok());
    // What is neither still tells one person from another.
    let opaque =
        if bsuid.is_none() && phone.is_none() { id.or(user_id).map(str::to_lowercase) } else { None };
    let parent_bsuid = parent_user_id.get().and_then(Bsuid::parse);
    Person { bsuid, parent_bsuid, phone, opaque, ..Person::default() }
}

/// Whether nothing tells this person apart.
pub(super) fn is_nobody(person: &Person) -> bool {
    person.bsuid.is_none() && person.phone.is_none() && person.opaque.is_none()
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Contact<'a> {
    #[serde(borrow)]
    wa_id: Text<'a>,
    #[serde(borrow)]
    user_id: Text<'a>,
    #[serde(borrow)]
    parent_user_id: Text<'a>,
    #[serde(borrow)]
    profile: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Profile<'a> {
    #[serde(borrow)]
    name: Option<&'a RawValue>,
    #[serde(borrow)]
    username: Option<&'a RawValue>,
}

/// The `contacts` of one value.
#[derive(Default)]
pub(super) struct Contacts {
    people: Vec<Person>,
    by_identity: HashMap<Identity, usize>,
}

impl Contacts {
    /// Reads one contact.
    pub(super) fn add(&mut self, raw: &RawValue) -> Result<(), Why> {
        let contact: Contact<'_> = object(raw)?;
        let profile: Profile<'_> = contact.profile.and_then(|raw| object(raw).ok()).unwrap_or_default();
        let mut person = person(&contact.wa_id, &contact.user_id, &contact.parent_user_id);
        person.name = lossy(profile.name);
        // Meta's documentation shows both `@name` and `name`.
        person.username = lossy(profile.username)
            .map(|name| name.strip_prefix('@').map(str::to_owned).unwrap_or(name))
            .filter(|name| !name.is_empty());
        for identity in person.identities() {
            self.by_identity.entry(identity).or_insert(self.people.len());
        }
        self.people.push(person);
        Ok(())
    }

    /// Fills in what the contact of the same id knows. Never by position: lists are shorter, longer and in another
    /// order than the messages beside them, and a wrong pairing merges two people.
    pub(super) fn complete(&self, person: Person) -> Person {
        let known = person.identities().into_iter().find_map(|identity| self.by_identity.get(&identity));
        match known.and_then(|at| self.people.get(*at)) {
            Some(contact) => joined(person, contact),
            None => person,
        }
    }

    /// [`Self::complete`]; and when the message names nobody whom the only contact could contradict, it is theirs.
    pub(super) fn complete_or_only(&self, person: Person) -> Person {
        match self.people.as_slice() {
            [contact] if person.bsuid.is_none() && person.phone.is_none() => joined(person, contact),
            _ => self.complete(person),
        }
    }
}

fn joined(person: Person, contact: &Person) -> Person {
    Person {
        bsuid: person.bsuid.or_else(|| contact.bsuid.clone()),
        parent_bsuid: person.parent_bsuid.or_else(|| contact.parent_bsuid.clone()),
        phone: person.phone.or_else(|| contact.phone.clone()),
        opaque: person.opaque.or_else(|| contact.opaque.clone()),
        username: person.username.or_else(|| contact.username.clone()),
        name: person.name.or_else(|| contact.name.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contacts(list: &[&str]) -> Contacts {
        let mut all = Contacts::default();
        for json in list {
            all.add(serde_json::from_str(json).unwrap()).unwrap();
        }
        all
    }

    fn somebody(id: &str, user_id: &str) -> Person {
        let ids = serde_json::json!([id, user_id, null]).to_string();
        let [id, user_id, parent]: [Text<'_>; 3] = serde_json::from_str(&ids).unwrap();
        person(&id, &user_id, &parent)
    }

    #[test]
    fn a_business_scoped_id_in_the_phones_place_is_recognised() {
        let one = somebody("US.13491208655302741918", "");
        assert_eq!(one.bsuid, Bsuid::parse("US.13491208655302741918"));
        assert_eq!((one.phone, one.opaque), (None, None));
    }

    #[test]
    fn contacts_are_paired_by_id_and_never_by_position() {
        let all = contacts(&[
            r#"{"wa_id":"971500000002","profile":{"name":"Two"}}"#,
            r#"{"wa_id":"971500000001","user_id":"AE.1","profile":{"name":"One","username":"@one"}}"#,
        ]);
        let one = all.complete_or_only(somebody("971500000001", ""));
        assert_eq!((one.name.as_deref(), one.username.as_deref()), (Some("One"), Some("one")));
        assert_eq!(one.bsuid, Bsuid::parse("AE.1"));
        let by_user_id = all.complete_or_only(somebody("", "AE.1"));
        assert_eq!(by_user_id.phone, Phone::from_wa_id("971500000001").ok());
        assert_eq!(all.complete_or_only(somebody("971500000003", "")).name, None);
    }

    #[test]
    fn the_only_contact_of_another_number_is_somebody_else() {
        let all = contacts(&[r#"{"wa_id":"971500000002","user_id":"AE.2","profile":{"name":"Two"}}"#]);
        let one = all.complete_or_only(somebody("971500000001", ""));
        assert_eq!((one.name, one.bsuid), (None, None));
        assert_eq!(all.complete_or_only(somebody("", "")).name.as_deref(), Some("Two"));
    }

    #[test]
    fn one_at_sign_is_stripped_and_only_one() {
        for (given, kept) in
            [("@ann", Some("ann")), ("ann", Some("ann")), ("@@ann", Some("@ann")), ("@", None)]
        {
            let json = format!(r#"{{"wa_id":"971500000001","profile":{{"username":"{given}"}}}}"#);
            let all = contacts(&[&json]);
            assert_eq!(all.complete(somebody("971500000001", "")).username.as_deref(), kept, "{given}");
        }
    }
}
