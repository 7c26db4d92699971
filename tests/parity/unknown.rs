//! What no source says: here the emulator guesses, and a real org decides.

use serde_json::{Value, json};

use crate::org::{Org, at, merge, saml};
use crate::{Outcome, facts};

facts! {
    u_what_is_not_there_has_a_kind: "404 of a group says UserGroup, of an identity provider IdpAppInstance",
    u_groups_are_found_in_any_case: "q of listGroups ignores case",
    u_a_name_that_is_taken: "a taken name is 400 E0000001 of groups, providers, origins, hooks, servers, scopes, claims and rules",
    u_status_of_an_idp_is_read_only: "replaceIdentityProvider with another status keeps the status",
    u_status_of_a_rule_is_read_only: "replacePolicyRule with another status keeps the status",
    u_an_active_idp_with_a_rule_is_deleted: "an active provider that a rule points to is deleted, and the rule stays",
    u_a_saml_idp_needs_no_algorithms: "a SAML provider is made with algorithms {}",
    u_a_membership_repeats: "assigning a member twice, and taking one away twice, is 204",
    u_the_last_target_stays: "taking the last target of a role away is refused",
    u_a_grant_repeats: "granting a scope twice gives the same grant",
    u_wrong_old_passwords_count: "wrong old passwords at change_password lock the user out",
    u_an_expired_password_is_changed: "change_password turns PASSWORD_EXPIRED into ACTIVE",
    u_a_deactivated_user_keeps_the_login: "the login of a deactivated user is taken until the user is deleted",
    u_a_built_in_group_is_not_changed: "replaceGroup of Everyone is 403 E0000006",
    u_who_is_suspended_is_not_authenticated: "authn of a suspended user is 401 E0000004",
    u_a_system_claim_is_not_deleted: "deleting a claim that every server has is 403",
    u_a_hook_that_a_rule_uses_is_deleted: "an inactive hook is deleted though a rule uses it",
    u_a_group_is_sent_back_whole: "replaceGroup ignores everything beside the profile",
    u_a_deleted_user_is_no_member: "a deleted user is in no group any more",
    u_a_suffix_is_the_end_of_a_login: "a routing rule with the suffix x.test is for y@ax.test, too",
}

async fn u_what_is_not_there_has_a_kind(org: &mut Org) -> Outcome {
    for (path, id, kind) in
        [("groups", "00gparityabsent00000", "UserGroup"), ("idps", "0oaparityabsent00000", "IdpAppInstance")]
    {
        let summary = format!("Not found: Resource not found: {id} ({kind})");
        let expected = json!({ "errorCode": "E0000007", "errorSummary": summary });
        org.get(&format!("/api/v1/{path}/{id}")).await?.is(404, &expected)?;
    }
    Ok(())
}

async fn u_groups_are_found_in_any_case(org: &mut Org) -> Outcome {
    let group = org.group().await?;
    let name = at(&group, "/profile/name").to_uppercase();
    org.get(&format!("/api/v1/groups?q={name}"))
        .await?
        .is(200, &json!([{ "id": at(&group, "/id") }]))
        .map(drop)
}

async fn u_a_name_that_is_taken(org: &mut Org) -> Outcome {
    let (name, kid) = (org.name(), org.key().await?);
    let server = org.server(&json!({})).await?;
    let server = format!("/api/v1/authorizationServers/{}", at(&server, "/id"));
    let rules = format!("/api/v1/policies/{}/rules", org.policy("IDP_DISCOVERY").await?);
    let hook = json!({
        "name": name, "type": "com.okta.oauth2.tokens.transform", "version": "1.0.0",
        "channel": { "type": "HTTP", "version": "1.0.0", "config": { "uri": "https://hook.parity.test/", "method": "POST" } },
    });
    let claim = json!({
        "name": "parity", "claimType": "RESOURCE", "valueType": "EXPRESSION", "value": "user.login", "status": "ACTIVE",
        "conditions": { "scopes": [] }, "alwaysIncludeInToken": true,
    });
    let rule = json!({
        "name": name, "type": "IDP_DISCOVERY", "actions": { "idp": { "providers": [{ "type": "OKTA" }] } },
        "conditions": { "network": { "connection": "ANYWHERE" } },
    });
    for (path, body) in [
        ("/api/v1/groups".to_owned(), json!({ "profile": { "name": name } })),
        ("/api/v1/idps".to_owned(), saml(&name, &kid)),
        (
            "/api/v1/trustedOrigins".to_owned(),
            json!({ "name": name, "origin": format!("https://{name}.test"), "scopes": [{ "type": "CORS" }] }),
        ),
        ("/api/v1/inlineHooks".to_owned(), hook),
        ("/api/v1/authorizationServers".to_owned(), json!({ "name": name, "audiences": ["api://parity"] })),
        (format!("{server}/scopes"), json!({ "name": "parity" })),
        (format!("{server}/claims"), claim),
        (rules, rule),
    ] {
        org.make(&path, body.clone()).await?;
        org.post(&path, body).await?.refused(400, "E0000001")?;
    }
    Ok(())
}

async fn u_status_of_an_idp_is_read_only(org: &mut Org) -> Outcome {
    let idp = org.saml(&json!({})).await?;
    let mut body = saml(&at(&idp, "/name"), &at(&idp, "/protocol/credentials/trust/kid"));
    body["status"] = "INACTIVE".into();
    let path = format!("/api/v1/idps/{}", at(&idp, "/id"));
    org.put(&path, body).await?.is(200, &json!({ "status": "ACTIVE" })).map(drop)
}

async fn rule(org: &mut Org, provider: Value, patterns: Value) -> Result<(String, Value), String> {
    let (policy, name) = (org.policy("IDP_DISCOVERY").await?, org.name());
    let body = json!({
        "name": name, "type": "IDP_DISCOVERY", "priority": 1, "actions": { "idp": { "providers": [provider] } },
        "conditions": {
            "network": { "connection": "ANYWHERE" }, "userIdentifier": { "type": "IDENTIFIER", "patterns": patterns },
        },
    });
    let path = format!("/api/v1/policies/{policy}/rules");
    let rule = org.make(&path, body).await?;
    Ok((format!("{path}/{}", at(&rule, "/id")), rule))
}

async fn u_status_of_a_rule_is_read_only(org: &mut Org) -> Outcome {
    let pattern = json!([{ "matchType": "SUFFIX", "value": "parity.test" }]);
    let (path, mut rule) = rule(org, json!({ "type": "OKTA" }), pattern).await?;
    for read_only in ["_links", "created", "lastUpdated", "id", "system"] {
        rule.as_object_mut().unwrap().remove(read_only);
    }
    rule["status"] = "INACTIVE".into();
    org.put(&path, rule).await?.is(200, &json!({ "status": "ACTIVE" })).map(drop)
}

async fn u_an_active_idp_with_a_rule_is_deleted(org: &mut Org) -> Outcome {
    let idp = org.saml(&json!({})).await?;
    let provider = json!({ "type": "SAML2", "id": at(&idp, "/id") });
    let (path, _) = rule(org, provider, json!([{ "matchType": "SUFFIX", "value": "parity.test" }])).await?;
    org.delete(&format!("/api/v1/idps/{}", at(&idp, "/id"))).await?.is(204, &Value::Null)?;
    org.get(&path).await?.is(200, &json!({ "status": "ACTIVE" })).map(drop)
}

async fn u_a_saml_idp_needs_no_algorithms(org: &mut Org) -> Outcome {
    let kid = org.key().await?;
    let mut body = saml(&org.name(), &kid);
    body["protocol"]["algorithms"] = json!({});
    org.make("/api/v1/idps", body).await.map(drop)
}

async fn u_a_membership_repeats(org: &mut Org) -> Outcome {
    let (group, user) = (org.group().await?, org.user("", &json!({})).await?);
    let path = format!("/api/v1/groups/{}/users/{}", at(&group, "/id"), at(&user, "/id"));
    for method in ["PUT", "PUT", "DELETE", "DELETE"] {
        org.call(method, &path, None).await?.is(204, &Value::Null)?;
    }
    Ok(())
}

async fn u_the_last_target_stays(org: &mut Org) -> Outcome {
    let (group, target) = (org.group().await?, org.group().await?);
    let roles = format!("/api/v1/groups/{}/roles", at(&group, "/id"));
    org.post(&roles, json!({ "type": "USER_ADMIN" })).await?;
    let role = at(&org.get(&roles).await?.is(200, &json!([{ "id": "*" }]))?, "/0/id");
    let path = format!("{roles}/{role}/targets/groups/{}", at(&target, "/id"));
    org.put(&path, json!({})).await?.is(204, &Value::Null)?;
    let refused = org.delete(&path).await?.is(400, &json!({ "errorCode": "*" })).map(drop);
    // With its role the target is free again.
    org.delete(&format!("{roles}/{role}")).await?.is(204, &Value::Null)?;
    refused
}

async fn u_a_grant_repeats(org: &mut Org) -> Outcome {
    let app = org
        .app(&json!({
            "name": "oidc_client", "signOnMode": "OPENID_CONNECT",
            "credentials": { "oauthClient": { "token_endpoint_auth_method": "client_secret_basic" } },
            "settings": { "oauthClient": {
                "application_type": "service", "grant_types": ["client_credentials"], "response_types": ["token"],
            } },
        }))
        .await?;
    let path = format!("/api/v1/apps/{}/grants", at(&app, "/id"));
    let body = json!({ "scopeId": "okta.groups.read", "issuer": org.url() });
    let first = org.post(&path, body.clone()).await?.is(201, &json!({ "id": "*" }))?;
    org.post(&path, body).await?.is(201, &json!({ "id": at(&first, "/id") })).map(drop)
}

const PASSWORD: &str = "Zebra-Quilt-1947";

async fn person(org: &mut Org) -> Result<(String, String), String> {
    let user = org.user("", &json!({ "credentials": { "password": { "value": PASSWORD } } })).await?;
    Ok((format!("/api/v1/users/{}", at(&user, "/id")), at(&user, "/profile/login")))
}

fn change(old: &str) -> Value {
    json!({ "oldPassword": { "value": old }, "newPassword": { "value": "Zebra-Quilt-1948" } })
}

async fn u_wrong_old_passwords_count(org: &mut Org) -> Outcome {
    let (path, _) = person(org).await?;
    // As many as the default policy allows.
    for _ in 0..10 {
        org.post(&format!("{path}/credentials/change_password"), change("wrong"))
            .await?
            .is(403, &json!({}))?;
    }
    org.get(&path).await?.is(200, &json!({ "status": "LOCKED_OUT" })).map(drop)
}

async fn u_an_expired_password_is_changed(org: &mut Org) -> Outcome {
    let (path, _) = person(org).await?;
    org.post(&format!("{path}/lifecycle/expire_password"), json!({}))
        .await?
        .is(200, &json!({ "status": "PASSWORD_EXPIRED" }))?;
    org.post(&format!("{path}/credentials/change_password"), change(PASSWORD)).await?.is(200, &json!({}))?;
    org.get(&path).await?.is(200, &json!({ "status": "ACTIVE" })).map(drop)
}

async fn u_a_deactivated_user_keeps_the_login(org: &mut Org) -> Outcome {
    let (path, login) = person(org).await?;
    org.post(&format!("{path}/lifecycle/deactivate"), json!({})).await?.is(200, &json!({}))?;
    let again = json!({ "profile": { "login": login, "email": login, "firstName": "A", "lastName": "B" } });
    org.post("/api/v1/users", again).await?.refused(400, "E0000001").map(drop)
}

async fn u_a_built_in_group_is_not_changed(org: &mut Org) -> Outcome {
    let found = org.get("/api/v1/groups?q=Everyone").await?.is(200, &json!("*"))?;
    let everyone = found.as_array().into_iter().flatten().find(|group| group["type"] == "BUILT_IN");
    let id = at(everyone.ok_or("there is no group Everyone")?, "/id");
    let profile = json!({ "profile": { "name": "Everyone", "description": "" } });
    org.put(&format!("/api/v1/groups/{id}"), profile).await?.refused(403, "E0000006").map(drop)
}

async fn u_who_is_suspended_is_not_authenticated(org: &mut Org) -> Outcome {
    let (path, login) = person(org).await?;
    org.post(&format!("{path}/lifecycle/suspend"), json!({})).await?.is(200, &json!({}))?;
    org.post("/api/v1/authn", json!({ "username": login, "password": PASSWORD }))
        .await?
        .refused(401, "E0000004")
        .map(drop)
}

async fn u_a_system_claim_is_not_deleted(org: &mut Org) -> Outcome {
    let server = org.server(&json!({})).await?;
    let path = format!("/api/v1/authorizationServers/{}/claims", at(&server, "/id"));
    let claims = org.get(&path).await?.is(200, &json!("*"))?;
    org.delete(&format!("{path}/{}", at(&claims, "/0/id"))).await?.refused(403, "E0000006").map(drop)
}

async fn u_a_hook_that_a_rule_uses_is_deleted(org: &mut Org) -> Outcome {
    let server = org.server(&json!({})).await?;
    let hook = json!({
        "name": org.name(), "type": "com.okta.oauth2.tokens.transform", "version": "1.0.0",
        "channel": { "type": "HTTP", "version": "1.0.0", "config": { "uri": "https://hook.parity.test/", "method": "POST" } },
    });
    let hook = org.make("/api/v1/inlineHooks", hook).await?;
    let mut policy = json!({ "name": org.name(), "description": "parity", "priority": 1, "type": "OAUTH_AUTHORIZATION_POLICY" });
    merge(&mut policy, &json!({ "conditions": { "clients": { "include": ["ALL_CLIENTS"] } } }));
    let policies = format!("/api/v1/authorizationServers/{}/policies", at(&server, "/id"));
    let policy = org.post(&policies, policy).await?.is(201, &json!({ "id": "*" }))?;
    let rule = json!({
        "name": org.name(), "type": "RESOURCE_ACCESS", "priority": 1,
        "conditions": {
            "grantTypes": { "include": ["client_credentials"] }, "scopes": { "include": ["*"] },
            "people": { "users": { "include": [], "exclude": [] }, "groups": { "include": [], "exclude": [] } },
        },
        "actions": { "token": { "accessTokenLifetimeMinutes": 60, "inlineHook": { "id": at(&hook, "/id") } } },
    });
    org.post(&format!("{policies}/{}/rules", at(&policy, "/id")), rule).await?.is(201, &json!({}))?;
    let own = format!("/api/v1/inlineHooks/{}", at(&hook, "/id"));
    org.post(&format!("{own}/lifecycle/deactivate"), json!({})).await?.is(200, &json!({}))?;
    org.delete(&own).await?.is(204, &Value::Null).map(drop)
}

async fn u_a_group_is_sent_back_whole(org: &mut Org) -> Outcome {
    let mut group = org.group().await?;
    group["type"] = "BUILT_IN".into();
    let path = format!("/api/v1/groups/{}", at(&group, "/id"));
    org.put(&path, group).await?.is(200, &json!({ "type": "OKTA_GROUP" })).map(drop)
}

async fn u_a_deleted_user_is_no_member(org: &mut Org) -> Outcome {
    let (group, user) = (org.group().await?, org.user("", &json!({})).await?);
    let members = format!("/api/v1/groups/{}/users", at(&group, "/id"));
    org.put(&format!("{members}/{}", at(&user, "/id")), json!({})).await?.is(204, &Value::Null)?;
    for _ in 0..2 {
        org.delete(&format!("/api/v1/users/{}", at(&user, "/id"))).await?.is(204, &Value::Null)?;
    }
    org.get(&members).await?.is(200, &json!([])).map(drop)
}

async fn u_a_suffix_is_the_end_of_a_login(org: &mut Org) -> Outcome {
    let idp = org.saml(&json!({})).await?;
    let domain = format!("{}.test", org.name());
    let provider = json!({ "type": "SAML2", "id": at(&idp, "/id") });
    rule(org, provider, json!([{ "matchType": "SUFFIX", "value": domain }])).await?;
    let answer = org.get(&format!("/.well-known/webfinger?resource=okta:acct:y@a{domain}")).await?;
    let expected = json!({ "links": [{ "properties": { "okta:idp:id": at(&idp, "/id") } }] });
    answer.is(200, &expected).map(drop)
}
