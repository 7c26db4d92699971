//! Rules that concern all operations of this package.

mod consent;
mod hook;
mod nomination;

use domain::Caller;
use operation_testing::{
    TestOrg, TestRequest, assert_same, converges_after_being_killed, cost, fails_cleanly_at_every_step,
};
use operations::{MANAGED_ACCESS, ProblemCode};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{
    AddDelegationAgent, EnrichAgentToken, EnrichEntityToken, ListDelegationAgents, ListDelegationEvents,
    ListDelegators, RemoveDelegationAgent, SetDelegation, StartDelegation,
};

/// Users of the demo org.
const SUPERUSER: &str = "00u00000000000000003";
const ACME_USER: &str = "00u00000000000000005";
const AGENT: &str = "00u00000000000000008";
const DELEGATOR: &str = "00u00000000000000009";
const CLIENT: &str = "0oa1delegation000001";

fn user(uid: &str) -> Caller {
    Caller::new(uid, &[], &[], false).with_token(CLIENT, &[MANAGED_ACCESS.to_owned()])
}

fn by(uid: &str, body: &Value) -> TestRequest {
    TestRequest::new().body(body).by(user(uid))
}

fn ask(uid: &str) -> TestRequest {
    TestRequest::new().by(user(uid))
}

fn nominate(agent: &str) -> TestRequest {
    by(DELEGATOR, &json!({ "agentid": agent }))
}

fn begin(agent: &str) -> TestRequest {
    by(agent, &json!({ "entityid": DELEGATOR }))
}

/// Everybody of the demo org can be an agent.
const OPEN: [(&str, &str); 2] =
    [("DELEGATION_AGENTS", "any"), ("DELEGATED_USER_TYPE_ID", "oty1delegator0000001")];

/// Configures an org in which everybody can be an agent, and what differs besides.
fn open(org: &TestOrg, variables: &[(&'static str, &str)]) {
    org.configure(&[&OPEN, variables].concat());
}

/// `DELEGATION_FAIL`.
fn fail(deny: bool) -> (&'static str, &'static str) {
    ("DELEGATION_FAIL", if deny { "deny" } else { "keep" })
}

async fn org() -> TestOrg {
    let org = TestOrg::start().await;
    open(&org, &[]);
    org
}

/// Starts a delegation; gives its id.
async fn started(org: &TestOrg) -> String {
    let answer = org.call::<StartDelegation>(&begin(AGENT)).await.unwrap();
    answer["id"].as_str().unwrap().to_owned()
}

async fn code<E: lambda_kit::Endpoint>(org: &TestOrg, request: &TestRequest) -> ProblemCode {
    org.call::<E>(request).await.unwrap_err().code()
}

/// What Okta sends at `/authorize`.
fn authorize(state: &str, uid: &str, client: &str) -> Value {
    json!({
        "eventType": "com.okta.oauth2.tokens.transform", "source": "https://example.okta.com/oauth2/aus1/v1/authorize",
        "data": {
            "context": {
                "request": { "url": { "value": format!("https://example.okta.com/oauth2/aus1/v1/authorize?state={state}") } },
                "protocol": { "type": "OAUTH2.0", "request": { "state": state, "client_id": client }, "client": { "id": client } },
                "session": { "userId": uid }, "user": { "id": uid },
            },
            "identity": { "claims": { "sub": uid, "aud": client }, "token": { "lifetime": { "expiration": 3600 } } },
            "access": {
                "claims": { "uid": uid, "cid": client, "sub": "agent@demo.test", "can_delegate": "False" },
                "token": { "lifetime": { "expiration": 3600 } },
            },
        },
    })
}

/// What Okta sends for a refresh token: neither `state` nor session.
fn refresh(uid: &str, client: &str) -> Value {
    let mut payload = authorize("", uid, client);
    payload["data"]["context"]["protocol"]["request"] =
        json!({ "grant_type": "refresh_token", "client_id": client });
    payload["data"]["context"]["request"]["url"]["value"] =
        "https://example.okta.com/oauth2/aus1/v1/token".into();
    payload["data"]["context"].as_object_mut().unwrap().remove("session");
    payload
}

fn is_delegated(answer: &Value) -> bool {
    answer.to_string().contains("on_behalf_sub")
}

fn nothing() -> Value {
    json!({ "commands": [] })
}

/// The records that name the delegator, newest first: event, outcome, reason.
async fn events(org: &TestOrg) -> Vec<(String, String, String)> {
    let page = org.call::<ListDelegationEvents>(&ask(DELEGATOR).query("limit", "200")).await.unwrap();
    let text = |record: &Value, name: &str| record[name].as_str().unwrap_or_default().to_owned();
    let records = page.as_array().unwrap().iter();
    records.map(|r| (text(r, "event"), text(r, "outcome"), text(r, "reason"))).collect()
}

#[tokio::test]
async fn the_cost_of_each_operation() {
    let org = org().await;
    let costs = [
        cost::<ListDelegationAgents>(&org, &ask(DELEGATOR)).await,
        cost::<ListDelegators>(&org, &ask(AGENT)).await,
        cost::<ListDelegationEvents>(&org, &ask(DELEGATOR)).await,
        cost::<AddDelegationAgent>(&org, &nominate("user@acme.test")).await,
        cost::<RemoveDelegationAgent>(&org, &by(DELEGATOR, &json!({ "agentid": ACME_USER }))).await,
        cost::<SetDelegation>(&org, &by(DELEGATOR, &json!({ "op": "ACTIVATE" }))).await,
        cost::<SetDelegation>(&org, &by(DELEGATOR, &json!({ "op": "DEACTIVATE" }))).await,
    ];
    // The heads of the files say the same.
    assert_eq!(costs, [(2, 2), (1, 1), (0, 0), (3, 2), (2, 2), (2, 1), (4, 3)]);
    let strict = TestOrg::start().await;
    let agent = nominate("agent@demo.test").body(&json!({ "agentid": AGENT, "reason": "x" }));
    assert_eq!(cost::<AddDelegationAgent>(&strict, &agent).await, (5, 2));
    assert_eq!(cost::<StartDelegation>(&strict, &begin(AGENT)).await, (5, 1));
    let id = started(&strict).await;
    strict.emulator.clear_journal();
    assert!(is_delegated(&strict.hook::<EnrichAgentToken>(authorize(&id, AGENT, CLIENT)).await));
    assert_eq!(strict.emulator.journal().len(), 2);
}

#[tokio::test]
async fn changes_fail_cleanly_at_every_step() {
    // Two orgs: with and without what the second attribute says.
    let ends = json!({ "agentid": ACME_USER, "until": "2099-01-01T00:00:00Z", "reason": "x" });
    let anybody = async |org: &TestOrg| open(org, &[]);
    let noted = async |org: &TestOrg| {
        open(org, &[]);
        org.call::<AddDelegationAgent>(&by(DELEGATOR, &ends)).await.unwrap();
    };
    for request in [nominate(ACME_USER), by(DELEGATOR, &ends)] {
        fails_cleanly_at_every_step::<AddDelegationAgent>(&request, anybody).await;
        converges_after_being_killed::<AddDelegationAgent>(&request, anybody).await;
    }
    let remove = by(DELEGATOR, &json!({ "agentid": ACME_USER }));
    fails_cleanly_at_every_step::<RemoveDelegationAgent>(&remove, noted).await;
    converges_after_being_killed::<RemoveDelegationAgent>(&remove, noted).await;
    for (uid, op) in [(DELEGATOR, "DEACTIVATE"), (AGENT, "ACTIVATE")] {
        let set = by(uid, &json!({ "op": op }));
        fails_cleanly_at_every_step::<SetDelegation>(&set, anybody).await;
        converges_after_being_killed::<SetDelegation>(&set, anybody).await;
    }
}

/// Nothing is changed that cannot be recorded.
#[tokio::test]
async fn man_25_what_cannot_be_recorded_is_taken_back() {
    let org = org().await;
    let before = org.emulator.stable_snapshot();
    // One call of the table for each.
    for (failing, name) in [(1, "the lock"), (2, "the grants"), (3, "the record")] {
        org.break_dynamodb(failing, u64::MAX, false);
        assert_eq!(
            code::<AddDelegationAgent>(&org, &nominate(ACME_USER)).await,
            ProblemCode::StateUnavailable
        );
        org.break_dynamodb(1, 0, false);
        org.advance_clock(std::time::Duration::ZERO);
        assert_same(&org.emulator.stable_snapshot(), &before, name);
    }
    let remove = by(DELEGATOR, &json!({ "agentid": AGENT }));
    let set = by(DELEGATOR, &json!({ "op": "DEACTIVATE" }));
    org.break_dynamodb(3, u64::MAX, false);
    assert_eq!(code::<RemoveDelegationAgent>(&org, &remove).await, ProblemCode::StateUnavailable);
    org.break_dynamodb(1, 0, false);
    org.advance_clock(std::time::Duration::ZERO);
    org.break_dynamodb(3, u64::MAX, false);
    assert_eq!(code::<SetDelegation>(&org, &set).await, ProblemCode::StateUnavailable);
    org.break_dynamodb(1, 0, false);
    org.advance_clock(std::time::Duration::ZERO);
    assert_same(&org.emulator.stable_snapshot(), &before, "removal and switch");
    // A start is one transaction with its record.
    for after in [false, true] {
        org.break_dynamodb(1, u64::MAX, after);
        assert_eq!(code::<StartDelegation>(&org, &begin(AGENT)).await, ProblemCode::StateUnavailable);
        org.break_dynamodb(1, 0, false);
    }
    org.cancel_transactions("TransactionConflict", 2);
    started(&org).await;
    let starts = events(&org).await.len();
    // One call that fails is repeated.
    org.break_dynamodb(3, 1, true);
    org.call::<AddDelegationAgent>(&nominate(ACME_USER)).await.unwrap();
    assert_eq!(events(&org).await.len(), starts + 1);
}

#[tokio::test]
async fn a_delegation_from_nomination_to_removal() {
    let org = org().await;
    let agents = async || org.call::<ListDelegationAgents>(&ask(DELEGATOR)).await.unwrap();
    assert_eq!(agents().await["agents"][0]["login"], "agent@demo.test");
    let until =
        json!({ "agentid": "user@acme.test", "until": "2099-01-01T00:00:00+01:00", "reason": "Leave" });
    let nominated = org.call::<AddDelegationAgent>(&by(DELEGATOR, &until)).await.unwrap();
    assert_eq!(nominated, json!({ "id": ACME_USER, "until": "2098-12-31T23:00:00Z", "reason": "Leave" }));
    // The same again changes nothing; another reason changes that.
    let calls = org.emulator.arrivals();
    org.call::<AddDelegationAgent>(&by(DELEGATOR, &until)).await.unwrap();
    assert_eq!(org.emulator.arrivals() - calls, 2);
    org.call::<AddDelegationAgent>(&nominate(ACME_USER)).await.unwrap();
    let list = agents().await;
    assert_eq!(list["agents"].as_array().unwrap().len(), 2);
    assert!(list["agents"][1].get("until").is_none() && list["agents"][1]["id"] == ACME_USER, "{list}");
    let delegators = org.call::<ListDelegators>(&ask(ACME_USER)).await.unwrap();
    assert_eq!(delegators, json!([{ "id": DELEGATOR, "displayName": "delegator demo.test" }]));
    let id = started(&org).await;
    assert!(id.starts_with("dlg_") && id.len() == 47, "{id}");
    let answer = org.hook::<EnrichAgentToken>(authorize(&id, AGENT, CLIENT)).await;
    assert_eq!(
        answer,
        json!({ "commands": [{ "type": "com.okta.access.patch", "value": [
            { "op": "replace", "path": "/claims/can_delegate", "value": "False" },
            { "op": "add", "path": "/claims/on_behalf", "value": "True" },
            { "op": "add", "path": "/claims/on_behalf_sub", "value": "delegator@demo.test" },
        ] }] })
    );
    let removed = by(DELEGATOR, &json!({ "agentid": "agent@demo.test" }));
    let left = org.call::<RemoveDelegationAgent>(&removed).await.unwrap();
    assert_eq!(left, json!({ "agents": [ACME_USER] }));
    assert_eq!(org.call::<RemoveDelegationAgent>(&removed).await.unwrap(), left);
    assert_eq!(code::<StartDelegation>(&org, &begin(AGENT)).await, ProblemCode::Forbidden);
    let done: Vec<String> =
        events(&org).await.into_iter().map(|(event, outcome, _)| format!("{event} {outcome}")).collect();
    assert_eq!(done, ["start refused", "remove done", "use done", "start done", "grant done", "grant done"]);
}

/// MAN-01: what others may do says nothing of a stranger.
#[tokio::test]
async fn man_01_a_stranger_is_refused_before_and_after_successes_of_others() {
    let org = org().await;
    let stranger = begin(ACME_USER);
    assert_eq!(code::<StartDelegation>(&org, &stranger).await, ProblemCode::Forbidden);
    org.call::<StartDelegation>(&begin(AGENT)).await.unwrap();
    assert_eq!(code::<StartDelegation>(&org, &stranger).await, ProblemCode::Forbidden);
    let requests: Vec<TestRequest> =
        (0..100).map(|n| begin(if n % 2 == 0 { AGENT } else { ACME_USER })).collect();
    let results = futures::future::join_all(requests.iter().map(|r| org.call::<StartDelegation>(r))).await;
    for (n, result) in results.into_iter().enumerate() {
        assert_eq!(result.is_ok(), n % 2 == 0, "{n}");
    }
    // Nobody learns who there is: an unknown user, one who nominates nobody, and names
    // under which Okta would find a user, whose record would be nobody's.
    for entity in ["00unobody", SUPERUSER, DELEGATOR, "delegator", "me"] {
        let uid = if entity == DELEGATOR { DELEGATOR } else { AGENT };
        let refused =
            org.call::<StartDelegation>(&by(uid, &json!({ "entityid": entity }))).await.unwrap_err();
        let detail = "you may not act for this user; `GET /agent` lists who has nominated you";
        assert_eq!(
            (refused.code(), refused.document("id")["detail"].as_str()),
            (ProblemCode::Forbidden, Some(detail))
        );
    }
}

/// MAN-04: nobody guesses an id, and no two are alike.
#[tokio::test]
async fn man_04_ids_are_random_and_the_table_has_none_of_them() {
    let org = org().await;
    let mut ids = std::collections::BTreeSet::new();
    for _ in 0..20 {
        let id = started(&org).await;
        assert!(!org.tables().contains(&id[4..]), "{id}");
        let differing = ids
            .iter()
            .all(|other: &String| other.bytes().zip(id.bytes()).filter(|(a, b)| a != b).count() > 20);
        assert!(differing, "{id}");
        ids.insert(id);
    }
}

/// MAN-05: the wrong user, or the wrong client, gets nothing, and uses nothing up.
#[tokio::test]
async fn man_05_a_delegation_is_its_agents_and_its_clients() {
    let org = org().await;
    let id = started(&org).await;
    for payload in [
        authorize(&id, ACME_USER, CLIENT),
        authorize(&id, AGENT, "0oa1dacapp0000000001"),
        refresh(ACME_USER, CLIENT),
    ] {
        assert_eq!(org.hook::<EnrichAgentToken>(payload).await, nothing());
    }
    let mut other_session = authorize(&id, AGENT, CLIENT);
    other_session["data"]["context"]["user"]["id"] = ACME_USER.into();
    assert_eq!(org.hook::<EnrichAgentToken>(other_session).await, nothing());
    assert!(is_delegated(&org.hook::<EnrichAgentToken>(authorize(&id, AGENT, CLIENT)).await));
    assert_eq!(org.hook::<EnrichAgentToken>(authorize(&id, AGENT, CLIENT)).await, nothing(), "used up");
    let reasons: Vec<String> = events(&org).await.into_iter().map(|(_, _, reason)| reason).collect();
    let other = "another user or client than it was started by";
    assert_eq!(reasons, ["used up, or too late", "", other, other, ""]);
}

#[tokio::test]
async fn man_02_two_hook_calls_with_one_id_at_once_are_one_delegated_token() {
    let org = org().await;
    for _ in 0..10 {
        let id = started(&org).await;
        org.emulator.configure(|settings| settings.latency_ms = 3);
        let calls = (0..8).map(|_| org.hook::<EnrichAgentToken>(authorize(&id, AGENT, CLIENT)));
        let answers = futures::future::join_all(calls).await;
        assert_eq!(answers.iter().filter(|answer| is_delegated(answer)).count(), 1, "{answers:?}");
    }
}

/// Okta sends no `state` with a refresh: the newest of agent and client counts,
/// once; then the token is the agent's own again.
#[tokio::test]
async fn a_refresh_finds_the_newest_delegation() {
    let org = org().await;
    assert_eq!(org.hook::<EnrichAgentToken>(refresh(AGENT, CLIENT)).await, nothing());
    let first = started(&org).await;
    started(&org).await;
    assert!(is_delegated(&org.hook::<EnrichAgentToken>(refresh(AGENT, CLIENT)).await));
    assert_eq!(org.hook::<EnrichAgentToken>(refresh(AGENT, CLIENT)).await, nothing());
    // DLG-02: another device has its own, by the parameter of the URL.
    let mut named = refresh(AGENT, CLIENT);
    named["data"]["context"]["request"]["url"]["value"] =
        format!("https://example.okta.com/oauth2/aus1/v1/token?delegation_id={first}").into();
    assert!(is_delegated(&org.hook::<EnrichAgentToken>(named).await));
    // An application's own `state` does not take a delegation that waits.
    started(&org).await;
    assert_eq!(org.hook::<EnrichAgentToken>(authorize("its-own", AGENT, CLIENT)).await, nothing());
    assert!(is_delegated(&org.hook::<EnrichAgentToken>(refresh(AGENT, CLIENT)).await));
}

#[tokio::test]
async fn man_10_users_who_cannot_sign_in_neither_act_nor_are_acted_for() {
    for who in [AGENT, DELEGATOR] {
        let org = org().await;
        let id = started(&org).await;
        org.prepare("POST", &format!("/api/v1/users/{who}/lifecycle/suspend"), json!({})).await;
        assert_eq!(org.hook::<EnrichAgentToken>(authorize(&id, AGENT, CLIENT)).await, nothing(), "{who}");
        assert_eq!(code::<StartDelegation>(&org, &begin(AGENT)).await, ProblemCode::Forbidden, "{who}");
        org.prepare("POST", &format!("/api/v1/users/{who}/lifecycle/unsuspend"), json!({})).await;
        assert!(
            is_delegated(&org.hook::<EnrichAgentToken>(authorize(&id, AGENT, CLIENT)).await),
            "{who}: not used up"
        );
    }
    let org = org().await;
    org.prepare("POST", &format!("/api/v1/users/{ACME_USER}/lifecycle/suspend"), json!({})).await;
    assert_eq!(code::<AddDelegationAgent>(&org, &nominate(ACME_USER)).await, ProblemCode::AgentNotFound);
    org.prepare("POST", &format!("/api/v1/users/{DELEGATOR}/lifecycle/suspend"), json!({})).await;
    assert_eq!(code::<AddDelegationAgent>(&org, &nominate(SUPERUSER)).await, ProblemCode::UserNotActive);
    assert_eq!(
        code::<SetDelegation>(&org, &by(DELEGATOR, &json!({ "op": "DEACTIVATE" }))).await,
        ProblemCode::UserNotActive
    );
    assert_eq!(org.call::<ListDelegators>(&ask(AGENT)).await.unwrap(), json!([]));
}

/// Between start and token the grant may go, by whatever way.
#[tokio::test]
async fn a_grant_that_is_gone_delegates_no_token() {
    let org = org().await;
    let id = started(&org).await;
    org.call::<RemoveDelegationAgent>(&by(DELEGATOR, &json!({ "agentid": AGENT }))).await.unwrap();
    assert_eq!(org.hook::<EnrichAgentToken>(authorize(&id, AGENT, CLIENT)).await, nothing());
    let soon = |seconds: i64| {
        let time = jiff::Timestamp::from_second(org.okta().now() + seconds).unwrap();
        by(DELEGATOR, &json!({ "agentid": AGENT, "until": time.to_string() }))
    };
    assert_eq!(code::<AddDelegationAgent>(&org, &soon(-1)).await, ProblemCode::InvalidRequest);
    org.call::<AddDelegationAgent>(&soon(3_600)).await.unwrap();
    let id = started(&org).await;
    org.advance_clock(std::time::Duration::from_secs(3_601));
    assert_eq!(org.hook::<EnrichAgentToken>(authorize(&id, AGENT, CLIENT)).await, nothing());
    assert_eq!(code::<StartDelegation>(&org, &begin(AGENT)).await, ProblemCode::Forbidden);
}
