//! Users who choose a password by a link: after an invitation, or because they forgot theirs.

use std::time::Duration;

use serde_json::{Value, json};

use crate::Org;

impl Org {
    /// A call of somebody who is not signed in.
    async fn anybody(&self, path: &str, body: Value) -> crate::Answer {
        self.send("POST", path, "", Some(body)).await
    }

    async fn mails(&self) -> Vec<Value> {
        self.get("/_emulator/mail").await.ok().as_array().unwrap().clone()
    }

    async fn signs_in(&self, login: &str, password: &str) -> bool {
        let body = json!({ "username": login, "password": password });
        self.anybody("/api/v1/authn", body).await.1["status"] == "SUCCESS"
    }
}

#[tokio::test]
async fn e5_an_invited_user_signs_in() {
    let org = Org::start().await;
    let login = "invited@demo.test";
    let profile = json!({ "login": login, "email": login, "firstName": "In", "lastName": "Vited" });
    let user = org.post("/api/v1/users?activate=true", json!({ "profile": profile })).await.ok();
    let id = user["id"].as_str().unwrap();
    let link = user["_links"]["reactivate"]["href"].as_str().unwrap();
    assert!(link.ends_with("/lifecycle/reactivate"), "{user}");
    let mail = org.mails().await.remove(0);
    assert_eq!((&mail["to"], &mail["purpose"]), (&json!(login), &json!("activation")));
    // Another link makes the first one void.
    let again = org.post(&format!("/api/v1/users/{id}/lifecycle/reactivate"), json!({})).await.ok();
    org.anybody("/api/v1/authn", json!({ "token": mail["token"] })).await.refused(401, "E0000011");
    let token = again["activationToken"].as_str().unwrap();
    let begun = org.anybody("/api/v1/authn", json!({ "token": token })).await.ok();
    assert_eq!(begun["status"], "PASSWORD_RESET", "{begun}");
    let choose = |new: &str| json!({ "stateToken": begun["stateToken"], "newPassword": new });
    let path = "/api/v1/authn/credentials/reset_password";
    org.anybody(path, choose("short")).await.refused(403, "E0000014");
    assert_eq!(org.anybody(path, choose("Chosen-Passw0rd")).await.ok()["status"], "SUCCESS");
    assert!(org.signs_in(login, "Chosen-Passw0rd").await);
    // A link works once, and a user who is active gets no other.
    org.anybody("/api/v1/authn", json!({ "token": token })).await.refused(401, "E0000011");
    let active = org.post(&format!("/api/v1/users/{id}/lifecycle/reactivate"), json!({})).await;
    active.refused(403, "E0000038");
}

#[tokio::test]
async fn e5_the_page_of_an_invitation() {
    let org = Org::start().await;
    let profile =
        json!({ "login": "page@demo.test", "email": "page@demo.test", "firstName": "P", "lastName": "G" });
    org.post("/api/v1/users?activate=true", json!({ "profile": profile })).await.ok();
    let mail = org.mails().await.remove(0);
    let page = org.http.get(mail["url"].as_str().unwrap()).send().await.unwrap();
    assert!(page.text().await.unwrap().contains("Choose your password"));
    let submit = |token: &str| {
        let form = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("token", token), ("password", "Chosen-Passw0rd")])
            .finish();
        let request = org.http.post(format!("{}/login/choose-password", org.emulator.url())).body(form);
        request.header("content-type", "application/x-www-form-urlencoded").send()
    };
    let done = submit(mail["token"].as_str().unwrap()).await.unwrap();
    let cookie = done.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let home =
        org.http.get(format!("{}/", org.emulator.url())).header("cookie", cookie).send().await.unwrap();
    assert!(home.text().await.unwrap().contains("page@demo.test"), "E9");
    let again = submit(mail["token"].as_str().unwrap()).await.unwrap();
    assert!(!again.headers().contains_key("set-cookie"));
    for picture in ["/img/logos/default.png", "/favicon.ico"] {
        let picture = org.http.get(format!("{}{picture}", org.emulator.url())).send().await.unwrap();
        assert_eq!(picture.headers()["content-type"], "image/svg+xml", "E6");
    }
}

#[tokio::test]
async fn e7_who_forgot_the_password_chooses_another() {
    let org = Org::start().await;
    let login = "superuser@demo.test";
    let forgot = |name: &str| json!({ "username": name, "factorType": "EMAIL" });
    let path = "/api/v1/authn/recovery/password";
    let (known, unknown) = (
        org.anybody(path, forgot(login)).await.ok(),
        org.anybody(path, forgot("nobody@demo.test")).await.ok(),
    );
    // Nobody learns who exists.
    assert_eq!((&known["status"], &known), (&json!("RECOVERY_CHALLENGE"), &unknown));
    let mails = org.mails().await;
    assert_eq!((mails.len(), &mails[0]["purpose"]), (1, &json!("recovery")), "{mails:?}");
    let token = json!({ "recoveryToken": mails[0]["token"] });
    let begun = org.anybody("/api/v1/authn/recovery/token", token.clone()).await.ok();
    let chosen = json!({ "stateToken": begun["stateToken"], "newPassword": "Another-Passw0rd" });
    org.anybody("/api/v1/authn/credentials/reset_password", chosen).await.ok();
    assert!(org.signs_in(login, "Another-Passw0rd").await && !org.signs_in(login, "Demo-Passw0rd").await);
    // A link brings nobody back who was suspended since.
    org.anybody(path, forgot("user@globex.test")).await.ok();
    let token = json!({ "recoveryToken": org.mails().await[1]["token"] });
    let begun = org.anybody("/api/v1/authn/recovery/token", token).await.ok();
    org.post("/api/v1/users/user@globex.test/lifecycle/suspend", json!({})).await.ok();
    let chosen = json!({ "stateToken": begun["stateToken"], "newPassword": "Another-Passw0rd" });
    let refused = org.anybody("/api/v1/authn/credentials/reset_password", chosen).await;
    assert!(refused.0 >= 400, "{}", refused.1);
    let user = org.get("/api/v1/users/user@globex.test").await.ok();
    assert_eq!(user["status"], "SUSPENDED");
    // A link that is too old.
    org.anybody(path, forgot(login)).await.ok();
    let late = Duration::from_secs(3_700);
    org.emulator.configure(|settings| settings.clock_offset_ms += late.as_millis() as i64);
    let token = json!({ "recoveryToken": org.mails().await[2]["token"] });
    org.anybody("/api/v1/authn/recovery/token", token).await.refused(401, "E0000011");
}

#[tokio::test]
async fn e10_a_token_of_the_org_for_the_proxy() {
    let org = Org::start().await;
    let asked = json!({ "login": "superuser@demo.test", "server": "org" });
    let token = org.post("/_emulator/token", asked).await.ok();
    let bearer = format!("Bearer {}", token["access_token"].as_str().unwrap());
    let users = org.send("GET", "/api/v1/users?limit=1", &bearer, None).await.ok();
    assert_eq!(users.as_array().unwrap().len(), 1);
    let other = json!({ "login": "superuser@demo.test", "server": "other" });
    assert_eq!(org.post("/_emulator/token", other).await.0, 400);
}
