//! A call as a handler sees it, and what a handler answers: the words that all handlers
//! share. Nothing here knows a handler.

use http::HeaderMap;
use jiff::Timestamp;
use serde_json::Value;

use crate::error::OktaError;
use crate::json::Object;
use crate::org::Org;
use crate::permissions::Part;
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
    /// An API token, whatever its owner may do.
    Token,
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
    /// Before this answer counts, a hook must be called: the answer is
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

/// Who calls.
#[derive(Clone, Debug, Default)]
pub(crate) struct Caller {
    pub(crate) who: Who,
    /// Scopes of the access token; `None` for an API token.
    pub(crate) scopes: Option<Vec<String>>,
    /// What a role with targets limits the caller to.
    pub(crate) reach: Reach,
}

/// A user, a client, or nobody.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Who {
    #[default]
    Nobody,
    User(String),
    Client(String),
}

impl Who {
    /// The id of the user or client.
    pub(crate) fn id(&self) -> &str {
        match self {
            Who::Nobody => "unknown",
            Who::User(id) | Who::Client(id) => id,
        }
    }
}

/// The groups, and with them the users, that a caller may see.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Reach {
    #[default]
    All,
    Limited {
        /// The groups.
        groups: Part,
        /// The groups whose members they are.
        members_of: Part,
        /// By the targets of a standard role, which changes no administrator and makes no groups.
        targets: bool,
    },
    /// Only the own user.
    Myself,
}

/// An HTTP call that the server makes before it goes on with an answer.
pub(crate) struct HookCall {
    pub(crate) uri: String,
    pub(crate) headers: Vec<(String, String)>,
    /// `None`: a `GET`.
    pub(crate) payload: Option<Value>,
    pub(crate) then: Continuation,
}

/// What makes an answer out of a hook's.
pub(crate) type Continuation = Box<dyn FnOnce(&mut Org, &Call, HookAnswer) -> Outcome + Send>;

/// What came back.
#[derive(Debug)]
pub(crate) enum HookAnswer {
    /// A status and a body.
    Answer(u16, Vec<u8>),
    /// Nothing within [`TIMEOUT`].
    Timeout,
    /// No connection, or one that broke.
    Failed,
}
