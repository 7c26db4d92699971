//! The policies that every org has, with their default rules.
//!
//! Evidence: recorded answer 9 (docs/emulator.md). Names and texts: recordings of the Terraform
//! provider. Of the sign-on, enrolment and app policies nothing is enforced.

use serde_json::{Value, json};

use crate::api::apps::{ACCESS_POLICY, PROFILE_ENROLLMENT};
use crate::json::{Object, object};
use crate::org::Org;
use crate::seed::Seed;

/// The description of the policies that apply to everybody.
const FOR_ALL: &str = "The default policy applies in all situations if no other policy applies.";

/// Type, id, name, description, whether Okta made it and keeps it.
#[rustfmt::skip] // A table.
const POLICIES: &[(&str, &str, &str, &str, bool)] = &[
    ("OKTA_SIGN_ON", "00p1signon0000000001", "Default Policy", FOR_ALL, true),
    ("MFA_ENROLL", "00p1mfaenroll0000001", "Default Policy", FOR_ALL, true),
    ("ACCESS_POLICY", "rst1adminconsole0001", "Okta Admin Console", "", false),
    ("ACCESS_POLICY", ACCESS_POLICY, "Any two factors", "Require two factors to access.", true),
    ("ACCESS_POLICY", "rst1passwordonly0001", "Password only", "Require only a password. Suggested for low risk or consumer-facing applications.", false),
    ("PROFILE_ENROLLMENT", PROFILE_ENROLLMENT, "Default Policy", "Default policy for enrollment in all applications.", true),
];

impl Seed {
    pub(crate) fn plant_policies(&self, org: &mut Org, time: &str) {
        for (kind, id, name, description, is_system) in POLICIES {
            let mut policy = policy(kind, id, name, *is_system, time);
            if !description.is_empty() {
                policy.insert("description".to_owned(), (*description).into());
            }
            org.policies.insert((*id).to_owned(), policy);
            let name = if *kind == "ACCESS_POLICY" { "Catch-all Rule" } else { "Default Rule" };
            let actions = match *kind {
                "OKTA_SIGN_ON" => json!({ "signon": {
                    "access": "ALLOW", "requireFactor": false, "rememberDeviceByDefault": false,
                    "session": {
                        "usePersistentCookie": false, "maxSessionIdleMinutes": 120, "maxSessionLifetimeMinutes": 0,
                    },
                } }),
                "MFA_ENROLL" => json!({ "enroll": { "self": "CHALLENGE" } }),
                "ACCESS_POLICY" => json!({ "appSignOn": {
                    "access": "ALLOW",
                    "verificationMethod": { "factorMode": "1FA", "type": "ASSURANCE", "reauthenticateIn": "PT2H" },
                } }),
                _ => json!({ "profileEnrollment": { "access": "DENY", "unknownUserAction": "DENY" } }),
            };
            let kind = match *kind {
                "OKTA_SIGN_ON" => "SIGN_ON",
                kind => kind,
            };
            plant_rule(org, id, kind, name, Value::Null, actions, time);
        }
        let mut passwords = policy("PASSWORD", "00p1password00000001", "Default Policy", true, time);
        passwords.insert("description".to_owned(), FOR_ALL.into());
        passwords.insert(
            "settings".to_owned(),
            json!({ "password": {
                "complexity": {
                    "minLength": 8, "minLowerCase": 1, "minUpperCase": 1, "minNumber": 1, "minSymbol": 0,
                    "excludeUsername": true,
                },
                "age": { "maxAgeDays": 0, "expireWarnDays": 0, "minAgeMinutes": 0, "historyCount": 4 },
                "lockout": { "maxAttempts": 10, "autoUnlockMinutes": 0, "showLockoutFailures": false },
            } }),
        );
        org.policies.insert("00p1password00000001".to_owned(), passwords);
        let id = self.routing_policy_id.as_str();
        org.policies.insert(id.to_owned(), policy("IDP_DISCOVERY", id, "Idp Discovery Policy", true, time));
        // Routes to Okta's own sign-in; the last one, and read-only.
        let conditions = json!({
            "network": { "connection": "ANYWHERE" }, "app": { "include": [], "exclude": [] },
            "userIdentifier": { "type": "IDENTIFIER", "patterns": [] },
        });
        let actions = json!({ "idp": { "providers": [{ "type": "OKTA" }] } });
        plant_rule(org, id, "IDP_DISCOVERY", "Default Rule", conditions, actions, time);
    }
}

fn policy(kind: &str, id: &str, name: &str, is_system: bool, time: &str) -> Object {
    object(json!({
        "id": id, "status": "ACTIVE", "name": name, "priority": 1, "system": is_system, "conditions": null,
        "created": time, "lastUpdated": time, "type": kind,
    }))
}

/// The last rule of a policy, which nobody changes.
fn plant_rule(
    org: &mut Org,
    policy: &str,
    kind: &str,
    name: &str,
    conditions: Value,
    actions: Value,
    time: &str,
) {
    // The one of the routing policy is known by its id.
    let id = match kind {
        "IDP_DISCOVERY" => "0pr1default000000001".to_owned(),
        _ => format!("0pr1{}", &policy[4..]),
    };
    let priority = if kind == "IDP_DISCOVERY" { 100_000 } else { 99 };
    let rule = object(json!({
        "id": id, "name": name, "status": "ACTIVE", "priority": priority, "created": time, "lastUpdated": time,
        "system": true, "conditions": conditions, "actions": actions, "type": kind,
    }));
    org.rules.entry(policy.to_owned()).or_default().insert(id, rule);
}
