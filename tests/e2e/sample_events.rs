//! The sample events work with Lambda's Invoke API.

use tests::{TestStack, repository};

#[tokio::test]
async fn every_event_succeeds() {
    let routed = TestStack::start().await;
    // `find-idp` is off where Okta's rules route users.
    let found = TestStack::start_configured(&[("DiscoveryBy", "webfinger")]).await;
    for endpoint in xtask::endpoints() {
        let operation = endpoint.operation;
        let stack = if operation.name == "find-idp" { &found } else { &routed };
        let event = std::fs::read(repository().join(format!("events/{}.json", operation.name))).unwrap();
        for function in [operation.name.to_owned(), format!("okta-dac-{}", operation.name)] {
            // As `make bench` does before each.
            stack.okta().reset();
            assert_eq!(stack.local("/_local/reset", serde_json::Value::Null).await.status, 204);
            if operation.name == "find-idp" {
                stack.local("/_local/schedules/reconcile", serde_json::Value::Null).await;
            }
            let answer = stack.invoke(&function, event.clone()).await;
            // A token of the org, and a hook's secret, are not for a file.
            let needs_none =
                operation.http().is_some() || matches!(operation.trigger, operations::Trigger::Public { .. });
            let expected = if needs_none { operation.success() } else { 401 };
            assert_eq!(answer.body["statusCode"], expected, "{function}: {answer}");
            // The sample answer is what the sample request gives.
            if let Some(expected) = (endpoint.example)().answer {
                let body = answer.body["body"].as_str().unwrap();
                assert_eq!(stable(serde_json::from_str(body).unwrap()), stable(expected), "{function}");
            }
        }
    }
}

#[tokio::test]
async fn an_unknown_function_is_404() {
    let stack = TestStack::start().await;
    let answer = stack.invoke("no-such-function", b"{}".to_vec()).await;
    assert_eq!(answer.status, 404, "{answer}");
    let failed = stack.invoke("get-tenant", b"{}".to_vec()).await;
    assert_eq!((failed.status, failed.header("x-amz-function-error")), (200, "Unhandled"), "{failed}");
}

/// Without times, links and tokens, and without the ids of groups that are made at the
/// same time.
pub(crate) fn stable(mut value: serde_json::Value) -> serde_json::Value {
    let elements = match &mut value {
        serde_json::Value::Array(elements) => elements.iter_mut().collect(),
        one => vec![one],
    };
    for element in elements {
        for member in ["activated", "assigned", "created", "lastUpdated", "passwordChanged", "statusChanged"]
        {
            if element[member].is_string() {
                element[member] = "…".into();
            }
        }
        if element["id"].as_str().is_some_and(|id| id.starts_with("dlg_")) {
            element["id"] = "…".into();
        }
        for address in ["/logo/0/href", "/links/0/href"] {
            if let Some(address) = element.pointer_mut(address) {
                *address = "…".into();
            }
        }
        if element["_links"].is_object() {
            element["_links"] = "…".into();
        }
        if element["dnsVerificationString"].is_string() && element["dnsName"].is_string() {
            element["dnsVerificationString"] = "…".into();
        }
        if element["ADMINS_roleId"].is_string() {
            element["ADMINS_groupId"] = "…".into();
            element["USERS_groupId"] = "…".into();
        }
    }
    value
}
