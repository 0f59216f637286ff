//! Every order of what people do about consent ends where the rule says, and the ledger holds.

use crm::consent::{check, rows, write_down};
use crm::ingest::{Delivery, Ingest};
use domain::consent::{ConsentState, Purpose};
use domain::identity::Identity;
use domain::ids::{ConsentId, ContactId, TenantId, derived_ulid};
use domain::phone::Phone;
use domain::provider::{AuthStrength, Provider};
use domain::time::Millis;
use e2e::World;
use e2e::bodies::MetaBody;
use futures_util::StreamExt as _;
use platform::Platform;
use platform::dynamo::{NewConsent, SettingsChange, Wording};
use uuid::Uuid;

/// What somebody does; the last one's message was written long before anything else and arrives late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Form,
    Yes,
    Stop,
    Manual,
    Inbound,
    OldYes,
}

const DEEDS: [Deed; 6] = [Deed::Form, Deed::Yes, Deed::Stop, Deed::Manual, Deed::Inbound, Deed::OldYes];

/// Every order of every choice of deeds of this many.
fn orders(count: usize) -> Vec<Vec<Deed>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let shorter = orders(count - 1);
    let longer = shorter.iter().flat_map(|order| {
        DEEDS.iter().filter(|deed| !order.contains(deed)).map(|deed| {
            let mut order = order.clone();
            order.push(*deed);
            order
        })
    });
    longer.collect()
}

/// Whether offers are allowed in the end: the rule, told another way.
fn expected(order: &[Deed]) -> bool {
    let (mut waits, mut agreed) = (false, false);
    for deed in order {
        match deed {
            Deed::Form => waits = true,
            Deed::Yes => {
                agreed |= waits;
                waits = false;
            }
            Deed::Stop => (waits, agreed) = (false, false),
            Deed::Manual => (waits, agreed) = (false, true),
            // Neither says anything: the one is no consent, the other came before everything.
            Deed::Inbound | Deed::OldYes => {}
        }
    }
    agreed
}

struct Direct {
    platform: Platform,
    ingest: Ingest,
    tenant: TenantId,
    number: (String, String),
    start: u64,
}

impl Direct {
    async fn contact(&self, customer: &str) -> ContactId {
        let phone = Identity::Phone(Phone::from_wa_id(customer).unwrap());
        let known = self.platform.store.known_identity(self.tenant, &phone, true).await.unwrap();
        known.unwrap().contact
    }

    async fn says(&self, customer: &str, text: &str, written_s: u64, arrived_s: u64) {
        let id = format!("wamid.{customer}.{written_s}");
        let body = MetaBody::of(&self.number.0, &self.number.1).text(customer, &id, written_s, text);
        let body = body.json().to_string();
        let arrived = Millis::from_unix_ms(arrived_s * 1000 + 500);
        let delivery = Delivery {
            tenant: self.tenant,
            provider: Provider::Meta,
            auth_strength: AuthStrength::Signature,
            received_at: arrived,
            trace_id: Uuid::nil(),
            body: body.as_bytes(),
        };
        self.ingest.apply(delivery, arrived).await.unwrap();
    }

    async fn writes_down(&self, customer: &str, state: ConsentState, at_s: u64) {
        let contact = self.contact(customer).await;
        let at = Millis::from_unix_ms(at_s * 1000);
        let consent = NewConsent {
            id: ConsentId::from_ulid(derived_ulid(at.unix_ms(), &[customer, state.as_str()])),
            purpose: Purpose::Marketing,
            state,
            occurred_at: at,
            recorded_at: at,
            wording: Some(Wording::Said("Send me offers")),
            language: Some("en"),
            version: None,
            ip_hash: None,
            collected_by: None,
            confirms: None,
            source: "test",
            actor: "contact",
            trace_id: Uuid::nil(),
        };
        write_down(&self.platform.store, self.tenant, contact, &consent).await.unwrap();
    }

    /// Plays an order, ten seconds between deeds; whether offers are allowed in the end, and how many rows there are.
    async fn play(&self, customer: &str, order: &[Deed]) -> (bool, usize) {
        self.says(customer, "Hello", self.start, self.start).await;
        for (n, deed) in order.iter().enumerate() {
            let at = self.start + 10 * (n as u64 + 1);
            match deed {
                Deed::Form => self.writes_down(customer, ConsentState::Pending, at).await,
                Deed::Manual => self.writes_down(customer, ConsentState::Granted, at).await,
                Deed::Yes => self.says(customer, "Yes!", at, at).await,
                Deed::Stop => self.says(customer, "إيقاف", at, at).await,
                Deed::Inbound => self.says(customer, "Is it free?", at, at).await,
                Deed::OldYes => self.says(customer, "yes", self.start - 60, at).await,
            }
        }
        let contact = self.contact(customer).await;
        let store = &self.platform.store;
        let allowed = store.consents(self.tenant, &[contact]).await.unwrap().allows_marketing();
        let rows = rows(store, self.tenant, contact, None, 50).await.unwrap().unwrap().items;
        (allowed, rows.len())
    }
}

#[tokio::test]
async fn every_order_of_up_to_six_deeds_ends_where_the_rule_says_and_the_chain_holds() {
    let world = World::start().await;
    let tenant = world.tenant("meta");
    let (platform, meta) = (world.platform(), tenant.meta.unwrap());
    let id = TenantId::parse(&tenant.id).unwrap();
    // Who withdraws is not answered here: this is about what is written down.
    let mut consent = domain::consent_settings::ConsentSettings::default();
    consent.opt_out_confirmation.enabled = false;
    let quiet = SettingsChange { consent: Some(consent), ..SettingsChange::default() };
    platform.store.change_settings(id, &quiet).await.unwrap();
    let direct = Direct {
        ingest: Ingest::new(platform.clone()),
        platform,
        tenant: id,
        number: (meta.phone_number_id, meta.waba_id),
        start: world.now_s() - 3_600,
    };
    let all: Vec<Vec<Deed>> = (1..=6).flat_map(orders).collect();
    let played = futures_util::stream::iter(all.iter().enumerate()).map(|(n, order)| {
        let direct = &direct;
        async move {
            let customer = format!("97155{n:07}");
            let (allowed, rows) = direct.play(&customer, order).await;
            assert_eq!(allowed, expected(order), "{order:?}");
            rows
        }
    });
    let written: usize = played.buffer_unordered(12).collect::<Vec<_>>().await.iter().sum();
    let checkpoints = direct.platform.checkpoints.as_ref().unwrap();
    let checked = check(&direct.platform.store, checkpoints, id, None).await.unwrap();
    assert_eq!(checked.rows, written as u64, "each event once");
}
