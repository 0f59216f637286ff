//! Chat ids of WhatsApp Web: `<number>@c.us` a person, `@lid` a person whose number is hidden, `@g.us` a group.

use domain::identity::Person;
use domain::phone::Phone;

/// Whom a chat is with.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Chat {
    /// The person; nobody for a group.
    pub(super) person: Person,
    /// The group, list or channel, which is no conversation with one customer.
    pub(super) group: Option<String>,
}

/// Reads a chat id.
pub(super) fn read(id: &str) -> Chat {
    let (user, server) = id.split_once('@').unwrap_or((id, ""));
    match server {
        "g.us" | "broadcast" | "newsletter" => Chat { person: Person::default(), group: Some(id.to_owned()) },
        _ => Chat { person: person(id, user, server), group: None },
    }
}

fn person(id: &str, user: &str, server: &str) -> Person {
    // `9715..:12@s.whatsapp.net` names one of a person's devices.
    let number = user.split_once(':').map_or(user, |(number, _)| number);
    match server {
        "" | "c.us" | "s.whatsapp.net" => match Phone::from_wa_id(number) {
            Ok(phone) => Person { phone: Some(phone), ..Person::default() },
            Err(_) => opaque(id),
        },
        // The digits of a `@lid` are no phone number.
        _ => opaque(id),
    }
}

fn opaque(id: &str) -> Person {
    Person { opaque: (!id.is_empty()).then(|| id.to_lowercase()), ..Person::default() }
}

/// The member in a group message's id: `false_<group>_<hash>_<member>`.
pub(super) fn member(message_id: &str) -> Option<&str> {
    let (_, last) = message_id.rsplit_once('_')?;
    last.contains('@').then_some(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("971501234567@c.us")]
    #[case("971501234567@s.whatsapp.net")]
    #[case("971501234567:12@s.whatsapp.net")]
    #[case("+971501234567")]
    fn a_number_is_a_phone_in_each_spelling(#[case] id: &str) {
        assert_eq!(read(id).person.phone, Phone::from_wa_id("971501234567").ok());
    }

    #[rstest]
    #[case("120363012345678901@g.us")]
    #[case("971501234567-1612345678@g.us")]
    #[case("status@broadcast")]
    fn a_group_is_nobody(#[case] id: &str) {
        assert_eq!(read(id), Chat { person: Person::default(), group: Some(id.to_owned()) });
    }

    #[test]
    fn a_hidden_number_is_an_opaque_person_even_though_it_looks_like_a_phone() {
        let person = read("12345678901234@LID").person;
        assert_eq!((person.phone, person.opaque.as_deref()), (None, Some("12345678901234@lid")));
    }

    #[test]
    fn the_member_of_a_group_stands_last_in_the_message_id() {
        assert_eq!(member("false_1203@g.us_3EB0_971501234567@c.us"), Some("971501234567@c.us"));
        assert_eq!(member("false_971501234567@c.us_3EB0"), None);
    }
}
