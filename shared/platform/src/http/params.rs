//! Query parameters and path ids, read strictly: what we do not know is refused by name instead of being ignored.

use super::problem::Problem;
use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;
use std::convert::Infallible;

/// The query parameters of a request, not yet judged: that comes after 401 and 403.
#[derive(Debug)]
pub struct Params(Result<Vec<(String, String)>, QueryRejection>);

/// Parameters that are all known and each given at most once.
#[derive(Debug)]
pub struct Known(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(Query::try_from_uri(&parts.uri).map(|Query(pairs)| pairs)))
    }
}

impl Params {
    /// The parameters, if they are all among `known` and none is given twice.
    ///
    /// # Errors
    /// A parameter that is not known or repeated, named.
    pub fn only(self, known: &[&str]) -> Result<Known, Problem> {
        let pairs = self.0.map_err(|_| Problem::invalid("query", "The query string cannot be read."))?;
        for (index, (name, _)) in pairs.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                return Err(Problem::invalid(shown(name), "There is no such parameter here."));
            }
            if pairs.iter().take(index).any(|(earlier, _)| earlier == name) {
                return Err(Problem::invalid(name.clone(), "This parameter is given more than once."));
            }
        }
        Ok(Known(pairs))
    }
}

/// A name as it may be repeated to the caller: bounded, so that an answer cannot be made arbitrarily long.
fn shown(name: &str) -> String {
    name.chars().take(64).collect()
}

impl Known {
    /// The value of a parameter.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// The value of a parameter as `read` reads it; absent is `None`, unreadable is an error that names what is
    /// `expected`.
    ///
    /// # Errors
    /// `read` cannot read the value.
    pub fn read<T>(
        &self,
        name: &'static str,
        expected: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        let Some(value) = self.get(name) else { return Ok(None) };
        match read(value) {
            Some(value) => Ok(Some(value)),
            None => Err(Problem::invalid(name, format!("Expected {expected}."))),
        }
    }

    /// A yes or no.
    ///
    /// # Errors
    /// Neither `true` nor `false`.
    pub fn flag(&self, name: &'static str) -> Result<Option<bool>, Problem> {
        self.read(name, "`true` or `false`", |text| match text {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        })
    }

    /// Everything but `limit` and `cursor`, by name: what a cursor is bound to.
    pub(super) fn filters(&self) -> Vec<(&str, &str)> {
        let pairs = self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let mut filters: Vec<_> = pairs.filter(|(name, _)| !matches!(*name, "limit" | "cursor")).collect();
        filters.sort_unstable();
        filters
    }

    #[cfg(test)]
    pub(super) fn of(pairs: &[(&str, &str)]) -> Self {
        Self(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }
}

/// The one id in a path, not yet judged: a malformed id is a 404, and that comes last.
#[derive(Debug)]
pub struct PathId(Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for PathId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        Ok(Self(Path::<String>::from_request_parts(parts, state).await.ok().map(|Path(text)| text)))
    }
}

impl PathId {
    /// The id as it was given, for what a cursor is bound to.
    #[must_use]
    pub fn text(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }

    /// The id as `parse` reads it.
    ///
    /// # Errors
    /// `not_found` for anything that is no such id: it names nothing here.
    pub fn parse<T, E>(&self, parse: impl FnOnce(&str) -> Result<T, E>) -> Result<T, Problem> {
        self.0.as_deref().and_then(|text| parse(text).ok()).ok_or(Problem::NotFound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(query: &str) -> Params {
        let uri = format!("/v1/leads?{query}").parse().unwrap();
        Params(Query::try_from_uri(&uri).map(|Query(pairs)| pairs))
    }

    fn refused_field(query: &str) -> String {
        params(query).only(&["limit", "cursor"]).unwrap_err().field().unwrap().to_owned()
    }

    #[test]
    fn an_unknown_or_repeated_parameter_is_refused_by_name() {
        assert_eq!(refused_field("limt=5"), "limt");
        assert_eq!(refused_field("limit=5&tenant_id=tnt_1"), "tenant_id");
        assert_eq!(refused_field("limit=5&limit=5"), "limit");
        assert_eq!(refused_field("Limit=5"), "Limit");
        assert_eq!(refused_field("=5"), "");
        assert_eq!(refused_field(&"x".repeat(5000)).len(), 64);
        assert!(params("").only(&[]).is_ok());
    }

    #[test]
    fn values_are_decoded_once() {
        let known = params("cursor=a%2Bb+c%2526").only(&["cursor"]).unwrap();
        assert_eq!(known.get("cursor"), Some("a+b c%26"));
        assert_eq!(known.get("limit"), None);
    }

    #[test]
    fn a_flag_is_true_or_false_and_nothing_else() {
        assert_eq!(Known::of(&[("unread", "true")]).flag("unread").unwrap(), Some(true));
        assert_eq!(Known::of(&[]).flag("unread").unwrap(), None);
        for bad in ["", "1", "TRUE", "yes"] {
            let problem = Known::of(&[("unread", bad)]).flag("unread").unwrap_err();
            assert_eq!(problem.field(), Some("unread"), "{bad}");
        }
    }

    #[test]
    fn limit_and_cursor_are_no_filters_and_order_does_not_matter() {
        let one = Known::of(&[("unread", "true"), ("limit", "5"), ("language", "ar")]);
        let other = Known::of(&[("language", "ar"), ("cursor", "x"), ("unread", "true")]);
        assert_eq!(one.filters(), other.filters());
        assert_eq!(one.filters(), [("language", "ar"), ("unread", "true")]);
    }

    #[test]
    fn an_id_that_is_none_is_not_found() {
        let parse = domain::ids::MessageId::parse;
        for bad in [None, Some("msg_1"), Some(""), Some("../x")] {
            let id = PathId(bad.map(str::to_owned));
            assert_eq!(id.parse(parse).unwrap_err().code().as_str(), "not_found");
        }
        assert!(PathId(Some("msg_01ARZ3NDEKTSV4RRFFQ69G5FAV".into())).parse(parse).is_ok());
    }
}
