//! The only place that formats keys. Every key starts with a tenant, but for API keys (found by their digest before
//! anybody is known), the owners of numbers and of forms (the same for all tenants) and the sparse index of what is due.

mod assistant;
mod callers;
mod chatwoot;
mod forms;
mod health;
mod ledger;
mod privacy;
mod receivers;
mod templates;
mod touches;

pub(super) use assistant::*;
pub(super) use callers::*;
pub(super) use chatwoot::*;
pub(super) use forms::*;
pub(super) use health::*;
pub(super) use ledger::*;
pub(super) use privacy::*;
pub(super) use receivers::*;
pub(super) use templates::*;
pub(super) use touches::*;

use super::wire::Key;
use domain::identity::Identity;
use domain::ids::{ContactId, EventId, LeadId, MessageId, TenantId};
use domain::lead::FeedKind;
use domain::provider::Provider;
use domain::time::Millis;
use sha2::{Digest, Sha256};
use ulid::Ulid;
use uuid::Uuid;

/// The place of all tenants in the index by time.
pub(super) const TENANTS: &str = "TENANTS";
/// The index of a tenant's timelines, leads and events, by time.
pub(super) const BY_TIME: &str = "by_time";
/// The sparse index of what the sweeper must look at.
pub(super) const DUE: &str = "due";

fn key(pk: String, sk: impl Into<String>) -> Key {
    Key { pk, sk: sk.into() }
}

pub(super) fn tenant_partition(tenant: TenantId) -> String {
    format!("T#{tenant}")
}

/// An item of the tenant's own partition, by the sort key that was read with it.
pub(super) fn beside_the_profile(tenant: TenantId, sort: &str) -> Key {
    key(tenant_partition(tenant), sort)
}

pub(super) fn profile(tenant: TenantId) -> Key {
    key(tenant_partition(tenant), "PROFILE")
}

pub(super) fn integration(tenant: TenantId, provider: Provider, number: &str) -> Key {
    key(tenant_partition(tenant), format!("INT#{provider}#{number}"))
}

/// A number's secrets on trial, beside the tenant's numbers.
pub(super) fn trial(tenant: TenantId, provider: Provider, number: &str) -> Key {
    key(tenant_partition(tenant), format!("TRIAL#{provider}#{number}"))
}

/// Whose a number is; found before the tenant is known, as it must be the same for all tenants.
pub(super) fn number_owner(provider: Provider, claim: &str) -> Key {
    key(format!("PN#{provider}#{claim}"), "PN")
}

pub(super) fn identity(tenant: TenantId, identity: &Identity) -> Key {
    let name = match identity {
        Identity::Bsuid(bsuid) => format!("U#{}", bsuid.as_str()),
        Identity::Phone(phone) => format!("P#{}", phone.wa_id()),
        // Opaque ids may hold anything, the separator included.
        Identity::Opaque(text) => format!("O#{}", digest(text)),
        Identity::Email(email) => format!("M#{}", digest(email.as_str())),
    };
    key(format!("T#{tenant}#I#{name}"), "ID")
}

pub(super) fn contact_partition(tenant: TenantId, contact: ContactId) -> String {
    format!("T#{tenant}#C#{}", contact.ulid())
}

pub(super) fn contact(tenant: TenantId, contact: ContactId) -> Key {
    key(contact_partition(tenant, contact), "CONTACT")
}

pub(super) fn conversation(tenant: TenantId, contact: ContactId) -> Key {
    key(contact_partition(tenant, contact), "CONV")
}

pub(super) fn timeline(tenant: TenantId, contact: ContactId, entry: Ulid) -> Key {
    key(contact_partition(tenant, contact), timeline_sort(entry))
}

pub(super) fn timeline_sort(entry: Ulid) -> String {
    format!("E#{entry}")
}

pub(super) fn group_timeline(tenant: TenantId, group: &str, entry: Ulid) -> Key {
    key(format!("T#{tenant}#G#{}", digest(group)), timeline_sort(entry))
}

pub(super) fn annex(tenant: TenantId, provider_message_id: &str) -> Key {
    key(format!("T#{tenant}#W#{}", digest(provider_message_id)), "ANNEX")
}

pub(super) fn lead(tenant: TenantId, lead: LeadId) -> Key {
    key(format!("T#{tenant}#L#{}", lead.ulid()), "LEAD")
}

/// A source that hands leads over, beside the tenant's numbers.
pub(super) fn feed(tenant: TenantId, kind: FeedKind) -> Key {
    key(tenant_partition(tenant), format!("{FEED_SORT}{kind}"))
}

/// Where the sort keys of sources of leads begin.
pub(super) const FEED_SORT: &str = "FEED#";

/// Sources of leads that are asked on a schedule, in the sparse index.
pub(super) const PULLS: &str = "PULLS";

pub(super) fn pull_sort(at: Millis, tenant: TenantId, kind: FeedKind) -> String {
    format!("{}#{tenant}#{kind}", due_before(at))
}

/// What a source calls an enquiry: leads to the lead that was made of it.
pub(super) fn enquiry(tenant: TenantId, source: &str, external_id: &str) -> Key {
    key(format!("T#{tenant}#X#{}", digest(&format!("{source}\n{external_id}"))), "X")
}

/// Something on a contact's timeline that is no message.
pub(super) fn happening(tenant: TenantId, contact: ContactId, entry: Ulid) -> Key {
    key(contact_partition(tenant, contact), happening_sort(entry))
}

pub(super) fn happening_sort(entry: Ulid) -> String {
    format!("{HAPPENING}{entry}")
}

/// Where the sort keys of happenings begin.
pub(super) const HAPPENING: &str = "N#";

pub(super) fn event(tenant: TenantId, event: EventId) -> Key {
    key(format!("T#{tenant}#EV#{}", event.ulid()), "EV")
}

pub(super) fn event_payload(tenant: TenantId, event: EventId, chunk: usize) -> Key {
    key(format!("T#{tenant}#EV#{}", event.ulid()), format!("P#{chunk:03}"))
}

/// Marks a raw event as seen, so that a redelivery lists it once.
pub(super) fn seen(tenant: TenantId, raw: &[u8]) -> Key {
    key(format!("T#{tenant}#U#{}", hex::encode(Sha256::digest(raw))), "SEEN")
}

/// A message of ours on its way out.
pub(super) fn send(tenant: TenantId, message: MessageId) -> Key {
    key(format!("T#{tenant}#S#{}", message.ulid()), "SEND")
}

/// A message's place in its conversation's lane: what is to be sent next lies first.
pub(super) fn lane(tenant: TenantId, contact: ContactId, order: Ulid) -> Key {
    key(contact_partition(tenant, contact), format!("{LANE}{order}"))
}

/// The prefix of a lane's sort keys.
pub(super) const LANE: &str = "OUT#";

/// The first answer to a request with an idempotency key; `digest` names environment, method, route and key.
pub(super) fn idempotency(tenant: TenantId, digest: &str) -> Key {
    key(format!("T#{tenant}#IDEM#{digest}"), "I")
}

/// The newest entry of a tenant's audit log.
pub(super) fn audit_head(tenant: TenantId) -> Key {
    key(audit_partition(tenant), "HEAD")
}

/// An entry of a tenant's audit log.
pub(super) fn audit_entry(tenant: TenantId, seq: u64) -> Key {
    key(audit_partition(tenant), format!("A#{seq:020}"))
}

pub(super) fn audit_partition(tenant: TenantId) -> String {
    format!("T#{tenant}#AUD")
}

/// The sweeper's lease.
pub(super) fn lease(name: &str) -> Key {
    key(format!("LEASE#{name}"), "LEASE")
}

pub(super) fn timelines_by_time(tenant: TenantId) -> String {
    format!("T#{tenant}#E")
}

pub(super) fn leads_by_time(tenant: TenantId) -> String {
    format!("T#{tenant}#L")
}

pub(super) fn happenings_by_time(tenant: TenantId) -> String {
    format!("T#{tenant}#N")
}

pub(super) fn events_by_time(tenant: TenantId) -> String {
    format!("T#{tenant}#EV")
}

/// An entry's place in the index by time: its trace rides along, so that a trace is found without an index of its own
/// (docs/adr/0008).
pub(super) fn traced_sort(entry: Ulid, trace: Uuid) -> String {
    format!("{entry}#{trace}")
}

/// A tenant's parked events, in the sparse index.
pub(super) fn parked_events(tenant: TenantId) -> String {
    format!("T#{tenant}#PARKED")
}

/// What is due, in one partition: it holds only what went wrong or waits, a few items at a time.
pub(super) const DUE_PARTITION: &str = "DUE#0";

/// How many partitions the sends that the sweeper must look at are spread over.
pub(super) const SEND_SHARDS: u8 = 16;

/// The shard of the sparse index that a send lies in.
pub(super) fn sends_due(shard: u8) -> String {
    format!("SENDS#{shard}")
}

/// The shard of a message.
pub(super) fn send_shard(message: MessageId) -> u8 {
    // The lowest bits of an id are as good as random.
    let [.., low] = message.ulid().to_bytes();
    low % SEND_SHARDS
}

pub(super) fn send_due_sort(at: Millis, tenant: TenantId, message: MessageId) -> String {
    format!("{}#{tenant}#{message}", due_before(at))
}

/// The tenant and the message a send's key names.
pub(super) fn message_of(key: &Key) -> Option<(TenantId, MessageId)> {
    let (tenant, ulid) = key.pk.strip_prefix("T#")?.split_once("#S#")?;
    Some((TenantId::parse(tenant).ok()?, MessageId::from_ulid(Ulid::from_string(ulid).ok()?)))
}

pub(super) fn due_sort(at: Millis, tenant: TenantId, event: EventId) -> String {
    format!("{}#{tenant}#{event}", due_before(at))
}

/// Everything with a smaller sort key was due before `at`.
pub(super) fn due_before(at: Millis) -> String {
    format!("{:013}", at.unix_ms())
}

/// The contact whose partition a key lies in.
pub(super) fn contact_of(key: &Key) -> Option<ContactId> {
    let (_, ulid) = key.pk.rsplit_once("#C#")?;
    Ulid::from_string(ulid).ok().map(ContactId::from_ulid)
}

/// The lead a key names.
pub(super) fn lead_of(key: &Key) -> Option<LeadId> {
    let (_, ulid) = key.pk.rsplit_once("#L#")?;
    Ulid::from_string(ulid).ok().map(LeadId::from_ulid)
}

/// The happening a timeline key names.
pub(super) fn happening_of(key: &Key) -> Option<EventId> {
    Ulid::from_string(key.sk.strip_prefix(HAPPENING)?).ok().map(EventId::from_ulid)
}

/// The entry a timeline key names.
pub(super) fn entry_of(key: &Key) -> Option<Ulid> {
    Ulid::from_string(key.sk.strip_prefix("E#")?).ok()
}

/// The tenant and the event a due key names.
pub(super) fn event_of(key: &Key) -> Option<(TenantId, EventId)> {
    let (tenant, ulid) = key.pk.strip_prefix("T#")?.split_once("#EV#")?;
    Some((TenantId::parse(tenant).ok()?, EventId::from_ulid(Ulid::from_string(ulid).ok()?)))
}

/// Half of a SHA-256, in hex: ids of any length and any characters become 32 harmless ones.
fn digest(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()).get(..16).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::consent::Purpose;
    use domain::email::Email;
    use domain::identity::Bsuid;
    use domain::ids::{ConsentId, DeliveryId, EndpointId, FormId, KeyId, TemplateId, derived_ulid};
    use domain::phone::Phone;
    use domain::rate::Window;

    #[test]
    fn every_key_is_listed_here_and_starts_with_its_tenant() {
        let t = TenantId::parse("tnt_01ARZ3NDEKTSV4RRFFQ69G5FAV").unwrap();
        let ulid = derived_ulid(1_700_000_000_000, &["x"]);
        let (contact_id, event_id) = (ContactId::from_ulid(ulid), EventId::from_ulid(ulid));
        let phone = Identity::Phone(Phone::from_wa_id("971501234567").unwrap());
        let bsuid = Identity::Bsuid(Bsuid::parse("AE.1").unwrap());
        let keys = [
            profile(t),
            integration(t, Provider::Meta, "1"),
            trial(t, Provider::Meta, "1"),
            identity(t, &phone),
            identity(t, &bsuid),
            identity(t, &Identity::Opaque("a#b".into())),
            identity(t, &Identity::Email(Email::parse("a#b@example.com").unwrap())),
            contact(t, contact_id),
            conversation(t, contact_id),
            timeline(t, contact_id, ulid),
            group_timeline(t, "120363#@g.us", ulid),
            annex(t, "wamid.#"),
            lead(t, contact_id.first_lead()),
            enquiry(t, "bayut", "1#2"),
            feed(t, FeedKind::Bayut),
            happening(t, contact_id, ulid),
            event(t, event_id),
            event_payload(t, event_id, 0),
            seen(t, b"{}"),
            template(t, TemplateId::from_ulid(ulid)),
            template_sync(t),
            send(t, MessageId::from_ulid(ulid)),
            lane(t, contact_id, ulid),
            consent(t, contact_id, Purpose::Marketing),
            consent_row(t, contact_id, Millis::from_unix_ms(5), ConsentId::from_ulid(ulid)),
            data_key(t, contact_id),
            ledger_place(t, 1),
            ledger_head(t),
            idempotency(t, "00"),
            api_key_pointer(t, KeyId::from_ulid(ulid)),
            rate(t),
            audit_head(t),
            audit_entry(t, 1),
            endpoint(t, EndpointId::from_ulid(ulid)),
            endpoint_health(t, EndpointId::from_ulid(ulid)),
            delivery(t, DeliveryId::from_ulid(ulid)),
            window_notice(t, contact_id),
            number_health(t, Provider::Meta, "1"),
            limit(t),
            reached(t, contact_id),
            reach(t),
            turn(t, Provider::Meta, "1"),
            opt_outs(t, Provider::Meta, "1", 5),
            form(t, FormId::from_ulid(ulid)),
            form_address_key(t),
            form_rate(t, FormId::from_ulid(ulid), "00", Window::of(Millis::from_unix_ms(5))),
            chatwoot(t),
            chatwoot_thread(t, contact_id),
            chatwoot_conversation(t, 7),
            chatwoot_place(t, contact_id, ulid),
            chatwoot_known(t, contact_id, ulid),
            form_submission(t, FormId::from_ulid(ulid), "00"),
            touch(t, contact_id.first_lead()),
            pool(t, &["sara".into()]),
            erasure(t, contact_id.erasure()),
            grave_key(t),
            grave(t, "00"),
            answer_about(t, ulid, "00"),
            privacy_settings(t),
        ];
        let shown: Vec<String> = keys.iter().map(|key| format!("{} / {}", key.pk, key.sk)).collect();
        for line in &shown {
            assert!(line.starts_with("T#tnt_01ARZ3NDEKTSV4RRFFQ69G5FAV"), "{line}");
            assert_eq!(shown.iter().filter(|other| *other == line).count(), 1, "{line}");
        }
        let by_phone = "T#tnt_01ARZ3NDEKTSV4RRFFQ69G5FAV#I#P#971501234567 / ID";
        assert!(shown.iter().any(|line| line == by_phone), "{shown:?}");
        assert_eq!(contact_of(&contact(t, contact_id)), Some(contact_id));
        assert_eq!(entry_of(&timeline(t, contact_id, ulid)), Some(ulid));
        assert_eq!(lead_of(&lead(t, contact_id.first_lead())), Some(contact_id.first_lead()));
        assert_eq!(happening_of(&happening(t, contact_id, ulid)), Some(event_id));
        assert_eq!(event_of(&event(t, event_id)), Some((t, event_id)));
        let (we, dlv) = (EndpointId::from_ulid(ulid), DeliveryId::from_ulid(ulid));
        assert_eq!(endpoint_of(&endpoint(t, we)), Some((t, we)));
        assert_eq!(delivery_of(&delivery(t, dlv)), Some((t, dlv)));
        assert_eq!(number_of(&number_health(t, Provider::Meta, "1")), Some((t, Provider::Meta, "1".into())));
        let lead = contact_id.first_lead();
        assert_eq!(touch_of(&touch(t, lead)), Some((t, lead)));
        assert_eq!(tenant_contact_of(&window_notice(t, contact_id)), Some((t, contact_id)));
    }
}
