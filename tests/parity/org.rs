//! An org that is asked, and what was made in it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::Outcome;

/// An org, by its URL and an API token.
pub(crate) struct Org {
    http: reqwest::Client,
    url: String,
    token: String,
    /// In the names of all that a run makes.
    run: String,
    made: usize,
    /// Calls that take away what was made, the last one first.
    undo: Vec<(Method, String)>,
}

/// An answer of the org.
pub(crate) struct Answer {
    call: String,
    status: u16,
    body: Value,
    headers: reqwest::header::HeaderMap,
}

impl Answer {
    /// The body, if the answer has this status and what is expected of it: objects may have more
    /// members, `"*"` stands for anything but null.
    pub(crate) fn is(self, status: u16, expected: &Value) -> Result<Value, String> {
        if self.status != status {
            return Err(format!("{} is answered {} {}, not {status}", self.call, self.status, self.body));
        }
        match difference(&self.body, expected, "") {
            None => Ok(self.body),
            Some(difference) => Err(format!("{}: {difference}", self.call)),
        }
    }

    /// The same of an error with this code.
    pub(crate) fn refused(self, status: u16, code: &str) -> Result<Value, String> {
        self.is(status, &json!({ "errorCode": code }))
    }

    /// A header; empty if there is none.
    pub(crate) fn header(&self, name: &str) -> String {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    }
}

/// Where and how a value is not what is expected.
fn difference(actual: &Value, expected: &Value, at: &str) -> Option<String> {
    match (actual, expected) {
        (actual, Value::String(any)) if any == "*" => {
            actual.is_null().then(|| format!("`{at}` is null or missing"))
        }
        (Value::Object(actual), Value::Object(expected)) => expected.iter().find_map(|(name, expected)| {
            let at = format!("{at}/{name}");
            let Some(actual) = actual.get(name) else { return Some(format!("`{at}` is missing")) };
            difference(actual, expected, &at)
        }),
        (Value::Array(actual), Value::Array(expected)) if actual.len() == expected.len() => actual
            .iter()
            .zip(expected)
            .enumerate()
            .find_map(|(n, (actual, expected))| difference(actual, expected, &format!("{at}/{n}"))),
        _ => (actual != expected).then(|| format!("`{at}` is {actual}, not {expected}")),
    }
}

/// Fails if the value has something at the pointer.
pub(crate) fn lacks(value: &Value, pointers: &[&str]) -> Outcome {
    match pointers.iter().find(|pointer| value.pointer(pointer).is_some()) {
        Some(pointer) => {
            Err(format!("`{pointer}` is {}, and should not be there", value.pointer(pointer).unwrap()))
        }
        None => Ok(()),
    }
}

/// Fails unless the object at the pointer has these members and no others.
pub(crate) fn members(value: &Value, pointer: &str, expected: &[&str]) -> Outcome {
    let object =
        value.pointer(pointer).and_then(Value::as_object).ok_or(format!("`{pointer}` is no object"))?;
    let mut actual: Vec<&str> = object.keys().map(String::as_str).collect();
    let mut expected = expected.to_vec();
    actual.sort_unstable();
    expected.sort_unstable();
    if actual == expected { Ok(()) } else { Err(format!("`{pointer}` has {actual:?}, not {expected:?}")) }
}

/// `hints` of a link.
pub(crate) fn hints(verbs: &[&str]) -> Value {
    json!({ "href": "*", "hints": { "allow": verbs } })
}

/// The text at a pointer.
pub(crate) fn at(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

impl Org {
    pub(crate) fn new(url: &str, token: &str, run: &str) -> Self {
        let http = reqwest::Client::builder().user_agent("okta-dac-parity").build().unwrap();
        let (url, token) = (url.trim_end_matches('/').to_owned(), format!("SSWS {token}"));
        Self { http, url, token, run: run.to_owned(), made: 0, undo: Vec::new() }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// A name that nothing in the org has.
    pub(crate) fn name(&mut self) -> String {
        self.made += 1;
        format!("parity-{}-{}", self.run, self.made)
    }

    /// One call.
    pub(crate) async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Result<Answer, String> {
        self.send(&self.token, method, path, body).await
    }

    /// A call with another credential, or with none.
    pub(crate) async fn call_as(&self, credential: &str, method: &str, path: &str) -> Result<Answer, String> {
        self.send(credential, method, path, None).await
    }

    async fn send(
        &self,
        credential: &str,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Result<Answer, String> {
        let call = format!("{method} {path}");
        let request = self.http.request(method.parse().unwrap(), format!("{}{path}", self.url));
        let request =
            if credential.is_empty() { request } else { request.header("authorization", credential) };
        let request = match &body {
            Some(body) => request.json(body),
            None => request.header("content-length", "0"),
        };
        let response = request.send().await.map_err(|error| format!("{call}: {error}"))?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.json().await.unwrap_or_default();
        Ok(Answer { call, status, body, headers })
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Answer, String> {
        self.call("GET", path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Result<Answer, String> {
        self.call("POST", path, Some(body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Result<Answer, String> {
        self.call("PUT", path, Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Result<Answer, String> {
        self.call("DELETE", path, None).await
    }

    /// Notes how something made is taken away.
    fn afterwards(&mut self, calls: &[(Method, String)]) {
        self.undo.extend(calls.iter().rev().cloned());
    }

    /// Makes something whose deletion may need that it is inactive.
    pub(crate) async fn make(&mut self, path: &str, body: Value) -> Result<Value, String> {
        let made = self.call("POST", path, Some(body)).await?;
        let status = made.status;
        let made = made.is(status, &json!({ "id": "*" }))?;
        let own = format!("{}/{}", path.split('?').next().unwrap_or_default(), at(&made, "/id"));
        self.afterwards(&[(Method::POST, format!("{own}/lifecycle/deactivate")), (Method::DELETE, own)]);
        if (200..300).contains(&status) { Ok(made) } else { Err(format!("{path} is answered {status}")) }
    }

    /// A user, with these members beside the usual ones.
    pub(crate) async fn user(&mut self, query: &str, more: &Value) -> Result<Value, String> {
        let login = format!("{}@okta-dac.test", self.name());
        let mut body = json!({
            "profile": { "login": login, "email": login, "firstName": "Parity", "lastName": "Test" },
        });
        merge(&mut body, more);
        let user = self.post(&format!("/api/v1/users{query}"), body).await?.is(200, &json!({ "id": "*" }))?;
        let own = format!("/api/v1/users/{}", at(&user, "/id"));
        // The first one deactivates, the second one deletes.
        self.afterwards(&[(Method::DELETE, own.clone()), (Method::DELETE, own)]);
        Ok(user)
    }

    pub(crate) async fn group(&mut self) -> Result<Value, String> {
        let name = self.name();
        self.make("/api/v1/groups", json!({ "profile": { "name": name, "description": "" } })).await
    }

    /// An app of this kind.
    pub(crate) async fn app(&mut self, more: &Value) -> Result<Value, String> {
        let mut body = json!({ "label": self.name() });
        merge(&mut body, more);
        self.make("/api/v1/apps", body).await
    }

    /// A certificate for identity providers; its key id.
    pub(crate) async fn key(&mut self) -> Result<String, String> {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).map_err(|e| e.to_string())?;
        let certificate =
            rcgen::CertificateParams::default().self_signed(&key).map_err(|e| e.to_string())?.der().to_vec();
        let x5c = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, certificate);
        let made = self.post("/api/v1/idps/credentials/keys", json!({ "x5c": [x5c] })).await?;
        let kid = at(&made.is(200, &json!({ "kid": "*" }))?, "/kid");
        self.afterwards(&[(Method::DELETE, format!("/api/v1/idps/credentials/keys/{kid}"))]);
        Ok(kid)
    }

    /// A SAML identity provider.
    pub(crate) async fn saml(&mut self, more: &Value) -> Result<Value, String> {
        let mut body = saml(&self.name(), &self.key().await?);
        merge(&mut body, more);
        self.make("/api/v1/idps", body).await
    }

    /// An authorization server.
    pub(crate) async fn server(&mut self, more: &Value) -> Result<Value, String> {
        let mut body = json!({ "name": self.name(), "audiences": ["api://parity"] });
        merge(&mut body, more);
        self.make("/api/v1/authorizationServers", body).await
    }

    /// The id of the policy of this type that Okta made.
    pub(crate) async fn policy(&self, kind: &str) -> Result<String, String> {
        let policies = self.get(&format!("/api/v1/policies?type={kind}")).await?.is(200, &json!("*"))?;
        Ok(at(&policies, "/0/id"))
    }

    /// Takes away what was made; what cannot be taken away is named.
    pub(crate) async fn clean(&mut self) -> Outcome {
        let mut left = Vec::new();
        while let Some((method, path)) = self.undo.pop() {
            let answer = self.call(method.as_str(), &path, None).await?;
            // A thing that has no such state, or that the fact itself has taken away.
            let is_gone = answer.status < 300 || answer.status == 404 || path.ends_with("/deactivate");
            if !is_gone && answer.status != 405 {
                left.push(format!("{method} {path}: {}", answer.status));
            }
        }
        if left.is_empty() { Ok(()) } else { Err(format!("left behind: {}", left.join(", "))) }
    }
}

/// Adds members at every depth; null takes one away.
pub(crate) fn merge(into: &mut Value, more: &Value) {
    let (Some(into), Some(more)) = (into.as_object_mut(), more.as_object()) else { return };
    for (name, value) in more {
        match into.get_mut(name) {
            Some(own) if own.is_object() && value.is_object() => merge(own, value),
            _ => drop(into.insert(name.clone(), value.clone())),
        }
    }
}

/// The body of a SAML identity provider.
pub(crate) fn saml(name: &str, kid: &str) -> Value {
    json!({
        "type": "SAML2", "name": name,
        "protocol": {
            "type": "SAML2",
            "endpoints": {
                "sso": { "url": "https://idp.parity.test", "binding": "HTTP-POST", "destination": "https://idp.parity.test" },
                "acs": { "binding": "HTTP-POST", "type": "INSTANCE" },
            },
            "algorithms": {
                "request": { "signature": { "algorithm": "SHA-256", "scope": "REQUEST" } },
                "response": { "signature": { "algorithm": "SHA-256", "scope": "ANY" } },
            },
            "credentials": { "trust": { "issuer": "https://idp.parity.test", "kid": kid } },
        },
        "policy": {
            "provisioning": {
                "action": "AUTO", "profileMaster": false, "groups": { "action": "NONE" },
                "conditions": { "deprovisioned": { "action": "NONE" }, "suspended": { "action": "NONE" } },
            },
            "accountLink": { "action": "AUTO" },
            "subject": { "userNameTemplate": { "template": "idpuser.email" }, "matchType": "USERNAME" },
            "maxClockSkew": 0,
        },
    })
}
