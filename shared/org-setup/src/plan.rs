//! What is wanted, what is there, and the step that comes next.

use std::collections::{BTreeMap, BTreeSet};

use connections::stop::{Code, Stop};
use domain::{RESPONDERS, SUPERUSERS};
use okta_client::models::{Application, GroupId, KeyId, UserType};
use serde_json::{Value, json};

/// What objects of ours bear.
pub const MARK: &str = "okta-dac org v1";

/// The name of the app, of the authorization server, of its policy and of the rule.
pub const NAME: &str = "okta-dac";

/// Both: whoever could make a group of such a name would have its rights, if there were none.
pub(crate) const GROUPS: [&str; 2] = [SUPERUSERS, RESPONDERS];

/// The scopes, with what they are for.
pub const SCOPES: [(&str, &str); 3] = [
    ("dac.admin", "Administer tenants"),
    ("managed.access", "Act for others, and let others act"),
    ("dac.respond", "Contain users"),
];

/// The kinds of tokens that have the claims: a web app shows by its ID token what its user may.
pub(crate) const TOKENS: [&str; 2] = ["RESOURCE", "IDENTITY"];

/// The claims.
pub(crate) const CLAIMS: [&str; 2] = ["tenants", "groups"];

/// The claim that says who may let others act for them, as clients of the predecessor read it.
pub(crate) const CAN_DELEGATE: &str = "can_delegate";

/// The name of the type of users who may let others act for them.
pub const DELEGATORS: &str = "oktaDacDelegator";

/// What their profiles have beside those of other users.
pub const DELEGATOR_ATTRIBUTES: [(&str, &str, &str); 2] = [
    ("delegatedAgents", "Agents", "Users who may act for this user"),
    ("delegationGrants", "Grants", "Until when, and why"),
];

/// What is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Origins of the web apps that sign users in.
    pub origins: Vec<String>,
    /// Ids of the users who are superusers.
    pub superusers: Vec<String>,
    /// The audience of the tokens; of a server that is there, none is any.
    pub audience: String,
    /// Also what delegation needs: a type of users, and the claim that says who has the type.
    pub delegation: bool,
    /// Name of a type of users that is there for delegation; without one a type of ours is made.
    pub user_type: Option<String>,
    /// Objects of these names that are somebody else's are taken over.
    pub adopt: bool,
}

/// What is there.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// The groups by name: the id, and what the group is described by.
    pub groups: BTreeMap<&'static str, (GroupId, String)>,
    /// Ids of the superusers.
    pub members: BTreeSet<String>,
    /// Apps that are called as ours.
    pub apps: Vec<Application>,
    /// Names of the groups that are assigned to the app.
    pub assigned: BTreeSet<&'static str>,
    /// Whether users of the app have tenants.
    pub has_attribute: bool,
    /// The authorization server: its id, issuer and description.
    pub server: Option<(String, String, String)>,
    /// Its audiences.
    pub audiences: Vec<String>,
    /// What has one of our names, and is not as it has to be.
    pub wrong: Vec<String>,
    /// Names of its scopes.
    pub scopes: BTreeSet<String>,
    /// Its claims: name, and kind of token.
    pub claims: BTreeSet<(String, String)>,
    /// Whether the claim `groups` has all groups of a user, as the predecessor's.
    pub has_wide_claim: bool,
    /// Its policy.
    pub policy: Option<String>,
    /// Names of the policy's rules.
    pub rules: BTreeSet<String>,
    /// Names of the groups that have members.
    pub populated: BTreeSet<&'static str>,
    /// Names of the groups that this run made.
    pub fresh: BTreeSet<&'static str>,
    /// Origins that are trusted.
    pub origins: BTreeSet<String>,
    /// The placeholder certificate.
    pub placeholder: Option<KeyId>,
    /// The type of the users who may let others act for them.
    pub delegators: Option<UserType>,
    /// The attributes that these users have of [`DELEGATOR_ATTRIBUTES`].
    pub delegator_attributes: BTreeSet<&'static str>,
}

/// What is made next.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// A group, by name.
    Group(&'static str),
    /// A group that may be somebody else's target goes, and is made anew.
    Remake(&'static str),
    /// A superuser, by id.
    Member(String),
    /// The app.
    App(Value),
    /// Addresses of the app that lack.
    Addresses(Vec<String>),
    /// The attribute `tenants` of the app's users.
    Attribute(Value),
    /// A group's assignment to the app.
    Assignment(&'static str),
    /// The authorization server.
    Server(Value),
    /// A scope.
    Scope(Value),
    /// A claim.
    Claim(Value),
    /// The policy.
    Policy(Value),
    /// The rule.
    Rule(Value),
    /// A trusted origin.
    Origin(Value),
    /// The placeholder certificate.
    Placeholder,
    /// The type of users who may let others act for them.
    UserType(Value),
    /// What lacks of their attributes.
    UserAttributes(Value),
}

impl Step {
    /// The step, for a person.
    pub fn text(&self) -> String {
        let name = |object: &Value| object["name"].as_str().unwrap_or_default().to_owned();
        match self {
            Self::Group(name) => format!("make the group {name}"),
            Self::Remake(name) => format!("delete the empty group {name}, to make it anew"),
            Self::Member(id) => format!("make {id} a superuser"),
            Self::App(_) => format!("make the app {NAME}"),
            Self::Addresses(all) => format!("let the app lead to {}", all.join(", ")),
            Self::Attribute(_) => "give users of the app the attribute tenants".to_owned(),
            Self::Assignment(name) => format!("assign {name} to the app"),
            Self::Server(_) => format!("make the authorization server {NAME}"),
            Self::Scope(scope) => format!("make the scope {}", name(scope)),
            Self::Claim(claim) => {
                let kind = if claim["claimType"] == "IDENTITY" { "ID tokens" } else { "access tokens" };
                format!("make the claim {} in {kind}", name(claim))
            }
            Self::Policy(_) => format!("make the policy {NAME}"),
            Self::Rule(_) => format!("make the rule {NAME}"),
            Self::Origin(origin) => format!("trust {}", origin["origin"].as_str().unwrap_or_default()),
            Self::Placeholder => "make the placeholder certificate, and forget its key".to_owned(),
            Self::UserType(_) => format!("make the type of users {DELEGATORS}"),
            Self::UserAttributes(schema) => {
                let attributes = schema.pointer("/definitions/custom/properties").and_then(Value::as_object);
                let names: Vec<&str> =
                    attributes.into_iter().flat_map(|all| all.keys()).map(String::as_str).collect();
                format!("give users of the type {DELEGATORS} the attributes {}", names.join(", "))
            }
        }
    }
}

/// The app's mark.
pub(crate) fn mark_of(app: &Application) -> &str {
    let notes = app.other.get("settings").and_then(|settings| settings.pointer("/notes/admin"));
    notes.and_then(Value::as_str).unwrap_or_default()
}

/// What stands in the way: objects of somebody else, and several of ours.
///
/// # Errors
///
/// A sentence that names them.
pub fn check(wanted: &Wanted, seen: &Seen) -> Result<(), Stop> {
    if seen.apps.len() > 1 {
        let ids: Vec<&str> = seen.apps.iter().map(|app| app.id.as_str()).collect();
        let sentence = format!("several apps are called {NAME}: {}; delete all but one", ids.join(", "));
        return Err(Stop::new(Code::Ambiguous, sentence));
    }
    let foreign = foreign(wanted, seen);
    if !foreign.is_empty() && !wanted.adopt {
        let sentence = format!(
            "not made by okta-dac: {}; rename them, or `--adopt` takes them over",
            foreign.join(", ")
        );
        return Err(Stop::new(Code::Ambiguous, sentence));
    }
    if !seen.wrong.is_empty() {
        let sentence = format!("not as okta-dac needs it: {}; correct or delete it", seen.wrong.join(", "));
        return Err(Stop::new(Code::Ambiguous, sentence));
    }
    Ok(())
}

/// Objects of our names that somebody else made.
pub(crate) fn foreign(wanted: &Wanted, seen: &Seen) -> Vec<String> {
    let mut foreign = Vec::new();
    // Whoever administers a group can name and describe it, and cannot assign it to the app.
    let is_ours = |name: &str, description: &str| {
        description == MARK && (seen.assigned.contains(name) || !seen.populated.contains(name))
    };
    let groups = seen.groups.iter().filter(|(name, (_, description))| !is_ours(name, description));
    foreign.extend(groups.map(|(name, (id, _))| format!("the group {name} ({id})")));
    foreign.extend(
        seen.apps.iter().filter(|app| mark_of(app) != MARK).map(|app| format!("the app {NAME} ({})", app.id)),
    );
    if let Some((id, _, description)) = &seen.server
        && description != MARK
    {
        foreign.push(format!("the authorization server {NAME} ({id})"));
    }
    let is_foreign = |kind: &&UserType| {
        wanted.delegation && wanted.user_type.is_none() && kind.description.as_deref() != Some(MARK)
    };
    let delegators = seen.delegators.iter().filter(is_foreign);
    foreign.extend(delegators.map(|kind| format!("the type of users {DELEGATORS} ({})", kind.id)));
    foreign
}

/// The step that comes next; `None`: nothing lacks.
pub fn next(wanted: &Wanted, seen: &Seen) -> Option<Step> {
    if let Some(name) = GROUPS.iter().find(|name| !seen.groups.contains_key(*name)) {
        return Some(Step::Group(name));
    }
    // A leftover of a run that was killed, or a group that somebody administers and gave our name
    // and mark: with the group goes every role that is limited to it.
    let is_leftover = |name: &str| {
        let is_marked = seen.groups.get(name).is_some_and(|(_, description)| description == MARK);
        let known = [&seen.assigned, &seen.populated, &seen.fresh];
        is_marked && !known.iter().any(|names| names.contains(name))
    };
    if let Some(name) = GROUPS.iter().find(|name| is_leftover(name)) {
        return Some(Step::Remake(name));
    }
    let Some(app) = seen.apps.first() else { return Some(Step::App(new_app(wanted))) };
    let lacking = lacking(wanted, app);
    if !lacking.is_empty() {
        return Some(Step::Addresses(lacking));
    }
    if !seen.has_attribute {
        return Some(Step::Attribute(attribute()));
    }
    if let Some(name) = GROUPS.iter().find(|name| !seen.assigned.contains(*name)) {
        return Some(Step::Assignment(name));
    }
    // After the assignment: a group with members that is not assigned is somebody else's.
    if let Some(id) = wanted.superusers.iter().find(|id| !seen.members.contains(*id)) {
        return Some(Step::Member(id.clone()));
    }
    if seen.server.is_none() {
        return Some(Step::Server(json!({
            "name": NAME, "description": MARK, "audiences": [wanted.audience],
        })));
    }
    if let Some((name, about)) = SCOPES.iter().find(|(name, _)| !seen.scopes.contains(*name)) {
        return Some(Step::Scope(json!({
            "name": name, "displayName": about, "description": about, "consent": "IMPLICIT",
            "metadataPublish": "ALL_CLIENTS",
        })));
    }
    for kind in TOKENS {
        for name in CLAIMS {
            if !seen.claims.contains(&(name.to_owned(), kind.to_owned())) {
                return Some(Step::Claim(claim(name, kind)));
            }
        }
    }
    let of_delegation = wanted.delegation.then(|| next_of_delegation(seen)).flatten();
    if of_delegation.is_some() {
        return of_delegation;
    }
    if seen.policy.is_none() {
        return Some(Step::Policy(json!({
            "type": "OAUTH_AUTHORIZATION_POLICY", "name": NAME, "description": MARK, "status": "ACTIVE",
            "priority": 1, "conditions": { "clients": { "include": [app.id] } },
        })));
    }
    if !seen.rules.contains(NAME) {
        return Some(Step::Rule(rule()));
    }
    if let Some(origin) = wanted.origins.iter().find(|origin| !seen.origins.contains(*origin)) {
        return Some(Step::Origin(json!({
            "name": format!("{NAME} {origin}"), "origin": origin,
            "scopes": [{ "type": "CORS" }, { "type": "REDIRECT" }],
        })));
    }
    seen.placeholder.is_none().then_some(Step::Placeholder)
}

/// What lacks for delegation.
fn next_of_delegation(seen: &Seen) -> Option<Step> {
    if seen.delegators.is_none() {
        return Some(Step::UserType(json!({
            "name": DELEGATORS, "displayName": "Delegator", "description": MARK,
        })));
    }
    let lacking = DELEGATOR_ATTRIBUTES.iter().filter(|(name, ..)| !seen.delegator_attributes.contains(name));
    let lacking: serde_json::Map<String, Value> = lacking.map(delegator_attribute).collect();
    if !lacking.is_empty() {
        let custom = json!({ "properties": lacking });
        return Some(Step::UserAttributes(json!({ "definitions": { "custom": custom } })));
    }
    // The access token alone: the claim says what its user may ask the API for.
    let has_claim = seen.claims.contains(&(CAN_DELEGATE.to_owned(), "RESOURCE".to_owned()));
    (!has_claim).then(|| Step::Claim(claim(CAN_DELEGATE, "RESOURCE")))
}

/// Who may write there could let others act for the user: the user only reads.
pub(crate) fn delegator_attribute((name, title, about): &(&str, &str, &str)) -> (String, Value) {
    let attribute = json!({
        "title": title, "description": about, "type": "array", "items": { "type": "string" }, "scope": "NONE",
        "permissions": [{ "principal": "SELF", "action": "READ_ONLY" }], "master": { "type": "PROFILE_MASTER" },
    });
    ((*name).to_owned(), attribute)
}

/// Addresses that a sign-in, or a sign-out, may lead to.
fn addresses(wanted: &Wanted) -> Vec<String> {
    wanted.origins.iter().map(|origin| format!("{origin}/")).collect()
}

fn lacking(wanted: &Wanted, app: &Application) -> Vec<String> {
    let has: BTreeSet<&str> = app
        .other
        .get("settings")
        .and_then(|settings| settings.pointer("/oauthClient/redirect_uris")?.as_array())
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    addresses(wanted).into_iter().filter(|address| !has.contains(address.as_str())).collect()
}

/// A native app: a web app signs in with PKCE, and the command line by the device flow.
fn new_app(wanted: &Wanted) -> Value {
    let addresses = addresses(wanted);
    json!({
        "name": "oidc_client", "label": NAME, "signOnMode": "OPENID_CONNECT",
        "credentials": { "oauthClient": { "token_endpoint_auth_method": "none", "pkce_required": true } },
        "settings": { "notes": { "admin": MARK }, "oauthClient": {
            "application_type": "native", "response_types": ["code"], "consent_method": "TRUSTED",
            "grant_types": [
                "authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code",
            ],
            "redirect_uris": addresses, "post_logout_redirect_uris": addresses,
            "refresh_token": { "rotation_type": "ROTATE", "leeway": 30 },
        } },
    })
}

/// Tenants of several groups are all of them: an admin of two tenants is an admin of both.
fn attribute() -> Value {
    json!({ "definitions": { "custom": { "properties": { "tenants": {
        "title": "Tenants", "description": "Tenants that the user administers", "type": "array",
        "items": { "type": "string" }, "scope": "NONE", "union": "ENABLE",
        "permissions": [{ "principal": "SELF", "action": "READ_ONLY" }], "master": { "type": "PROFILE_MASTER" },
    } } } } })
}

/// A claim of ours. Never all groups: above 100 Okta fails the request.
pub(crate) fn claim(name: &str, kind: &str) -> Value {
    let mut claim = json!({
        "name": name, "claimType": kind, "alwaysIncludeInToken": true, "status": "ACTIVE",
        "conditions": { "scopes": ["dac.admin", "dac.respond"] },
    });
    if name == CAN_DELEGATE {
        claim["conditions"] = json!({ "scopes": ["managed.access"] });
        (claim["valueType"], claim["value"]) =
            ("EXPRESSION".into(), r#"(user.delegatedAgents != null) ? "True" : "False""#.into());
    } else if name == "tenants" {
        (claim["valueType"], claim["value"]) = ("EXPRESSION".into(), "appuser.tenants".into());
    } else {
        (claim["valueType"], claim["group_filter_type"]) = ("GROUPS".into(), "REGEX".into());
        claim["value"] = "^(SUPERUSERS|RESPONDERS|ADMINS_.*)$".into();
    }
    claim
}

fn rule() -> Value {
    json!({
        "type": "RESOURCE_ACCESS", "name": NAME, "status": "ACTIVE", "priority": 1,
        "conditions": {
            "people": { "groups": { "include": ["EVERYONE"] } },
            "grantTypes": { "include": [
                "authorization_code", "urn:ietf:params:oauth:grant-type:device_code",
            ] },
            "scopes": { "include": ["*"] },
        },
        "actions": { "token": {
            "accessTokenLifetimeMinutes": 60, "refreshTokenLifetimeMinutes": 43_200, "refreshTokenWindowMinutes": 10_080,
        } },
    })
}
