//! What a failed run of `connect service-app` made in the org is taken back, newest first, by
//! comparing the org with what it was.

use std::collections::BTreeSet;

use okta_client::models::AppId;
use okta_client::{Client, Error, OkIfAbsent};

use crate::seen::Seen;

/// What a run made, or may have made.
pub(crate) struct Made<'a> {
    /// Id of the app.
    pub(crate) app: Option<&'a AppId>,
    /// The note of an app that the run made.
    pub(crate) mark: &'a str,
    /// It made the custom role.
    pub(crate) role: bool,
    /// It made the resource set.
    pub(crate) set: bool,
}

/// Takes it back; gives what is left, and what is to be known.
pub(crate) async fn take_back(
    client: &Client,
    made: &Made<'_>,
    before: &Seen,
    now: &Seen,
) -> (Vec<String>, Vec<String>) {
    let (mut left, mut taken) = (Vec::new(), Vec::new());
    let mut note = |what: String, result: Result<(), Error>| {
        if let Err(error) = result {
            left.push(format!("{what}: {error}"));
        }
    };
    for app in &now.apps {
        let Some(old) = before.apps.iter().find(|old| old.id == app.id) else {
            // Another run's app is that run's.
            if app.mark.as_deref() == Some(made.mark) {
                let gone = async {
                    client.deactivate_application(&app.id).await.ok_if_absent()?;
                    client.delete_application(&app.id).await.ok_if_absent()
                };
                note(format!("the app {}", app.id), gone.await);
            }
            continue;
        };
        if Some(&app.id) != made.app {
            continue;
        }
        let had: BTreeSet<&str> = old.grants.iter().map(|(_, scope)| scope.as_str()).collect();
        for (id, scope) in app.grants.iter().filter(|(_, scope)| !had.contains(scope.as_str())) {
            let gone = client.revoke_scope_consent_grant(&app.id, id).await.ok_if_absent();
            note(format!("the scope {scope} of {}", app.id), gone);
        }
        for role in app.roles.iter().filter(|role| old.roles.iter().all(|own| own.id != role.id)) {
            let gone = client.delete_role_from_client(&app.id, &role.id).await.ok_if_absent();
            note(format!("the role {} of {}", role.kind, app.id), gone);
        }
        for role in old.roles.iter().filter(|role| app.roles.iter().all(|own| own.id != role.id)) {
            // What it was limited to is not known any more: nobody is given more than they had.
            taken.push(format!("{} had the role {} before, which was taken away", app.id, role.kind));
        }
        // First: Okta keeps one key in use.
        let is_off = |id| app.keys.iter().any(|(own, _, active)| own == id && !active);
        for (id, kid, _) in old.keys.iter().filter(|(id, _, active)| *active && is_off(id)) {
            note(
                format!("the key {kid} of {} is out of use", app.id),
                client.activate_jwk(&app.id, id).await,
            );
        }
        for (id, kid, active) in app.keys.iter().filter(|(id, ..)| old.keys.iter().all(|(own, ..)| own != id))
        {
            let gone = async {
                if *active {
                    client.deactivate_jwk(&app.id, id).await.ok_if_absent()?;
                }
                client.delete_jwk(&app.id, id).await.ok_if_absent()
            };
            note(format!("the key {kid} of {}", app.id), gone.await);
        }
        if app.active && !old.active {
            note(format!("the app {} is switched on", app.id), client.deactivate_application(&app.id).await);
        }
    }
    if let (Some((id, _)), None, true) = (&now.set, &before.set, made.set) {
        note(format!("the resource set {id}"), client.delete_resource_set(id).await.ok_if_absent());
    }
    if let (Some((id, _)), None, true) = (&now.role, &before.role, made.role) {
        note(format!("the custom role {id}"), client.delete_custom_role(id).await.ok_if_absent());
    }
    (left, taken)
}
