//! A business that signed up a moment ago, with accounts at the providers and nothing connected yet.

use crate::{Answer, World};
use crm::provision::{metered_api_key, tenant};
use domain::access::{Environment, Role};
use domain::language::Language;
use domain::tenant::Plan;
use domain::time::Millis;
use local::{Account, SimulatedProvider};
use serde_json::{Value, json};

/// What the keys of a shop may ask in a minute.
const LIMIT: u32 = 1_000_000;
/// The routes of its numbers.
const ROUTE: &str = "/v1/integrations/whatsapp";

/// A business without a connected number.
#[derive(Debug)]
pub struct Shop<'w> {
    /// The stack.
    pub world: &'w World,
    /// The tenant's id.
    pub id: String,
    /// Its keys.
    pub admin: String,
    /// May work conversations.
    pub agent: String,
    /// May read.
    pub viewer: String,
    /// The admin key of its sandbox twin.
    pub test_admin: String,
}

/// An account at a provider, as the simulator knows it.
#[derive(Debug, Clone)]
pub struct WhatsApp {
    /// `meta`, `dialog360` or `ultramsg`.
    pub provider: &'static str,
    /// The body of a `PUT` that connects it.
    pub body: Value,
}

impl World {
    /// A business on a plan.
    pub async fn shop(&self, name: &str, plan: Plan) -> Shop<'_> {
        let platform = self.platform();
        let now = Millis::from_unix_ms(self.now_s() * 1000);
        let made = tenant(&platform, name, plan, Language::En, now).await.unwrap_or_else(|e| panic!("{e}"));
        let (live, sandbox) = (made.tenant.id, made.sandbox.id);
        let key = async |tenant, role, environment| {
            let key = metered_api_key(&platform, tenant, role, environment, "key", Some(LIMIT), now).await;
            key.unwrap_or_else(|error| panic!("{error}")).expose().to_owned()
        };
        Shop {
            world: self,
            id: live.to_string(),
            admin: key(live, Role::Admin, Environment::Live).await,
            agent: key(live, Role::Agent, Environment::Live).await,
            viewer: key(live, Role::Viewer, Environment::Live).await,
            test_admin: key(sandbox, Role::Admin, Environment::Test).await,
        }
    }
}

impl Shop<'_> {
    /// Opens an account for it at a provider; its secrets end with `mark`.
    #[must_use]
    pub fn account(&self, provider: &'static str, mark: &str) -> WhatsApp {
        let (simulated, body) = match provider {
            "meta" => {
                let (number, waba) = (format!("2001{mark}"), format!("2002{mark}"));
                let (token, app_secret) = (format!("EAAmetatoken{mark}"), format!("appsecret{mark}"));
                let body = json!({"phone_number_id": number, "waba_id": waba, "access_token": token,
                    "app_secret": app_secret});
                let verify_token = String::new();
                let (phone_number_id, waba_id) = (number, waba);
                let meta =
                    SimulatedProvider::Meta { app_secret, verify_token, phone_number_id, waba_id, token };
                (meta, body)
            }
            "dialog360" => {
                let api_key = format!("d360apikey{mark}");
                let body = json!({"api_key": api_key});
                (SimulatedProvider::Dialog360 { api_key, webhook_token: String::new() }, body)
            }
            "ultramsg" => {
                let (instance_id, token) = (format!("3001{mark}"), format!("ultratoken{mark}"));
                let body = json!({"instance_id": format!("instance{instance_id}"), "token": token});
                let webhook_token = String::new();
                (SimulatedProvider::Ultramsg { instance_id, token, webhook_token }, body)
            }
            other => panic!("{other} is no provider"),
        };
        self.world.stack.simulator().connect(Account {
            tenant_id: self.id.clone(),
            webhook_url: format!("/v1/webhooks/whatsapp/{}", self.id),
            provider: simulated,
        });
        WhatsApp { provider, body }
    }

    /// Connects an account.
    pub async fn connect(&self, account: &WhatsApp) -> Answer {
        self.put(account.provider, &account.body).await
    }

    /// Connects with any body.
    pub async fn put(&self, provider: &str, body: &Value) -> Answer {
        self.ask("PUT", &format!("/{provider}"), &self.admin, body).await
    }

    /// The provider's card as a viewer sees it.
    pub async fn card(&self, provider: &str) -> Value {
        let answer = self.world.get(&format!("{ROUTE}/{provider}"), &self.viewer).await;
        assert_eq!(answer.status, 200, "{:?}", answer.json());
        answer.data()
    }

    /// Asks for something about its numbers with a key.
    pub async fn ask(&self, method: &str, path: &str, key: &str, body: &Value) -> Answer {
        let headers = [("authorization", &*format!("Bearer {key}")), ("content-type", "application/json")];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.world.send(method, &format!("{ROUTE}{path}"), &headers, body).await
    }

    /// Tells how its account stands at the provider.
    pub async fn stands(&self, mut how: Value) {
        how["tenant_id"] = json!(self.id);
        let told = self.world.stack.simulator().behave(json!({"accounts": [how]})).await;
        assert!(told.is_ok(), "{told:?}");
    }

    /// The next calls of this account are answered so.
    pub async fn answers(&self, operation: &str, action: Value) {
        let rule = json!({"match": {"tenant_id": self.id, "operation": operation}, "action": action});
        let told = self.world.stack.simulator().behave(json!({"rules": [rule]})).await;
        assert!(told.is_ok(), "{told:?}");
    }

    /// The provider answers as it should again.
    pub fn behaves_well(&self) {
        self.world.stack.simulator().behave_well();
    }

    /// A customer writes to its number; says how many conversations there are then.
    pub async fn hears(&self, phone: &str, text: &str) -> usize {
        let body = json!({"tenant_id": self.id, "text": text});
        let wrote = self.world.stack.simulator().customer_writes(phone, body).await;
        assert!(wrote.is_ok(), "{wrote:?}");
        self.world.settled().await;
        self.world.all("/v1/conversations", &self.viewer).await.len()
    }
}
