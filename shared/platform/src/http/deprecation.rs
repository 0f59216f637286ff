//! Routes that will go away, announced on every answer of theirs: `Deprecation` (RFC 9745), `Sunset` (RFC 8594) and a link
//! to what takes their place. docs/versioning.md has the promise.

use axum::http::header::LINK;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use domain::time::Millis;

const DEPRECATION: HeaderName = HeaderName::from_static("deprecation");
const SUNSET: HeaderName = HeaderName::from_static("sunset");

/// A route that will go away.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deprecated {
    /// Its method; every method when absent.
    pub method: Option<&'static Method>,
    /// The route under `/v1`, as it is registered: `/leads/{id}`.
    pub route: &'static str,
    /// Since when it should not be used any more.
    pub since: Millis,
    /// When it stops to answer.
    pub sunset: Millis,
    /// Where it is told what to use instead.
    pub guide: &'static str,
}

/// The routes that will go away. None today.
pub(super) const ROUTES: &[Deprecated] = &[];

/// Writes what there is to say about a route, by its matched path (`/v1/leads/{id}`).
pub(super) fn announce(table: &[Deprecated], method: &Method, route: &str, headers: &mut HeaderMap) {
    let route = route.strip_prefix("/api").unwrap_or(route);
    let Some(route) = route.strip_prefix("/v1") else { return };
    let found = table.iter().find(|one| one.route == route && one.method.is_none_or(|its| its == method));
    let Some(found) = found else { return };
    let values = [
        (DEPRECATION, format!("@{}", found.since.unix_ms() / 1_000)),
        (SUNSET, http_date(found.sunset)),
        (LINK, format!("<{}>; rel=\"deprecation\"; type=\"text/html\"", found.guide)),
    ];
    for (name, value) in values {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.append(name, value);
        }
    }
}

/// `Sat, 31 Dec 2018 23:59:59 GMT`.
fn http_date(at: Millis) -> String {
    let at = i64::try_from(at.unix_ms()).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    at.unwrap_or_default().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
    const TABLE: &[Deprecated] = &[
        Deprecated {
            method: Some(&Method::POST),
            route: "/things/{id}",
            since: Millis::from_unix_ms(1_688_169_599_000),
            sunset: Millis::from_unix_ms(1_719_791_999_000),
            guide: "https://example.com/things",
        },
        Deprecated {
            method: None,
            route: "/old",
            since: Millis::from_unix_ms(0),
            sunset: Millis::from_unix_ms(90 * DAY_MS),
            guide: "https://example.com/old",
        },
    ];

    fn said(method: &Method, route: &str) -> Vec<String> {
        let mut headers = HeaderMap::new();
        announce(TABLE, method, route, &mut headers);
        [DEPRECATION, SUNSET, LINK]
            .iter()
            .filter_map(|name| Some(headers.get(name)?.to_str().unwrap().to_owned()))
            .collect()
    }

    #[test]
    fn a_route_in_the_table_is_announced_under_both_prefixes() {
        for route in ["/v1/things/{id}", "/api/v1/things/{id}"] {
            assert_eq!(
                said(&Method::POST, route),
                [
                    "@1688169599",
                    "Sun, 30 Jun 2024 23:59:59 GMT",
                    "<https://example.com/things>; rel=\"deprecation\"; type=\"text/html\"",
                ],
                "{route}"
            );
        }
        for method in [Method::GET, Method::DELETE] {
            assert_eq!(said(&method, "/v1/old").len(), 3, "{method}");
        }
    }

    #[test]
    fn every_other_route_is_silent() {
        for (method, route) in [
            (Method::GET, "/v1/things/{id}"),
            (Method::POST, "/v1/things"),
            (Method::POST, "/things/{id}"),
            (Method::POST, "/v2/things/{id}"),
            (Method::POST, "(no route)"),
        ] {
            assert!(said(&method, route).is_empty(), "{method} {route}");
        }
    }

    #[test]
    fn whoever_uses_a_route_that_goes_away_has_ninety_days() {
        for one in ROUTES.iter().chain(TABLE) {
            assert!(one.sunset.since(one.since) >= 90 * DAY_MS, "{one:?}");
            assert!(one.route.starts_with('/') && one.guide.starts_with("https://"), "{one:?}");
        }
    }
}
