//! A client of the predecessor, unchanged: a web app that signs its user in, and whose pages
//! send what they always sent. The requests are played in the order in which such a client
//! makes them, for a superuser and for a tenant's admin.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tests::{Superuser, TenantAdmin, TestStack};

const REDIRECT: &str = "http://127.0.0.1:8080/oauth/callback";
const CLIENT: &str = "0oa1dacapp0000000001";
const PASSWORD: &str = "Demo-Passw0rd";

/// What the browser has after the sign-in.
struct SignedIn {
    access_token: String,
    id_token: String,
    /// Claims of the ID token.
    identity: Value,
    cookie: String,
}

fn browser() -> reqwest::Client {
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

/// Signs in with a password, and trades the session token for tokens (code flow with PKCE).
async fn sign_in(stack: &TestStack, login: &str) -> SignedIn {
    let (okta, http) = (stack.okta().url(), browser());
    let body = json!({ "username": login, "password": PASSWORD });
    let sent = http.post(format!("{okta}/api/v1/authn")).json(&body).send().await.unwrap();
    let signed_in: Value = sent.json().await.unwrap();
    assert_eq!(signed_in["status"], "SUCCESS", "{signed_in}");
    let verifier = "a-verifier-of-forty-three-characters-or-more-0";
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, verifier.as_bytes());
    let challenge = BASE64_URL_SAFE_NO_PAD.encode(digest.as_ref());
    let issuer = format!("{okta}/oauth2/aus1dac0000000000001/v1");
    let query = [
        ("client_id", CLIENT),
        ("response_type", "code"),
        ("scope", "openid profile email dac.admin"),
        ("redirect_uri", REDIRECT),
        ("state", "a-state"),
        ("nonce", "a-nonce"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
        ("sessionToken", signed_in["sessionToken"].as_str().unwrap()),
    ];
    let authorize = url::Url::parse_with_params(&format!("{issuer}/authorize"), query).unwrap();
    let sent = http.get(authorize).send().await.unwrap();
    assert_eq!(sent.status(), 302, "{}", sent.text().await.unwrap());
    // E3: the token began a session of the browser.
    let cookie = sent.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let location = url::Url::parse(sent.headers()["location"].to_str().unwrap()).unwrap();
    let parameters: BTreeMap<_, _> = location.query_pairs().into_owned().collect();
    assert!(location.as_str().starts_with(REDIRECT), "{location}");
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", CLIENT),
        ("redirect_uri", REDIRECT),
        ("code_verifier", verifier),
        ("code", parameters["code"].as_str()),
    ];
    let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let request = http.post(format!("{issuer}/token")).body(form);
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let sent = request.send().await.unwrap();
    let tokens: Value = sent.json().await.unwrap();
    let text = |name: &str| tokens[name].as_str().unwrap_or_else(|| panic!("{tokens}")).to_owned();
    let id_token = text("id_token");
    let claims = id_token.split('.').nth(1).unwrap();
    let identity = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    SignedIn { access_token: text("access_token"), id_token, identity, cookie }
}

/// The cursor of the next page as the client reads the header: from `after=` to the next `&`.
fn cursor(link: &str) -> Option<&str> {
    let next = link.split(", ").find(|link| link.contains("rel=\"next\""))?;
    let (_, after) = next.split_once("after=")?;
    after.split('&').next()
}

#[tokio::test]
async fn e1_e2_e3_a_browser_signs_in() {
    let stack = TestStack::start().await;
    let superuser = sign_in(&stack, "superuser@demo.test").await;
    // E2: what a page shows depends on these.
    assert_eq!(superuser.identity["groups"], json!(["SUPERUSERS"]), "{}", superuser.identity);
    let admin = sign_in(&stack, "admin@acme.test").await;
    assert_eq!(admin.identity["groups"], json!(["ADMINS_acme"]));
    assert!(admin.identity["tenants"][0].as_str().unwrap().contains(":acme:"), "{}", admin.identity);
    // The next sign-in asks for no password.
    let (okta, http) = (stack.okta().url(), browser());
    let home = http.get(&okta).header("cookie", &admin.cookie).send().await.unwrap();
    assert!(home.text().await.unwrap().contains("admin@acme.test"), "E9");
    // E4: a sign-out leads where the app is known to be, and nowhere else.
    let issuer = format!("{okta}/oauth2/aus1dac0000000000001/v1/logout");
    for (to, status) in [("http://127.0.0.1:8080", 302), ("https://evil.test/", 400)] {
        let query = [("id_token_hint", admin.id_token.as_str()), ("post_logout_redirect_uri", to)];
        let sent = http.get(url::Url::parse_with_params(&issuer, query).unwrap()).send().await.unwrap();
        assert_eq!(sent.status().as_u16(), status, "{to}");
    }
}

/// A superuser's pages, top to bottom.
#[tokio::test]
async fn p1_to_p9_a_superusers_pages() {
    let stack = TestStack::start().await;
    let signed_in = sign_in(&stack, "superuser@demo.test").await;
    let superuser = format!("Bearer {}", signed_in.access_token);
    let call = async |method: &str, path: &str, body: Value| {
        let mut headers = vec![("authorization", superuser.clone())];
        let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        if !body.is_null() {
            headers.push(("content-type", "application/json".to_owned()));
        }
        stack.raw(method, path, &headers, bytes).await
    };
    for n in 0..31 {
        let added = call("POST", "/tenants", json!({ "name": format!("many-{n}") })).await;
        assert_eq!(added.status, 201, "{added}");
    }
    stack.okta().catch_up();
    // P5: thirty on a page, and the cursor is followed by another parameter.
    let first = call("GET", "/tenants", Value::Null).await;
    assert_eq!(first.body.as_array().unwrap().len(), 30, "{first}");
    let after = cursor(first.header("link")).unwrap();
    let second = call("GET", &format!("/tenants?after={after}"), Value::Null).await;
    assert_eq!((second.status, second.body.as_array().unwrap().len()), (200, 3), "{second}");
    let broken = call("GET", &format!("/apps?after={after}%3E"), Value::Null).await;
    assert_eq!(
        (broken.status, &broken.body["errors"][0]["pointer"]),
        (400, &json!("query.after")),
        "{broken}"
    );
    // P4: the logo as Okta has it.
    let apps = call("GET", "/apps", Value::Null).await;
    let logo = &apps.body[0]["logo"][0];
    assert!(logo["href"].as_str().unwrap().ends_with(".png") && logo["type"] == "image/png", "{apps}");
    // P9: everything at once.
    for path in ["/tenants/globex/domains", "/tenants/globex/admins", "/tenants/globex/apps", "/apps"] {
        let all = call("GET", path, Value::Null).await;
        assert!(all.header("link").contains("limit=200"), "{path}: {all}");
        assert_eq!(
            call("GET", &format!("{path}?limit=1"), Value::Null).await.body.as_array().unwrap().len(),
            1
        );
    }
    // P3: a refusal says why where the client looks.
    let refused = call("POST", "/tenants/acme/domains", json!({ "domain": "globex.test" })).await;
    assert_eq!((refused.status, &refused.body["error"]), (409, &refused.body["detail"]), "{refused}");
    // What the predecessor did not have says it once.
    let new = call("POST", "/users/00unobody0000000000/revocation", json!({ "x": 1 })).await;
    assert!(new.status == 400 && new.body.get("error").is_none(), "{new}");
    let domain = json!({ "domain": "acme.test", "verified": true });
    assert_eq!(call("POST", "/tenants/acme/domains", domain.clone()).await.status, 201);
    let again = call("POST", "/tenants/acme/domains", domain).await;
    assert_eq!((again.status, again.code()), (409, "domain-already-verified"), "P6: {again}");
}

/// A tenant admin's pages: apps, domains until one is verified, the identity provider's form.
#[tokio::test]
async fn p1_to_p9_a_tenant_admins_pages() {
    let stack = TestStack::start().await;
    let signed_in = sign_in(&stack, "admin@globex.test").await;
    let admin = format!("Bearer {}", signed_in.access_token);
    let call = async |method: &str, path: &str, body: Value| {
        let mut headers = vec![("authorization", admin.clone())];
        let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        if !body.is_null() {
            headers.push(("content-type", "application/json".to_owned()));
        }
        stack.raw(method, path, &headers, bytes).await
    };
    // P2: which group to open, at the top.
    let apps = call("GET", "/apps", Value::Null).await;
    let app = &apps.body[0];
    assert_eq!(app["APPUSERS_groupId"], app["tenants"][0]["APPUSERS_groupId"], "{apps}");
    // P1, P1b: the page of a domain waits until the DNS shows the string.
    let added = call("POST", "/tenants/globex/domains", json!({ "domain": "globex-shop.test" })).await;
    assert_eq!(added.status, 201, "{added}");
    let string = added.body["dnsVerificationString"].as_str().unwrap();
    let form = json!({
        "domain": "globex-shop.test", "tenant": "globex", "idp": stack.idp("globex").await,
        "dnsVerificationString": string,
    });
    let path = "/tenants/globex/domains/globex-shop.test";
    let waits = call("PUT", path, form.clone()).await;
    assert_eq!((waits.status, &waits.body["verified"]), (200, &json!(false)), "{waits}");
    let record = format!("/_emulator/dns/{}", added.body["dnsName"].as_str().unwrap());
    stack.prepare("PUT", &record, json!({ "txt": [string] })).await;
    let verified = call("PUT", path, form).await;
    assert_eq!((verified.status, &verified.body["verified"]), (200, &json!(true)), "{verified}");
    // P7, P8: the form of the identity provider, sent as it came, but for what has no value.
    let idp = stack.idp("globex").await;
    let mut form = call("GET", &idp, Value::Null).await.body;
    form["protocol"]["credentials"]["trust"]["kid"] = json!("");
    let unchanged = call("PUT", &idp, form.clone()).await;
    assert_eq!(unchanged.status, 200, "{unchanged}");
    form["policy"]["provisioning"]["action"] = json!("DISABLED");
    let narrowed = call("PUT", &idp, form.clone()).await;
    assert_eq!(narrowed.body["policy"]["provisioning"]["action"], "DISABLED", "{narrowed}");
    // It narrows alone: whose members its users become stays as it was.
    assert_eq!(narrowed.body["policy"]["provisioning"]["groups"], form["policy"]["provisioning"]["groups"]);
    let members = call("GET", "/tenants/globex/admins", Value::Null).await;
    assert_eq!(members.body[0]["profile"]["email"], "admin@globex.test", "{members}");
    assert_eq!(call("GET", "/tenants/acme/admins", Value::Null).await.status, 403);
    assert_eq!(call("GET", "/tenants", Value::Null).await.status, 403);
}

/// P7: an empty filter where there is none, and a certificate with the old key id beside it.
#[tokio::test]
async fn p7_a_form_with_empty_fields() {
    let stack = TestStack::start().await;
    let idp = stack.idp("acme").await;
    let mut form = stack.get(&idp, TenantAdmin("acme")).await.body;
    let old = form["protocol"]["credentials"]["trust"]["kid"].clone();
    form["policy"]["subject"]["filter"] = json!("");
    let key = rcgen::generate_simple_self_signed(["idp.acme.test".to_owned()]).unwrap();
    let certificate = base64::prelude::BASE64_STANDARD.encode(key.cert.der());
    form["x5c"] = json!([certificate]);
    let uploaded = stack.put(&idp, TenantAdmin("acme"), form.clone()).await;
    assert_eq!((uploaded.status, &uploaded.body["x5c"][0]), (200, &json!(certificate)), "{uploaded}");
    assert_ne!(uploaded.body["protocol"]["credentials"]["trust"]["kid"], old);
    // Without a certificate the placeholder is trusted again.
    let mut form = uploaded.body;
    form.as_object_mut().unwrap().remove("x5c");
    form["protocol"]["credentials"]["trust"]["kid"] = json!("");
    let emptied = stack.put(&idp, Superuser, form.clone()).await;
    assert_eq!((emptied.status, emptied.body.get("x5c")), (200, None), "{emptied}");
    assert_eq!(emptied.body["protocol"]["credentials"]["trust"]["kid"], old);
    // A key id that nobody sent a certificate for is not the caller's to choose.
    form["protocol"]["credentials"]["trust"]["kid"] = json!("another");
    assert_eq!(stack.put(&idp, TenantAdmin("acme"), form).await.status, 403);
}
