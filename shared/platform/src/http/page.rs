//! Lists: `limit` and `cursor` in, `items` and `pagination` out.

use super::auth::Caller;
use super::cursor::{self, Scope};
use super::params::Known;
use super::problem::Problem;
use crate::Platform;
use domain::ids::TenantId;
use domain::redacted::Redacted;
use domain::time::Millis;
use serde::Serialize;

const DEFAULT_LIMIT: u32 = 25;
const HIGHEST_LIMIT: u32 = 100;

/// A page of a list.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// How to go on.
    pub pagination: Pagination,
}

/// How to go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Pagination {
    /// What to send as `cursor` for the next page; absent on the last.
    pub next_cursor: Option<String>,
    /// Whether there is a next page.
    pub has_more: bool,
    /// How many items a page has at most.
    pub limit: u32,
}

/// A request for a page of one list.
#[derive(Debug)]
pub struct Listing<'a> {
    /// How many items at most.
    pub limit: u32,
    /// Where the page before ended; absent for the first.
    pub after: Option<String>,
    /// The current key, which seals, then the one before it, which still opens.
    keys: Vec<Redacted<[u8; 32]>>,
    tenant: TenantId,
    list: &'a str,
    filters: Vec<(&'a str, &'a str)>,
    now: Millis,
}

impl<'a> Listing<'a> {
    /// Reads `limit` and `cursor`. `list` names the list, with the ids in its path.
    ///
    /// # Errors
    /// A limit outside 1 to 100; a cursor that is not one of this list; the cursor key cannot be had.
    pub async fn read<R>(
        platform: &Platform,
        caller: &Caller<R>,
        params: &'a Known,
        list: &'a str,
    ) -> Result<Self, Problem> {
        let limit = limit(params)?;
        let secrets = platform.secrets.get().await.map_err(Problem::unavailable)?;
        Self::with_keys(secrets.cursor_keys.clone(), caller.tenant(), caller.now(), params, list, limit)
    }

    fn with_keys(
        keys: Vec<Redacted<[u8; 32]>>,
        tenant: TenantId,
        now: Millis,
        params: &'a Known,
        list: &'a str,
        limit: u32,
    ) -> Result<Self, Problem> {
        let mut listing = Self { limit, after: None, keys, tenant, list, filters: params.filters(), now };
        listing.after = params.read(
            "cursor",
            "a cursor of this list with these filters, at most 24 hours old",
            |text| listing.keys.iter().find_map(|key| cursor::open(key.expose(), listing.scope(), text, now)),
        )?;
        Ok(listing)
    }

    /// Where the page before ended, as `read` reads it.
    ///
    /// # Errors
    /// A position of another layout, from before a deployment that changed it.
    pub fn after<T>(&self, read: impl FnOnce(&str) -> Option<T>) -> Result<Option<T>, Problem> {
        let Some(after) = &self.after else { return Ok(None) };
        read(after)
            .map(Some)
            .ok_or_else(|| Problem::invalid("cursor", "This cursor is out of use; start over."))
    }

    /// The page; `next` is where it ends when there is more.
    ///
    /// # Errors
    /// There is no cursor key, or the operating system gave no random bytes.
    pub fn page<T>(&self, items: Vec<T>, next: Option<&str>) -> Result<Page<T>, Problem> {
        let next_cursor = next.map(|position| self.seal(position)).transpose()?;
        let pagination = Pagination { has_more: next_cursor.is_some(), next_cursor, limit: self.limit };
        Ok(Page { items, pagination })
    }

    fn seal(&self, position: &str) -> Result<String, Problem> {
        let key = self
            .keys
            .first()
            .ok_or_else(|| Problem::unavailable("the platform's secret has no cursor key"))?;
        cursor::seal(key.expose(), self.scope(), position, self.now).map_err(Problem::internal)
    }

    fn scope(&self) -> Scope<'_> {
        Scope { tenant: self.tenant, list: self.list, filters: &self.filters }
    }
}

fn limit(params: &Known) -> Result<u32, Problem> {
    let limit = params.read("limit", "a whole number from 1 to 100", |text| {
        let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let number = plain.then(|| text.parse().ok()).flatten()?;
        (1..=HIGHEST_LIMIT).contains(&number).then_some(number)
    })?;
    Ok(limit.unwrap_or(DEFAULT_LIMIT))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::ids::derived_ulid;

    const NOW: Millis = Millis::from_unix_ms(1_700_000_000_000);

    fn keyed<'a>(keys: &[u8], params: &'a Known, list: &'a str) -> Result<Listing<'a>, Problem> {
        let tenant = TenantId::from_ulid(derived_ulid(1, &["t"]));
        let keys = keys.iter().map(|byte| Redacted::new([*byte; 32])).collect();
        Listing::with_keys(keys, tenant, NOW, params, list, limit(params)?)
    }

    fn listing<'a>(params: &'a Known, list: &'a str) -> Result<Listing<'a>, Problem> {
        keyed(&[3], params, list)
    }

    #[test]
    fn a_page_has_25_items_unless_asked_and_100_at_most() {
        assert_eq!(limit(&Known::of(&[])).unwrap(), 25);
        assert_eq!(limit(&Known::of(&[("limit", "1")])).unwrap(), 1);
        assert_eq!(limit(&Known::of(&[("limit", "100")])).unwrap(), 100);
        for bad in ["0", "101", "-1", "+5", "5.0", "", " 5", "abc", "٥", "99999999999999999999", "0x10"] {
            let problem = limit(&Known::of(&[("limit", bad)])).unwrap_err();
            assert_eq!(
                (problem.code().as_str(), problem.field()),
                ("validation_error", Some("limit")),
                "{bad}"
            );
        }
    }

    #[test]
    fn a_cursor_leads_to_where_its_page_ended() {
        let none = Known::of(&[("unread", "true")]);
        let first = listing(&none, "conversations").unwrap();
        assert_eq!(first.after(|text| text.parse::<u8>().ok()).unwrap(), None);
        let page = first.page(vec![1, 2], Some("17")).unwrap();
        assert!(page.pagination.has_more);
        let cursor = page.pagination.next_cursor.unwrap();

        let params = Known::of(&[("cursor", &cursor), ("unread", "true"), ("limit", "50")]);
        let second = listing(&params, "conversations").unwrap();
        assert_eq!(second.after(|text| text.parse::<u8>().ok()).unwrap(), Some(17));

        for (params, list) in [
            (Known::of(&[("cursor", &cursor)]), "conversations"),
            (Known::of(&[("cursor", &cursor), ("unread", "false")]), "conversations"),
            (Known::of(&[("cursor", &cursor), ("unread", "true")]), "leads"),
            (Known::of(&[("cursor", ""), ("unread", "true")]), "conversations"),
        ] {
            let problem = listing(&params, list).unwrap_err();
            assert_eq!((problem.code().as_str(), problem.field()), ("validation_error", Some("cursor")));
        }
    }

    #[test]
    fn a_rotated_key_seals_anew_and_the_one_before_it_still_opens() {
        let none = Known::of(&[]);
        let sealed = |keys: &[u8]| keyed(keys, &none, "leads").unwrap().page(vec![()], Some("17")).unwrap();
        let opens =
            |keys: &[u8], cursor: &str| keyed(keys, &Known::of(&[("cursor", cursor)]), "leads").is_ok();
        let old = sealed(&[1]).pagination.next_cursor.unwrap();
        let new = sealed(&[2, 1]).pagination.next_cursor.unwrap();
        assert!(opens(&[2, 1], &old) && opens(&[2, 1], &new));
        assert!(opens(&[2], &new) && !opens(&[2], &old));
    }

    #[test]
    fn without_a_cursor_key_the_service_is_not_configured_rather_than_open() {
        let none = Known::of(&[]);
        let problem = keyed(&[], &none, "leads").unwrap().page(vec![()], Some("17")).unwrap_err();
        assert_eq!(problem.code().as_str(), "service_unavailable");
    }

    #[test]
    fn the_last_page_has_no_cursor() {
        let none = Known::of(&[]);
        let page = listing(&none, "leads").unwrap().page(vec![1], None).unwrap();
        let shown = serde_json::to_value(&page).unwrap();
        let expected = serde_json::json!({
            "items": [1], "pagination": { "next_cursor": null, "has_more": false, "limit": 25 }
        });
        assert_eq!(shown, expected);
    }
}
