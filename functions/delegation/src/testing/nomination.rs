//! Who is nominated, and what of that can be read.

use super::*;

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
    for text in ["", &"x".repeat(101), "a\nb"] {
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
    // Orgs of the predecessor.
    org.configure(&[("DELEGATION_GRANTS", "profile")]);
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

/// A login that cannot stand in a path.
#[tokio::test]
async fn br_26_a_login_with_a_slash() {
    let org = TestOrg::start().await;
    let body = |agent: &str| by(DELEGATOR, &json!({ "agentid": agent }));
    for login in ["team/agent@demo.test", "team;agent@demo.test"] {
        let profile =
            json!({ "login": login, "email": "agent2@demo.test", "firstName": "An", "lastName": "Agent" });
        org.prepare(
            "POST",
            "/api/v1/users?activate=true",
            json!({ "profile": profile, "credentials": { "password": { "value": "Demo-Passw0rd" } } }),
        )
        .await;
        org.emulator.catch_up();
        org.call::<AddDelegationAgent>(&body(login)).await.unwrap();
    }
    assert_eq!(code::<AddDelegationAgent>(&org, &body("a/b")).await, ProblemCode::AgentNotFound);
}
