//! The device grant, and machines.

use serde_json::{Value, json};

use crate::world::{PASSWORD, READER, World, credentials};

const CLIENT: &str = "0oa1awscli0000000001";

/// An Identity Engine org, set up for the device grant.
pub(crate) async fn set_up() -> World {
    let world = World::start().await;
    world.okta.configure(|settings| settings.classic_engine = false);
    let settings = json!({ "ssoUrl": world.okta.url(), "clientId": CLIENT, "store": "file" });
    let arguments = ["init", "--stdin-json", "--no-verify", "--mode", "device"];
    world.run_with(&arguments, settings.to_string().into_bytes()).await.ok();
    world
}

/// What a person does in the browser: signs in, and allows the code of the address.
pub(crate) fn browser(okta: String) -> impl FnMut(&str) -> Option<String> + Send + 'static {
    let mut done = false;
    move |seen: &str| {
        let code = seen.split("user_code=").nth(1)?.lines().next()?.trim().to_owned();
        if !done {
            done = true;
            let okta = okta.clone();
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(allow(&okta, &code));
            });
        }
        None
    }
}

async fn allow(okta: &str, code: &str) {
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let post = async |path: &str, cookie: &str, form: &[(&str, &str)]| {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = http.post(format!("{okta}{path}")).header("cookie", cookie.to_owned()).body(body);
        request.header("content-type", "application/x-www-form-urlencoded").send().await.unwrap()
    };
    let from = format!("/activate?user_code={code}");
    let form = [("username", "user@globex.test"), ("password", PASSWORD), ("fromURI", &from)];
    let signed_in = post("/login/sign-in", "", &form).await;
    let cookie = signed_in.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let allowed = post("/activate", &cookie, &[("user_code", code), ("action", "allow")]).await;
    assert!(allowed.text().await.unwrap().contains("Device activated"));
}

#[tokio::test]
async fn a_person_allows_a_code_in_the_browser() {
    let world = set_up().await;
    let okta = world.okta.url();
    let (run, seen) = world.run_with_terminal(&["get-cred", "--role-arn", READER], browser(okta)).await;
    credentials(&run.ok());
    assert!(seen.contains("and allow the code") && seen.contains('█'), "address, code and QR code: {seen}");
    // OPEN-2: neither another role nor new credentials need the person again.
    for role in [READER, crate::world::OPERATOR] {
        credentials(&world.run(&["get-cred", "--role-arn", role, "--no-cache"]).await.ok());
    }
    assert_eq!(world.okta_calls("deviceAuthorize"), 1);
}

/// OPEN-6: without a terminal nobody waits for an invisible person.
#[tokio::test]
async fn open_6_without_a_terminal_the_command_ends_at_once() {
    let world = set_up().await;
    let message = world.get_cred(READER).await.refused(10);
    assert!(message.contains("okta-dac aws refresh"), "{message}");
    assert_eq!(world.okta_calls("deviceAuthorize"), 0, "nothing was started");
}

#[tokio::test]
async fn a_wrong_address_is_said() {
    let world = set_up().await;
    let aws = world.aws.url();
    let arguments = ["init", "--no-verify", "--sso-url", &aws];
    world.run(&arguments).await.ok();
    let (run, _) = world.run_with_terminal(&["get-cred", "--role-arn", READER], |_| None).await;
    assert!(run.refused(3).contains("is no Okta org"));
}

/// A call of Okta's that fails once, in so many.
fn fault(operation: &str, status: u16) -> okta_emulator::Fault {
    let action = okta_emulator::Action { status: Some(status), ..Default::default() };
    let mut fault = okta_emulator::Fault::on_call(1, 1, action);
    fault.operation_id = Some(operation.to_owned());
    fault
}

/// A person signs in once, also where Okta fails right afterwards.
#[tokio::test]
async fn a_sign_in_outlives_a_failure_after_it() {
    let world = set_up().await;
    world.okta.order(fault("tokenSsoWithPost", 503));
    let arguments = ["get-cred", "--role-arn", READER];
    world.run_with_terminal(&arguments, browser(world.okta.url())).await.0.refused(8);
    credentials(&world.get_cred(READER).await.ok());
    assert_eq!(world.okta_calls("deviceAuthorize"), 1);
}

/// A kept token that Okta takes no more is one that a person replaces.
#[tokio::test]
async fn a_revoked_token_costs_one_sign_in() {
    let world = set_up().await;
    let arguments = ["get-cred", "--role-arn", READER, "--no-cache", "--max-stale", "99999"];
    credentials(&world.run_with_terminal(&arguments, browser(world.okta.url())).await.0.ok());
    let online = ["list", "--online"];
    world.okta.order(fault("listAppLinks", 401));
    let (run, _) = world.run_with_terminal(&online, browser(world.okta.url())).await;
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(world.okta_calls("deviceAuthorize"), 2);
}

/// Section 2.3: a key instead of a person.
#[tokio::test]
async fn a_machine_signs_with_its_key() {
    let world = World::start().await;
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let number = |bytes: &[u8]| base64::Engine::encode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, bytes);
    let public = pair.public_key_raw();
    let jwk = json!({ "kty": "EC", "crv": "P-256", "kid": "k1", "use": "sig", "alg": "ES256",
        "x": number(&public[1..33]), "y": number(&public[33..65]) });
    let okta = async |method: reqwest::Method, path: &str, body: Value| {
        let http = reqwest::Client::builder().build().unwrap();
        let token = "SSWS 00demoApiTokenOfTheOktaEmulatorIsNoSecret00";
        let request =
            http.request(method, format!("{}{path}", world.okta.url())).header("authorization", token);
        let answer = request.json(&body).send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{path}: {text}");
        serde_json::from_str::<Value>(&text).unwrap_or_default()
    };
    let app = json!({
        "name": "oidc_client", "label": "Deployments", "signOnMode": "OPENID_CONNECT",
        "credentials": { "oauthClient": { "token_endpoint_auth_method": "private_key_jwt" } },
        "settings": { "oauthClient": {
            "application_type": "service", "grant_types": ["client_credentials"], "response_types": ["token"],
            "jwks": { "keys": [jwk] },
        } },
    });
    let client = okta(reqwest::Method::POST, "/api/v1/apps", app).await["id"].as_str().unwrap().to_owned();
    let server = "/api/v1/authorizationServers/aus1dac0000000000001";
    okta(reqwest::Method::POST, &format!("{server}/scopes"), json!({ "name": "okta-m2m-access" })).await;
    let policy = json!({
        "type": "OAUTH_AUTHORIZATION_POLICY", "name": "Machines", "description": "Machines", "priority": 1,
        "status": "ACTIVE", "conditions": { "clients": { "include": [client] } },
    });
    let policy = okta(reqwest::Method::POST, &format!("{server}/policies"), policy).await;
    let rule = json!({
        "type": "RESOURCE_ACCESS", "name": "Machines", "priority": 1, "status": "ACTIVE",
        "conditions": {
            "people": { "users": { "include": [] }, "groups": { "include": ["EVERYONE"] } },
            "grantTypes": { "include": ["client_credentials"] }, "scopes": { "include": ["okta-m2m-access"] },
        },
        "actions": { "token": { "accessTokenLifetimeMinutes": 60 } },
    });
    let rules = format!("{server}/policies/{}/rules", policy["id"].as_str().unwrap());
    okta(reqwest::Method::POST, &rules, rule).await;
    let key = world.home().join("key.pem");
    std::fs::write(&key, pair.serialize_pem()).unwrap();
    let init = [
        "init",
        "--sso-url",
        &world.okta.url(),
        "--mode",
        "m2m",
        "--client-id",
        &client,
        "--authz-id",
        "aus1dac0000000000001",
        "--key-id",
        "k1",
        "--private-key-file",
        key.to_str().unwrap(),
        "--store",
        "file",
    ];
    world.run(&init).await.ok();
    world.run(&["status", "--check"]).await.ok();
    let deployer = "arn:aws:iam::123456789012:role/ci/Deployer";
    credentials(&world.run(&["get-cred", "--role-arn", deployer, "--duration", "7200"]).await.ok());
    let status: Value = serde_json::from_str(&world.run(&["status"]).await.ok()).unwrap();
    assert_eq!(status["credentials"][0]["role"], deployer, "the token names none; what was taken is known");
    let sessions = world.aws.snapshot()["sessions"].to_string();
    assert!(sessions.contains(&format!("assumed-role/Deployer/{client}")), "{sessions}");
    assert!(world.get_cred(READER).await.refused(7).contains("AWS does not let you"));
    std::fs::write(&key, rcgen::KeyPair::generate().unwrap().serialize_pem()).unwrap();
    let refused = world
        .run(&["get-cred", "--role-arn", deployer, "--no-cache", "--max-stale", "99999"])
        .await
        .refused(4);
    assert!(refused.contains("refuses the client"), "{refused}");
}
