//! What integrations of other tools are made of: tokens, secrets, custom roles.

use serde_json::json;

use crate::Org;

impl Org {
    fn user(&self, login: &str) -> String {
        let users = self.emulator.snapshot()["users"].clone();
        let found =
            users.as_object().unwrap().values().find(|user| user["profile"]["login"] == login).cloned();
        found.unwrap()["id"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn an_api_token_ends_itself() {
    let org = Org::start().await;
    let token = format!("SSWS {}", org.emulator.api_token("superuser@demo.test").unwrap());
    let me = org.send("GET", "/api/v1/users/me", &token, None).await.ok();
    let all = org.get("/api/v1/api-tokens").await.ok();
    let own = all.as_array().unwrap().iter().find(|token| token["userId"] == me["id"]).unwrap();
    assert_eq!((own["tokenWindow"].as_str(), all.as_array().unwrap().len()), (Some("P30D"), 2));
    org.get(&format!("/api/v1/api-tokens/{}", own["id"].as_str().unwrap())).await.ok();
    assert_eq!(org.send("DELETE", "/api/v1/api-tokens/current", &token, None).await.0, 204);
    org.send("GET", "/api/v1/users/me", &token, None).await.refused(401, "E0000011");
    // One that nobody uses is dead after 30 days.
    let unused = format!("SSWS {}", org.emulator.api_token("superuser@demo.test").unwrap());
    org.emulator.configure(|settings| settings.clock_offset_ms = 31 * 86_400_000);
    org.send("GET", "/api/v1/users/me", &unused, None).await.refused(401, "E0000011");
}

#[tokio::test]
async fn an_integration_has_two_secrets_at_most() {
    let org = Org::start().await;
    let path = "/integrations/api/v1/api-services";
    let body = json!({ "type": "a_tool", "grantedScopes": ["okta.users.read", "okta.groups.read"] });
    let made = org.post(path, body).await.ok();
    let (id, secret) = (made["id"].as_str().unwrap(), made["clientSecret"].as_str().unwrap().to_owned());
    let listed = org.get(path).await.ok();
    let own = listed.as_array().unwrap().iter().find(|of| of["id"] == *id).unwrap();
    assert!(own.get("clientSecret").is_none() && own["grantedScopes"].as_array().unwrap().len() == 2);
    let token = async |secret: &str| {
        let form = "grant_type=client_credentials&scope=okta.users.read";
        let request = org.http.post(format!("{}/oauth2/v1/token", org.emulator.url()));
        let request = request.basic_auth(id, Some(secret)).body(form);
        org.answer(request.header("content-type", "application/x-www-form-urlencoded")).await
    };
    token(&secret).await.ok();
    let secrets = format!("{path}/{id}/credentials/secrets");
    let first = org.get(&secrets).await.ok()[0]["id"].as_str().unwrap().to_owned();
    let second = org.post(&secrets, json!({})).await.ok()["client_secret"].as_str().unwrap().to_owned();
    org.post(&secrets, json!({})).await.refused(400, "E0000001");
    org.delete(&format!("{secrets}/{first}")).await.refused(400, "E0000001");
    token(&secret).await.ok();
    org.post(&format!("{secrets}/{first}/lifecycle/deactivate"), json!({})).await.ok();
    assert_eq!(token(&secret).await.1["error"], "invalid_client");
    token(&second).await.ok();
    assert_eq!(org.delete(&format!("{secrets}/{first}")).await.0, 204);
    assert_eq!(org.delete(&format!("{path}/{id}")).await.0, 204);
    assert_eq!(token(&second).await.1["error"], "invalid_client");
    org.get(&format!("/api/v1/apps/{id}")).await.refused(404, "E0000007");
}

/// Permission and resource must both allow a call.
#[tokio::test]
async fn a_custom_role_allows_what_it_says_on_its_resources() {
    let org = Org::start().await;
    let url = org.emulator.url();
    let members = format!("{url}/api/v1/groups/{}/users", org.group("USERS_acme"));
    let role = json!({ "label": "Suspender", "description": "d",
        "permissions": ["okta.users.read", "okta.users.lifecycle.suspend", "okta.iam.read"] });
    let unknown = json!({ "label": "x", "description": "d", "permissions": ["okta.users.fly"] });
    org.post("/api/v1/iam/roles", unknown).await.refused(400, "E0000001");
    let made = org.post("/api/v1/iam/roles", role.clone()).await.ok();
    org.post("/api/v1/iam/roles", role).await.refused(400, "E0000001");
    let permissions = org.get("/api/v1/iam/roles/Suspender/permissions").await.ok();
    assert_eq!(permissions["permissions"].as_array().unwrap().len(), 3);
    let set = json!({ "label": "Members", "description": "d", "resources": [members] });
    let set = org.post("/api/v1/iam/resource-sets", set).await.ok();
    let group = org.post("/api/v1/groups", json!({ "profile": { "name": "Suspenders" } })).await.ok();
    let group = group["id"].as_str().unwrap();
    let admin = org.user("user@globex.test");
    org.put(&format!("/api/v1/groups/{group}/users/{admin}"), json!({})).await.ok();
    let assigned = json!({ "type": "CUSTOM", "role": made["id"], "resource-set": set["id"] });
    let assigned = org.post(&format!("/api/v1/groups/{group}/roles"), assigned).await.ok();
    assert_eq!((&assigned["label"], &assigned["role"]), (&json!("Suspender"), &made["id"]));
    let token = format!("SSWS {}", org.emulator.api_token("user@globex.test").unwrap());
    let send = async |method: &str, path: String| org.send(method, &path, &token, None).await;
    let (acme, globex) = (org.user("user@acme.test"), org.user("admin@globex.test"));
    let suspend = |user: &str| format!("/api/v1/users/{user}/lifecycle/suspend");
    send("POST", suspend(&acme)).await.ok();
    send("POST", suspend(&globex)).await.refused(403, "E0000006");
    send("POST", format!("/api/v1/users/{acme}/lifecycle/unsuspend")).await.refused(403, "E0000006");
    send("DELETE", format!("/api/v1/users/{acme}/sessions")).await.refused(403, "E0000006");
    send("GET", "/api/v1/groups".to_owned()).await.refused(403, "E0000006");
    let seen = send("GET", "/api/v1/users?limit=200".to_owned()).await.ok();
    let seen = seen.as_array().unwrap();
    assert!(seen.iter().any(|user| user["id"] == *acme) && !seen.iter().any(|user| user["id"] == *globex));
    let assignees = send("GET", "/api/v1/iam/assignees/users".to_owned()).await.ok();
    assert!(assignees["value"].as_array().unwrap().iter().any(|user| user["id"] == *admin));
    // What somebody has is not deleted.
    let own = format!("/api/v1/iam/roles/{}", made["id"].as_str().unwrap());
    org.delete(&own).await.refused(409, "E0000170");
    let set = format!("/api/v1/iam/resource-sets/{}", set["id"].as_str().unwrap());
    assert_eq!(org.get(&format!("{set}/bindings")).await.ok()["roles"][0]["id"], made["id"]);
    org.delete(&set).await.refused(409, "E0000170");
    org.delete(&format!("/api/v1/groups/{group}")).await.ok();
    assert_eq!((org.delete(&own).await.0, org.delete(&set).await.0), (204, 204));
}

#[tokio::test]
async fn sessions_factors_and_consents_end() {
    let org = Org::start().await;
    let user = org.user("user@acme.test");
    let admin = org.user("admin@acme.test");
    let cookie = org.sign_in("admin@acme.test").await;
    let session = async || {
        let request = org.http.get(format!("{}/api/v1/sessions/me", org.emulator.url()));
        org.answer(request.header("cookie", &cookie)).await.0
    };
    assert_eq!(session().await, 200);
    assert_eq!(org.delete(&format!("/api/v1/users/{admin}/sessions?oauthTokens=true")).await.0, 204);
    assert_eq!(session().await, 404);
    let factors = format!("/api/v1/users/{user}/factors");
    assert!(!org.get(&factors).await.ok().as_array().unwrap().is_empty());
    org.post(&format!("/api/v1/users/{user}/lifecycle/reset_factors"), json!({})).await.ok();
    assert!(org.get(&factors).await.ok().as_array().unwrap().is_empty());
    assert_eq!(org.delete(&format!("/api/v1/users/{user}/grants")).await.0, 204);
}

/// Of a hook with OAuth, what it signs in with is written and never shown.
#[tokio::test]
async fn a_hooks_client_secret_is_never_shown() {
    let org = Org::start().await;
    let body = json!({
        "name": "with OAuth", "type": "com.okta.oauth2.tokens.transform", "version": "1.0.0",
        "channel": { "type": "OAUTH", "version": "1.0.0", "config": {
            "uri": "https://hook.test", "method": "POST", "clientId": "0oa1", "clientSecret": "not-to-be-shown",
        } },
    });
    let made = org.post("/api/v1/inlineHooks", body).await.ok();
    let own = org.get(&format!("/api/v1/inlineHooks/{}", made["id"].as_str().unwrap())).await.ok();
    let listed = org.get("/api/v1/inlineHooks").await.ok();
    for shown in [made, own, listed] {
        assert!(!shown.to_string().contains("not-to-be-shown"), "{shown}");
    }
}

/// `q` of IdPs is found inside the name; an authorization server goes while it is active.
#[tokio::test]
async fn as_recorded_answers_are() {
    let org = Org::start().await;
    let names = |found: &serde_json::Value| found.as_array().unwrap().len();
    for (q, found) in [("DAC_", 2), ("lobe", 1), ("ACME", 1), ("nobody", 0)] {
        assert_eq!(names(&org.get(&format!("/api/v1/idps?q={q}")).await.ok()), found, "{q}");
    }
    let server = json!({ "name": "temporary", "audiences": ["api://temporary"] });
    let made = org.post("/api/v1/authorizationServers", server).await.ok();
    let path = format!("/api/v1/authorizationServers/{}", made["id"].as_str().unwrap());
    assert_eq!((made["status"].as_str(), org.delete(&path).await.0), (Some("ACTIVE"), 204));
    org.get(&path).await.refused(404, "E0000007");
}
