//! `connection list`, `revoke` and `uninstall`: what there is, and its end.

use std::collections::BTreeSet;

use futures::TryStreamExt;
use okta_client::models::{AppId, Application, CustomRole, CustomRoleId, ResourceSetId};
use okta_client::{Client, OkIfAbsent, OrgUrl};
use serde::Serialize;
use serde_json::Value;

use crate::plan::set_label;
use crate::preset::PRESETS;
use crate::seen::{MARK, jwks_uri, mark};
use crate::sink::Sink;
use crate::stop::{Code, Stop};
use crate::stored::Stored;

/// A connection that okta-dac made.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Listed {
    /// The client.
    pub client_id: String,
    /// Label of the app.
    pub label: String,
    /// Its purpose.
    pub preset: String,
    /// `ACTIVE` or `INACTIVE`.
    pub status: String,
    /// Its scopes.
    pub scopes: Vec<String>,
    /// Its roles.
    pub roles: Vec<String>,
    /// Where Okta reads its keys, if it does not keep them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// Its keys in use that Okta keeps: `kid`, and when each was made.
    pub keys: Vec<(String, String)>,
}

/// Every connection of the org.
///
/// # Errors
///
/// Okta does not allow it, or is not available.
pub async fn list(client: &Client) -> Result<Vec<Listed>, Stop> {
    let doing = |error| Stop::of("listing the connections", &error);
    let apps: Vec<Application> = client.list_applications(None).try_collect().await.map_err(doing)?;
    let mut all = Vec::new();
    for app in apps {
        let Some(mark) = mark(&app) else { continue };
        let (keys, grants, roles) = futures::try_join!(
            client.list_jwk(&app.id),
            client.list_scope_consent_grants(&app.id),
            client.list_roles_for_client(&app.id)
        )
        .map_err(doing)?;
        let keys = keys.into_iter().filter(|key| key.status == "ACTIVE");
        all.push(Listed {
            client_id: app.id.to_string(),
            preset: mark[MARK.len()..].split(' ').next().unwrap_or_default().to_owned(),
            scopes: grants.into_iter().map(|grant| grant.scope_id).collect(),
            roles: roles.iter().map(|role| role.kind.clone()).collect(),
            keys: keys
                .map(|key| {
                    let created = key.other.get("created").and_then(Value::as_str).unwrap_or_default();
                    (key.kid.clone(), created.to_owned())
                })
                .collect(),
            jwks_uri: jwks_uri(&app),
            label: app.label,
            status: app.status,
        });
    }
    Ok(all)
}

async fn stored(org: &OrgUrl, sink: &Sink) -> Result<(Stored, AppId), Stop> {
    let stored = sink.read().await?.unwrap_or_default();
    let id = stored.client_of(org.as_str())?;
    Ok((stored, id))
}

/// The app of a connection, if it is there.
///
/// # Errors
///
/// It is not ours, or it is not there and nothing says that it ever was.
async fn own_app(client: &Client, stored: &Stored, id: &AppId) -> Result<Option<Application>, Stop> {
    match client.get_application(id).await {
        Ok(app) if mark(&app).is_some() => Ok(Some(app)),
        Ok(app) => {
            let sentence = format!("the app `{}` ({id}) was not made by `okta-dac connect`", app.label);
            Err(Stop::new(Code::Ambiguous, sentence))
        }
        Err(error) if error.is_not_found() && stored.org.is_some() => Ok(None),
        Err(error) => Err(Stop::of("reading the app", &error)),
    }
}

fn is_integration(stored: &Stored) -> bool {
    stored.private_key.is_none()
}

/// What a connection's end would take out, for `--dry-run`: it reads only.
///
/// # Errors
///
/// There is no connection in the place, or Okta is not available.
pub async fn plan(client: &Client, org: &OrgUrl, sink: &Sink, uninstall: bool) -> Result<Vec<String>, Stop> {
    let doing = |error| Stop::of("looking at the connection", &error);
    let (stored, id) = stored(org, sink).await?;
    if is_integration(&stored) {
        let what = if uninstall { "delete the integration" } else { "deactivate the secrets of" };
        return Ok([format!("{what} {id}")]
            .into_iter()
            .chain(uninstall.then(|| format!("remove {sink}")))
            .collect());
    }
    if !uninstall {
        return Ok(vec![format!("deactivate the app {id}")]);
    }
    own_app(client, &stored, &id).await?;
    let mut steps = vec![format!("delete the app {id}")];
    for role in client.list_roles_for_client(&id).await.map_err(doing)? {
        if let (Some(custom), Some(set)) = (&role.custom_role, &role.resource_set) {
            steps.push(format!("delete the resource set {set}, if it is ours and nobody else has it"));
            steps.push(format!("delete the custom role {custom}, if it is ours and nobody else has it"));
        }
    }
    steps.push(format!("remove {sink}"));
    Ok(steps)
}

/// Stops a connection at once, and proves it; everything is kept.
///
/// # Errors
///
/// [`Code::Operator`]: the credential still works.
pub async fn revoke(client: &Client, org: &OrgUrl, sink: &Sink) -> Result<AppId, Stop> {
    let doing = |error| Stop::of("stopping the connection", &error);
    let (stored, id) = stored(org, sink).await?;
    if is_integration(&stored) {
        for secret in client.list_api_service_secrets(&id).await.map_err(doing)? {
            client.deactivate_api_service_secret(&id, &secret.id).await.map_err(doing)?;
        }
    } else {
        client.deactivate_application(&id).await.map_err(doing)?;
    }
    let own = Client::new(org.clone(), stored.credential()?).map_err(doing)?;
    match own.token().await {
        Err(error) if error.is_rejected_credential() => Ok(id),
        Err(error) => Err(Stop::of("proving that the connection is stopped", &error)),
        Ok(()) => Err(Stop::new(Code::Operator, format!("THE CREDENTIAL OF {id} STILL GETS TOKENS"))),
    }
}

/// Takes a connection out: app, grants, role, what of a custom role is ours and unused, and
/// the credential. What is gone already counts as done.
///
/// # Errors
///
/// What could not be taken out is named.
pub async fn uninstall(client: &Client, org: &OrgUrl, sink: &Sink) -> Result<AppId, Stop> {
    let doing = |error| Stop::of("taking the connection out", &error);
    let (stored, id) = stored(org, sink).await?;
    if is_integration(&stored) {
        client.delete_api_service(&id).await.ok_if_absent().map_err(doing)?;
    } else if let Some(app) = own_app(client, &stored, &id).await? {
        // The app last: as long as it is there, the same command finds the rest.
        let roles = client.list_roles_for_client(&id).await.map_err(doing)?;
        let custom: Vec<CustomRoleId> = roles.iter().filter_map(|role| role.custom_role.clone()).collect();
        let sets: Vec<ResourceSetId> = roles.iter().filter_map(|role| role.resource_set.clone()).collect();
        for role in &roles {
            client.delete_role_from_client(&id, &role.id).await.ok_if_absent().map_err(doing)?;
        }
        take_out(client, &app.label, &custom, &sets).await.map_err(doing)?;
        client.deactivate_application(&id).await.ok_if_absent().map_err(doing)?;
        client.delete_application(&id).await.ok_if_absent().map_err(doing)?;
    }
    if stored.jwks_uri.is_some() {
        sink.withdraw().await?;
    }
    sink.remove().await?;
    Ok(id)
}

/// The resource set of the connection, and custom roles of ours that nobody else has.
async fn take_out(
    client: &Client,
    label: &str,
    of_app: &[CustomRoleId],
    sets_of_app: &[ResourceSetId],
) -> Result<(), okta_client::Error> {
    let (roles, sets) = futures::try_join!(client.list_custom_roles(), client.list_resource_sets())?;
    let mut bound = BTreeSet::new();
    for set in &sets {
        // The app may have been renamed since.
        let is_ours = PRESETS.iter().any(|preset| set.label.starts_with(&set_label(preset.role, "")));
        let own = (is_ours && sets_of_app.contains(&set.id))
            || PRESETS.iter().any(|preset| set.label == set_label(preset.role, label));
        let roles = client.list_bindings(&set.id).await?;
        if own && roles.is_empty() {
            client.delete_resource_set(&set.id).await.ok_if_absent()?;
        }
        bound.extend(roles);
    }
    let ours = |role: &CustomRole| PRESETS.iter().any(|preset| preset.role.name() == role.label);
    // After a run that was killed the app has no role any more: an unused one of ours goes.
    let unused = roles.iter().filter(|role| ours(role) && !bound.contains(&role.id));
    for role in unused.filter(|role| of_app.is_empty() || of_app.contains(&role.id)) {
        client.delete_custom_role(&role.id).await.ok_if_absent()?;
    }
    Ok(())
}
