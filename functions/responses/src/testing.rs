//! What holds for all of this package.

use domain::{Caller, RESPONDERS};
use okta_emulator::Entry;
use operation_testing::{TestOrg, TestRequest};
use operations::DAC_RESPOND;
use run_kit::Actor;
use serde_json::{Value, json};

use crate::{AddResponse, ExpireResponses, GetResponse, LiftResponse};

mod attacks;
mod broken;
mod end;
mod end_of_two;
mod events;
mod guardrails;

/// A request for a response to a user.
fn respond(user: &str, actions: &[&str]) -> TestRequest {
    respond_with(user, actions, json!({}))
}

/// The same with more members.
fn respond_with(user: &str, actions: &[&str], more: Value) -> TestRequest {
    let mut body = json!({ "user": user, "actions": actions, "reason": "seen elsewhere" });
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    TestRequest::new().body(&body)
}

async fn add(org: &TestOrg, request: &TestRequest) -> Value {
    org.call::<AddResponse>(request).await.unwrap_or_else(|problem| panic!("{}", problem.document("id")))
}

async fn lift(org: &TestOrg, response: &Value) -> Value {
    let request = TestRequest::new().path("responseId", response["id"].as_str().unwrap());
    let request = request.body(&json!({ "reason": "false alarm" }));
    org.call::<LiftResponse>(&request).await.unwrap_or_else(|problem| panic!("{}", problem.document("id")))
}

/// What the schedule does.
async fn expire(org: &TestOrg) -> crate::expire_responses::Report {
    try_expire(org).await.unwrap()
}

/// The same where the table may fail.
async fn try_expire(
    org: &TestOrg,
) -> Result<crate::expire_responses::Report, crate::expire_responses::ExpireResponsesError> {
    use lambda_kit::Task;
    let task = org.task::<ExpireResponses>();
    task.run(&org.run(Actor::Schedule), lambda_kit::scheduled_event()).await
}

/// Of each step its action, its outcome and whether it belongs to the end.
fn outcomes(response: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let steps = response["actions"].as_array().unwrap().iter();
    steps.map(|step| format!("{} {}", text(&step["action"]), text(&step["outcome"]))).collect()
}

async fn status(org: &TestOrg, user: &str) -> String {
    org.okta().get_user(user).await.unwrap().status
}

/// A response as it is kept.
async fn get(org: &TestOrg, response: &Value) -> Value {
    let request = TestRequest::new().path("responseId", response["id"].as_str().unwrap());
    org.call::<GetResponse>(&request).await.unwrap()
}

async fn make_super_admin(org: &TestOrg, login: &str) -> String {
    let id = org.user(login).await;
    org.prepare("POST", &format!("/api/v1/users/{id}/roles"), json!({ "type": "SUPER_ADMIN" })).await;
    id
}

/// The demo org without its first super admin, so that two others are the last.
async fn two_super_admins(org: &TestOrg) -> [String; 2] {
    let two =
        [make_super_admin(org, "agent@demo.test").await, make_super_admin(org, "user@globex.test").await];
    let first = org.user("superuser@demo.test").await;
    org.prepare("POST", &format!("/api/v1/users/{first}/lifecycle/suspend"), json!({})).await;
    two
}

/// A caller who responds, and is no superuser.
fn responder(uid: &str) -> Caller {
    Caller::new(uid, &[], &[RESPONDERS.to_owned()], false).with_token("0oa1", &[DAC_RESPOND.to_owned()])
}

/// The calls that change something.
fn changes(journal: &[Entry]) -> Vec<&'static str> {
    let changes = journal.iter().filter(|entry| entry.method != "GET");
    changes.filter_map(|entry| entry.operation_id).collect()
}

#[tokio::test]
async fn the_cost_of_each_operation() {
    let org = TestOrg::start().await;
    let id = org.user("user@acme.test").await;
    let suspend = respond(&id, &["suspend", "clear-sessions"]);
    // With an API token its owner is read, too: at the same time.
    assert_eq!(operation_testing::cost::<AddResponse>(&org, &suspend).await, (7, 4));
    let by_login = respond("user@globex.test", &["clear-sessions"]);
    assert_eq!(operation_testing::cost::<AddResponse>(&org, &by_login).await, (6, 3));
}

#[tokio::test]
async fn a_user_is_suspended_and_comes_back() {
    let org = TestOrg::start().await;
    let before = org.snapshot();
    let more = json!({ "onLift": ["expire-password"], "incident": "case 7" });
    let response = add(&org, &respond_with("user@acme.test", &["clear-sessions", "suspend"], more)).await;
    // The order is ours, and not the request's.
    assert_eq!(outcomes(&response), ["suspend done", "clear-sessions done"]);
    assert_eq!((&response["status"], &response["contained"]), (&json!("active"), &json!(true)));
    assert_eq!((&response["before"]["status"], &response["incident"]), (&json!("ACTIVE"), &json!("case 7")));
    assert_eq!(response["actor"]["sourceIp"], "192.0.2.1");
    assert_eq!(status(&org, "user@acme.test").await, "SUSPENDED");
    let lifted = lift(&org, &response).await;
    let expected = ["suspend undone", "clear-sessions not-undoable", "expire-password done"];
    assert_eq!(
        (outcomes(&lifted), &lifted["status"]),
        (expected.map(str::to_owned).to_vec(), &json!("lifted"))
    );
    assert_eq!(status(&org, "user@acme.test").await, "PASSWORD_EXPIRED");
    // Once more changes nothing.
    let again = lift(&org, &response).await;
    assert_eq!(again, lifted);
    drop(before);
}

/// A report of a real user: changing memberships failed as a whole for somebody in a group
/// of an app.
#[tokio::test]
async fn open_int_9_a_group_that_cannot_be_changed_does_not_stop_the_others() {
    let org = TestOrg::start().await;
    let id = org.user("agent@demo.test").await;
    let imported = org.emulator.insert_imported_group("Imported", &[&id]);
    let mut own = Vec::new();
    for name in ["One", "Two"] {
        let group = org.prepare("POST", "/api/v1/groups", json!({ "profile": { "name": name } })).await;
        let group = group["id"].as_str().unwrap().to_owned();
        org.prepare("PUT", &format!("/api/v1/groups/{group}/users/{id}"), json!({})).await;
        own.push(group);
    }
    let before = org.snapshot();
    let response = add(&org, &respond(&id, &["remove-from-groups"])).await;
    assert_eq!(response["status"], "active", "{response}");
    let of = |outcome: &str| {
        let steps = response["actions"].as_array().unwrap().iter();
        let mut groups: Vec<String> = steps
            .filter(|step| step["outcome"] == outcome)
            .map(|step| step["group"].as_str().unwrap().to_owned())
            .collect();
        groups.sort();
        groups
    };
    own.sort();
    assert_eq!((of("done"), of("skipped").len()), (own, 2), "{response}");
    assert!(of("skipped").contains(&imported));
    let lifted = lift(&org, &response).await;
    assert_eq!(outcomes(&lifted).iter().filter(|word| *word == "remove-from-groups undone").count(), 2);
    operation_testing::assert_same(&org.snapshot(), &before, "the org");
}

#[tokio::test]
async fn every_action_and_what_its_end_takes_back() {
    let org = TestOrg::start().await;
    let all = containment::Action::ALL.map(containment::Action::as_str).join(",");
    configure(&org, &[("RESPONSE_ACTIONS", &all)]);
    let id = org.user("agent@demo.test").await;
    org.prepare("POST", &format!("/api/v1/users/{id}/roles"), json!({ "type": "HELP_DESK_ADMIN" })).await;
    let before = org.snapshot();
    let actions =
        ["set-risk", "clear-sessions", "remove-admin-roles", "quarantine", "suspend", "reset-factors"];
    let response = add(&org, &respond(&id, &actions)).await;
    let done = ["suspend", "reset-factors", "quarantine", "remove-admin-roles", "set-risk", "clear-sessions"];
    assert_eq!(outcomes(&response), done.map(|action| format!("{action} done")), "{response}");
    let lifted = lift(&org, &response).await;
    let expected = [
        "suspend undone",
        "reset-factors not-undoable",
        "quarantine undone",
        "remove-admin-roles undone",
        "set-risk undone",
        "clear-sessions not-undoable",
    ];
    assert_eq!(outcomes(&lifted), expected);
    let mut after = org.snapshot();
    // The risk was never set before; it is low now.
    after.as_object_mut().unwrap().remove("risks");
    operation_testing::assert_same(&after, &before, "the org");
    // An org without Identity Threat Protection has no risk.
    org.emulator.configure(|settings| settings.identity_threat_protection = false);
    let response = add(&org, &respond(&id, &["set-risk", "revoke-grants"])).await;
    assert_eq!(outcomes(&response), ["revoke-grants done", "set-risk skipped"]);
    // For good, with the login once more.
    let confirm = json!({ "confirm": "AGENT@demo.test" });
    let response = add(&org, &respond_with(&id, &["deactivate"], confirm)).await;
    assert_eq!(outcomes(&response), ["deactivate done"]);
    assert_eq!(outcomes(&lift(&org, &response).await), ["deactivate not-undoable"]);
}

/// The functions with other settings than those of the demo org.
fn configure(org: &TestOrg, variables: &[(&'static str, &str)]) {
    org.configure(variables);
}

/// A user who cannot be suspended is not contained, and the answer says so.
#[tokio::test]
async fn who_is_not_active_is_not_suspended() {
    let org = TestOrg::start().await;
    let id = org.user("user@acme.test").await;
    org.prepare("POST", &format!("/api/v1/users/{id}/lifecycle/expire_password"), json!({})).await;
    let response = add(&org, &respond(&id, &["suspend", "clear-sessions"])).await;
    assert_eq!(outcomes(&response), ["suspend skipped", "clear-sessions done"]);
    assert_eq!((&response["status"], &response["contained"]), (&json!("active"), &json!(false)));
    let detail = response["actions"][0]["detail"].as_str().unwrap();
    assert!(detail.contains("PASSWORD_EXPIRED"), "{detail}");
    let response = add(&org, &respond(&id, &["quarantine"])).await;
    assert_eq!(
        (outcomes(&response), &response["contained"]),
        (vec!["quarantine done".to_owned()], &json!(true))
    );
}

/// The answer of Okta decides the word.
#[tokio::test]
async fn what_okta_refuses_is_called_by_its_name() {
    let org = TestOrg::start().await;
    let id = org.user("user@acme.test").await;
    for (status, code, outcome, word) in [
        (403, "E0000006", "failed", "not permitted"),
        (404, "E0000007", "failed", "gone"),
        (400, "E0000001", "skipped", "the state of the user"),
    ] {
        let body = json!({ "errorCode": code, "errorSummary": "x", "errorId": "oae1", "errorCauses": [] });
        let action = okta_emulator::Action {
            status: Some(status),
            body: Some(body.to_string()),
            ..Default::default()
        };
        let mut fault = okta_emulator::Fault::on_call(1, 1, action);
        fault.operation_id = Some("revokeUserSessions".to_owned());
        org.emulator.order(fault);
        let response = add(&org, &respond(&id, &["clear-sessions"])).await;
        let step = &response["actions"][0];
        let detail = step["detail"].as_str().unwrap_or_default();
        assert!(step["outcome"] == outcome && detail.contains(word), "{code}: {response}");
        assert_eq!(response["status"], "failed");
        org.emulator.clear_faults();
    }
}

/// Reads alone, and the plan that the run then carries out.
#[tokio::test]
async fn a_dry_run_says_what_the_run_does() {
    let org = TestOrg::start().await;
    let id = org.user("user@acme.test").await;
    let actions = ["suspend", "clear-sessions", "quarantine", "remove-from-groups"];
    let tables = org.tables();
    org.emulator.clear_journal();
    let planned = add(&org, &respond_with(&id, &actions, json!({ "dryRun": true }))).await;
    assert_eq!(changes(&org.emulator.journal()), Vec::<&str>::new());
    assert_eq!(
        (&planned["status"], &planned["id"], org.tables() == tables),
        (&json!("planned"), &json!(null), true)
    );
    let done = add(&org, &respond(&id, &actions)).await;
    let steps = |response: &Value| -> Vec<Value> {
        let steps = response["actions"].as_array().unwrap().iter();
        steps.map(|step| json!([step["action"], step["group"]])).collect()
    };
    assert_eq!(steps(&planned), steps(&done));
    assert_eq!(outcomes(&planned).iter().filter(|word| word.ends_with(" planned")).count(), 4);
    assert_eq!(outcomes(&done).iter().filter(|word| word.ends_with(" done")).count(), 4);
    assert_eq!(planned["contained"], done["contained"]);
}

/// What is not in the record was not done: every change of Okta's is a step that is `done`.
#[tokio::test]
async fn every_change_is_in_the_record() {
    let org = TestOrg::start().await;
    let id = org.user("user@acme.test").await;
    org.emulator.clear_journal();
    let response =
        add(&org, &respond(&id, &["suspend", "quarantine", "clear-sessions", "reset-factors"])).await;
    let done = outcomes(&response).iter().filter(|word| word.ends_with(" done")).count();
    assert_eq!((changes(&org.emulator.journal()).len(), done), (4, 4));
}
