//! Users: links by state, lists, profiles, tags.

use serde_json::{Value, json};

use crate::org::{Org, at, members};
use crate::{Outcome, facts};

facts! {
    r12_links_of_a_user_say_what_may_be_done: "the links of a user are those of the user's state",
    r13_users_of_a_list_link_to_themselves_alone: "users of listUsers and listGroupUsers have the link self alone",
    r14_a_null_is_not_returned: "a null attribute is not returned, but for mobilePhone and secondEmail",
    r15_a_staged_user_with_a_password_has_a_change: "a staged user with a password has statusChanged",
    r15_a_hashed_password_is_an_import: "a hashed password gives the provider IMPORT",
    r15_only_a_read_user_has_a_tag: "createUser and replaceUser send no ETag, getUser does",
    r16_credentials_alone_change_no_profile: "replaceUser with credentials alone is 200 and keeps the profile",
    s_a_user_who_is_not_locked_is_not_unlocked: "unlockUser of a user who is not locked out is 403 with a cause",
}

fn password() -> Value {
    json!({ "credentials": { "password": { "value": "Zebra-Quilt-1947" } } })
}

fn path(user: &Value) -> String {
    format!("/api/v1/users/{}", at(user, "/id"))
}

async fn r12_links_of_a_user_say_what_may_be_done(org: &mut Org) -> Outcome {
    const ALWAYS: [&str; 3] = ["schema", "self", "type"];
    let has = |user: &Value, own: &[&str]| members(user, "/_links", &[&ALWAYS[..], own].concat());
    let staged = org.user("?activate=false", &json!({})).await?;
    has(&staged, &["activate", "resetFactors"])?;
    let invited = org.user("?activate=true", &json!({})).await?;
    let invited = org.get(&path(&invited)).await?.is(200, &json!({ "status": "PROVISIONED" }))?;
    has(&invited, &["suspend", "deactivate", "reactivate", "resetFactors"]).or_else(|_| {
        has(&invited, &["suspend", "deactivate", "reactivate", "resetPassword", "resetFactors"])
    })?;
    let user = org.user("?activate=true", &password()).await?;
    let read = || async { org.get(&path(&user)).await?.is(200, &json!({})) };
    let active = [
        "suspend",
        "deactivate",
        "resetPassword",
        "forgotPassword",
        "expirePassword",
        "changePassword",
        "changeRecoveryQuestion",
        "resetFactors",
    ];
    has(&read().await?, &active)?;
    let step = |name: &'static str| org.post(format!("{}/lifecycle/{name}", path(&user)).leak(), json!({}));
    step("expire_password").await?.is(200, &json!({}))?;
    has(&read().await?, &active)?;
    org.post(&path(&user), password()).await?.is(200, &json!({}))?;
    step("suspend").await?.is(200, &json!({}))?;
    has(&read().await?, &["unsuspend", "deactivate", "resetFactors"])?;
    step("deactivate").await?.is(200, &json!({}))?;
    has(&read().await?, &["activate", "delete", "resetFactors"])
}

async fn r13_users_of_a_list_link_to_themselves_alone(org: &mut Org) -> Outcome {
    let user = org.user("", &json!({})).await?;
    let group = org.group().await?;
    let member = format!("/api/v1/groups/{}/users", at(&group, "/id"));
    org.put(&format!("{member}/{}", at(&user, "/id")), json!({})).await?.is(204, &Value::Null)?;
    members(&org.get(&member).await?.is(200, &json!([{}]))?, "/0/_links", &["self"])?;
    let all = org.get("/api/v1/users?limit=1").await?.is(200, &json!([{}]))?;
    members(&all, "/0/_links", &["self"])
}

async fn r14_a_null_is_not_returned(org: &mut Org) -> Outcome {
    let given = json!({ "profile": { "nickName": null, "title": "T" } });
    let user = org.user("", &given).await?;
    let created = ["login", "email", "firstName", "lastName", "title", "mobilePhone", "secondEmail"];
    members(&user, "/profile", &created)?;
    let changed = org.post(&path(&user), json!({ "profile": { "title": null } })).await?;
    members(
        &changed.is(200, &json!({}))?,
        "/profile",
        &["login", "email", "firstName", "lastName", "mobilePhone", "secondEmail"],
    )
}

async fn r15_a_staged_user_with_a_password_has_a_change(org: &mut Org) -> Outcome {
    let user = org.user("?activate=false", &password()).await?;
    let expected = json!({ "status": "STAGED", "statusChanged": "*", "activated": null });
    org.get(&path(&user)).await?.is(200, &expected).map(drop)
}

async fn r15_a_hashed_password_is_an_import(org: &mut Org) -> Outcome {
    let hash = json!({ "algorithm": "SHA-256", "salt": "c2FsdA==", "saltOrder": "PREFIX", "value": "qjMrlzZv1uFbqLvZgjsZnu9CU2CdMqT7BZrVhc6sC8A=" });
    let user =
        org.user("?activate=false", &json!({ "credentials": { "password": { "hash": hash } } })).await?;
    let expected = json!({ "credentials": { "provider": { "type": "IMPORT", "name": "IMPORT" } } });
    org.get(&path(&user)).await?.is(200, &expected).map(drop)
}

async fn r15_only_a_read_user_has_a_tag(org: &mut Org) -> Outcome {
    let user = org.user("", &json!({})).await?;
    let tag = |answer: &crate::org::Answer, expected: bool| match answer.header("etag").is_empty() {
        empty if empty == expected => Err(format!("the ETag is `{}`", answer.header("etag"))),
        _ => Ok(()),
    };
    tag(&org.get(&path(&user)).await?, true)?;
    tag(&org.put(&path(&user), json!({ "profile": user["profile"] })).await?, false)
}

async fn r16_credentials_alone_change_no_profile(org: &mut Org) -> Outcome {
    let user = org.user("", &json!({ "profile": { "title": "T" } })).await?;
    let expected = json!({ "profile": { "title": "T" } });
    org.put(&path(&user), password()).await?.is(200, &expected).map(drop)
}

async fn s_a_user_who_is_not_locked_is_not_unlocked(org: &mut Org) -> Outcome {
    let user = org.user("", &password()).await?;
    let refused = json!({ "errorCode": "E0000032", "errorCauses": [{ "errorSummary": "*" }] });
    org.post(&format!("{}/lifecycle/unlock", path(&user)), json!({})).await?.is(403, &refused).map(drop)
}
