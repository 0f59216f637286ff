//! What a provider remembers about one number. Kept in memory.

use crate::cloud::profile;
use crate::cloud::templates::Template;
use crate::demo;
use crate::media::Media;
use crate::people::People;
use serde_json::{Map, Value};
use std::collections::{HashMap, HashSet, VecDeque};

/// How many service messages of a month are free of charge.
const FREE_SERVICE_MESSAGES: u32 = 1000;

/// How many messages are remembered, so that a load test does not fill the memory.
pub(crate) const REMEMBERED: usize = 100_000;

/// What a provider remembers about one number.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) templates: Vec<Template>,
    /// Names of templates that were deleted, and when: they stay taken for a month.
    pub(crate) deleted: HashMap<String, i64>,
    /// Samples that are being uploaded, and their lengths.
    pub(crate) uploads: HashMap<String, usize>,
    /// Files by id.
    pub(crate) media: HashMap<String, Media>,
    pub(crate) people: People,
    /// Ids of messages that customers sent.
    pub(crate) inbound: HashSet<String>,
    /// Where Meta posts in place of the app's URL, and its verify token.
    pub(crate) override_url: Option<(String, String)>,
    /// Whether the app is subscribed to the business account.
    pub(crate) subscribed: bool,
    /// What `/v1/configs/webhook` was set to.
    pub(crate) webhook: Option<Value>,
    /// What UltraMsg received, oldest first.
    pub(crate) chats: VecDeque<Value>,
    /// UltraMsg's queue, oldest first.
    pub(crate) queue: VecDeque<Value>,
    /// The id of the next message in the queue.
    pub(crate) next_id: u64,
    /// UltraMsg's settings that were changed.
    pub(crate) settings: HashMap<String, String>,
    /// UltraMsg's account status and substatus.
    pub(crate) status: (String, String),
    /// The phone that UltraMsg's instance is linked to, when it is not the usual one.
    pub(crate) linked: Option<String>,
    /// What Meta's token may not do, of what it needs.
    pub(crate) missing_scopes: Vec<String>,
    /// Where the review of the number's name stands.
    pub(crate) name_status: String,
    /// The month and its service messages so far.
    served: (String, u32),
    /// The number's quality.
    pub(crate) quality: String,
    /// How many people a day may be written to first.
    pub(crate) limit: String,
    /// The business portfolio that the number is in, when it is not the tenant's only one.
    pub(crate) portfolio: Option<String>,
    /// What customers see of the business.
    pub(crate) profile: Map<String, Value>,
    /// Whether Meta has verified the business: `verified`, `not_verified`, `pending` and others.
    pub(crate) business_verification: String,
    /// Whether the number was proven by a code.
    pub(crate) code_verification: String,
}

impl Desk {
    /// A number on its first day, with the demo's templates.
    pub(crate) fn new() -> Self {
        Self {
            templates: demo::templates(),
            deleted: HashMap::new(),
            uploads: HashMap::new(),
            media: HashMap::new(),
            people: People::default(),
            inbound: HashSet::new(),
            override_url: None,
            subscribed: false,
            webhook: None,
            chats: VecDeque::new(),
            queue: VecDeque::new(),
            next_id: 50_000 + crate::ids::below(1_000_000_000),
            settings: HashMap::new(),
            status: ("authenticated".to_owned(), "connected".to_owned()),
            linked: None,
            missing_scopes: Vec::new(),
            name_status: "APPROVED".to_owned(),
            served: (String::new(), 0),
            quality: "GREEN".to_owned(),
            limit: "TIER_2K".to_owned(),
            portfolio: None,
            profile: profile::first(),
            business_verification: "verified".to_owned(),
            code_verification: "VERIFIED".to_owned(),
        }
    }

    /// Counts a service message of a month such as `2026-11`; says whether it is free.
    pub(crate) fn serve_free(&mut self, month: &str) -> bool {
        if self.served.0 != month {
            self.served = (month.to_owned(), 0);
        }
        self.served.1 = self.served.1.saturating_add(1);
        self.served.1 <= FREE_SERVICE_MESSAGES
    }

    /// A customer's message that can be marked as read from now on.
    pub(crate) fn received(&mut self, id: &str) {
        if self.inbound.len() >= REMEMBERED {
            self.inbound.clear();
        }
        self.inbound.insert(id.to_owned());
    }

    /// Whether one of UltraMsg's switches is on; all are, until they are turned off.
    pub(crate) fn is_on(&self, setting: &str) -> bool {
        self.settings.get(setting).is_none_or(|value| matches!(value.as_str(), "true" | "on" | "1"))
    }
}

/// Adds to a list that forgets its oldest.
pub(crate) fn push(list: &mut VecDeque<Value>, value: Value) {
    if list.len() >= REMEMBERED {
        list.pop_front();
    }
    list.push_back(value);
}
