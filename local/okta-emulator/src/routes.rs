//! The table of emulated endpoints.

use crate::call::{Auth, Route};
use crate::{api, oauth};

/// Every emulated endpoint, by resource. An endpoint that is missing here is
/// answered 404 E0000008.
pub(crate) const ROUTES: &[&[Route]] = &[
    api::api_services::ROUTES,
    api::api_tokens::ROUTES,
    api::app_credentials::ROUTES,
    api::apps::ROUTES,
    api::authn::ROUTES,
    api::authorization_server_keys::ROUTES,
    api::authorization_server_policies::ROUTES,
    api::authorization_servers::ROUTES,
    api::client_roles::ROUTES,
    api::event_hooks::ROUTES,
    api::factors::ROUTES,
    api::group_roles::ROUTES,
    api::group_rules::ROUTES,
    api::groups::ROUTES,
    api::iam::ROUTES,
    api::idp_keys::ROUTES,
    api::idps::ROUTES,
    api::inline_hooks::ROUTES,
    api::linked_objects::ROUTES,
    api::logs::ROUTES,
    api::policies::ROUTES,
    api::recovery::ROUTES,
    api::schemas::ROUTES,
    api::sessions::ROUTES,
    api::trusted_origins::ROUTES,
    api::user_containment::ROUTES,
    api::user_lifecycle::ROUTES,
    api::user_roles::ROUTES,
    api::user_types::ROUTES,
    api::users::ROUTES,
    oauth::authorize::ROUTES,
    oauth::device::ROUTES,
    oauth::discovery::ROUTES,
    oauth::pages::ROUTES,
    oauth::token_endpoint::ROUTES,
    oauth::introspection::ROUTES,
    crate::saml::ROUTES,
];

/// The operationIds of all emulated endpoints, for documents and checks.
pub fn operation_ids() -> Vec<&'static str> {
    let mut ids: Vec<_> = ROUTES.iter().copied().flatten().map(|route| route.operation_id).collect();
    ids.sort_unstable();
    ids
}

/// One row of the table of endpoints, for documents and checks.
#[derive(Clone, Copy, Debug)]
pub struct Endpoint {
    /// HTTP method.
    pub method: &'static str,
    /// Okta's path template.
    pub path: &'static str,
    /// Okta's operationId.
    pub operation_id: &'static str,
    /// The OAuth scope that a bearer token needs, if the call takes one.
    pub scope: Option<(&'static str, &'static str)>,
}

/// Every emulated endpoint.
pub fn endpoints() -> Vec<Endpoint> {
    let rows = ROUTES.iter().copied().flatten();
    rows.map(|route| Endpoint {
        method: route.method,
        path: route.path,
        operation_id: route.operation_id,
        scope: match route.auth {
            Auth::Admin(family) => Some((family, if route.method == "GET" { "read" } else { "manage" })),
            Auth::Token | Auth::Public => None,
        },
    })
    .collect()
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
