//! What the hook answers, whatever Okta sends.

use super::*;

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
