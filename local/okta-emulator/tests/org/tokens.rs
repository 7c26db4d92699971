//! Tokens, and the hook that is asked about them.

use super::*;

const SERVER: &str = "/oauth2/aus1dac0000000000001";

/// A hook that gives the same answer each time, and keeps what it was sent.
async fn hook(answer: Value) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let received = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&received);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (mut text, mut buffer) = (String::new(), [0; 16_384]);
            loop {
                let read = stream.read(&mut buffer).await.unwrap();
                text += &String::from_utf8_lossy(&buffer[..read]);
                let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
                if body.len() >= length.parse().unwrap() {
                    break;
                }
            }
            kept.lock().unwrap().push(text);
            let body = answer.to_string();
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n";
            let text = format!("{head}content-length: {}\r\n\r\n{body}", body.len());
            stream.write_all(text.as_bytes()).await.unwrap();
        }
    });
    (url, received)
}

async fn bind_hook(org: &Org, uri: &str) {
    let made = org
        .post(
            "/api/v1/inlineHooks",
            json!({
                "name": "tokens", "type": "com.okta.oauth2.tokens.transform", "version": "1.0.0",
                "channel": { "type": "HTTP", "version": "1.0.0", "config": {
                    "uri": uri, "method": "POST",
                    "authScheme": { "type": "HEADER", "key": "Authorization", "value": "hook-secret" },
                } },
            }),
        )
        .await
        .ok();
    assert!(!made.to_string().contains("hook-secret"), "the secret is never given back");
    let path = "/api/v1/authorizationServers/aus1dac0000000000001/policies";
    let policy = org.get(path).await.ok()[0]["id"].as_str().unwrap().to_owned();
    let rules = format!("{path}/{policy}/rules");
    let mut rule = org.get(&rules).await.ok()[0].clone();
    rule["actions"]["token"]["inlineHook"] = json!({ "id": made["id"] });
    org.put(&format!("{rules}/{}", rule["id"].as_str().unwrap()), rule.clone()).await.ok();
}

fn add(claim: &str, value: &str) -> Value {
    json!({ "commands": [{ "type": "com.okta.access.patch", "value": [
        { "op": "add", "path": format!("/claims/{claim}"), "value": value },
    ] }] })
}

#[tokio::test]
async fn a_token_hook_fires_at_authorize_and_at_refresh() {
    let org = Org::start().await;
    let (url, received) = hook(add("on_behalf", "boss@acme.test")).await;
    bind_hook(&org, &url).await;
    let tokens =
        org.tokens(SERVER, "admin@acme.test", "openid dac.admin offline_access", "&extra=1").await.unwrap();
    let access = claims(&tokens["access_token"]);
    assert_eq!((&access["on_behalf"], &access["sub"]), (&json!("boss@acme.test"), &json!("admin@acme.test")));
    assert_eq!(access["groups"], json!(["ADMINS_acme"]));
    assert_eq!(claims(&tokens["id_token"])["nonce"], "the-nonce");

    let requests: Vec<String> = std::mem::take(&mut *received.lock().unwrap());
    assert_eq!(requests.len(), 1, "once, when the code is issued");
    assert!(requests[0].contains("authorization: hook-secret\r\n"), "verbatim, no scheme");
    let payload: Value = serde_json::from_str(requests[0].split_once("\r\n\r\n").unwrap().1).unwrap();
    assert!(payload["source"].as_str().unwrap().ends_with("/authorize"));
    let context = &payload["data"]["context"];
    assert_eq!(context["protocol"]["request"]["state"], "the-state");
    assert!(context["request"]["url"]["value"].as_str().unwrap().contains("extra=1"));
    assert_eq!(context["session"]["login"], "admin@acme.test");
    assert_eq!(payload["data"]["access"]["claims"]["uid"], access["uid"]);

    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", "0oa1dacapp0000000001"),
        ("refresh_token", tokens["refresh_token"].as_str().unwrap()),
    ];
    let refreshed = org.form(&format!("{SERVER}/v1/token"), "", &form).await.ok();
    assert_eq!(claims(&refreshed["access_token"])["on_behalf"], "boss@acme.test");
    let requests = received.lock().unwrap().clone();
    let payload: Value = serde_json::from_str(requests[0].split_once("\r\n\r\n").unwrap().1).unwrap();
    let context = &payload["data"]["context"];
    assert!(payload["source"].as_str().unwrap().ends_with("/token"));
    assert!(context.get("session").is_none() && context["protocol"]["request"].get("state").is_none());
    assert_eq!(context["protocol"]["originalGrant"]["authorization"]["state"], "the-state");
}

#[tokio::test]
async fn a_hook_can_refuse_a_token_and_a_broken_one_changes_nothing() {
    let org = Org::start().await;
    let (url, _) = hook(json!({ "error": { "errorSummary": "no delegation" } })).await;
    bind_hook(&org, &url).await;
    let refused = org.tokens(SERVER, "admin@acme.test", "openid dac.admin", "").await.unwrap_err();
    assert_eq!(refused, "server_error no delegation");

    let org = Org::start().await;
    let (url, _) = hook(add("groups", "SUPERUSERS")).await;
    bind_hook(&org, &url).await;
    let tokens = org.tokens(SERVER, "admin@acme.test", "openid dac.admin", "").await.unwrap();
    assert_eq!(claims(&tokens["access_token"])["groups"], json!(["ADMINS_acme"]), "reserved");
    let log = org.get("/api/v1/logs?filter=eventType%20eq%20%22inline_hook.response.processed%22").await.ok();
    assert!(log[0]["outcome"]["reason"].as_str().unwrap().contains("groups"), "{log}");
}

#[tokio::test]
async fn claims_scopes_and_policies_decide_about_tokens() {
    let org = Org::start().await;
    let unknown = org.tokens(SERVER, "admin@acme.test", "openid nothing", "").await.unwrap_err();
    assert!(unknown.contains("One or more scopes are not configured"), "{unknown}");
    // No claim without its scope.
    let tokens = org.tokens(SERVER, "admin@acme.test", "openid", "").await.unwrap();
    assert!(claims(&tokens["access_token"]).get("tenants").is_none());
    // An admin of two tenants has both: the attribute is combined across groups.
    let admin = org.get("/api/v1/users/admin@acme.test").await.ok()["id"].as_str().unwrap().to_owned();
    let second = format!("/api/v1/groups/{}/users/{admin}", org.group("ADMINS_globex"));
    assert_eq!(org.send("PUT", &second, &org.token, None).await.0, 204);
    let tokens = org.tokens(SERVER, "admin@acme.test", "openid dac.admin", "").await.unwrap();
    assert_eq!(claims(&tokens["access_token"])["tenants"].as_array().unwrap().len(), 2);
    // More than a hundred groups fail the request.
    for n in 0..100 {
        let group =
            org.post("/api/v1/groups", json!({ "profile": { "name": format!("ADMINS_{n}") } })).await.ok();
        let path = format!("/api/v1/groups/{}/users/{admin}", group["id"].as_str().unwrap());
        assert_eq!(org.send("PUT", &path, &org.token, None).await.0, 204);
    }
    let many = org.tokens(SERVER, "admin@acme.test", "openid dac.admin", "").await.unwrap_err();
    assert!(many.contains("more than 100 groups"), "{many}");
    // Without a policy nobody gets a token.
    let path = "/api/v1/authorizationServers/aus1dac0000000000001/policies";
    let policy = org.get(path).await.ok()[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(org.delete(&format!("{path}/{policy}")).await.0, 204);
    let none = org.tokens(SERVER, "user@globex.test", "openid", "").await.unwrap_err();
    assert!(none.starts_with("access_denied Policy evaluation failed"), "{none}");
}

#[tokio::test]
async fn codes_and_tokens_end() {
    let org = Org::start().await;
    let tokens = org.tokens(SERVER, "user@globex.test", "openid offline_access", "").await.unwrap();
    let client = ("client_id", "0oa1dacapp0000000001");
    let access = tokens["access_token"].as_str().unwrap();
    let active = async |token: &str| {
        let answer = org.form(&format!("{SERVER}/v1/introspect"), "", &[client, ("token", token)]).await.ok();
        answer["active"].as_bool().unwrap()
    };
    assert!(active(access).await);
    let refresh = tokens["refresh_token"].as_str().unwrap();
    assert!(active(refresh).await);
    for token in [access, refresh, "unknown"] {
        let answer = org.form(&format!("{SERVER}/v1/revoke"), "", &[client, ("token", token)]).await;
        assert_eq!(answer.0, 200);
        assert!(!active(token).await);
    }
    // A suspended user's refresh token is gone, and so is the session.
    let tokens = org.tokens(SERVER, "user@globex.test", "openid offline_access", "").await.unwrap();
    org.post("/api/v1/users/user@globex.test/lifecycle/suspend", json!({})).await.ok();
    let form = [
        ("grant_type", "refresh_token"),
        client,
        ("refresh_token", tokens["refresh_token"].as_str().unwrap()),
    ];
    let answer = org.form(&format!("{SERVER}/v1/token"), "", &form).await;
    assert_eq!((answer.0, &answer.1["error"]), (400, &json!("invalid_grant")));
}
