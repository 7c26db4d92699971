//! The table of emulated endpoints and what a handler sees of a call.

use jiff::Timestamp;
use serde_json::Value;

use crate::api;
use crate::error::OktaError;
use crate::org::Org;

/// One emulated endpoint.
pub(crate) struct Route {
    pub(crate) method: &'static str,
    /// Okta's path template.
    pub(crate) path: &'static str,
    /// Okta's operationId; for endpoints that no published description covers,
    /// a name in the same style.
    pub(crate) operation_id: &'static str,
    pub(crate) auth: Auth,
    pub(crate) handler: fn(&mut Org, &Call) -> Result<Reply, OktaError>,
}

/// What a call must show.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Auth {
    /// An API token of an admin.
    ApiToken,
    /// Nothing.
    Public,
}

/// Every emulated endpoint, by resource. An endpoint that is missing here is
/// answered 404 E0000008.
pub(crate) const ROUTES: &[&[Route]] = &[
    api::apps::ROUTES,
    api::authorization_servers::ROUTES,
    api::group_roles::ROUTES,
    api::groups::ROUTES,
    api::idp_keys::ROUTES,
    api::idps::ROUTES,
    api::policies::ROUTES,
    api::users::ROUTES,
];

/// The operationIds of all emulated endpoints, for documents and checks.
pub fn operation_ids() -> Vec<&'static str> {
    let mut ids: Vec<_> = ROUTES.iter().copied().flatten().map(|route| route.operation_id).collect();
    ids.sort_unstable();
    ids
}

/// A call as a handler sees it.
pub(crate) struct Call {
    pub(crate) path: String,
    pub(crate) parameters: Vec<(&'static str, String)>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) body: Option<Value>,
    pub(crate) now: Timestamp,
    /// Origin of the org, without a trailing slash.
    pub(crate) org_url: String,
    pub(crate) page_size: Option<usize>,
    pub(crate) search_lag_ms: i64,
    /// Public keys of the authorization servers.
    pub(crate) jwks: Value,
}

impl Call {
    /// A path parameter, decoded.
    pub(crate) fn parameter(&self, name: &str) -> &str {
        self.parameters.iter().find(|(n, _)| *n == name).map_or("", |(_, value)| value)
    }

    /// A query parameter, decoded.
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The JSON object in the body.
    pub(crate) fn object(&self) -> Result<&serde_json::Map<String, Value>, OktaError> {
        self.body.as_ref().and_then(Value::as_object).ok_or_else(OktaError::malformed_body)
    }
}

/// An answer.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Option<Value>,
    pub(crate) headers: Vec<(&'static str, String)>,
}

impl Reply {
    pub(crate) fn new(status: u16, body: Value) -> Self {
        Self { status, body: Some(body), headers: Vec::new() }
    }

    pub(crate) fn ok(body: Value) -> Self {
        Self::new(200, body)
    }

    pub(crate) fn no_content() -> Self {
        Self { status: 204, body: None, headers: Vec::new() }
    }
}

/// What the table says about a method and a path.
pub(crate) enum Found {
    Route(&'static Route, Vec<(&'static str, String)>),
    WrongMethod,
    Nothing,
}

/// Looks a call up. A path with a literal segment wins over one with a
/// parameter there (`/idps/credentials/keys` over `/idps/{idpId}/…`).
pub(crate) fn find(method: &str, path: &str) -> Found {
    let mut candidates: Vec<_> = ROUTES
        .iter()
        .copied()
        .flatten()
        .filter_map(|route| Some((route, matches(route.path, path)?)))
        .collect();
    candidates.sort_by_key(|(_, parameters)| parameters.len());
    let Some(fewest) = candidates.first().map(|(_, parameters)| parameters.len()) else {
        return Found::Nothing;
    };
    candidates
        .into_iter()
        .find(|(route, parameters)| route.method == method && parameters.len() == fewest)
        .map_or(Found::WrongMethod, |(route, parameters)| Found::Route(route, parameters))
}

fn matches(template: &'static str, path: &str) -> Option<Vec<(&'static str, String)>> {
    let mut parameters = Vec::new();
    let (mut expected, mut actual) = (template.split('/'), path.split('/'));
    loop {
        match (expected.next(), actual.next()) {
            (None, None) => return Some(parameters),
            (Some(e), Some(a)) => match e.strip_prefix('{').and_then(|e| e.strip_suffix('}')) {
                Some(name) if !a.is_empty() => {
                    let value = percent_encoding::percent_decode_str(a).decode_utf8_lossy().into_owned();
                    parameters.push((name, value));
                }
                None if e == a => {}
                _ => return None,
            },
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literal_segments_win() {
        let Found::Route(route, _) = find("GET", "/api/v1/idps/credentials/keys") else { panic!() };
        assert_eq!(route.operation_id, "listIdentityProviderKeys");
        assert!(matches!(find("PATCH", "/api/v1/groups"), Found::WrongMethod));
        assert!(matches!(find("GET", "/api/v1/nothing"), Found::Nothing));
    }

    #[test]
    fn no_operation_id_twice() {
        assert!(operation_ids().is_sorted_by(|a, b| a < b));
    }
}
