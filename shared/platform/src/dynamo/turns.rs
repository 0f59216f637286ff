//! Turns on a number that sends slowly: each message takes the next one, so that they leave evenly, in the order in
//! which they asked, whoever asks.

use super::wire::{AttributeValue, Item, Names, StoreError, Update, Values, n, refused};
use super::{Store, keys};
use crate::aws::{Effort, Service};
use domain::ids::TenantId;
use domain::provider::Provider;
use domain::time::Millis;
use serde::Deserialize;

/// How often two writers may meet.
const TRIES: u32 = 5;
/// How long the table keeps a number whose turns are over, in seconds.
const KEPT_S: u64 = 24 * 60 * 60;

#[derive(Deserialize)]
struct Changed {
    #[serde(rename = "Attributes", default)]
    attributes: Item,
}

impl Store {
    /// Takes the next turn on a number: `now` when nobody took one for `pace_ms`, else that long after the one before.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn take_turn(
        &self,
        tenant: TenantId,
        provider: Provider,
        number: &str,
        pace_ms: u64,
        now: Millis,
    ) -> Result<Millis, StoreError> {
        const ACTION: &str = "take a turn";
        let key = keys::turn(tenant, provider, number);
        for _ in 0..TRIES {
            let free = Values::from([
                (":now", n(now.unix_ms())),
                (":next", n(now.plus_ms(pace_ms).unix_ms())),
                (":ttl", n(now.unix_ms() / 1_000 + KEPT_S)),
            ]);
            let set = "SET next_at = :next, expires_at = :ttl";
            let condition = Some("attribute_not_exists(next_at) OR next_at <= :now");
            if self.ephemeral.update(ACTION, key.clone(), set, condition, Names::new(), free).await?.is_ok() {
                return Ok(now);
            }
            let input = Update {
                table_name: &self.ephemeral.name,
                key: key.clone(),
                update_expression: "SET next_at = next_at + :pace, expires_at = :ttl",
                condition_expression: Some("next_at > :now"),
                expression_attribute_names: Names::new(),
                expression_attribute_values: Values::from([
                    (":now", n(now.unix_ms())),
                    (":pace", n(pace_ms)),
                    (":ttl", n(now.unix_ms() / 1_000 + KEPT_S)),
                ]),
                return_values_on_condition_check_failure: "NONE",
                return_values: "UPDATED_NEW",
            };
            let done = self.ephemeral.aws.call::<_, Changed>(
                Service::DynamoDb,
                "UpdateItem",
                &input,
                Effort::Standard,
            );
            // Refused when the turn came in between: it is free now.
            if let Ok(changed) = refused(ACTION, done.await)? {
                let next = match changed.attributes.get("next_at") {
                    Some(AttributeValue::N(next)) => next.parse::<u64>().ok(),
                    _ => None,
                };
                let next = next.ok_or_else(|| StoreError::corrupt(ACTION, "TURN", "no next turn"))?;
                return Ok(Millis::from_unix_ms(next.saturating_sub(pace_ms)));
            }
        }
        Err(StoreError::corrupt(ACTION, "TURN", "others were faster every time"))
    }
}
