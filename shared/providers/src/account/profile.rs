//! What customers see of a business behind its number: read and changed at Meta, and below 360dialog's root in the same
//! words. UltraMsg has none that could be set.

use super::{Unusable, build, get, json, meta, path_part, text};
use bytes::Bytes;
use domain::provider::Provider;
use http::header::AUTHORIZATION;
use http::{HeaderName, Method, Request, Response};
use serde::Serialize;
use serde_json::{Map, Value};

/// What we ask about a profile.
const FIELDS: &str = "about,address,description,email,profile_picture_url,websites,vertical";
/// The edge of a number that is its profile.
const EDGE: &str = "whatsapp_business_profile";
/// The industries that Meta takes.
pub const VERTICALS: [&str; 21] = [
    "ALCOHOL",
    "APPAREL",
    "AUTO",
    "BEAUTY",
    "EDU",
    "ENTERTAIN",
    "EVENT_PLAN",
    "FINANCE",
    "GOVT",
    "GROCERY",
    "HEALTH",
    "HOTEL",
    "NONPROFIT",
    "ONLINE_GAMBLING",
    "OTC_DRUGS",
    "OTHER",
    "PHYSICAL_GAMBLING",
    "PROF_SERVICES",
    "RESTAURANT",
    "RETAIL",
    "TRAVEL",
];

/// A profile as its provider shows it; what it does not tell is absent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = BusinessProfileFields))]
pub struct Profile {
    /// The line under the name.
    pub about: Option<String>,
    /// Where the business is.
    pub address: Option<String>,
    /// What it does.
    pub description: Option<String>,
    /// Where it reads e-mail.
    pub email: Option<String>,
    /// Its sites, at most two.
    pub websites: Vec<String>,
    /// Its industry, in Meta's words.
    pub vertical: Option<String>,
    /// Its picture, at an address that ends after a while.
    pub profile_picture_url: Option<String>,
}

/// What changes of a profile; what is absent stays. The forms are checked already.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct ProfileChange {
    /// The line under the name, 1 to 139 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// At most 256 characters; empty takes it away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// At most 512 characters; empty takes it away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// At most 128 characters; empty takes it away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// At most two, of at most 256 characters each; none takes them away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub websites: Option<Vec<String>>,
    /// One of [`VERTICALS`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vertical: Option<String>,
    /// What Meta's resumable upload answered for a picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile_picture_handle: Option<String>,
}

impl ProfileChange {
    /// The names of the fields that change.
    #[must_use]
    pub fn named(&self) -> Vec<&'static str> {
        [
            ("about", self.about.is_some()),
            ("address", self.address.is_some()),
            ("description", self.description.is_some()),
            ("email", self.email.is_some()),
            ("websites", self.websites.is_some()),
            ("vertical", self.vertical.is_some()),
            ("profile_picture_handle", self.profile_picture_handle.is_some()),
        ]
        .into_iter()
        .filter_map(|(name, changes)| changes.then_some(name))
        .collect()
    }
}

/// Asks for a number's profile; the number's id is of no account at 360dialog, whose key names the channel.
///
/// # Errors
/// No request can hold the number's id or the secret, or the provider has no profiles.
pub fn read_request(
    provider: Provider,
    phone_number_id: &str,
    secret: &str,
) -> Result<Request<Bytes>, Unusable> {
    let (path, header, secret) = edge(provider, phone_number_id, secret)?;
    get(&format!("{path}?fields={FIELDS}"), Some((header, &secret))).ok_or(Unusable(provider))
}

/// Changes a number's profile.
///
/// # Errors
/// As [`read_request`].
pub fn change_request(
    provider: Provider,
    phone_number_id: &str,
    secret: &str,
    change: &ProfileChange,
) -> Result<Request<Bytes>, Unusable> {
    let unusable = Unusable(provider);
    let (path, header, secret) = edge(provider, phone_number_id, secret)?;
    let mut body = serde_json::to_value(change).map_err(|_| unusable)?;
    let fields = body.as_object_mut().ok_or(unusable)?;
    fields.insert("messaging_product".to_owned(), Value::from("whatsapp"));
    build(Method::POST, &path, Some((header, &secret)), json(&body)).ok_or(unusable)
}

/// Where a profile is, and what opens it.
fn edge(
    provider: Provider,
    phone_number_id: &str,
    secret: &str,
) -> Result<(String, HeaderName, String), Unusable> {
    let unusable = Unusable(provider);
    match provider {
        Provider::Meta => {
            let id = path_part(phone_number_id).ok_or(unusable)?;
            Ok((format!("/{}/{id}/{EDGE}", meta::VERSION), AUTHORIZATION, format!("Bearer {secret}")))
        }
        Provider::Dialog360 => {
            let key = HeaderName::from_static("d360-api-key");
            Ok((format!("/{EDGE}"), key, secret.to_owned()))
        }
        Provider::Ultramsg | Provider::Sandbox => Err(unusable),
    }
}

/// Reads a profile; `None` when the answer is none.
#[must_use]
pub fn profile(answer: &Response<Bytes>) -> Option<Profile> {
    let body: Value = serde_json::from_slice(answer.body()).ok()?;
    // 360dialog has answered with the bare object as well.
    let found = body.pointer("/data/0").unwrap_or(&body);
    let found: &Map<String, Value> = found.as_object()?;
    if !found.contains_key("messaging_product") && !FIELDS.split(',').any(|field| found.contains_key(field)) {
        return None;
    }
    let said = |name: &str| {
        let text = found.get(name).and_then(Value::as_str);
        text.filter(|text| !text.is_empty()).map(|text| text.chars().take(2048).collect::<String>())
    };
    let websites = found.get("websites").and_then(Value::as_array).into_iter().flatten();
    Some(Profile {
        about: said("about"),
        address: said("address"),
        description: said("description"),
        email: said("email"),
        websites: websites.filter_map(|site| text(site, "")).collect(),
        vertical: said("vertical"),
        profile_picture_url: said("profile_picture_url"),
    })
}

/// The field that a refusal of a change is about, by the provider's own words.
#[must_use]
pub fn refused_field(change: &ProfileChange, words: &str) -> &'static str {
    let words = words.to_ascii_lowercase();
    let named = change.named();
    let about = named.iter().find(|name| {
        words.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|word| word == **name)
    });
    match (about, named.as_slice()) {
        (Some(name), _) | (None, [name]) => name,
        (None, _) => "body",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(body: &str) -> Response<Bytes> {
        Response::new(Bytes::from(body.to_owned()))
    }

    #[test]
    fn a_profile_is_asked_for_where_each_provider_keeps_it() {
        let meta = read_request(Provider::Meta, "106540352242922", "EAA").unwrap();
        assert_eq!(
            meta.uri().to_string(),
            format!("/v26.0/106540352242922/whatsapp_business_profile?fields={FIELDS}")
        );
        let theirs = read_request(Provider::Dialog360, "", "key").unwrap();
        assert_eq!(theirs.uri().path(), "/whatsapp_business_profile");
        assert_eq!(theirs.headers()["d360-api-key"], "key");
        assert!(read_request(Provider::Meta, "../me", "EAA").is_err());
        assert!(read_request(Provider::Meta, "1", "a\nb").is_err());
        assert!(read_request(Provider::Ultramsg, "1", "t").is_err());
    }

    #[test]
    fn a_change_names_what_changes_and_the_product_and_nothing_else() {
        let change = ProfileChange {
            about: Some("Homes by the sea".into()),
            websites: Some(Vec::new()),
            ..ProfileChange::default()
        };
        let request = change_request(Provider::Meta, "1", "EAA", &change).unwrap();
        let body: Value = serde_json::from_slice(request.body()).unwrap();
        let expected =
            serde_json::json!({"messaging_product": "whatsapp", "about": "Homes by the sea", "websites": []});
        assert_eq!(body, expected);
        assert_eq!(change.named(), ["about", "websites"]);
    }

    #[test]
    fn a_profile_is_read_from_a_list_or_bare_and_an_odd_answer_is_none() {
        let listed = r#"{"data":[{"messaging_product":"whatsapp","about":"Hi","email":"","websites":["https://x.ae/"]}]}"#;
        let found = profile(&answer(listed)).unwrap();
        assert_eq!((found.about.as_deref(), found.email), (Some("Hi"), None));
        assert_eq!(found.websites, ["https://x.ae/"]);
        assert_eq!(profile(&answer(r#"{"about":"Hi"}"#)).unwrap().about.as_deref(), Some("Hi"));
        assert_eq!(
            profile(&answer(r#"{"data":[{"messaging_product":"whatsapp"}]}"#)),
            Some(Profile::default())
        );
        for odd in ["", "[]", "{}", r#"{"data":[]}"#, r#"{"data":[5]}"#] {
            assert_eq!(profile(&answer(odd)), None, "{odd}");
        }
    }

    #[test]
    fn a_refusal_is_about_the_field_that_it_names_or_the_only_one_there_is() {
        let two =
            ProfileChange { about: Some("x".into()), email: Some("x".into()), ..ProfileChange::default() };
        assert_eq!(refused_field(&two, "(#100) Param email must be a valid address."), "email");
        assert_eq!(refused_field(&two, "Invalid parameter"), "body");
        let one = ProfileChange { vertical: Some("OTHER".into()), ..ProfileChange::default() };
        assert_eq!(refused_field(&one, "Invalid parameter"), "vertical");
    }
}
