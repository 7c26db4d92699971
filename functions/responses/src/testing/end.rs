//! The end of a response.

use std::time::Duration;

use operation_testing::{TestOrg, TestRequest, assert_same};
use serde_json::json;

use super::{add, expire, get, lift, outcomes, respond, respond_with, status};
use crate::ListResponses;

/// The next run after the end takes it back, and the schedule runs every minute.
#[tokio::test]
async fn a_response_ends_with_its_time() {
    let org = TestOrg::start().await;
    let before = org.snapshot();
    let more = json!({ "expiresIn": 3600, "groups": null });
    let mut short = more.clone();
    short.as_object_mut().unwrap().remove("groups");
    let response = add(&org, &respond_with("user@acme.test", &["suspend", "quarantine"], short)).await;
    assert_eq!(expire(&org).await.due, 0);
    org.advance_clock(Duration::from_secs(3_590));
    assert_eq!(expire(&org).await.due, 0);
    org.advance_clock(Duration::from_secs(11));
    let report = expire(&org).await;
    assert_eq!((report.due, report.ended, report.left), (1, 1, 0));
    assert_same(&org.snapshot(), &before, "the org");
    let ended = get(&org, &response).await;
    assert_eq!((&ended["status"], &ended["lifted"]["actor"]), (&json!("expired"), &json!(null)));
    assert_eq!(expire(&org).await.due, 0);
}

/// Only what the response changed, and only what is still as it left it.
#[tokio::test]
async fn what_somebody_changed_since_stays() {
    let org = TestOrg::start().await;
    let id = org.user("user@acme.test").await;
    let quarantine = okta_emulator::QUARANTINE;
    let response = add(&org, &respond(&id, &["suspend", "quarantine"])).await;
    org.advance_clock(Duration::from_secs(5));
    org.prepare("POST", &format!("/api/v1/users/{id}/lifecycle/unsuspend"), json!({})).await;
    org.prepare("DELETE", &format!("/api/v1/groups/{quarantine}/users/{id}"), json!({})).await;
    // Somebody else suspends the user for another reason.
    org.advance_clock(Duration::from_secs(5));
    org.prepare("POST", &format!("/api/v1/users/{id}/lifecycle/suspend"), json!({})).await;
    let lifted = lift(&org, &response).await;
    assert_eq!(outcomes(&lifted), ["suspend superseded", "quarantine superseded"]);
    assert_eq!(status(&org, &id).await, "SUSPENDED");
}

/// Two open responses: the user stays suspended until the second one ends, too.
#[tokio::test]
async fn another_open_response_keeps_what_it_wants() {
    let org = TestOrg::start().await;
    let before = org.snapshot();
    let first = add(&org, &respond("user@acme.test", &["suspend", "quarantine"])).await;
    let second = add(&org, &respond("user@acme.test", &["suspend", "clear-sessions"])).await;
    assert_eq!(outcomes(&second), ["suspend already", "clear-sessions done"]);
    let lifted = lift(&org, &first).await;
    assert_eq!(outcomes(&lifted), ["suspend superseded", "quarantine undone"]);
    assert_eq!(status(&org, "user@acme.test").await, "SUSPENDED");
    assert_eq!(outcomes(&get(&org, &second).await)[0], "suspend done");
    assert_eq!(outcomes(&lift(&org, &second).await)[0], "suspend undone");
    assert_same(&org.snapshot(), &before, "the org");
}

#[tokio::test]
async fn a_user_who_is_gone_has_nothing_to_take_back() {
    let org = TestOrg::start().await;
    let id = org.user("user@acme.test").await;
    let response = add(&org, &respond(&id, &["suspend"])).await;
    for _ in 0..2 {
        // The first one deactivates.
        org.prepare("DELETE", &format!("/api/v1/users/{id}"), json!({})).await;
    }
    let lifted = lift(&org, &response).await;
    assert_eq!(
        (outcomes(&lifted), &lifted["status"]),
        (vec!["suspend superseded".to_owned()], &json!("lifted"))
    );
}

#[tokio::test]
async fn responses_are_listed_newest_first() {
    let org = TestOrg::start().await;
    let mut ids = Vec::new();
    for n in 0..5 {
        org.advance_clock(Duration::from_secs(1));
        let user = ["user@acme.test", "user@globex.test"][n % 2];
        ids.push(add(&org, &respond(user, &["clear-sessions"])).await["id"].as_str().unwrap().to_owned());
    }
    ids.reverse();
    let pages = org.pages::<ListResponses>(&TestRequest::new(), 2).await;
    let listed: Vec<&str> = pages.iter().flatten().map(|response| response["id"].as_str().unwrap()).collect();
    assert_eq!((listed, pages.len()), (ids.iter().map(String::as_str).collect(), 3));
    let user = org.user("user@globex.test").await;
    let own = org.pages::<ListResponses>(&TestRequest::new().query("user", &user), 1).await;
    assert_eq!(own.len(), 2);
    let none = TestRequest::new().query("status", "lifted");
    assert_eq!(org.call::<ListResponses>(&none).await.unwrap(), json!([]));
    // A cursor of another user's list is none of this one's.
    let wrong = TestRequest::new().query("user", &user).query("after", &ids[0]);
    assert!(org.call::<ListResponses>(&wrong).await.is_err());
}

/// A member whom a group rule put there becomes an exception of the rule; the end adds the
/// membership by hand, and says so.
#[tokio::test]
async fn a_member_by_rule_comes_back_by_hand() {
    let org = TestOrg::start().await;
    let id = org.user("agent@demo.test").await;
    let group = org.prepare("POST", "/api/v1/groups", json!({ "profile": { "name": "By rule" } })).await;
    let group = group["id"].as_str().unwrap().to_owned();
    let rule = json!({
        "type": "group_rule", "name": "agents",
        "conditions": { "expression": { "type": "urn:okta:expression:1.0", "value": "user.login==\"agent@demo.test\"" } },
        "actions": { "assignUserToGroups": { "groupIds": [group] } },
    });
    let rule = org.prepare("POST", "/api/v1/groups/rules", rule).await["id"].as_str().unwrap().to_owned();
    org.prepare("POST", &format!("/api/v1/groups/rules/{rule}/lifecycle/activate"), json!({})).await;
    let is_member = || {
        let members = org.emulator.snapshot()["groups"][&group]["members"].clone();
        members.as_array().unwrap().contains(&json!(id))
    };
    assert!(is_member());
    let response = add(&org, &respond_with(&id, &["remove-from-groups"], json!({ "groups": [group] }))).await;
    assert!(!is_member());
    // What the rule would do next time leaves the user out.
    org.prepare("POST", &format!("/api/v1/users/{id}"), json!({ "profile": { "nickName": "A" } })).await;
    assert!(!is_member());
    let lifted = lift(&org, &response).await;
    let detail = lifted["actions"][0]["detail"].as_str().unwrap();
    assert!(is_member() && detail.contains("group rule"), "{lifted}");
}
