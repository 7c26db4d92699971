//! The table of emulated endpoints and what a handler sees of a call.

use http::HeaderMap;
use jiff::Timestamp;
use serde_json::Value;

use crate::access::Caller;
use crate::api;
use crate::error::OktaError;
use crate::hooks::HookCall;
use crate::json::Object;
use crate::oauth;
use crate::org::Org;
use crate::settings::Settings;

/// What a handler does: an answer, or Okta's error object.
pub(crate) type Outcome = Result<Reply, OktaError>;

/// One emulated endpoint.
pub(crate) struct Route {
    pub(crate) method: &'static str,
    /// Okta's path template.
    pub(crate) path: &'static str,
    /// Okta's operationId; for endpoints that no published description covers,
    /// a name in the same style.
    pub(crate) operation_id: &'static str,
    pub(crate) auth: Auth,
    pub(crate) handler: fn(&mut Org, &Call) -> Outcome,
}

/// What a call must show.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Auth {
    /// An API token, or an access token of the org with the scope
    /// `okta.<family>.read` (GET) or `okta.<family>.manage`; in both cases the
    /// admin role decides, too (see [`crate::access`]).
    Admin(&'static str),
    /// Nothing, or what the handler itself asks for.
    Public,
}

macro_rules! verbs {
    ($($name:ident $method:literal)+) => {$(
        #[doc = concat!("A row of the table: ", $method, ".")]
        pub(crate) const fn $name(
            path: &'static str,
            operation_id: &'static str,
            auth: Auth,
            handler: fn(&mut Org, &Call) -> Outcome,
        ) -> Route {
            Route { method: $method, path, operation_id, auth, handler }
        }
    )+};
}

verbs! { get "GET" post "POST" put "PUT" delete "DELETE" }

/// Every emulated endpoint, by resource. An endpoint that is missing here is
/// answered 404 E0000008.
pub(crate) const ROUTES: &[&[Route]] = &[
    api::app_credentials::ROUTES,
    api::apps::ROUTES,
    api::authn::ROUTES,
    api::authorization_server_policies::ROUTES,
    api::authorization_servers::ROUTES,
    api::client_roles::ROUTES,
    api::factors::ROUTES,
    api::group_roles::ROUTES,
    api::groups::ROUTES,
    api::idp_keys::ROUTES,
    api::idps::ROUTES,
    api::inline_hooks::ROUTES,
    api::linked_objects::ROUTES,
    api::logs::ROUTES,
    api::policies::ROUTES,
    api::schemas::ROUTES,
    api::sessions::ROUTES,
    api::trusted_origins::ROUTES,
    api::user_lifecycle::ROUTES,
    api::user_roles::ROUTES,
    api::user_types::ROUTES,
    api::users::ROUTES,
    oauth::authorize::ROUTES,
    oauth::device::ROUTES,
    oauth::discovery::ROUTES,
    oauth::pages::ROUTES,
    oauth::token::ROUTES,
    oauth::tokens::ROUTES,
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
            Auth::Public => None,
        },
    })
    .collect()
}

/// A call as a handler sees it.
pub(crate) struct Call {
    pub(crate) path: String,
    pub(crate) parameters: Vec<(&'static str, String)>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Value>,
    /// Parameters of a form.
    pub(crate) form: Vec<(String, String)>,
    pub(crate) caller: Caller,
    pub(crate) now: Timestamp,
    /// Origin of the org, without a trailing slash.
    pub(crate) org_url: String,
    pub(crate) settings: Settings,
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

    /// A parameter of a form.
    pub(crate) fn form(&self, name: &str) -> Option<&str> {
        self.form.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str()).filter(|v| !v.is_empty())
    }

    /// A header, if it is text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// A cookie.
    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        let cookies = self.headers.get_all("cookie").iter().filter_map(|value| value.to_str().ok());
        cookies
            .flat_map(|text| text.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(n, _)| *n == name)
            .map(|(_, value)| value)
    }

    /// The JSON object in the body.
    pub(crate) fn object(&self) -> Result<&Object, OktaError> {
        self.body.as_ref().and_then(Value::as_object).ok_or_else(OktaError::malformed_body)
    }

    /// A URL of the org.
    pub(crate) fn url(&self, path: impl AsRef<str>) -> String {
        format!("{}{}", self.org_url, path.as_ref())
    }
}

/// An answer.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Body,
    pub(crate) headers: Vec<(&'static str, String)>,
    /// Before this answer counts, an inline hook must be called: the answer is
    /// then what [`HookCall::then`] makes of the hook's.
    pub(crate) hook: Option<Box<HookCall>>,
}

/// The body of an answer.
pub(crate) enum Body {
    None,
    Json(Value),
    /// Content type and text.
    Text(&'static str, String),
}

impl Reply {
    pub(crate) fn new(status: u16, body: Value) -> Self {
        Self { status, body: Body::Json(body), headers: Vec::new(), hook: None }
    }

    pub(crate) fn ok(body: Value) -> Self {
        Self::new(200, body)
    }

    pub(crate) fn empty(status: u16) -> Self {
        Self { status, body: Body::None, headers: Vec::new(), hook: None }
    }

    pub(crate) fn no_content() -> Self {
        Self::empty(204)
    }

    pub(crate) fn text(content_type: &'static str, text: String) -> Self {
        Self { body: Body::Text(content_type, text), ..Self::empty(200) }
    }

    pub(crate) fn redirect(location: String) -> Self {
        Self::empty(302).with("location", location)
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
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
