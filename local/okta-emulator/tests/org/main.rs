//! The org as a client sees it: what Okta enforces, the emulator enforces.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod connections;
mod recovery;
mod tokens;

use std::sync::{Arc, Mutex};

use okta_emulator::{DEMO_ORG, Emulator, Options, Seed, TokenRequest};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

struct Org {
    emulator: Emulator,
    http: reqwest::Client,
    token: String,
}

/// Status, body, headers.
struct Answer(u16, Value, reqwest::header::HeaderMap);

impl Answer {
    fn code(&self) -> &str {
        self.1["errorCode"].as_str().unwrap_or_default()
    }

    #[track_caller]
    fn ok(self) -> Value {
        assert!(self.0 < 300, "{} {}", self.0, self.1);
        self.1
    }

    #[track_caller]
    fn refused(self, status: u16, code: &str) {
        assert_eq!((self.0, self.code()), (status, code), "{}", self.1);
        let id = self.1["errorId"].as_str().unwrap();
        assert!(id.starts_with("oae") && id.len() == 25, "{id}");
        assert!(self.1["errorCauses"].is_array() && self.1["errorLink"] == self.1["errorCode"]);
    }
}

impl Org {
    async fn start() -> Self {
        let seed = Seed::parse(DEMO_ORG).unwrap();
        let token = format!("SSWS {}", seed.api_token.token);
        let emulator = Emulator::start(Options { port: 0, seed, state_file: None }).await.unwrap();
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { emulator, http, token }
    }

    async fn send(&self, method: &str, path: &str, token: &str, body: Option<Value>) -> Answer {
        let url = format!("{}{path}", self.emulator.url());
        let mut request = self.http.request(method.parse().unwrap(), url);
        if !token.is_empty() {
            request = request.header("authorization", token);
        }
        request = match body {
            Some(body) => request.json(&body),
            None => request.header("content-length", "0"),
        };
        self.answer(request).await
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answer(status, response.json().await.unwrap_or_default(), headers)
    }

    async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &self.token, None).await
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.send("POST", path, &self.token, Some(body)).await
    }

    async fn put(&self, path: &str, body: Value) -> Answer {
        self.send("PUT", path, &self.token, Some(body)).await
    }

    async fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, &self.token, None).await
    }

    async fn form(&self, path: &str, cookie: &str, form: &[(&str, &str)]) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = self.http.post(format!("{}{path}", self.emulator.url())).header("cookie", cookie);
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
        self.answer(request).await
    }

    fn group(&self, name: &str) -> String {
        let groups = self.emulator.snapshot()["groups"].clone();
        let found = groups.as_object().unwrap().values().find(|g| g["profile"]["name"] == name).cloned();
        found.unwrap()["id"].as_str().unwrap().to_owned()
    }

    /// The cookie of a user who has signed in.
    async fn sign_in(&self, login: &str) -> String {
        let form = [("username", login), ("password", "Demo-Passw0rd"), ("fromURI", "/")];
        let answer = self.form("/login/sign-in", "", &form).await;
        assert_eq!(answer.0, 302, "{}", answer.1);
        let cookie = answer.2["set-cookie"].to_str().unwrap();
        cookie.split(';').next().unwrap().to_owned()
    }

    /// Access token and refresh token of the code flow.
    async fn tokens(&self, server: &str, login: &str, scope: &str, more: &str) -> Result<Value, String> {
        let cookie = self.sign_in(login).await;
        let verifier = "a-verifier-that-is-long-enough-for-the-rules-of-pkce";
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, verifier.as_bytes());
        let challenge = base64::Engine::encode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, digest);
        let redirect = "http://127.0.0.1:8080/";
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([
                ("client_id", "0oa1dacapp0000000001"),
                ("redirect_uri", redirect),
                ("response_type", "code"),
                ("scope", scope),
                ("state", "the-state"),
                ("nonce", "the-nonce"),
                ("code_challenge", &challenge),
                ("code_challenge_method", "S256"),
            ])
            .finish();
        let url = format!("{}{server}/v1/authorize?{query}{more}", self.emulator.url());
        let answer = self.answer(self.http.get(url).header("cookie", cookie)).await;
        let location = url::Url::parse(answer.2["location"].to_str().unwrap()).unwrap();
        let parameter =
            |name: &str| location.query_pairs().find(|(n, _)| n == name).map(|(_, value)| value.into_owned());
        let Some(code) = parameter("code") else {
            return Err(format!(
                "{} {}",
                parameter("error").unwrap_or_default(),
                parameter("error_description").unwrap_or_default()
            ));
        };
        assert_eq!(parameter("state").unwrap(), "the-state");
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", "0oa1dacapp0000000001"),
            ("code", &code),
            ("redirect_uri", redirect),
            ("code_verifier", verifier),
        ];
        Ok(self.form(&format!("{server}/v1/token"), "", &form).await.ok())
    }
}

fn claims(token: &Value) -> Value {
    let payload = token.as_str().unwrap().split('.').nth(1).unwrap();
    let bytes = base64::Engine::decode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, payload).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

fn new_user(login: &str) -> Value {
    json!({
        "profile": { "login": login, "email": login, "firstName": "A", "lastName": "B" },
        "credentials": { "password": { "value": "Secret-Passw0rd" } },
    })
}

#[tokio::test]
async fn bad_input_gets_oktas_error_object() {
    let org = Org::start().await;
    org.send("GET", "/api/v1/groups", "", None).await.refused(403, "E0000005");
    org.send("GET", "/api/v1/groups", "apiToken: x", None).await.refused(403, "E0000005");
    org.send("GET", "/api/v1/groups", "SSWS wrong", None).await.refused(401, "E0000011");
    org.send("GET", "/api/v1/groups", "Bearer wrong", None).await.refused(401, "E0000011");
    org.get("/api/v1/nothing").await.refused(404, "E0000008");
    org.send("PATCH", "/api/v1/groups", &org.token, None).await.refused(405, "E0000022");
    org.get("/api/v1/groups/00gabsent").await.refused(404, "E0000007");
    org.get("/api/v1/groups?search=profile.name%20is%20%22x%22").await.refused(400, "E0000031");
    org.get("/api/v1/users?search=id%20pr&q=x").await.refused(400, "E0000033");
    org.get("/api/v1/users?filter=profile.title%20eq%20%22x%22").await.refused(400, "E0000031");
    org.post("/api/v1/groups", json!([1])).await.refused(400, "E0000003");
    org.post("/api/v1/groups", json!({})).await.refused(400, "E0000001");
    let url = format!("{}/api/v1/groups", org.emulator.url());
    let raw = |kind: &'static str, body: &'static str| {
        let request = org.http.post(&url).header("authorization", &org.token);
        let request = if kind.is_empty() { request } else { request.header("content-type", kind) };
        org.answer(request.body(body))
    };
    raw("application/json", "{").await.refused(400, "E0000003");
    raw("text/plain", "{}").await.refused(400, "E0000021");
    raw("", "{}").await.refused(400, "E0000018");
    for path in
        ["apps", "users", "idps", "inlineHooks", "trustedOrigins", "authorizationServers", "meta/types/user"]
    {
        let answer = org.post(&format!("/api/v1/{path}"), json!({ "unknown": 1 })).await;
        answer.refused(400, "E0000001");
    }
}

#[tokio::test]
async fn users_come_change_and_go() {
    let org = Org::start().await;
    let user = org.post("/api/v1/users?activate=false", new_user("new@demo.test")).await.ok();
    let path = format!("/api/v1/users/{}", user["id"].as_str().unwrap());
    assert_eq!((&user["status"], &user["credentials"]["password"]), (&json!("STAGED"), &json!({})));
    // Case and diacritics do not make another login; an unknown attribute is none.
    org.post("/api/v1/users", new_user("NÉW@demo.test")).await.refused(400, "E0000001");
    let mut unknown = new_user("other@demo.test");
    unknown["profile"]["notValid"] = json!(1);
    let refused = org.post("/api/v1/users", unknown).await;
    assert_eq!(
        refused.1["errorCauses"][0]["errorSummary"],
        "Property name 'notValid' is not defined in profile"
    );
    refused.refused(400, "E0000001");

    let lifecycle = |name: &str| format!("{path}/lifecycle/{name}");
    org.post(&lifecycle("suspend"), json!({})).await.refused(400, "E0000001");
    assert_eq!(org.post(&lifecycle("activate"), json!({})).await.ok(), json!({}));
    org.post(&lifecycle("activate"), json!({})).await.refused(403, "E0000016");
    org.post(&lifecycle("unlock"), json!({})).await.refused(403, "E0000032");
    // Okta's own link has no query: to mail is the default, but for a strict reading.
    org.emulator.configure(|settings| settings.send_email_is_required = true);
    org.post(&lifecycle("reset_password"), json!({})).await.refused(400, "E0000028");
    org.emulator.configure(|settings| settings.send_email_is_required = false);
    assert_eq!(org.post(&lifecycle("reset_password"), json!({})).await.ok(), json!({}));
    let reset = org.post(&lifecycle("reset_password?sendEmail=false"), json!({})).await.ok();
    assert!(reset["resetPasswordUrl"].is_string());

    let change =
        |old: &str, new: &str| json!({ "oldPassword": { "value": old }, "newPassword": { "value": new } });
    let change_password = format!("{path}/credentials/change_password");
    let wrong = org.post(&change_password, change("wrong", "Other-Passw0rd")).await;
    assert!(wrong.1["errorCauses"][0]["errorSummary"].as_str().unwrap().starts_with("oldPassword:"));
    wrong.refused(403, "E0000014");
    for bad in ["short", "Secret-Passw0rd", "nouppercase1", "NOLOWERCASE1", "NoNumberInIt"] {
        org.post(&change_password, change("Secret-Passw0rd", bad)).await.refused(403, "E0000014");
    }
    org.post(&change_password, change("Secret-Passw0rd", "Other-Passw0rd")).await.ok();
    assert_eq!(org.get(&path).await.ok()["status"], "ACTIVE");

    // PUT deletes what it leaves out, POST does not; a stale tag is noticed.
    org.post(&path, json!({ "profile": { "nickName": "N" } })).await.ok();
    let tag = org.get(&path).await.2["etag"].to_str().unwrap().to_owned();
    let bare = json!({ "profile": new_user("new@demo.test")["profile"] });
    assert!(org.put(&path, bare.clone()).await.ok()["profile"].get("nickName").is_none());
    let request = org.http.put(format!("{}{path}", org.emulator.url())).header("if-match", tag);
    org.answer(request.header("authorization", &org.token).json(&bare)).await.refused(412, "E0000231");

    assert_eq!(org.delete(&path).await.0, 204);
    assert_eq!(org.get(&path).await.ok()["status"], "DEPROVISIONED");
    let listed = org.get("/api/v1/users").await.ok();
    assert!(!listed.to_string().contains("new@demo.test"), "a bare list leaves them out");
    assert_eq!(org.delete(&path).await.0, 204);
    org.get(&path).await.refused(404, "E0000007");
}

#[tokio::test]
async fn wrong_passwords_lock_a_user_out() {
    let org = Org::start().await;
    let sign_in = |password: &str| json!({ "username": "user@globex.test", "password": password });
    for _ in 0..10 {
        org.send("POST", "/api/v1/authn", "", Some(sign_in("wrong"))).await.refused(401, "E0000004");
    }
    org.send("POST", "/api/v1/authn", "", Some(sign_in("Demo-Passw0rd"))).await.refused(401, "E0000004");
    assert_eq!(org.get("/api/v1/users/user@globex.test").await.ok()["status"], "LOCKED_OUT");
    org.post("/api/v1/users/user@globex.test/lifecycle/unlock", json!({})).await.ok();
    let done = org.send("POST", "/api/v1/authn", "", Some(sign_in("Demo-Passw0rd"))).await.ok();
    assert_eq!(done["status"], "SUCCESS");
    let session = json!({ "sessionToken": done["sessionToken"] });
    org.send("POST", "/api/v1/sessions", "", Some(session.clone())).await.ok();
    org.send("POST", "/api/v1/sessions", "", Some(session)).await.refused(401, "E0000004");
}

/// What the tenant's admin sees through Okta's own API is the tenant.
#[tokio::test]
async fn a_role_with_targets_cuts_down_what_a_token_sees() {
    let org = Org::start().await;
    let scope = "openid okta.users.manage okta.groups.manage";
    let tokens = org.tokens("/oauth2", "admin@acme.test", scope, "").await.unwrap();
    let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
    let as_admin =
        async |method: &str, path: &str, body: Option<Value>| org.send(method, path, &bearer, body).await;

    let groups = as_admin("GET", "/api/v1/groups", None).await.ok();
    let names: Vec<&str> =
        groups.as_array().unwrap().iter().map(|g| g["profile"]["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["USERS_acme", "ADMINS_acme"]);
    let users = as_admin("GET", "/api/v1/users", None).await.ok();
    assert_eq!(users.as_array().unwrap().len(), 2, "{users}");
    as_admin("GET", "/api/v1/users/user@globex.test", None).await.refused(403, "E0000006");
    as_admin("GET", &format!("/api/v1/groups/{}", org.group("USERS_globex")), None)
        .await
        .refused(403, "E0000006");
    as_admin("GET", &format!("/api/v1/groups/{}", org.group("Everyone")), None)
        .await
        .refused(403, "E0000006");
    as_admin("POST", "/api/v1/groups", Some(json!({ "profile": { "name": "mine" } })))
        .await
        .refused(403, "E0000006");
    as_admin("POST", "/api/v1/users", Some(new_user("a@acme.test"))).await.refused(403, "E0000006");
    let mut inside = new_user("a@acme.test");
    inside["groupIds"] = json!([org.group("USERS_acme")]);
    as_admin("POST", "/api/v1/users", Some(inside)).await.ok();
    inside = new_user("b@acme.test");
    inside["groupIds"] = json!([org.group("ADMINS_acme")]);
    as_admin("POST", "/api/v1/users", Some(inside)).await.refused(403, "E0000006");
    let me = as_admin("GET", "/api/v1/users/me", None).await.ok();
    assert_eq!(me["profile"]["login"], "admin@acme.test");
    // Neither the scope nor the role is there for anything else.
    let apps = as_admin("GET", "/api/v1/apps", None).await;
    assert!(apps.2["www-authenticate"].to_str().unwrap().contains("insufficient_scope"));
    apps.refused(403, "E0000006");

    // A user without a role may see themselves, with the scope for that.
    let tokens = org.tokens("/oauth2", "user@globex.test", "openid okta.users.read.self", "").await.unwrap();
    let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
    let as_user = async |path: &str| org.send("GET", path, &bearer, None).await;
    assert_eq!(as_user("/api/v1/users/me").await.ok()["profile"]["login"], "user@globex.test");
    as_user("/api/v1/users/admin@acme.test").await.refused(403, "E0000006");
    as_user("/api/v1/users").await.refused(403, "E0000006");
    // A token of a custom server is none for Okta's API.
    let custom = org
        .emulator
        .access_token(&TokenRequest { login: "superuser@demo.test".to_owned(), ..TokenRequest::default() })
        .unwrap();
    org.send("GET", "/api/v1/groups", &format!("Bearer {custom}"), None).await.refused(401, "E0000011");
    // A scope that was not granted to the app is not issued.
    let refused = org.tokens("/oauth2", "admin@acme.test", "openid okta.apps.manage", "").await.unwrap_err();
    assert!(refused.starts_with("invalid_scope"), "{refused}");
}

/// What the tenant's admin changes there: names, descriptions and profiles of the users,
/// and nothing of the admins.
#[tokio::test]
async fn what_a_group_administrator_may_change() {
    let org = Org::start().await;
    let scope = "openid okta.users.manage okta.groups.manage";
    let tokens = org.tokens("/oauth2", "admin@acme.test", scope, "").await.unwrap();
    let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
    let as_admin =
        async |method: &str, path: &str, body: Option<Value>| org.send(method, path, &bearer, body).await;
    let id = async |login: &str| {
        let user = org.send("GET", &format!("/api/v1/users/{login}"), &org.token, None).await.ok();
        user["id"].as_str().unwrap().to_owned()
    };
    let (users, admins) = (org.group("USERS_acme"), org.group("ADMINS_acme"));
    let (own, foreign) = (id("user@acme.test").await, id("user@globex.test").await);
    let other = json!({ "profile": { "name": "Ours", "description": "{}" } });

    as_admin("PUT", &format!("/api/v1/groups/{users}"), Some(other.clone())).await.ok();
    let profile = json!({ "profile": { "nickName": "x" } });
    as_admin("POST", &format!("/api/v1/users/{own}"), Some(profile.clone())).await.ok();
    let password = json!({ "credentials": { "password": { "value": "Another-Passw0rd" } } });
    as_admin("POST", &format!("/api/v1/users/{own}"), Some(password.clone())).await.ok();
    as_admin("DELETE", &format!("/api/v1/groups/{users}/users/{own}"), None).await.ok();
    // The user is in no group of the admin's any more.
    as_admin("PUT", &format!("/api/v1/groups/{users}/users/{own}"), None).await.refused(403, "E0000006");
    org.send("PUT", &format!("/api/v1/groups/{users}/users/{own}"), &org.token, None).await.ok();

    let member = |group: &str, user: &str| format!("/api/v1/groups/{group}/users/{user}");
    as_admin("DELETE", &format!("/api/v1/groups/{users}"), None).await.refused(403, "E0000006");
    as_admin("PUT", &member(&users, &foreign), None).await.refused(403, "E0000006");
    // A group that holds an admin role, and whoever is in one.
    as_admin("PUT", &format!("/api/v1/groups/{admins}"), Some(other)).await.refused(403, "E0000006");
    as_admin("PUT", &member(&admins, &own), None).await.refused(403, "E0000006");
    let second = id("superuser@demo.test").await;
    for group in [&users, &admins] {
        org.send("PUT", &member(group, &second), &org.token, None).await.ok();
    }
    as_admin("POST", &format!("/api/v1/users/{second}"), Some(password.clone()))
        .await
        .refused(403, "E0000006");
    as_admin("POST", &format!("/api/v1/users/{second}/lifecycle/suspend"), None)
        .await
        .refused(403, "E0000006");
    as_admin("DELETE", &member(&users, &second), None).await.refused(403, "E0000006");
    // Everybody changes themself.
    as_admin("POST", "/api/v1/users/me", Some(profile)).await.ok();
}

#[tokio::test]
async fn changes_of_one_policy_at_once_are_423() {
    let org = Org::start().await;
    let path = "/api/v1/policies/00p1discovery0000001/rules";
    let rule = |n: usize| {
        json!({
            "name": format!("rule {n}"), "type": "IDP_DISCOVERY",
            "conditions": { "userIdentifier": { "type": "IDENTIFIER", "patterns": [] } },
            "actions": { "idp": { "providers": [{ "type": "SAML2", "id": "0oa1" }] } },
        })
    };
    org.emulator.configure(|settings| settings.latency_ms = 30);
    let answers = futures::future::join_all((0..5).map(|n| org.post(path, rule(n)))).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.0).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 423, 423, 423, 423]);
    assert!(answers.into_iter().filter(|answer| answer.0 == 423).all(|answer| answer.code() == "E0000239"));
    // The default rule is last and cannot be changed.
    org.emulator.configure(|settings| settings.latency_ms = 0);
    let rules = org.get(path).await.ok();
    let last = rules.as_array().unwrap().last().unwrap();
    assert_eq!(last["system"], true);
    let path = format!("{path}/{}", last["id"].as_str().unwrap());
    org.delete(&path).await.refused(403, "E0000006");
}

#[tokio::test]
async fn limits_are_counted_and_said() {
    let org = Org::start().await;
    org.emulator.configure(|settings| {
        settings.rate_limits = true;
        // No window ends during the test.
        settings.rate_limit_window_seconds = 1_000_000_000;
    });
    for n in 1..=100 {
        let answer = org.get("/api/v1/apps").await;
        assert_eq!(answer.2["x-rate-limit-remaining"], (100 - n).to_string());
        answer.ok();
    }
    let limited = org.get("/api/v1/apps").await;
    assert_eq!(limited.2["x-rate-limit-limit"], "100");
    assert!(limited.2.contains_key("date") && limited.2.contains_key("x-rate-limit-reset"));
    limited.refused(429, "E0000047");
    org.get("/api/v1/groups").await.ok();
    // More calls at once than an org may have: limit 0.
    org.emulator.configure(|settings| settings.latency_ms = 100);
    let answers = futures::future::join_all((0..100).map(|_| org.get("/api/v1/groups"))).await;
    let crowded: Vec<_> = answers.iter().filter(|answer| answer.0 == 429).collect();
    assert!(!crowded.is_empty());
    assert!(crowded.iter().all(|answer| answer.2["x-rate-limit-limit"] == "0"));
}

#[tokio::test]
async fn relations_between_users_and_custom_attributes() {
    let org = Org::start().await;
    let definition = json!({
        "primary": { "name": "parentEntity", "title": "Parent", "description": "", "type": "USER" },
        "associated": { "name": "childEntity", "title": "Child", "description": "", "type": "USER" },
    });
    assert_eq!(org.post("/api/v1/meta/schemas/user/linkedObjects", definition.clone()).await.0, 201);
    org.post("/api/v1/meta/schemas/user/linkedObjects", definition).await.refused(409, "E0000127");
    let id = async |login: &str| {
        org.get(&format!("/api/v1/users/{login}")).await.ok()["id"].as_str().unwrap().to_owned()
    };
    let (child, parent) = (id("user@acme.test").await, id("admin@acme.test").await);
    assert_eq!(org.get(&format!("/api/v1/users/{child}/linkedObjects/parentEntity")).await.ok(), json!([]));
    let path = format!("/api/v1/users/{child}/linkedObjects/parentEntity/{parent}");
    assert_eq!(org.send("PUT", &path, &org.token, None).await.0, 204);
    let links = org.get(&format!("/api/v1/users/{child}/linkedObjects/parentEntity")).await.ok();
    assert!(links[0]["_links"]["self"]["href"].as_str().unwrap().ends_with(&parent));
    let links = org.get(&format!("/api/v1/users/{parent}/linkedObjects/childEntity")).await.ok();
    assert!(links[0]["_links"]["self"]["href"].as_str().unwrap().ends_with(&child));

    // An array attribute matches if any element does.
    let agent = id("agent@demo.test").await;
    let query = format!("profile.delegatedAgents%20eq%20%22{agent}%22");
    let found = org.get(&format!("/api/v1/users?search={query}")).await.ok();
    assert_eq!(found[0]["profile"]["login"], "delegator@demo.test");
    assert_eq!(found.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_factor_is_asked_for() {
    let org = Org::start().await;
    let factor = json!({ "factorType": "token:software:totp", "provider": "GOOGLE" });
    let path = "/api/v1/users/user@globex.test/factors";
    let enrolled = org.post(path, factor).await.ok();
    let secret = enrolled["_embedded"]["activation"]["sharedSecret"].as_str().unwrap();
    let activate = format!("{path}/{}/lifecycle/activate", enrolled["id"].as_str().unwrap());
    org.post(&activate, json!({ "passCode": "000000x" })).await.refused(403, "E0000068");
    let code = |offset: i64| okta_emulator::totp(secret, offset);
    org.post(&activate, json!({ "passCode": code(0) })).await.ok();

    let sign_in = json!({ "username": "user@globex.test", "password": "Demo-Passw0rd" });
    let asked = org.send("POST", "/api/v1/authn", "", Some(sign_in)).await.ok();
    assert_eq!(asked["status"], "MFA_REQUIRED");
    let verify = asked["_embedded"]["factors"][0]["_links"]["verify"]["href"].as_str().unwrap();
    let verify = verify.strip_prefix(&org.emulator.url()).unwrap();
    let with = |code: Value| json!({ "stateToken": asked["stateToken"], "passCode": code });
    let challenge =
        org.send("POST", verify, "", Some(json!({ "stateToken": asked["stateToken"] }))).await.ok();
    assert_eq!(challenge["status"], "MFA_CHALLENGE");
    org.send("POST", verify, "", Some(with(json!(code(0))))).await.refused(403, "E0000082");
    let done = org.send("POST", verify, "", Some(with(json!(code(1))))).await.ok();
    assert_eq!(done["status"], "SUCCESS");
}
