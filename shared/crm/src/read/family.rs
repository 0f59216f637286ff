//! A person, however many contacts they were recorded as.

use domain::ids::{ContactId, LeadId, TenantId};
use domain::time::Millis;
use platform::dynamo::{Contact, Lead, PersonField, Store, StoreError};
use std::collections::{HashMap, HashSet};

/// Joins follow each other in rounds; a chain longer than this is the work of somebody else.
const ROUNDS: usize = 8;
/// No person has more contacts than this.
const LARGEST: usize = 64;

/// The contact that stayed, then what it absorbed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Family {
    id: ContactId,
    members: Vec<Contact>,
}

impl Family {
    /// The family of these contacts; `None` when there are none.
    pub(super) fn of(mut members: Vec<Contact>) -> Option<Self> {
        members.sort_by_key(|contact| (contact.merged_into.is_some(), contact.id));
        let id = members.first()?.id;
        Some(Self { id, members })
    }

    /// Reads the family of any of its contacts.
    pub(crate) async fn read(
        store: &Store,
        tenant: TenantId,
        id: ContactId,
    ) -> Result<Option<Self>, StoreError> {
        Ok(Self::of(store.contact_family(tenant, id).await?))
    }

    /// As [`Family::read`], by consistent reads: what was written a moment ago is seen.
    pub(crate) async fn fresh(
        store: &Store,
        tenant: TenantId,
        id: ContactId,
    ) -> Result<Option<Self>, StoreError> {
        let (mut wanted, mut members) = (vec![id], Vec::<Contact>::new());
        while let Some(id) = wanted.pop() {
            if members.len() >= LARGEST || members.iter().any(|member| member.id == id) {
                continue;
            }
            if let Some(contact) = store.contact(tenant, id).await? {
                wanted.extend(relatives(&contact));
                members.push(contact);
            }
        }
        Ok(Self::of(members))
    }

    /// The id that stayed.
    pub(crate) const fn id(&self) -> ContactId {
        self.id
    }

    /// All ids, the one that stayed first.
    pub(crate) fn ids(&self) -> Vec<ContactId> {
        self.members.iter().map(|contact| contact.id).collect()
    }

    /// The contacts, the one that stayed first.
    pub(crate) fn members(&self) -> &[Contact] {
        &self.members
    }

    /// The latest word on a field.
    pub(crate) fn get(&self, field: PersonField) -> Option<&str> {
        let said = self.members.iter().filter_map(|contact| contact.fields.get(&field));
        said.max().map(|field| field.value.as_str())
    }

    /// When the first event about the person was received.
    pub(crate) fn created_at(&self) -> Option<Millis> {
        self.members.iter().map(|contact| contact.created_at).min()
    }

    /// The leads that may have been made for the person.
    pub(crate) fn possible_leads(&self) -> Vec<LeadId> {
        let further = self.members.iter().flat_map(|contact| contact.further_leads.iter().copied());
        self.members.iter().map(|contact| contact.id.first_lead()).chain(further).collect()
    }

    /// The person's lead among `leads`: the first of the contact that stayed, else the oldest.
    pub(super) fn lead<'a>(&self, leads: &'a [Lead]) -> Option<&'a Lead> {
        let mut own = self.possible_leads().into_iter();
        own.find_map(|id| leads.iter().find(|lead| lead.id == id))
    }
}

/// Families by any of their contacts, read many at a time.
#[derive(Debug, Default)]
pub(super) struct Families {
    known: HashMap<ContactId, Contact>,
    asked: HashSet<ContactId>,
}

impl Families {
    /// Makes the families of these contacts known.
    pub(super) async fn load(
        &mut self,
        store: &Store,
        tenant: TenantId,
        ids: impl IntoIterator<Item = ContactId>,
    ) -> Result<(), StoreError> {
        let mut wanted: Vec<ContactId> = ids.into_iter().filter(|id| self.asked.insert(*id)).collect();
        for _ in 0..ROUNDS {
            if wanted.is_empty() {
                break;
            }
            let found = store.contacts(tenant, &wanted).await?;
            wanted = found.iter().flat_map(relatives).filter(|id| self.asked.insert(*id)).collect();
            self.known.extend(found.into_iter().map(|contact| (contact.id, contact)));
        }
        Ok(())
    }

    /// The family of a contact, if it is known.
    pub(super) fn of(&self, id: ContactId) -> Option<Family> {
        let mut ids = vec![id];
        let mut members: Vec<Contact> = Vec::new();
        while let Some(id) = ids.pop() {
            let Some(contact) = self.known.get(&id) else { continue };
            if members.iter().all(|member| member.id != id) {
                ids.extend(relatives(contact));
                members.push(contact.clone());
            }
        }
        Family::of(members)
    }
}

fn relatives(contact: &Contact) -> impl Iterator<Item = ContactId> {
    contact.absorbed.iter().copied().chain(contact.merged_into)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::ids::derived_ulid;
    use platform::dynamo::Field;

    fn contact(n: u64, name: Option<(u64, &str)>) -> Contact {
        let field = name.map(|(at, value)| {
            (PersonField::Name, Field { order: derived_ulid(at, &["event"]), value: value.to_owned() })
        });
        Contact {
            id: ContactId::from_ulid(derived_ulid(n, &["contact"])),
            fields: field.into_iter().collect(),
            absorbed: Vec::new(),
            merged_into: None,
            further_leads: Vec::new(),
            latest_lead: None,
            created_at: Millis::from_unix_ms(n),
            known_by: Vec::new(),
        }
    }

    /// Three contacts: the third was joined into the second and the second into the first.
    fn chain() -> [Contact; 3] {
        let (mut first, mut second, mut third) =
            (contact(1, Some((5, "Old"))), contact(2, None), contact(3, Some((9, "New"))));
        first.absorbed.push(second.id);
        second.merged_into = Some(first.id);
        second.absorbed.push(third.id);
        third.merged_into = Some(second.id);
        [first, second, third]
    }

    #[test]
    fn a_person_is_found_by_any_of_their_contacts_and_keeps_the_oldest_id_and_the_latest_words() {
        let [first, second, third] = chain();
        let known = [&first, &second, &third].map(|contact| (contact.id, contact.clone()));
        let families = Families { known: known.into_iter().collect(), asked: HashSet::new() };
        for id in [first.id, second.id, third.id] {
            let family = families.of(id).unwrap();
            assert_eq!(family.id(), first.id);
            assert_eq!(family.ids().len(), 3);
            assert_eq!(family.get(PersonField::Name), Some("New"));
            assert_eq!(family.get(PersonField::Phone), None);
            assert_eq!(family.created_at(), Some(Millis::from_unix_ms(1)));
        }
        assert_eq!(families.of(ContactId::from_ulid(derived_ulid(7, &["stranger"]))), None);
    }

    #[test]
    fn joins_that_go_in_a_circle_still_end() {
        let (mut one, mut other) = (contact(1, None), contact(2, None));
        one.merged_into = Some(other.id);
        other.merged_into = Some(one.id);
        let known = [(one.id, one.clone()), (other.id, other)];
        let families = Families { known: known.into_iter().collect(), asked: HashSet::new() };
        assert_eq!(families.of(one.id).unwrap().ids().len(), 2);
    }
}
