//! A grant is the user's own: what an administrator writes into a profile is none.

use super::*;

/// Writes the agents into the delegator's profile, as an administrator may.
async fn write_agents(org: &TestOrg, agents: &[&str]) {
    let profile = json!({ "profile": { "delegatedAgents": agents } });
    org.prepare("POST", &format!("/api/v1/users/{DELEGATOR}"), profile).await;
}

#[tokio::test]
async fn what_an_administrator_writes_is_no_grant() {
    let org = org().await;
    write_agents(&org, &[AGENT, ACME_USER]).await;
    assert_eq!(code::<StartDelegation>(&org, &begin(ACME_USER)).await, ProblemCode::Forbidden);
    assert_eq!(org.call::<ListDelegators>(&ask(ACME_USER)).await.unwrap(), json!([]));
    let list = org.call::<ListDelegationAgents>(&ask(DELEGATOR)).await.unwrap();
    assert_eq!(list["agents"].as_array().unwrap().len(), 1, "{list}");
    // Where the org says so, until its grants were taken over.
    open(&org, &[("DELEGATION_GRANTS", "profile")]);
    let answer = org.call::<StartDelegation>(&begin(ACME_USER)).await.unwrap();
    let id = answer["id"].as_str().unwrap();
    assert!(is_delegated(&org.hook::<EnrichAgentToken>(authorize(id, ACME_USER, CLIENT)).await));
    // A change of another grant takes none of them over; what the user grants counts.
    org.call::<AddDelegationAgent>(&nominate(SUPERUSER)).await.unwrap();
    open(&org, &[]);
    assert_eq!(code::<StartDelegation>(&org, &begin(ACME_USER)).await, ProblemCode::Forbidden);
    open(&org, &[("DELEGATION_GRANTS", "profile")]);
    org.call::<AddDelegationAgent>(&nominate(ACME_USER)).await.unwrap();
    open(&org, &[]);
    org.call::<StartDelegation>(&begin(ACME_USER)).await.unwrap();
}

/// An end that an administrator moves is the user's still.
#[tokio::test]
async fn an_end_is_the_users_own() {
    let org = org().await;
    let time = jiff::Timestamp::from_second(org.clock().now_ms() / 1_000 + 3_600).unwrap();
    let grant = json!({ "agentid": AGENT, "until": time.to_string() });
    org.call::<AddDelegationAgent>(&by(DELEGATOR, &grant)).await.unwrap();
    write_agents(&org, &[AGENT]).await;
    let profile = json!({ "profile": { "delegationGrants": [] } });
    org.prepare("POST", &format!("/api/v1/users/{DELEGATOR}"), profile).await;
    org.call::<StartDelegation>(&begin(AGENT)).await.unwrap();
    org.advance_clock(std::time::Duration::from_secs(3_601));
    assert_eq!(code::<StartDelegation>(&org, &begin(AGENT)).await, ProblemCode::Forbidden);
}

#[tokio::test]
async fn what_ended_does_not_come_back() {
    let org = org().await;
    let id = started(&org).await;
    let remove = by(DELEGATOR, &json!({ "agentid": AGENT }));
    org.call::<RemoveDelegationAgent>(&remove).await.unwrap();
    // Another grant of the same agent is another grant.
    org.call::<AddDelegationAgent>(&nominate(AGENT)).await.unwrap();
    assert_eq!(org.hook::<EnrichAgentToken>(authorize(&id, AGENT, CLIENT)).await, nothing());
    let id = started(&org).await;
    assert!(is_delegated(&org.hook::<EnrichAgentToken>(authorize(&id, AGENT, CLIENT)).await));
    // Other software takes the agent out, the user removes the agent, an administrator
    // writes the agent in again.
    write_agents(&org, &[]).await;
    assert_eq!(code::<StartDelegation>(&org, &begin(AGENT)).await, ProblemCode::Forbidden);
    org.call::<RemoveDelegationAgent>(&remove).await.unwrap();
    write_agents(&org, &[AGENT]).await;
    assert_eq!(code::<StartDelegation>(&org, &begin(AGENT)).await, ProblemCode::Forbidden);
    // The same by switching off and on.
    org.call::<AddDelegationAgent>(&nominate(AGENT)).await.unwrap();
    started(&org).await;
    for op in ["DEACTIVATE", "ACTIVATE"] {
        org.call::<SetDelegation>(&by(DELEGATOR, &json!({ "op": op }))).await.unwrap();
    }
    write_agents(&org, &[AGENT]).await;
    assert_eq!(code::<StartDelegation>(&org, &begin(AGENT)).await, ProblemCode::Forbidden);
}

/// Who is refused again and again fills nobody's records.
#[tokio::test]
async fn refusals_are_counted() {
    let org = org().await;
    org.call::<RemoveDelegationAgent>(&by(DELEGATOR, &json!({ "agentid": AGENT }))).await.unwrap();
    for _ in 0..20 {
        assert_eq!(code::<StartDelegation>(&org, &begin(AGENT)).await, ProblemCode::Forbidden);
        // Never an agent, and of another tenant.
        assert_eq!(code::<StartDelegation>(&org, &begin(ACME_USER)).await, ProblemCode::Forbidden);
    }
    let page = org.call::<ListDelegationEvents>(&ask(DELEGATOR)).await.unwrap();
    let starts: Vec<_> = page.as_array().unwrap().iter().filter(|event| event["event"] == "start").collect();
    // An hour may have ended meanwhile.
    let counts: u64 = starts.iter().map(|start| start["count"].as_u64().unwrap_or(1)).sum();
    assert!(counts == 20 && starts.len() <= 2, "{page}");
    assert!(starts.iter().all(|start| start["agent"] == AGENT), "{page}");
}
