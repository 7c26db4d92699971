//! Rules that concern all operations of this package.

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
    // The lock is taken with the first call; the record is the second.
    for (failing, name) in [(1, "the lock"), (2, "the record")] {
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
    org.break_dynamodb(2, u64::MAX, false);
    assert_eq!(code::<RemoveDelegationAgent>(&org, &remove).await, ProblemCode::StateUnavailable);
    org.break_dynamodb(1, 0, false);
    org.advance_clock(std::time::Duration::ZERO);
    org.break_dynamodb(2, u64::MAX, false);
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
    org.break_dynamodb(2, 1, true);
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

#[tokio::test]
async fn man_14_who_can_be_an_agent() {
    let org = TestOrg::start().await; // Only users of one tenant.
    let body = |agent: &str| by(DELEGATOR, &json!({ "agentid": agent }));
    assert_eq!(code::<AddDelegationAgent>(&org, &body(DELEGATOR)).await, ProblemCode::InvalidRequest);
    assert_eq!(
        code::<AddDelegationAgent>(&org, &body("delegator@demo.test")).await,
        ProblemCode::InvalidRequest
    );
    // Nobody, somebody of a tenant, and text that finds somebody else's name.
    let refused: Vec<_> = [
        org.call::<AddDelegationAgent>(&body("nobody@demo.test")).await.unwrap_err(),
        org.call::<AddDelegationAgent>(&body("user@acme.test")).await.unwrap_err(),
    ]
    .into_iter()
    .map(|problem| problem.document("id")["code"].clone())
    .collect();
    assert_eq!(refused, ["agent-not-found", "agent-not-found"]);
    for text in ["", "a/b", &"x".repeat(101), "a\nb"] {
        assert_eq!(
            code::<AddDelegationAgent>(&org, &body(text)).await,
            ProblemCode::InvalidRequest,
            "{text}"
        );
    }
    org.call::<AddDelegationAgent>(&body("superuser@demo.test")).await.unwrap();
    // Okta finds users by short names and by `me`, too: the API token's owner.
    for alias in ["me", "superuser", "agent", "SUPERUSER"] {
        assert_eq!(
            code::<AddDelegationAgent>(&org, &body(alias)).await,
            ProblemCode::AgentNotFound,
            "{alias}"
        );
        assert_eq!(
            code::<RemoveDelegationAgent>(&org, &body(alias)).await,
            ProblemCode::AgentNotFound,
            "{alias}"
        );
    }
    let refusals: Vec<String> =
        events(&org).await.into_iter().map(|(event, outcome, _)| format!("{event} {outcome}")).collect();
    assert_eq!(refusals.iter().filter(|refusal| *refusal == "grant refused").count(), 8, "{refusals:?}");
    // DLG-03: a login is text, never an expression.
    assert_eq!(
        code::<AddDelegationAgent>(&org, &body(r#"" or profile.login sw ""#)).await,
        ProblemCode::AgentNotFound
    );
}

#[tokio::test]
async fn man_18_agents_who_are_nominated_at_once_are_all_agents() {
    let org = org().await;
    let logins =
        ["superuser@demo.test", "admin@acme.test", "user@acme.test", "admin@globex.test", "user@globex.test"];
    let requests: Vec<TestRequest> = logins.iter().map(|login| nominate(login)).collect();
    let results = futures::future::join_all(requests.iter().map(|r| org.call::<AddDelegationAgent>(r))).await;
    for result in results {
        result.unwrap();
    }
    let agents = org.call::<ListDelegationAgents>(&ask(DELEGATOR)).await.unwrap();
    assert_eq!(agents["agents"].as_array().unwrap().len(), 6);
}

/// MAN-19: more than a page of delegators, agents who are gone, and no call for each.
#[tokio::test]
async fn man_19_lists_are_long_and_tolerant() {
    let org = TestOrg::start_with(|seed| {
        for n in 0..250 {
            let mut user =
                seed.users.iter().find(|user| user.login == "delegator@demo.test").unwrap().clone();
            user.login = format!("delegator{n}@demo.test");
            seed.users.push(user);
        }
    })
    .await;
    let pages = org.pages::<ListDelegators>(&ask(AGENT), 100).await;
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [100, 100, 51]);
    let agents: Vec<String> = (0..30).map(|n| format!("00ugone{n}")).chain([AGENT.to_owned()]).collect();
    org.prepare(
        "POST",
        &format!("/api/v1/users/{DELEGATOR}"),
        json!({ "profile": { "delegatedAgents": agents } }),
    )
    .await;
    org.emulator.clear_journal();
    let list = org.call::<ListDelegationAgents>(&ask(DELEGATOR)).await.unwrap();
    let list = list["agents"].as_array().unwrap();
    assert_eq!((list.len(), org.emulator.journal().len()), (31, 2));
    assert_eq!((&list[0], &list[30]["login"]), (&json!({ "id": "00ugone0" }), &json!("agent@demo.test")));
    // The bound holds for new ones, and the old ones can be removed.
    let many: Vec<String> = (0..50).map(|n| format!("00ugone{n}")).collect();
    org.prepare(
        "POST",
        &format!("/api/v1/users/{DELEGATOR}"),
        json!({ "profile": { "delegatedAgents": many } }),
    )
    .await;
    assert_eq!(code::<AddDelegationAgent>(&org, &nominate(AGENT)).await, ProblemCode::TooManyAgents);
    org.call::<RemoveDelegationAgent>(&by(DELEGATOR, &json!({ "agentid": "00ugone7" }))).await.unwrap();
    org.call::<AddDelegationAgent>(&nominate(AGENT)).await.unwrap();
}

/// MAN-13: the profile and the password stay; what the other type lacks is named.
#[tokio::test]
async fn man_13_switching_keeps_the_profile() {
    let org = org().await;
    let set = |uid: &str, op: &str| by(uid, &json!({ "op": op }));
    let of = |uid: &'static str| {
        let snapshot = org.emulator.snapshot();
        snapshot["users"][uid].clone()
    };
    let before = of(AGENT);
    org.call::<SetDelegation>(&set(AGENT, "ACTIVATE")).await.unwrap();
    let active = of(AGENT);
    assert_eq!(active["profile"]["delegatedAgents"], json!([]), "what `can_delegate` asks for");
    org.call::<SetDelegation>(&set(AGENT, "ACTIVATE")).await.unwrap();
    org.call::<AddDelegationAgent>(&by(AGENT, &json!({ "agentid": ACME_USER, "reason": "x" })))
        .await
        .unwrap();
    org.call::<SetDelegation>(&set(AGENT, "ACTIVATE")).await.unwrap();
    assert_eq!(of(AGENT)["profile"]["delegatedAgents"], json!([ACME_USER]), "switched on twice");
    org.call::<SetDelegation>(&set(AGENT, "DEACTIVATE")).await.unwrap();
    let mut after = of(AGENT);
    let time = if before.get("lastUpdated").is_some() { "lastUpdated" } else { "last_updated" };
    after[time] = before[time].clone();
    assert_same(&after, &before, "the user");
    assert_eq!(
        code::<AddDelegationAgent>(&org, &by(AGENT, &json!({ "agentid": ACME_USER }))).await,
        ProblemCode::DelegationNotActive
    );
    // An attribute that only the delegators' type has.
    let kind = org.prepare("GET", "/api/v1/meta/types/user/oty1delegator0000001", json!({})).await;
    let schema = kind["_links"]["schema"]["href"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    let attribute = json!({ "title": "Room", "type": "string" });
    let change = json!({ "definitions": { "custom": { "id": "#custom", "type": "object", "properties": { "room": attribute } } } });
    org.prepare("POST", &format!("/api/v1/meta/schemas/user/{schema}"), change).await;
    org.prepare("POST", &format!("/api/v1/users/{DELEGATOR}"), json!({ "profile": { "room": "7" } })).await;
    let before = org.emulator.stable_snapshot();
    let lost = org.call::<SetDelegation>(&set(DELEGATOR, "DEACTIVATE")).await.unwrap_err();
    assert_eq!(lost.code(), ProblemCode::AttributesWouldBeLost);
    assert!(lost.document("id")["detail"].as_str().unwrap().contains("`room`"));
    assert_same(&org.emulator.stable_snapshot(), &before, "the org");
    // Who has a third type keeps it.
    let third = org
        .prepare("POST", "/api/v1/meta/types/user", json!({ "name": "third", "displayName": "Third" }))
        .await;
    let user = org.prepare("GET", &format!("/api/v1/users/{ACME_USER}"), json!({})).await;
    let moved = json!({ "profile": user["profile"], "type": { "id": third["id"] } });
    org.prepare("PUT", &format!("/api/v1/users/{ACME_USER}"), moved).await;
    let before = org.emulator.stable_snapshot();
    org.call::<SetDelegation>(&set(ACME_USER, "DEACTIVATE")).await.unwrap();
    assert_same(&org.emulator.stable_snapshot(), &before, "a third type");
    // Without a type of their own nobody switches anything.
    org.configure(&[]);
    assert_eq!(code::<SetDelegation>(&org, &set(AGENT, "ACTIVATE")).await, ProblemCode::DelegationNotActive);
    // The type of everybody lacks the attributes.
    org.configure(&OPEN[..1]);
    let nominate = by(AGENT, &json!({ "agentid": ACME_USER }));
    assert_eq!(code::<AddDelegationAgent>(&org, &nominate).await, ProblemCode::DelegationNotActive);
}

/// DLG-08, DLG-06: nobody becomes an administrator, or acts for one, by delegation.
#[tokio::test]
async fn dlg_08_nobody_acts_for_an_administrator() {
    let start = async |change: &str| {
        let org = org().await;
        match change {
            "a role of a group" => {
                let group =
                    org.prepare("POST", "/api/v1/groups", json!({ "profile": { "name": "HELP" } })).await;
                let group = group["id"].as_str().unwrap();
                org.prepare(
                    "POST",
                    &format!("/api/v1/groups/{group}/roles"),
                    json!({ "type": "HELP_DESK_ADMIN" }),
                )
                .await;
                org.prepare("PUT", &format!("/api/v1/groups/{group}/users/{DELEGATOR}"), json!({})).await;
            }
            group => {
                let found = org.prepare("GET", &format!("/api/v1/groups?q={group}"), json!({})).await;
                let id = found[0]["id"].as_str().unwrap();
                org.prepare("PUT", &format!("/api/v1/groups/{id}/users/{DELEGATOR}"), json!({})).await;
            }
        }
        let refused = org.call::<StartDelegation>(&begin(AGENT)).await.map_err(|problem| problem.code());
        open(&org, &[("DELEGATION_OF_ADMINS", "allow")]);
        (refused.map(drop), org.call::<StartDelegation>(&begin(AGENT)).await.is_ok())
    };
    for change in ["a role of a group", "SUPERUSERS", "ADMINS_acme"] {
        assert_eq!(start(change).await, (Err(ProblemCode::Forbidden), true), "{change}");
    }
}

/// MAN-08, and what the source document calls the claims of the configuration.
#[tokio::test]
async fn man_08_dlg_04_only_the_attributes_of_the_configuration_become_claims() {
    let org = org().await;
    let variables = [
        ("DELEGATED_SUB", "id"),
        ("DELEGATION_ACTOR_CLAIMS", "true"),
        ("DELEGATED_ACCESS_CLAIMS", "firstName,nickName,can_see"),
        ("DELEGATED_IDENTITY_CLAIMS", "lastName"),
    ];
    open(&org, &variables);
    let id = started(&org).await;
    let mut payload = authorize(&id, AGENT, CLIENT);
    payload["data"]["access"]["claims"]["nickName"] = "the agent's own".into();
    let answer = org.hook::<EnrichAgentToken>(payload).await;
    let fingerprint = answer["commands"][0]["value"][4]["value"].clone();
    assert!(fingerprint.as_str().is_some_and(|text| text.len() == 64 && !text.contains(&id)), "{answer}");
    assert_eq!(
        answer,
        json!({ "commands": [
            { "type": "com.okta.access.patch", "value": [
                { "op": "replace", "path": "/claims/can_delegate", "value": "False" },
                { "op": "add", "path": "/claims/on_behalf", "value": "True" },
                { "op": "add", "path": "/claims/on_behalf_sub", "value": DELEGATOR },
                { "op": "add", "path": "/claims/act", "value": { "sub": "agent@demo.test" } },
                { "op": "add", "path": "/claims/delegation_id", "value": fingerprint },
                { "op": "add", "path": "/claims/firstName", "value": "delegator" },
                { "op": "remove", "path": "/claims/nickName" },
            ] },
            { "type": "com.okta.identity.patch", "value": [
                { "op": "add", "path": "/claims/lastName", "value": "demo.test" },
            ] },
        ] })
    );
}

/// A fault at any call: the token stays the agent's own, or there is none.
#[tokio::test]
async fn man_26_in_doubt_no_token_is_delegated() {
    for deny in [false, true] {
        let doubt = match deny {
            false => nothing(),
            true => json!({ "error": { "errorSummary": "The delegation could not be confirmed." } }),
        };
        let org = org().await;
        open(&org, &[fail(deny)]);
        // Calls that concern no delegation are no doubt.
        assert_eq!(org.hook::<EnrichAgentToken>(authorize("its-own", AGENT, CLIENT)).await, nothing());
        assert_eq!(org.hook::<EnrichAgentToken>(refresh(AGENT, CLIENT)).await, nothing());
        assert_eq!(org.hook::<EnrichAgentToken>(json!({ "eventType": "other" })).await, nothing());
        assert_eq!(org.hook::<EnrichAgentToken>(authorize("dlg_unknown", AGENT, CLIENT)).await, doubt);
        for nth in 1..=2 {
            for status in [500, 429, 404] {
                let id = started(&org).await;
                let action = okta_emulator::Action { status: Some(status), ..Default::default() };
                org.emulator.order(okta_emulator::Fault::on_call(nth, u64::MAX, action));
                let answer = org.hook::<EnrichAgentToken>(authorize(&id, AGENT, CLIENT)).await;
                org.emulator.clear_faults();
                assert_eq!(answer, doubt, "Okta call {nth}, {status}");
            }
        }
        // DynamoDB: 1 the delegation is found, 2 it is used up; the refusal is not
        // kept then either.
        for (nth, after) in [(1, false), (2, false), (2, true)] {
            let id = started(&org).await;
            org.break_dynamodb(nth, u64::MAX, after);
            let answer = org.hook::<EnrichAgentToken>(authorize(&id, AGENT, CLIENT)).await;
            org.break_dynamodb(1, 0, false);
            assert_eq!(answer, doubt, "DynamoDB call {nth}, {after}");
        }
        // Another transaction on it is waited for; what lasts is a doubt, too.
        let id = started(&org).await;
        org.cancel_transactions("TransactionConflict", 3);
        assert!(is_delegated(&org.hook::<EnrichAgentToken>(authorize(&id, AGENT, CLIENT)).await));
        for code in ["TransactionConflict", "ThrottlingError"] {
            let id = started(&org).await;
            org.cancel_transactions(code, u64::MAX);
            assert_eq!(org.hook::<EnrichAgentToken>(authorize(&id, AGENT, CLIENT)).await, doubt, "{code}");
            org.cancel_transactions(code, 0);
            assert_eq!(events(&org).await[0].2, "the table does not answer");
            assert!(
                is_delegated(&org.hook::<EnrichAgentToken>(authorize(&id, AGENT, CLIENT)).await),
                "not used up"
            );
        }
        // A token of a client alone, and a delegator of whom there is nothing to say.
        let mut client = refresh(AGENT, CLIENT);
        client["data"]["context"].as_object_mut().unwrap().remove("user");
        client["data"].as_object_mut().unwrap().remove("identity");
        client["data"]["access"]["claims"].as_object_mut().unwrap().remove("uid");
        assert_eq!(org.hook::<EnrichAgentToken>(client.clone()).await, nothing());
        assert_eq!(org.hook::<EnrichEntityToken>(client).await, nothing());
        open(&org, &[fail(deny), ("DELEGATED_SUB", "nickName")]);
        let id = started(&org).await;
        assert_eq!(org.hook::<EnrichAgentToken>(authorize(&id, AGENT, CLIENT)).await, doubt);
        open(&org, &[fail(deny)]);
        // A lost answer is repeated, and is no second use.
        let id = started(&org).await;
        org.break_dynamodb(2, 1, true);
        assert!(is_delegated(&org.hook::<EnrichAgentToken>(authorize(&id, AGENT, CLIENT)).await));
        // Without an access token there is nothing to say it in.
        let id = started(&org).await;
        let mut identity_only = authorize(&id, AGENT, CLIENT);
        identity_only["data"].as_object_mut().unwrap().remove("access");
        assert_eq!(org.hook::<EnrichAgentToken>(identity_only).await, doubt);
    }
}

/// MAN-03: too late is too late.
#[tokio::test]
async fn man_03_a_delegation_ends() {
    let org = org().await;
    let id = started(&org).await;
    org.clock().advance(std::time::Duration::from_secs(61));
    assert_eq!(org.hook::<EnrichAgentToken>(authorize(&id, AGENT, CLIENT)).await, nothing());
    assert_eq!(org.hook::<EnrichAgentToken>(refresh(AGENT, CLIENT)).await, nothing());
}

/// MAN-23: the entity, also without a session.
#[tokio::test]
async fn man_23_the_entity_of_a_user() {
    let org = org().await;
    assert_eq!(org.hook::<EnrichEntityToken>(refresh(AGENT, CLIENT)).await, nothing(), "no relationship");
    let attribute = |title: &str| json!({ "title": title, "type": "string" });
    let properties = json!({ "entityId": attribute("Id"), "entityName": attribute("Name") });
    let change = json!({ "definitions": { "custom": { "id": "#custom", "type": "object", "properties": properties } } });
    org.prepare("POST", "/api/v1/meta/schemas/user/default", change).await;
    let side = |name: &str| json!({ "name": name, "title": name, "description": name, "type": "USER" });
    let definition = json!({ "primary": side("parentEntity"), "associated": side("member") });
    org.prepare("POST", "/api/v1/meta/schemas/user/linkedObjects", definition).await;
    assert_eq!(org.hook::<EnrichEntityToken>(refresh(AGENT, CLIENT)).await, nothing(), "no entity");
    let profile = json!({ "profile": { "entityId": "E-1", "entityName": "Entity One" } });
    org.prepare("POST", &format!("/api/v1/users/{ACME_USER}"), profile).await;
    org.prepare("PUT", &format!("/api/v1/users/{AGENT}/linkedObjects/parentEntity/{ACME_USER}"), json!({}))
        .await;
    let expected = json!({ "commands": [
        { "type": "com.okta.access.patch", "value": [{ "op": "add", "path": "/claims/entity", "value": "E-1" }] },
        { "type": "com.okta.identity.patch", "value": [{ "op": "add", "path": "/claims/entity", "value": "Entity One" }] },
    ] });
    for payload in [refresh(AGENT, CLIENT), authorize("its-own", AGENT, CLIENT)] {
        assert_eq!(org.hook::<EnrichEntityToken>(payload).await, expected);
    }
    open(&org, &[fail(true)]);
    let action = okta_emulator::Action { status: Some(500), ..Default::default() };
    org.emulator.order(okta_emulator::Fault::on_call(1, u64::MAX, action));
    let denied = org.hook::<EnrichEntityToken>(refresh(AGENT, CLIENT)).await;
    assert_eq!(denied, json!({ "error": { "errorSummary": "The entity could not be confirmed." } }));
}

/// The records of a user are the user's alone, and stand on pages.
#[tokio::test]
async fn man_25_everybody_reads_their_own_records() {
    let org = org().await;
    for _ in 0..25 {
        started(&org).await;
    }
    let pages = org.pages::<ListDelegationEvents>(&ask(DELEGATOR), 10).await;
    let times: Vec<&str> = pages.iter().flatten().map(|record| record["time"].as_str().unwrap()).collect();
    assert!(times.len() == 25 && times.is_sorted_by(|a, b| a >= b), "{times:?}");
    assert_eq!(org.call::<ListDelegationEvents>(&ask(AGENT)).await.unwrap(), json!([]));
    let record = &pages[0][0];
    assert_eq!((&record["agent"], &record["client"]), (&json!(AGENT), &json!(CLIENT)));
    for after in ["", &"x".repeat(2_000)] {
        let request = ask(DELEGATOR).query("after", after);
        assert_eq!(code::<ListDelegationEvents>(&org, &request).await, ProblemCode::InvalidRequest);
    }
}

/// What Okta accepts of a token hook: its own rules, once more.
fn is_acceptable(answer: &Value, payload: &Value) -> bool {
    if let Some(error) = answer.get("error") {
        return error["errorSummary"].is_string() && answer.as_object().unwrap().len() == 1;
    }
    let Some(commands) = answer["commands"].as_array() else { return false };
    commands.iter().all(|command| {
        let token = match command["type"].as_str() {
            Some("com.okta.access.patch") => "access",
            Some("com.okta.identity.patch") => "identity",
            _ => return false,
        };
        let Some(claims) = payload.pointer(&format!("/data/{token}/claims")).and_then(Value::as_object)
        else {
            return false;
        };
        command["value"].as_array().is_some_and(|operations| {
            !operations.is_empty()
                && operations.iter().all(|operation| {
                    let name = operation["path"].as_str().and_then(|path| path.strip_prefix("/claims/"));
                    let Some(name) = name.filter(|name| !name.contains('/')) else { return false };
                    let value = operation.get("value").filter(|value| !value.is_null());
                    match operation["op"].as_str() {
                        Some("add") => value.is_some() && !claims.contains_key(name),
                        Some("replace") => value.is_some() && claims.contains_key(name),
                        Some("remove") => value.is_none() && claims.contains_key(name),
                        _ => false,
                    }
                })
        })
    })
}

/// A payload with members missing, null, or something else.
fn damaged() -> impl Strategy<Value = (Value, bool)> {
    let pointers = prop::sample::subsequence(
        vec![
            "/eventType",
            "/data",
            "/data/context",
            "/data/context/protocol",
            "/data/context/protocol/request",
            "/data/context/protocol/request/state",
            "/data/context/protocol/client",
            "/data/context/protocol/client/id",
            "/data/context/session",
            "/data/context/user",
            "/data/context/user/id",
            "/data/context/request",
            "/data/context/request/url/value",
            "/data/identity",
            "/data/identity/claims",
            "/data/identity/claims/sub",
            "/data/access",
            "/data/access/claims",
            "/data/access/claims/uid",
            "/data/access/claims/cid",
            "/data/access/claims/sub",
            "/data/access/claims/can_delegate",
            "/data/access/claims/on_behalf",
        ],
        0..5,
    );
    let values = prop::sample::select(vec![
        Value::Null,
        json!(""),
        json!("x"),
        json!(7),
        json!([]),
        json!({}),
        json!(true),
        json!("com.okta.other"),
        json!({ "claims": null }),
        json!("00u00000000000000005"),
        json!("gone"),
    ]);
    let changes = (pointers, prop::collection::vec(values, 5));
    (changes, any::<bool>(), any::<bool>()).prop_map(|((pointers, values), is_refresh, deny)| {
        let mut payload = match is_refresh {
            true => refresh(AGENT, CLIENT),
            false => authorize("STATE", AGENT, CLIENT),
        };
        for (pointer, value) in pointers.into_iter().zip(values) {
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            if let Some(parent) = payload.pointer_mut(parent).and_then(Value::as_object_mut) {
                match value == "gone" {
                    true => drop(parent.remove(name)),
                    false => drop(parent.insert(name.to_owned(), value)),
                }
            }
        }
        (payload, deny)
    })
}

/// MAN-07: whatever Okta may send, the answer is one that it takes.
#[test]
fn man_07_generated_payloads_get_answers_that_okta_accepts() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let org = runtime.block_on(org());
    let delegated = std::cell::Cell::new(0);
    let mut runner =
        proptest::test_runner::TestRunner::new(ProptestConfig { cases: 1_000, ..Default::default() });
    let result = runner.run(&damaged(), |(payload, deny)| {
        runtime.block_on(async {
            let names = "firstName,nickName";
            let claims = [("DELEGATED_ACCESS_CLAIMS", names), ("DELEGATED_IDENTITY_CLAIMS", names)];
            open(&org, &[fail(deny), ("DELEGATION_ACTOR_CLAIMS", "true"), claims[0], claims[1]]);
            let id = started(&org).await;
            let payload: Value = serde_json::from_str(&payload.to_string().replace("STATE", &id)).unwrap();
            for answer in [
                org.hook::<EnrichAgentToken>(payload.clone()).await,
                org.hook::<EnrichEntityToken>(payload.clone()).await,
            ] {
                prop_assert!(is_acceptable(&answer, &payload), "{answer} for {payload}");
                delegated.set(delegated.get() + usize::from(is_delegated(&answer)));
            }
            Ok(())
        })
    });
    result.unwrap();
    // Most damage is harmless or a doubt, but not all payloads are damaged.
    assert!((100..1_000).contains(&delegated.get()), "{}", delegated.get());
}
