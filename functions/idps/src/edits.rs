//! What a tenant's admin may change of an IdP, and what they may not.

use okta_client::models::{GroupId, IdentityProvider};
use run_kit::Violation;
use serde_json::{Value, json};
use url::Url;

use crate::certificate::Certificate;

/// The members that can be changed; every other one can only be sent as it is.
///
/// None of them says whom the IdP may sign in or what they become: account linking, the
/// groups of provisioning and the filter of the subject are not here. Whether users are made
/// at their first sign-in is: they become members of the tenant's users group and nothing else.
const EDITABLE: &[&str] = &[
    "/status",
    "/x5c",
    "/protocol/endpoints/sso/url",
    "/protocol/endpoints/sso/binding",
    "/protocol/endpoints/sso/destination",
    "/protocol/algorithms/request/signature/algorithm",
    "/protocol/algorithms/request/signature/scope",
    "/protocol/algorithms/response/signature/algorithm",
    "/protocol/algorithms/response/signature/scope",
    "/protocol/settings/nameFormat",
    "/protocol/credentials/trust/issuer",
    "/protocol/credentials/trust/audience",
    "/policy/maxClockSkew",
    "/policy/provisioning/action",
    "/policy/subject/userNameTemplate/template",
    "/policy/subject/matchType",
];

/// The certificate's key id: it follows from `x5c`, and empty it means the placeholder.
const KID: &str = "/protocol/credentials/trust/kid";

/// Members that follow from others or from time: sent back, they say nothing.
const DERIVED: &[&str] = &["/created", "/lastUpdated", "/_links", "/x5cExpiresAt", "/warnings"];

/// Members with text of the tenant's own: what is stored is what was checked, without blanks
/// around it.
const TEXTS: [&str; 4] = [
    "/protocol/endpoints/sso/url",
    DESTINATION,
    "/protocol/credentials/trust/issuer",
    "/protocol/credentials/trust/audience",
];

/// Where requests say that they go.
const DESTINATION: &str = "/protocol/endpoints/sso/destination";

/// Its longest text (Okta's description); the address of requests may be longer.
const MAX_DESTINATION: usize = 512;

/// The longest skew of clocks, in milliseconds: within it an assertion can be
/// replayed.
const MAX_SKEW_MS: i64 = 300_000;

/// Formats of name ids (SAML 2.0 Core, 8.3).
const NAME_FORMATS: [&str; 6] = [
    "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified",
    "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
    "urn:oasis:names:tc:SAML:1.1:nameid-format:X509SubjectName",
    "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
    "urn:oasis:names:tc:SAML:2.0:nameid-format:transient",
    "urn:oasis:names:tc:SAML:1.1:nameid-format:WindowsDomainQualifiedName",
];

/// What is to be changed, every value checked.
#[derive(Clone, Debug)]
pub(crate) struct Edits {
    /// As sent.
    sent: Value,
    /// Those of which one is to be trusted: metadata may publish the next one beside the present one.
    candidates: Vec<Certificate>,
    /// The one of them, once the time is known.
    pub(crate) certificate: Option<Certificate>,
    pub(crate) active: Option<bool>,
}

impl Edits {
    /// Reads a body: an IdP as `get-idp` gives it, or a part of one.
    pub(crate) fn read(mut sent: Value) -> Result<Self, Vec<Violation>> {
        for pointer in TEXTS {
            if let Some(Value::String(text)) = sent.pointer_mut(pointer) {
                *text = text.trim().to_owned();
            }
        }
        let mut violations = Vec::new();
        let Some(_) = sent.as_object() else {
            let detail = "must be a JSON object".to_owned();
            return Err(vec![Violation { pointer: String::new(), detail }]);
        };
        let mut refuse = |pointer: &str, detail: &str| {
            violations.push(Violation { pointer: pointer.to_owned(), detail: detail.to_owned() });
        };
        let at = |pointer: &str| sent.pointer(pointer).filter(|value| !value.is_null());
        let mut check = |pointer: &str, rule: &str, holds: &dyn Fn(&Value) -> bool| {
            if at(pointer).is_some_and(|value| !holds(value)) {
                refuse(pointer, rule);
            }
        };
        check("/status", "must be `ACTIVE` or `INACTIVE`", &one_of(&["ACTIVE", "INACTIVE"]));
        check(
            "/protocol/endpoints/sso/url",
            "must be an https URL of at most 1014 characters, without blanks",
            &is_https,
        );
        check(
            "/protocol/endpoints/sso/binding",
            "must be `HTTP-POST` or `HTTP-REDIRECT`",
            &one_of(&["HTTP-POST", "HTTP-REDIRECT"]),
        );
        check(DESTINATION, "must have 1 to 512 characters, in one line", &text(MAX_DESTINATION));
        for of in ["request", "response"] {
            let signature = format!("/protocol/algorithms/{of}/signature");
            let weak = "must be `SHA-256`: SHA-1 can be forged";
            check(&format!("{signature}/algorithm"), weak, &one_of(&["SHA-256"]));
        }
        check(
            "/protocol/algorithms/request/signature/scope",
            "must be `REQUEST` or `NONE`",
            &one_of(&["REQUEST", "NONE"]),
        );
        check(
            "/protocol/algorithms/response/signature/scope",
            "must be `RESPONSE`, `TOKEN` or `ANY`: what is not signed, anybody can send",
            &one_of(&["RESPONSE", "TOKEN", "ANY"]),
        );
        check("/protocol/settings/nameFormat", "must be a name id format of SAML", &one_of(&NAME_FORMATS));
        let line = "must have 1 to 1024 characters, in one line";
        check("/protocol/credentials/trust/issuer", line, &text(1_024));
        check("/protocol/credentials/trust/audience", line, &text(1_024));
        check("/policy/maxClockSkew", "must be 0 to 300000 milliseconds", &|value| {
            value.as_i64().is_some_and(|skew| (0..=MAX_SKEW_MS).contains(&skew))
        });
        check("/policy/provisioning/action", "must be `AUTO` or `DISABLED`", &one_of(&["AUTO", "DISABLED"]));
        check(
            "/policy/subject/userNameTemplate/template",
            "must be `idpuser.` and the name of an attribute",
            &is_attribute,
        );
        check(
            "/policy/subject/matchType",
            "must be `USERNAME`, `EMAIL` or `USERNAME_OR_EMAIL`",
            &one_of(&["USERNAME", "EMAIL", "USERNAME_OR_EMAIL"]),
        );
        // Without a destination of its own the address is it.
        let is_long = |url: &Value| url.as_str().is_some_and(|url| url.chars().count() > MAX_DESTINATION);
        if at("/protocol/endpoints/sso/url").is_some_and(is_long) && at(DESTINATION).is_none() {
            let detail = "has more than 512 characters: send a `destination` of at most 512 beside it";
            refuse("/protocol/endpoints/sso/url", detail);
        }
        let candidates = match at("/x5c").map(certificate) {
            None => Vec::new(),
            Some(Ok(certificate)) => vec![certificate],
            Some(Err(detail)) => {
                refuse("/x5c", &detail);
                Vec::new()
            }
        };
        let active = at("/status").map(|status| status == "ACTIVE");
        match violations.is_empty() {
            true => Ok(Self { sent, candidates, certificate: None, active }),
            false => Err(violations),
        }
    }

    /// The same of metadata, with the certificates that they publish.
    pub(crate) fn of_metadata(sent: Value, candidates: Vec<Certificate>) -> Result<Self, Vec<Violation>> {
        Ok(Self { candidates, ..Self::read(sent)? })
    }

    /// Whether a certificate is sent.
    pub(crate) fn has_certificate(&self) -> bool {
        !self.candidates.is_empty()
    }

    /// Takes the certificate that may be trusted at a time, in seconds since 1970.
    ///
    /// # Errors
    ///
    /// Why none is, or that several are.
    pub(crate) fn choose(&mut self, now: i64) -> Result<(), String> {
        let checked: Vec<_> = self.candidates.iter().map(|one| (one, one.check(now))).collect();
        let good: Vec<&Certificate> =
            checked.iter().filter(|(_, check)| check.is_ok()).map(|(one, _)| *one).collect();
        self.certificate = match (&good[..], checked.into_iter().next()) {
            ([one], _) => Some((*one).clone()),
            ([], Some((_, Err(error)))) => return Err(error.to_string()),
            ([], _) => None,
            _ => return Err("there are several valid certificates for signing; send the one that is to be trusted as `x5c`".to_owned()),
        };
        Ok(())
    }

    /// The first member that differs from what it is and is not to be changed.
    /// `current` is the IdP as `get-idp` gives it.
    pub(crate) fn foreign(&self, current: &Value) -> Option<String> {
        let mut sent = self.sent.clone();
        // The form of the predecessor sends the old key id beside a new certificate, and an
        // empty one, or an empty filter, where there is none.
        if (self.certificate.is_some() || self.resets_certificate())
            && let Some(trust) =
                sent.pointer_mut("/protocol/credentials/trust").and_then(Value::as_object_mut)
        {
            trust.remove("kid");
        }
        let has_filter = current.pointer("/policy/subject/filter").is_some_and(|filter| !filter.is_null());
        if let Some(subject) = sent.pointer_mut("/policy/subject").and_then(Value::as_object_mut)
            && subject.get("filter").is_some_and(|filter| filter == "")
            && !has_filter
        {
            subject.remove("filter");
        }
        differing(&sent, Some(current), "")
    }

    /// Whether the IdP is to trust the placeholder again.
    pub(crate) fn resets_certificate(&self) -> bool {
        self.certificate.is_none() && self.sent.pointer(KID).is_some_and(|kid| kid == "")
    }

    /// The IdP with the changes, and with the key that it is to trust. A new
    /// address of requests also becomes their destination, unless the body says
    /// otherwise.
    ///
    /// And it signs in only `users`, never an administrator of the org, and makes
    /// nobody a member of another group: also where it was made with less care.
    pub(crate) fn apply(
        &self,
        idp: &IdentityProvider,
        users: &GroupId,
        kid: Option<&str>,
    ) -> IdentityProvider {
        let mut new = idp.clone();
        let mut object = Value::Object(std::mem::take(&mut new.other));
        for pointer in EDITABLE.iter().filter(|pointer| !["/status", "/x5c"].contains(pointer)) {
            if let Some(value) = self.sent.pointer(pointer).filter(|value| !value.is_null()) {
                set(&mut object, pointer, value);
            }
        }
        let sso = self.sent.pointer("/protocol/endpoints/sso");
        if let (Some(url), None) =
            (sso.and_then(|sso| sso.get("url")), sso.and_then(|sso| sso.get("destination")))
        {
            set(&mut object, "/protocol/endpoints/sso/destination", url);
        }
        let disabled =
            |object: &Value, pointer: &str| object.pointer(pointer).is_none_or(|action| action == "DISABLED");
        let only = json!([users]);
        if !disabled(&object, "/policy/accountLink/action") {
            set(&mut object, "/policy/accountLink/filter/groups/include", &only);
            set(&mut object, "/policy/accountLink/filter/users/excludeAdmins", &true.into());
        }
        if !disabled(&object, "/policy/provisioning/action") {
            set(&mut object, "/policy/provisioning/groups/action", &"ASSIGN".into());
            set(&mut object, "/policy/provisioning/groups/assignments", &only);
        }
        if let Some(kid) = kid {
            set(&mut object, KID, &kid.into());
        }
        if let Value::Object(other) = object {
            new.other = other;
        }
        new
    }
}

/// The path of the first difference that is not editable.
fn differing(sent: &Value, current: Option<&Value>, path: &str) -> Option<String> {
    if EDITABLE.contains(&path) || DERIVED.contains(&path) {
        return None;
    }
    match (sent, current) {
        (Value::Null, None) => None,
        (Value::Object(members), current) => members.iter().find_map(|(name, value)| {
            let below = format!("{path}/{}", name.replace('~', "~0").replace('/', "~1"));
            differing(value, current.and_then(|current| current.get(name)), &below)
        }),
        (sent, Some(current)) if sent == current => None,
        _ => Some(path.to_owned()),
    }
}

fn one_of<'r>(values: &'r [&'r str]) -> impl Fn(&Value) -> bool + 'r {
    move |value| value.as_str().is_some_and(|value| values.contains(&value))
}

fn text(longest: usize) -> impl Fn(&Value) -> bool {
    move |value| {
        value.as_str().is_some_and(|text| {
            (1..=longest).contains(&text.chars().count()) && !text.chars().any(char::is_control)
        })
    }
}

fn is_https(value: &Value) -> bool {
    // The parser forgives what others do not: blanks, backslashes, a scheme without slashes.
    let plain = |url: &&str| {
        let scheme = url.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://"));
        // A third slash would make the path a host.
        let is_host = url.as_bytes().get(8).is_some_and(|first| *first != b'/');
        scheme
            && is_host
            && url.len() <= 1_014
            && !url.contains(|c: char| c.is_whitespace() || c.is_control() || c == '\\')
    };
    let url = value.as_str().filter(plain).and_then(|url| Url::parse(url).ok());
    url.is_some_and(|url| {
        url.scheme() == "https" && url.has_host() && url.username().is_empty() && url.password().is_none()
    })
}

/// `idpuser.email`, and no expression that makes a login out of nothing.
fn is_attribute(value: &Value) -> bool {
    let name = value.as_str().and_then(|template| template.strip_prefix("idpuser."));
    name.is_some_and(|name| {
        (1..=1_000).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    })
}

/// A certificate as text, or in an array of one.
fn certificate(value: &Value) -> Result<Certificate, String> {
    let text = match value {
        Value::String(text) => text,
        Value::Array(elements) => match &elements[..] {
            [Value::String(text)] => text,
            _ => return Err("must hold one certificate".to_owned()),
        },
        _ => return Err("must be a certificate, or an array of one".to_owned()),
    };
    Certificate::parse(text).map_err(|error| error.to_string())
}

/// Sets the member at a pointer, with the objects on the way to it.
fn set(object: &mut Value, pointer: &str, value: &Value) {
    let mut at = object;
    for name in pointer.trim_start_matches('/').split('/') {
        if !at.is_object() {
            *at = json!({});
        }
        at = &mut at[name];
    }
    *at = value.clone();
}
