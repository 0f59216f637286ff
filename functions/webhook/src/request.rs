//! A request as this endpoint sees it, whichever server took it, and what its path means.

use domain::ids::TenantId;
use domain::lead::FeedKind;
use http::HeaderMap;
use providers::signature::Presented;
use std::borrow::Cow;

/// One request.
#[derive(Clone, Default)]
pub struct Request<'a> {
    /// `POST`, `GET`, ….
    pub method: &'a str,
    /// The path without the query.
    pub path: &'a str,
    /// What follows the question mark.
    pub query: &'a str,
    /// The headers that matter here.
    pub headers: Headers<'a>,
    /// The bytes as the provider sent them.
    pub body: Cow<'a, [u8]>,
}

/// The headers that matter here. A header that came several times is the values joined by commas, as RFC 9110 and
/// API Gateway have it; no credential survives that.
#[derive(Clone, Default)]
pub struct Headers<'a> {
    /// `X-Hub-Signature-256`.
    pub hub_signature: Option<Cow<'a, str>>,
    /// `x-360dialog-signature`.
    pub dialog360_signature: Option<Cow<'a, str>>,
    /// `x-hadar-webhook-secret`, or `x-mandato-webhook-secret` where that is still configured.
    pub header_secret: Option<Cow<'a, str>>,
    /// `X-Hadar-Signature`.
    pub hadar_signature: Option<Cow<'a, str>>,
    /// `Content-Encoding`.
    pub content_encoding: Option<Cow<'a, str>>,
    /// `X-Chatwoot-Timestamp`.
    pub chatwoot_timestamp: Option<Cow<'a, str>>,
    /// Other headers that look like a signature: sources of leads call theirs what they like. Names in lower case.
    pub other_signatures: Vec<(String, Cow<'a, str>)>,
}

/// The parts of names by which the header of a signature is told.
const SIGNATURE_NAMES: [&str; 4] = ["signature", "hmac", "digest", "sha256"];

impl<'a> Headers<'a> {
    /// Takes note of one header, if it is one of ours. Names in any case.
    pub fn note(&mut self, name: &str, value: impl FnOnce() -> Cow<'a, str>) {
        let slot = if name.eq_ignore_ascii_case("x-hub-signature-256") {
            &mut self.hub_signature
        } else if name.eq_ignore_ascii_case("x-360dialog-signature") {
            &mut self.dialog360_signature
        } else if name.eq_ignore_ascii_case("x-hadar-webhook-secret")
            || name.eq_ignore_ascii_case("x-mandato-webhook-secret")
        {
            &mut self.header_secret
        } else if name.eq_ignore_ascii_case("x-hadar-signature") {
            &mut self.hadar_signature
        } else if name.eq_ignore_ascii_case("x-chatwoot-timestamp") {
            &mut self.chatwoot_timestamp
        } else if name.eq_ignore_ascii_case("content-encoding") {
            &mut self.content_encoding
        } else {
            let name = name.to_ascii_lowercase();
            if SIGNATURE_NAMES.iter().any(|part| name.contains(part)) {
                self.other_signatures.push((name, value()));
            }
            return;
        };
        *slot = Some(match slot.take() {
            None => value(),
            Some(first) => [first.as_ref(), ",", &value()].concat().into(),
        });
    }

    /// Takes the headers of a server that keeps them in a map. A value that is not text proves nothing and is read
    /// as empty.
    #[must_use]
    pub fn from_map(map: &'a HeaderMap) -> Self {
        let mut headers = Self::default();
        for (name, value) in map {
            headers.note(name.as_str(), || value.to_str().unwrap_or_default().into());
        }
        headers
    }

    /// The value of the header that a source signs in; none when it came twice.
    pub(crate) fn signature(&self, name: &str) -> Option<&str> {
        let known = [
            ("x-hub-signature-256", &self.hub_signature),
            ("x-360dialog-signature", &self.dialog360_signature),
            ("x-hadar-signature", &self.hadar_signature),
        ];
        if let Some((_, value)) = known.iter().find(|(known, _)| *known == name) {
            return value.as_deref();
        }
        let mut found = self.other_signatures.iter().filter(|(other, _)| other == name);
        match (found.next(), found.next()) {
            (Some((_, value)), None) => Some(value),
            (Some(_), Some(_)) | (None, _) => None,
        }
    }

    pub(crate) fn presented<'b>(&'b self, url_token: Option<&'b str>) -> Presented<'b> {
        Presented {
            hub_signature: self.hub_signature.as_deref(),
            dialog360_signature: self.dialog360_signature.as_deref(),
            header_secret: self.header_secret.as_deref(),
            hadar_signature: self.hadar_signature.as_deref(),
            url_token,
        }
    }
}

/// What a path asks for.
pub(crate) struct Route<'a> {
    /// As it stands in the path; `None` on the route of a single-tenant deployment.
    tenant: Option<&'a str>,
    url_token: Option<Cow<'a, str>>,
}

impl<'a> Route<'a> {
    /// `/v1/webhooks/whatsapp/{tenant_id}[/{token}]`, the same under `/api`, and `/api/webhooks/whatsapp`.
    pub(crate) fn parse(path: &'a str, query: &'a str) -> Option<Self> {
        let mut route = Self { tenant: None, url_token: None };
        if path != "/api/webhooks/whatsapp" {
            let versioned = path.strip_prefix("/api").unwrap_or(path);
            let rest = versioned.strip_prefix("/v1/webhooks/whatsapp/")?;
            match rest.split_once('/') {
                None => route.tenant = Some(rest),
                Some((_, token)) if token.is_empty() || token.contains('/') => return None,
                Some((tenant, token)) => {
                    route.tenant = Some(tenant);
                    route.url_token = Some(token.into());
                }
            }
            if route.tenant.is_some_and(str::is_empty) {
                return None;
            }
        }
        if route.url_token.is_none() {
            route.url_token = parameter(query, "token");
        }
        Some(route)
    }

    /// The tenant, unless the path names none or nonsense.
    pub(crate) fn tenant(&self, single_tenant: Option<TenantId>) -> Option<TenantId> {
        match self.tenant {
            None => single_tenant,
            Some(text) => TenantId::parse(text).ok(),
        }
    }

    pub(crate) fn url_token(&self) -> Option<&str> {
        self.url_token.as_deref()
    }
}

/// A source of leads: `/v1/webhooks/leads/{tenant_id}/{source}`, the same under `/api`.
pub(crate) struct FeedRoute<'a> {
    /// The tenant, unless the path names none.
    pub(crate) tenant: Option<TenantId>,
    /// The source, unless there is none of this name.
    pub(crate) kind: Option<FeedKind>,
    /// `?token=`.
    pub(crate) url_token: Option<Cow<'a, str>>,
}

impl<'a> FeedRoute<'a> {
    /// Reads a path; a tenant or source that is none is told from another path.
    pub(crate) fn parse(path: &str, query: &'a str) -> Option<Self> {
        let versioned = path.strip_prefix("/api").unwrap_or(path);
        let (tenant, kind) = versioned.strip_prefix("/v1/webhooks/leads/")?.split_once('/')?;
        if tenant.is_empty() || kind.is_empty() || kind.contains('/') {
            return None;
        }
        let (tenant, kind) = (TenantId::parse(tenant).ok(), FeedKind::parse(kind));
        Some(Self { tenant, kind, url_token: parameter(query, "token") })
    }
}

/// Chatwoot: `/v1/webhooks/chatwoot/{tenant_id}`, the same under `/api`.
pub(crate) struct DeskRoute<'a> {
    /// The tenant, unless the path names none.
    pub(crate) tenant: Option<TenantId>,
    /// `?token=`.
    pub(crate) url_token: Option<Cow<'a, str>>,
}

impl<'a> DeskRoute<'a> {
    /// Reads a path.
    pub(crate) fn parse(path: &str, query: &'a str) -> Option<Self> {
        let versioned = path.strip_prefix("/api").unwrap_or(path);
        let tenant = versioned.strip_prefix("/v1/webhooks/chatwoot/")?;
        if tenant.is_empty() || tenant.contains('/') {
            return None;
        }
        Some(Self { tenant: TenantId::parse(tenant).ok(), url_token: parameter(query, "token") })
    }
}

/// The first parameter of this name.
pub(crate) fn parameter<'a>(query: &'a str, name: &str) -> Option<Cow<'a, str>> {
    if query.is_empty() {
        return None;
    }
    let pairs: Vec<(Cow<'a, str>, Cow<'a, str>)> = serde_urlencoded::from_str(query).ok()?;
    pairs.into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::ids::derived_ulid;

    fn tenant() -> TenantId {
        TenantId::from_ulid(derived_ulid(1_700_000_000_000, &["t"]))
    }

    #[test]
    fn the_tenant_and_the_token_come_from_the_path() {
        for base in ["/v1/webhooks/whatsapp", "/api/v1/webhooks/whatsapp"] {
            let path = format!("{base}/{}", tenant());
            let route = Route::parse(&path, "").unwrap();
            assert_eq!((route.tenant(None), route.url_token()), (Some(tenant()), None));
            let route = Route::parse(&path, "a=1&token=s%20t&token=u").unwrap();
            assert_eq!(route.url_token(), Some("s t"));
            let path = format!("{path}/path-token");
            let route = Route::parse(&path, "token=other").unwrap();
            assert_eq!((route.tenant(None), route.url_token()), (Some(tenant()), Some("path-token")));
        }
    }

    #[test]
    fn the_route_of_a_single_tenant_has_no_tenant_of_its_own() {
        let route = Route::parse("/api/webhooks/whatsapp", "token=x").unwrap();
        assert_eq!(route.tenant(None), None);
        assert_eq!(route.tenant(Some(tenant())), Some(tenant()));
        assert_eq!(route.url_token(), Some("x"));
    }

    #[test]
    fn a_malformed_tenant_is_nobody_and_other_paths_are_no_route() {
        for id in ["tnt_", "x", "%2e%2e", &tenant().to_string().to_lowercase()] {
            let path = format!("/v1/webhooks/whatsapp/{id}");
            assert_eq!(Route::parse(&path, "").unwrap().tenant(Some(tenant())), None, "{id}");
        }
        for path in [
            "",
            "/",
            "/v1/webhooks/whatsapp",
            "/v1/webhooks/whatsapp/",
            "/v1/webhooks/whatsapp//token",
            "/v1/webhooks/whatsapp/t/",
            "/v1/webhooks/whatsapp/t/u/v",
            "/api/webhooks/whatsapp/t",
            "/V1/webhooks/whatsapp/t",
            "/api/api/v1/webhooks/whatsapp/t",
        ] {
            assert!(Route::parse(path, "").is_none(), "{path}");
        }
    }

    #[test]
    fn a_source_of_leads_has_a_tenant_and_a_name_in_its_path() {
        let path = format!("/api/v1/webhooks/leads/{}/bayut", tenant());
        let route = FeedRoute::parse(&path, "token=t").unwrap();
        assert_eq!((route.tenant, route.kind), (Some(tenant()), Some(FeedKind::Bayut)));
        assert_eq!(route.url_token.as_deref(), Some("t"));
        assert_eq!(FeedRoute::parse("/v1/webhooks/leads/x/y", "").unwrap().tenant, None);
        for path in [
            "/v1/webhooks/leads/",
            "/v1/webhooks/leads/x",
            "/v1/webhooks/leads/x/",
            "/v1/webhooks/leads/x/y/z",
        ] {
            assert!(FeedRoute::parse(path, "").is_none(), "{path}");
        }
    }

    #[test]
    fn a_signature_in_a_header_of_its_own_is_found_once() {
        let mut headers = Headers::default();
        headers.note("X-PF-Signature", || "a".into());
        headers.note("X-Other", || "b".into());
        assert_eq!(headers.signature("x-pf-signature"), Some("a"));
        assert_eq!(headers.signature("x-other"), None);
        headers.note("x-pf-signature", || "c".into());
        assert_eq!(headers.signature("x-pf-signature"), None);
    }

    #[test]
    fn a_header_that_came_twice_is_joined_and_names_may_be_in_any_case() {
        let mut map = HeaderMap::new();
        map.append("x-hub-signature-256", "sha256=a".parse().unwrap());
        map.append("x-hub-signature-256", "sha256=b".parse().unwrap());
        map.append("x-mandato-webhook-secret", http::HeaderValue::from_bytes(&[0xFF]).unwrap());
        let headers = Headers::from_map(&map);
        assert_eq!(headers.hub_signature.as_deref(), Some("sha256=a,sha256=b"));
        assert_eq!(headers.header_secret.as_deref(), Some(""));
        let mut headers = Headers::default();
        headers.note("X-HADAR-Signature", || "t=1".into());
        assert_eq!(headers.hadar_signature.as_deref(), Some("t=1"));
    }
}
