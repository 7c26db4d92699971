//! What is there, read from the org.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use connections::stop::{Code, Stop};
use domain::{PLACEHOLDER, SUPERUSERS};
use futures::TryStreamExt;
use okta_client::models::{ACTIVE, AppId, Application, GroupId, IdpKey, Named};
use okta_client::{Client, Error};
use serde_json::{Value, json};
use tenancy::group_called;

use crate::plan::{CAN_DELEGATE, DELEGATOR_ATTRIBUTES, DELEGATORS, GROUPS, NAME, Seen, Wanted, claim};

/// Looks at the org; changes nothing.
///
/// # Errors
///
/// The token may not read, or Okta is not available.
pub async fn look(client: &Client, wanted: &Wanted) -> Result<Seen, Stop> {
    let doing = |error: Error| Stop::of("looking at the org", &error);
    let groups = futures::future::try_join_all(GROUPS.map(|name| async move {
        // As it is now: the index also has groups that were just deleted.
        let group = group_called(client, name).await?;
        Ok(group.map(|group| (name, (group.id, group.profile.description))))
    }));
    let apps = client.list_applications(Some(NAME)).try_collect::<Vec<Application>>();
    let servers = client.list_authorization_servers().try_collect::<Vec<Named>>();
    let origins = client.list_trusted_origins().try_collect::<Vec<Named>>();
    let keys = client.list_identity_provider_keys().try_collect::<Vec<IdpKey>>();
    let (groups, apps, servers, origins, keys) =
        futures::try_join!(groups, apps, servers, origins, keys).map_err(doing)?;
    let mut placeholders = keys.into_iter().filter(is_placeholder).map(|key| key.kid);
    let mut seen = Seen {
        groups: groups.into_iter().flatten().collect(),
        apps: apps.into_iter().filter(|app| app.label == NAME).collect(),
        server: servers.iter().find(|server| server.name == NAME).map(|server| {
            let (issuer, description) =
                (server.text("issuer").to_owned(), server.text("description").to_owned());
            (server.id.clone(), issuer, description)
        }),
        origins: origins.iter().map(|origin| origin.text("origin").to_owned()).collect(),
        placeholder: placeholders.next(),
        ..Seen::default()
    };
    // One of two may be somebody's who has its private key.
    if let Some(second) = placeholders.next() {
        seen.wrong.push(format!("a second certificate called `{PLACEHOLDER}` ({second})"));
    }
    let useless = |origin: &&Named| {
        let text = |scope: &Value| scope["type"].as_str().unwrap_or_default().to_owned();
        let scopes = origin.other.get("scopes").and_then(Value::as_array);
        let scopes: Vec<String> = scopes.into_iter().flatten().map(text).collect();
        let is_whole = ["CORS", "REDIRECT"].iter().all(|one| scopes.iter().any(|scope| scope == one));
        wanted.origins.contains(&origin.text("origin").to_owned())
            && !(origin.text("status") == "ACTIVE" && is_whole)
    };
    let useless = origins.iter().filter(useless);
    seen.wrong.extend(useless.map(|origin| {
        format!("the trusted origin {} (ACTIVE, with CORS and REDIRECT)", origin.text("origin"))
    }));
    if let Some(server) = servers.iter().find(|server| server.name == NAME) {
        let audiences = server.other.get("audiences").cloned().unwrap_or_default();
        seen.audiences = serde_json::from_value(audiences.clone()).unwrap_or_default();
        seen.wrong.extend(is_off("authorization server", &server.id, server.text("status")));
        if !wanted.audience.is_empty() && audiences != json!([wanted.audience]) {
            seen.wrong.push(format!("the authorization server {NAME}, whose audiences are {audiences}"));
        }
    }
    for (name, (group, _)) in &seen.groups {
        let members = members(client, group).await.map_err(doing)?;
        if !members.is_empty() {
            seen.populated.insert(name);
        }
        if *name == SUPERUSERS {
            seen.members = members;
        }
    }
    if let Some(app) = seen.apps.first() {
        seen.wrong.extend(is_off("app", app.id.as_str(), &app.status));
        seen.has_attribute = has_attribute(client, &app.id).await.map_err(doing)?;
        for (name, (group, _)) in &seen.groups {
            match client.get_application_group_assignment(&app.id, group).await {
                Ok(_) => drop(seen.assigned.insert(name)),
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(doing(error)),
            }
        }
    }
    if let Some((server, ..)) = seen.server.clone() {
        parts_of(client, &server, wanted, &mut seen).await.map_err(doing)?;
    }
    if wanted.delegation {
        delegators(client, wanted, &mut seen).await?;
    }
    Ok(seen)
}

/// Only a super admin may make all of this.
pub(crate) async fn is_super_admin(client: &Client) -> Result<(), Stop> {
    let doing = |error: Error| Stop::of("asking whose token this is", &error);
    let roles = client.list_assigned_roles_for_user("me").await.map_err(doing)?;
    match roles.iter().any(|role| role.kind == "SUPER_ADMIN") {
        true => Ok(()),
        false => {
            Err(Stop::new(Code::NotPermitted, "only a super admin prepares an org; the token is not one's"))
        }
    }
}

pub(crate) async fn members(
    client: &Client,
    group: &GroupId,
) -> Result<std::collections::BTreeSet<String>, Error> {
    let users = client.list_group_users(group).try_collect::<Vec<_>>().await?;
    Ok(users.into_iter().map(|user| user.id.to_string()).collect())
}

async fn has_attribute(client: &Client, app: &AppId) -> Result<bool, Error> {
    let schema = client.get_application_user_schema(app).await?;
    let attribute = schema.pointer("/definitions/custom/properties/tenants").cloned().unwrap_or_default();
    Ok(attribute["type"] == "array" && attribute["union"] == "ENABLE")
}

/// The type of the users who may let others act for them, and what its users have.
async fn delegators(client: &Client, wanted: &Wanted, seen: &mut Seen) -> Result<(), Stop> {
    let doing = |error: Error| Stop::of("looking at the types of users", &error);
    let name = wanted.user_type.as_deref().unwrap_or(DELEGATORS);
    let kinds = client.list_user_types().await.map_err(doing)?;
    seen.delegators = kinds.into_iter().find(|kind| kind.name == name);
    let Some(kind) = &seen.delegators else {
        return match &wanted.user_type {
            Some(name) => Err(Stop::new(Code::Usage, format!("there is no type of users {name}"))),
            None => Ok(()),
        };
    };
    let schema = client.get_user_schema(kind).await.map_err(doing)?;
    for (name, ..) in DELEGATOR_ATTRIBUTES {
        let Some(attribute) = schema.attribute(name) else { continue };
        let may_write = |right: &Value| {
            right["principal"] == "SELF" && right["action"] != "READ_ONLY" && right["action"] != "HIDE"
        };
        let rights = attribute["permissions"].as_array();
        if attribute["type"] != "array" || rights.into_iter().flatten().any(may_write) {
            let sentence = format!(
                "the attribute {name} of the type of users {} ({}), an array that the user only reads",
                kind.name, kind.id
            );
            seen.wrong.push(sentence);
        }
        seen.delegator_attributes.insert(name);
    }
    Ok(())
}

async fn parts_of(client: &Client, server: &str, wanted: &Wanted, seen: &mut Seen) -> Result<(), Error> {
    let scopes = client.list_oauth2_scopes(server).try_collect::<Vec<Named>>();
    let claims = client.list_oauth2_claims(server).try_collect::<Vec<Named>>();
    let policies = client.list_authorization_server_policies(server).try_collect::<Vec<Named>>();
    let (scopes, claims, policies) = futures::try_join!(scopes, claims, policies)?;
    seen.scopes = scopes.into_iter().map(|scope| scope.name).collect();
    let kind = |claim: &Named| (claim.name.clone(), claim.text("claimType").to_owned());
    seen.claims = claims.iter().map(kind).collect();
    // All groups are more than okta-dac reads, and what the predecessor's functions read.
    let is_wide = |claim: &Named| {
        claim.name == "groups" && claim.text("valueType") == "GROUPS" && claim.text("value") == ".*"
    };
    seen.has_wide_claim = claims.iter().any(is_wide);
    let differs = |claim_of: &&Named| {
        let ours = claim(&claim_of.name, claim_of.text("claimType"));
        (["tenants", "groups"].contains(&claim_of.name.as_str())
            || (wanted.delegation && claim_of.name == CAN_DELEGATE))
            && ["value", "valueType", "status"].iter().any(|member| claim_of.text(member) != ours[member])
    };
    let differing = claims.iter().filter(|claim| !is_wide(claim)).filter(differs);
    seen.wrong.extend(differing.map(|claim| format!("the claim {} ({})", claim.name, claim.id)));
    let policy = policies.into_iter().find(|policy| policy.name == NAME);
    // The app may have been deleted, and made anew.
    if let Some(policy) = &policy {
        let clients = policy.other.get("conditions").and_then(|of| of.pointer("/clients/include"));
        let clients: Vec<&str> =
            clients.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        let app = seen.apps.first().map(|app| app.id.as_str());
        if !clients.iter().any(|client| Some(*client) == app || *client == "ALL_CLIENTS") {
            seen.wrong.push(format!("the access policy {NAME} ({}), which is not for the app", policy.id));
        }
    }
    if let Some(policy) = policy {
        seen.wrong.extend(is_off("access policy", &policy.id, policy.text("status")));
        let rules = client.list_authorization_server_policy_rules(server, &policy.id);
        let rules = rules.try_collect::<Vec<Named>>().await?;
        let ours = rules.iter().filter(|rule| rule.name == NAME);
        seen.wrong.extend(ours.filter_map(|rule| is_off("access rule", &rule.id, rule.text("status"))));
        seen.rules = rules.into_iter().map(|rule| rule.name).collect();
        seen.policy = Some(policy.id);
    }
    Ok(())
}

/// An object of ours that somebody switched off.
fn is_off(kind: &str, id: &str, status: &str) -> Option<String> {
    (status != ACTIVE).then(|| format!("the {kind} {NAME} ({id}), which is {status}"))
}

/// The certificate says whose it is: its subject.
fn is_placeholder(key: &IdpKey) -> bool {
    key.x5c.iter().any(|text| {
        let der = BASE64_STANDARD.decode(text).unwrap_or_default();
        der.windows(PLACEHOLDER.len()).any(|part| part == PLACEHOLDER.as_bytes())
    })
}

/// The array that a pointer leads to.
pub(crate) fn array_of<'v>(value: &'v mut Value, pointer: &str) -> Option<&'v mut Vec<Value>> {
    value.pointer_mut(pointer)?.as_array_mut()
}
