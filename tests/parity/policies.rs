//! Policies and routing rules.

use serde_json::{Value, json};

use crate::org::{Org, at, hints, lacks, members};
use crate::{Outcome, facts};

facts! {
    r09_every_org_has_default_policies: "every org has policies of each type",
    r10_policies_and_rules_have_hints: "links of policies and rules have hints; a list links to itself",
    r11_a_dynamic_rule_is_completed: "a dynamic routing rule has patterns and propertyName, and no fallback",
}

async fn r09_every_org_has_default_policies(org: &mut Org) -> Outcome {
    for kind in
        ["OKTA_SIGN_ON", "MFA_ENROLL", "ACCESS_POLICY", "PROFILE_ENROLLMENT", "PASSWORD", "IDP_DISCOVERY"]
    {
        let policies = org.get(&format!("/api/v1/policies?type={kind}")).await?.is(200, &json!("*"))?;
        let found = policies.as_array().map_or(0, Vec::len);
        let least = if kind == "ACCESS_POLICY" { 2 } else { 1 };
        if found < least {
            return Err(format!("{found} policies of the type {kind}"));
        }
    }
    Ok(())
}

async fn r10_policies_and_rules_have_hints(org: &mut Org) -> Outcome {
    let answer = org.get("/api/v1/policies?type=IDP_DISCOVERY").await?;
    let link = answer.header("link");
    if link != format!("<{}/api/v1/policies?type=IDP_DISCOVERY>; rel=\"self\"", org.url()) {
        return Err(format!("the Link is `{link}`"));
    }
    let expected =
        json!([{ "_links": { "self": hints(&["GET", "PUT"]), "rules": hints(&["GET", "POST"]) } }]);
    let policies = answer.is(200, &expected)?;
    members(&policies, "/0/_links", &["self", "rules"])?;
    let rule = routing_rule(org, json!({ "providers": [{ "type": "OKTA" }] }), None).await?;
    let all =
        json!({ "_links": { "self": hints(&["GET", "PUT", "DELETE"]), "deactivate": hints(&["POST"]) } });
    let path = format!("/api/v1/policies/{}/rules", at(&policies, "/0/id"));
    org.get(&format!("{path}/{}", at(&rule, "/id"))).await?.is(200, &all).map(drop)
}

async fn routing_rule(org: &mut Org, idp: Value, identifier: Option<Value>) -> Result<Value, String> {
    let (policy, name) = (org.policy("IDP_DISCOVERY").await?, org.name());
    let mut body = json!({
        "name": name, "type": "IDP_DISCOVERY", "actions": { "idp": idp },
        "conditions": { "network": { "connection": "ANYWHERE" } },
    });
    if let Some(identifier) = identifier {
        body["conditions"]["userIdentifier"] = identifier;
    }
    org.make(&format!("/api/v1/policies/{policy}/rules"), body).await
}

async fn r11_a_dynamic_rule_is_completed(org: &mut Org) -> Outcome {
    let idp = json!({
        "idpSelectionType": "DYNAMIC", "matchCriteria": [{ "providerExpression": "login.identifier.substringAfter('@')" }],
        "providers": [], "shouldFallBackToOkta": true,
    });
    let rule = routing_rule(org, idp, Some(json!({ "type": "IDENTIFIER" }))).await?;
    let policy = org.policy("IDP_DISCOVERY").await?;
    let rule = org.get(&format!("/api/v1/policies/{policy}/rules/{}", at(&rule, "/id"))).await?.is(
        200,
        &json!({
            "conditions": { "userIdentifier": { "patterns": [] } },
            "actions": { "idp": { "matchCriteria": [{ "propertyName": "name" }] } },
        }),
    )?;
    lacks(&rule, &["/actions/idp/shouldFallBackToOkta"])
}
