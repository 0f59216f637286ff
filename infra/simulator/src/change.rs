//! `PUT /_sim/behaviour`: other rules, other statuses, and things that happen at the provider.

use crate::Simulator;
use crate::account::{Kind, Line};
use crate::behaviour::{Rule, Statuses};
use crate::people;
use serde::Deserialize;
use serde_json::{Value, json};

/// What changes; what is left out stays as it is.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Change {
    /// All rules.
    rules: Option<Vec<Rule>>,
    /// All that is played back.
    statuses: Option<Statuses>,
    /// Numbers and user ids that wrote just now, without a webhook.
    open_window: Vec<String>,
    /// Templates that Meta judges anew; the webhook is posted.
    templates: Vec<TemplateChange>,
    /// A number whose quality changes; the webhook is posted.
    quality: Option<QualityChange>,
    /// A portfolio whose messaging limit changes; the webhook is posted.
    capability: Option<CapabilityChange>,
    /// Numbers that stand otherwise at their provider; nobody is told.
    accounts: Vec<AccountChange>,
}

/// What is left out stays as it is.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AccountChange {
    tenant_id: String,
    /// At which provider, where the tenant has several accounts; the one opened last unless told.
    #[serde(default)]
    provider: Option<String>,
    /// UltraMsg's account status and substatus, such as `qr/normal`.
    #[serde(default)]
    status: Option<String>,
    /// The digits of the phone that UltraMsg's instance is linked to.
    #[serde(default)]
    linked: Option<String>,
    /// What Meta's token may not do.
    #[serde(default)]
    missing_scopes: Option<Vec<String>>,
    /// Where the review of the number's name stands.
    #[serde(default)]
    name_status: Option<String>,
    /// The number's rating: `GREEN`, `YELLOW`, `RED`, `UNKNOWN`.
    #[serde(default)]
    quality: Option<String>,
    /// How many people all numbers of the portfolio may write to first, such as `TIER_2K`.
    #[serde(default)]
    limit: Option<String>,
    /// The business portfolio that the number is in.
    #[serde(default)]
    portfolio: Option<String>,
    /// Whether Meta has verified the business: `verified`, `not_verified`, `pending`.
    #[serde(default)]
    business_verification: Option<String>,
    /// Whether the number was proven by a code: `VERIFIED`, `NOT_VERIFIED`, `EXPIRED`.
    #[serde(default)]
    code_verification: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TemplateChange {
    tenant_id: String,
    name: String,
    language: String,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    category: Option<String>,
    #[serde(default)]
    quality: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct QualityChange {
    tenant_id: String,
    /// `FLAGGED`, `UNFLAGGED`, `UPGRADE`, `DOWNGRADE`, ...
    event: String,
    #[serde(default)]
    current_limit: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CapabilityChange {
    tenant_id: String,
    /// How many people, -1 for no end.
    max_daily_conversations_per_business: i64,
}

impl Simulator {
    /// Changes how the providers behave, as `PUT /_sim/behaviour` has it. Gives what is in force then, and under
    /// `answers` the statuses of the webhooks that were posted for it.
    ///
    /// # Errors
    /// What is wrong with the body, in one sentence. Nothing is changed then.
    pub async fn behave(&self, body: Value) -> Result<Value, String> {
        let change: Change =
            serde_json::from_value(body).map_err(|error| format!("The body is not as expected: {error}."))?;
        let mut webhooks = Vec::new();
        // Everything is looked at before anything changes.
        for one in &change.templates {
            let line = self.line_of(&one.tenant_id)?;
            let known =
                line.desk().templates.iter().any(|it| it.name == one.name && it.language == one.language);
            if !known || line.kind() == Kind::Ultramsg {
                return Err(format!("There is no template {} in {}.", one.name, one.language));
            }
        }
        if let Some(quality) = &change.quality {
            self.line_of(&quality.tenant_id)?;
        }
        if let Some(capability) = &change.capability {
            self.line_of(&capability.tenant_id)?;
        }
        for one in &change.accounts {
            self.line_of(&one.tenant_id)?;
        }
        if let Some(rules) = change.rules {
            self.behaviour().rules = rules;
        }
        if let Some(statuses) = change.statuses {
            self.behaviour().statuses = statuses;
        }
        for person in &change.open_window {
            for line in self.lines() {
                let (digits, user_id) = if people::is_user_id(person) {
                    (None, Some(person.as_str()))
                } else {
                    (Some(people::digits(person)), None)
                };
                self.wrote(&line, digits.as_deref(), user_id, self.now_ms());
            }
        }
        for one in change.accounts {
            let line = self.line_at(&one.tenant_id, one.provider.as_deref())?;
            let limit = one.limit.clone();
            stand(&line, one);
            if let Some(limit) = limit {
                self.limit(&line, &limit);
            }
        }
        let now_s = self.now_ms() / 1000;
        for one in &change.templates {
            let line = self.line_of(&one.tenant_id)?;
            let bodies = judge(&line, one, now_s);
            webhooks.extend(bodies.into_iter().map(|body| (line.clone(), body)));
        }
        if let Some(quality) = &change.quality {
            let line = self.line_of(&quality.tenant_id)?;
            let body = rate(&line, quality, now_s);
            if let Some(limit) = &quality.current_limit {
                self.limit(&line, limit);
            }
            webhooks.push((line, body));
        }
        if let Some(capability) = &change.capability {
            let line = self.line_of(&capability.tenant_id)?;
            let people = capability.max_daily_conversations_per_business;
            self.limit(&line, &tier(people));
            let value =
                json!({"max_daily_conversations_per_business": people, "max_phone_numbers_per_waba": 25});
            let body = account_event(&line, "business_capability_update", &value, now_s);
            webhooks.push((line, body));
        }
        let pending = self.pending();
        let mut answers = Vec::with_capacity(webhooks.len());
        for (line, body) in webhooks {
            answers.push(self.post(&line, &body).await);
        }
        drop(pending);
        let mut now = json!(&*self.behaviour());
        if let Some(fields) = now.as_object_mut() {
            fields.insert("answers".into(), json!(answers));
        }
        Ok(now)
    }
}

fn stand(line: &Line, change: AccountChange) {
    let mut desk = line.desk();
    if let Some(status) = change.status {
        let (status, substatus) = status.split_once('/').unwrap_or((&status, "normal"));
        desk.status = (status.to_owned(), substatus.to_owned());
    }
    desk.linked = change.linked.or(desk.linked.take());
    if let Some(missing) = change.missing_scopes {
        desk.missing_scopes = missing;
    }
    if let Some(name_status) = change.name_status {
        desk.name_status = name_status;
    }
    if let Some(quality) = change.quality {
        desk.quality = quality;
    }
    if let Some(verification) = change.business_verification {
        desk.business_verification = verification;
    }
    if let Some(verification) = change.code_verification {
        desk.code_verification = verification;
    }
    desk.portfolio = change.portfolio.or(desk.portfolio.take());
}

/// The tier of a number of people.
fn tier(people: i64) -> String {
    match people {
        -1 => "TIER_UNLIMITED".to_owned(),
        people if people >= 1_000 && people % 1_000 == 0 => format!("TIER_{}K", people / 1_000),
        people => format!("TIER_{people}"),
    }
}

/// A webhook about the account, which carries the time of its entry.
fn account_event(line: &Line, field: &str, value: &Value, now_s: i64) -> Value {
    let change = json!({"field": field, "value": value});
    json!({"object": "whatsapp_business_account", "entry": [{"id": line.waba_id, "time": now_s, "changes": [change]}]})
}

/// Changes a template; gives the webhooks that tell of it.
fn judge(line: &Line, change: &TemplateChange, now_s: i64) -> Vec<Value> {
    let mut desk = line.desk();
    let found =
        desk.templates.iter_mut().find(|one| one.name == change.name && one.language == change.language);
    let Some(template) = found else { return Vec::new() };
    // The id is a number in webhooks.
    let id = template.id.parse::<u64>().unwrap_or_default();
    let named = json!({
        "message_template_id": id,
        "message_template_name": template.name,
        "message_template_language": template.language,
    });
    let tell = |field: &str, more: Value| {
        let mut value = named.clone();
        if let (Value::Object(more), Some(fields)) = (more, value.as_object_mut()) {
            fields.extend(more);
        }
        account_event(line, field, &value, now_s)
    };
    let mut webhooks = Vec::new();
    if let Some(status) = &change.status {
        let status = status.to_uppercase();
        let reason = change.reason.clone().unwrap_or_else(|| "NONE".to_owned());
        let category = &template.category;
        let mut more = json!({"event": status, "reason": reason, "message_template_category": category});
        if let Some(more) = more.as_object_mut().filter(|_| status == "PAUSED") {
            let info = json!({"title": "FIRST_PAUSE", "description": "Your WhatsApp message template has been paused for 3 hours."});
            more.insert("other_info".into(), info);
        }
        webhooks.push(tell("message_template_status_update", more));
        template.status =
            if status == "REINSTATED" || status == "FLAGGED" { "APPROVED".to_owned() } else { status };
        template.rejected_reason = reason;
    }
    if let Some(category) = &change.category {
        let category = category.to_uppercase();
        let more = json!({"previous_category": template.category, "new_category": category});
        webhooks.push(tell("template_category_update", more));
        template.category = category;
    }
    if let Some(quality) = &change.quality {
        let quality = quality.to_uppercase();
        let more = json!({"previous_quality_score": template.quality, "new_quality_score": quality});
        webhooks.push(tell("message_template_quality_update", more));
        template.quality = quality;
    }
    webhooks
}

/// Changes a number's quality; gives the webhook that tells of it.
fn rate(line: &Line, change: &QualityChange, now_s: i64) -> Value {
    let mut desk = line.desk();
    let old = desk.limit.clone();
    let new = change.current_limit.clone().unwrap_or_else(|| old.clone());
    match change.event.as_str() {
        "FLAGGED" | "DOWNGRADE" => "RED".clone_into(&mut desk.quality),
        "UNFLAGGED" | "UPGRADE" => "GREEN".clone_into(&mut desk.quality),
        _ => {}
    }
    let value = json!({"display_phone_number": line.display, "event": change.event, "current_limit": new, "old_limit": old});
    drop(desk);
    account_event(line, "phone_number_quality_update", &value, now_s)
}
