//! Evaluating the policy that the authorizer gave.
//!
//! By the crate `iam-rs`, and not by code that the authorizer shares: both
//! could be wrong together. Its behaviour is judged by the table of cases below.

use iam_rs::{Arn, Decision as Evaluated, IAMPolicy, IAMRequest, Principal, PrincipalId, evaluate_policy};
use serde_json::Value;

/// What a policy says of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// An `Allow` matches and no `Deny` does.
    Allow,
    /// A `Deny` matches.
    ExplicitDeny,
    /// Nothing matches, or the policy cannot be read.
    ImplicitDeny,
}

/// What `policy` says of invoking `method_arn`.
pub fn evaluate(policy: &Value, method_arn: &str) -> Decision {
    let Ok(policy) = serde_json::from_value::<IAMPolicy>(policy.clone()) else {
        return Decision::ImplicitDeny;
    };
    let Ok(resource) = Arn::parse(method_arn) else { return Decision::ImplicitDeny };
    // An authorizer's policy names no principal; the crate wants one in requests.
    let principal = Principal::Aws(PrincipalId::String(crate::aws::ACCOUNT.to_owned()));
    let request = IAMRequest::new(principal, "execute-api:Invoke", resource);
    match evaluate_policy(&policy, &request) {
        Ok(Evaluated::Allow) => Decision::Allow,
        Ok(Evaluated::Deny) => Decision::ExplicitDeny,
        _ => Decision::ImplicitDeny,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Decision::{Allow, ExplicitDeny, ImplicitDeny};
    use super::*;

    const STAGE: &str = "arn:aws:execute-api:us-east-1:000000000000:api/v1";

    fn statement(effect: &str, resources: &[&str]) -> Value {
        let resources: Vec<String> = resources
            .iter()
            .map(|r| if *r == "*" { "*".to_owned() } else { format!("{STAGE}/{r}") })
            .collect();
        json!({ "Action": "execute-api:Invoke", "Effect": effect, "Resource": resources })
    }

    /// IAM's rules, in API Gateway's terms: `*` matches any run of characters,
    /// `/` included, `?` exactly one; a deny beats every allow.
    #[test]
    fn the_crate_matches_as_iam_does() {
        let allow = |resource| vec![statement("Allow", &[resource])];
        for (statements, request, expected) in [
            (allow("GET/tenants/acme"), "GET/tenants/acme", Allow),
            (allow("GET/tenants/acme"), "GET/tenants/acme2", ImplicitDeny),
            (allow("GET/tenants/acme"), "GET/tenants/acme/apps", ImplicitDeny),
            (allow("GET/tenants/acme"), "PUT/tenants/acme", ImplicitDeny),
            (allow("GET/tenants/acme"), "GET/tenants/ACME", ImplicitDeny),
            (allow("GET/tenants/acme*"), "GET/tenants/acme2/apps", Allow),
            (allow("GET/tenants/*/apps"), "GET/tenants/a/b/apps", Allow),
            (allow("*/tenants/acme"), "DELETE/tenants/acme", Allow),
            (allow("GET/tenants/acm?"), "GET/tenants/acme", Allow),
            (allow("GET/tenants/acm?"), "GET/tenants/acm", ImplicitDeny),
            (allow("GET/tenants/acm?"), "GET/tenants/acmee", ImplicitDeny),
            (allow("GET/tenants/?"), "GET/tenants//", Allow),
            (allow("GET/tenants/acme%20corp"), "GET/tenants/acme%20corp", Allow),
            (allow("GET/tenants/Äcme corp"), "GET/tenants/Äcme corp", Allow),
            (allow("GET/tenants/a:b"), "GET/tenants/a:b", Allow),
            (allow("GET/tenants/a.c"), "GET/tenants/abc", ImplicitDeny),
            (allow("GET/tenants/[a-z]"), "GET/tenants/b", ImplicitDeny),
            (allow("*"), "GET/anything", Allow),
            (vec![], "GET/tenants", ImplicitDeny),
            (
                vec![statement("Allow", &["*"]), statement("Deny", &["GET/tenants/*"])],
                "GET/tenants/acme",
                ExplicitDeny,
            ),
            (
                vec![statement("Deny", &["*"]), statement("Allow", &["GET/tenants"])],
                "GET/tenants",
                ExplicitDeny,
            ),
            (vec![statement("Allow", &["GET/a", "GET/b"])], "GET/b", Allow),
        ] {
            let policy = json!({ "Version": "2012-10-17", "Statement": statements });
            assert_eq!(evaluate(&policy, &format!("{STAGE}/{request}")), expected, "{policy} {request}");
        }
    }

    #[test]
    fn auz_17_what_is_no_policy_denies() {
        for policy in [json!(null), json!({}), json!({"Statement": "x"}), json!([])] {
            assert_eq!(evaluate(&policy, &format!("{STAGE}/GET/tenants")), ImplicitDeny, "{policy}");
        }
        let quoted =
            json!({ "Version": "2012-10-17", "Statement": [statement("Allow", &["\"GET\"/tenants"])] });
        assert_eq!(evaluate(&quoted, &format!("{STAGE}/GET/tenants")), ImplicitDeny);
        let other_action = json!({ "Version": "2012-10-17", "Statement": [
            { "Action": "execute-api:ManageConnections", "Effect": "Allow", "Resource": "*" }
        ] });
        assert_eq!(evaluate(&other_action, &format!("{STAGE}/GET/tenants")), ImplicitDeny);
    }
}
