//! Who is asking and how often: a bearer key becomes a [`Caller`] with a tenant and a role, or a 401, 429, 403 or 503.
//!
//! The extractors are the only way for a handler to a tenant, so a route without a role requirement has no data to
//! show.

use super::edge::Call;
use super::origin;
use super::problem::Problem;
use super::standing::{Standing, Told};
use crate::Platform;
use crate::dynamo::{ApiKeyRecord, Counted};
use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use domain::access::{ApiKey, Principal, Role};
use domain::ids::TenantId;
use domain::rate::Window;
use domain::time::Millis;
use std::fmt::Debug;
use std::marker::PhantomData;

/// How often a key's use is noted, in milliseconds.
const USE_NOTED_EVERY_MS: u64 = 60 * 60 * 1_000;

/// The role that a route needs.
pub trait Requirement: Debug + Send + Sync + 'static {
    /// The lowest role that may.
    const ROLE: Role;
}

/// Whoever may read.
#[derive(Debug)]
pub struct Viewer;
/// Whoever may work conversations and leads.
#[derive(Debug)]
pub struct Agent;
/// Whoever may do everything.
#[derive(Debug)]
pub struct Admin;

impl Requirement for Viewer {
    const ROLE: Role = Role::Viewer;
}
impl Requirement for Agent {
    const ROLE: Role = Role::Agent;
}
impl Requirement for Admin {
    const ROLE: Role = Role::Admin;
}

/// An authenticated caller whose role satisfies `R`. The first argument of a handler, so that 401 and 403 come before
/// anything is said about parameters, bodies or ids.
#[derive(Debug)]
pub struct Caller<R> {
    /// Who.
    pub principal: Principal,
    /// Which request.
    pub call: Call,
    requirement: PhantomData<R>,
}

impl<R> Caller<R> {
    /// Whose data.
    #[must_use]
    pub const fn tenant(&self) -> TenantId {
        self.principal.tenant
    }

    /// When the request came.
    #[must_use]
    pub const fn now(&self) -> Millis {
        self.call.now
    }
}

impl<R: Requirement> FromRequestParts<Platform> for Caller<R> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, platform: &Platform) -> Result<Self, Problem> {
        let call = parts.extensions.get::<Call>().copied();
        let call = call.ok_or_else(|| Problem::internal("a route outside `serve`"))?;
        let principal = authenticate(parts, platform).await?;
        require(principal.role, R::ROLE)?;
        Ok(Self { principal, call, requirement: PhantomData })
    }
}

/// Who is asking; looked up and counted once per request, however many layers ask.
pub(super) async fn authenticate(parts: &mut Parts, platform: &Platform) -> Result<Principal, Problem> {
    if let Some(principal) = parts.extensions.get::<Principal>() {
        return Ok(principal.clone());
    }
    let call = parts.extensions.get::<Call>().copied();
    let call = call.ok_or_else(|| Problem::internal("a route outside `serve`"))?;
    let key = bearer(&parts.headers)?;
    let told = parts.extensions.get::<Told>().cloned().unwrap_or_default();
    let principal = match remembered(parts, platform, &key, call, &told).await? {
        Some(principal) => principal,
        None => looked_up(parts, platform, &key, call, &told).await?,
    };
    parts.extensions.insert(principal.clone());
    Ok(principal)
}

/// A key that this process knows, if it would pass, and no key of its tenant changed meanwhile. Every no is for the table
/// to say.
async fn remembered(
    parts: &Parts,
    platform: &Platform,
    key: &ApiKey,
    call: Call,
    told: &Told,
) -> Result<Option<Principal>, Problem> {
    let Some(known) = platform.known_keys.get(&key.digest(), call.now) else { return Ok(None) };
    let Ok((principal, record)) = admit(key, known.record, call.now) else { return Ok(None) };
    if !origin::admits(&record.allowed_ips, origin::address(&parts.extensions)) {
        return Ok(None);
    }
    if meter(platform, &record, Some(&known.version), call.now, told).await?.is_none() {
        return Ok(None);
    }
    note_use(platform, key, &record, call).await;
    Ok(Some(principal))
}

async fn looked_up(
    parts: &Parts,
    platform: &Platform,
    key: &ApiKey,
    call: Call,
    told: &Told,
) -> Result<Principal, Problem> {
    let digest = key.digest();
    // The version first: what is read after it, and counted in it, is the key in that version.
    let version = platform.known_keys.get(&digest, call.now).map(|known| known.version);
    // Whatever keeps us from looking the key up says nothing about the key.
    let record = platform.store.api_key(&digest).await.map_err(Problem::unavailable)?;
    let (principal, record) = admit(key, record, call.now)?;
    // Before the request is counted: whoever took a key away must not use its minutes up as well.
    if !origin::admits(&record.allowed_ips, origin::address(&parts.extensions)) {
        return Err(Problem::ForbiddenAddress);
    }
    let in_version = match version {
        Some(version) => meter(platform, &record, Some(&version), call.now, told).await?,
        None => None,
    };
    match in_version {
        Some(version) => platform.known_keys.remember(digest, version, Some(record.clone()), call.now),
        None => {
            let version = meter(platform, &record, None, call.now, told).await?.unwrap_or_default();
            platform.known_keys.remember(digest, version, None, call.now);
        }
    }
    note_use(platform, key, &record, call).await;
    Ok(principal)
}

/// The key of `Authorization: Bearer <key>`, the only place a key is taken from.
fn bearer(headers: &HeaderMap) -> Result<ApiKey, Problem> {
    let mut given = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (given.next(), given.next()) else { return Err(Problem::Unauthorized) };
    let text = value.to_str().map_err(|_| Problem::Unauthorized)?;
    let (scheme, key) = text.split_once(' ').ok_or(Problem::Unauthorized)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Problem::Unauthorized);
    }
    ApiKey::parse(key.trim_matches(' ')).ok_or(Problem::Unauthorized)
}

/// What the stored record makes of a well-formed key.
fn admit(
    key: &ApiKey,
    record: Option<ApiKeyRecord>,
    now: Millis,
) -> Result<(Principal, ApiKeyRecord), Problem> {
    let record = record.ok_or(Problem::InvalidApiKey)?;
    // A test key must never open live data, whatever its record says.
    if !record.is_good(now) || record.environment != key.environment() {
        return Err(Problem::InvalidApiKey);
    }
    let principal = Principal {
        tenant: record.tenant,
        role: record.role,
        key_id: record.id,
        environment: record.environment,
    };
    Ok((principal, record))
}

/// Notes that a key was used, once an hour. Whether that works changes nothing for the request.
async fn note_use(platform: &Platform, key: &ApiKey, record: &ApiKeyRecord, call: Call) {
    let an_hour_ago = Millis::from_unix_ms(call.now.unix_ms().saturating_sub(USE_NOTED_EVERY_MS));
    if record.last_used_at.is_some_and(|at| at >= an_hour_ago) {
        return;
    }
    match platform.store.note_api_key_use(&key.digest(), call.now, an_hour_ago).await {
        Ok(()) => platform.known_keys.used(&key.digest(), call.now),
        Err(error) => {
            let error = crate::telemetry::chain(&error);
            tracing::warn!(trace.id = %call.trace_id, key.id = %record.id, "a key's use was not noted: {error}");
        }
    }
}

/// Counts the request, and refuses it when the minute of its key or of its tenant is used up, or nobody can tell. The
/// version of the tenant's keys; `None`, with nothing counted, when it is not `version` any more.
async fn meter(
    platform: &Platform,
    record: &ApiKeyRecord,
    version: Option<&str>,
    now: Millis,
    told: &Told,
) -> Result<Option<String>, Problem> {
    let (limits, window) = (record.limits(), Window::of(now));
    let counted = platform.store.count_request(record.tenant, record.id, window, limits, version).await;
    let (limit, whole_tenant) = match counted.map_err(Problem::unavailable)? {
        Counted::Passes { by_key, by_tenant, version } => {
            let standing = Standing::after(limits, window, by_key, by_tenant);
            told.tell(standing.until(record.expires_at, now));
            return Ok(Some(version));
        }
        Counted::Changed => return Ok(None),
        Counted::KeyFull => (limits.key, false),
        Counted::TenantFull => (limits.tenant, true),
    };
    told.tell(Standing::used_up(limits, window).until(record.expires_at, now));
    Err(Problem::RateLimited { retry_after_s: window.seconds_left(now), limit, whole_tenant })
}

fn require(role: Role, required: Role) -> Result<(), Problem> {
    if role >= required { Ok(()) } else { Err(Problem::Forbidden { required }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;
    use domain::access::Environment;
    use domain::ids::{KeyId, derived_ulid};
    use domain::tenant::Plan;

    const NOW: Millis = Millis::from_unix_ms(1_700_000_000_000);

    fn key(environment: Environment) -> ApiKey {
        ApiKey::from_random(environment, &[7; 64])
    }

    fn record(environment: Environment) -> ApiKeyRecord {
        ApiKeyRecord {
            id: KeyId::from_ulid(derived_ulid(1, &["key"])),
            tenant: TenantId::from_ulid(derived_ulid(1, &["tenant"])),
            role: Role::Agent,
            environment,
            name: "website".into(),
            last4: "abcd".into(),
            created_at: NOW,
            expires_at: None,
            revoked_at: None,
            allowed_ips: Vec::new(),
            last_used_at: None,
            replaces: None,
            replaced_by: None,
            plan: Plan::Starter,
            rate_per_minute: None,
        }
    }

    fn headers(values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (AUTHORIZATION, HeaderValue::from_str(value).unwrap())).collect()
    }

    fn code<T: Debug>(result: Result<T, Problem>) -> &'static str {
        result.unwrap_err().code().as_str()
    }

    #[test]
    fn a_key_is_taken_from_the_bearer_header_whatever_the_case_of_the_scheme() {
        let key = key(Environment::Live);
        for scheme in ["Bearer", "bearer", "BEARER", "Bearer "] {
            let found = bearer(&headers(&[&format!("{scheme} {}", key.expose())])).unwrap();
            assert_eq!(found.digest(), key.digest());
        }
    }

    #[test]
    fn what_is_no_key_is_unauthorized() {
        let good = format!("Bearer {}", key(Environment::Live).expose());
        let mistyped = good.replace("hdr_live_", "hdr_test_");
        let cut = good.get(..good.len() - 1).unwrap().to_owned();
        let longer = format!("{good}0");
        let inner = good.replace("Bearer ", "Bearer x ");
        for bad in ["", "Bearer", "Bearer ", "Basic aGk6aG8=", "hdr_live_", &mistyped, &cut, &longer, &inner]
        {
            assert_eq!(code(bearer(&headers(&[bad]))), "unauthorized", "{bad}");
        }
        assert_eq!(code(bearer(&HeaderMap::new())), "unauthorized");
        assert_eq!(code(bearer(&headers(&[&good, &good]))), "unauthorized");
    }

    #[test]
    fn a_well_formed_key_that_opens_nothing_is_invalid() {
        let live = key(Environment::Live);
        let revoked = ApiKeyRecord { revoked_at: Some(NOW), ..record(Environment::Live) };
        let expiring = ApiKeyRecord { expires_at: Some(NOW), ..record(Environment::Live) };
        let crossed = record(Environment::Test);
        for bad in [None, Some(revoked), Some(expiring.clone()), Some(crossed)] {
            assert_eq!(code(admit(&live, bad, NOW)), "invalid_api_key");
        }
        let earlier = Millis::from_unix_ms(NOW.unix_ms() - 1);
        assert!(admit(&live, Some(expiring), earlier).is_ok());
    }

    #[test]
    fn a_good_key_is_its_records_tenant_and_role() {
        let (principal, _) = admit(&key(Environment::Test), Some(record(Environment::Test)), NOW).unwrap();
        assert_eq!(principal.tenant, record(Environment::Test).tenant);
        assert_eq!((principal.role, principal.environment), (Role::Agent, Environment::Test));
    }

    #[test]
    fn each_role_may_do_what_the_ones_below_it_may_and_no_more() {
        use Role::{Admin, Agent, Viewer};
        for (role, required, allowed) in [
            (Viewer, Viewer, true),
            (Viewer, Agent, false),
            (Viewer, Admin, false),
            (Agent, Viewer, true),
            (Agent, Agent, true),
            (Agent, Admin, false),
            (Admin, Viewer, true),
            (Admin, Agent, true),
            (Admin, Admin, true),
        ] {
            assert_eq!(require(role, required).is_ok(), allowed, "{role:?} for {required:?}");
        }
        assert_eq!(code(require(Viewer, Admin)), "forbidden");
    }
}
