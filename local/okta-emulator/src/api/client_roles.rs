//! Admin roles of OAuth clients.
//!
//! Evidence: recordings of the Terraform provider (create answers 201, the
//! assignee is the client); error E0000227 for anything but a service app.

use crate::call::{Auth, Call, Outcome, Reply, Route, delete, get, post};
use crate::error::OktaError;
use crate::json::{at, text};
use crate::org::Org;

use super::group_roles::{new_role, render};

const ROLES: Auth = Auth::Admin("roles");

#[rustfmt::skip] // A table.
pub(crate) const ROUTES: &[Route] = &[
    get("/oauth2/v1/clients/{clientId}/roles", "listRolesForClient", ROLES, list_roles),
    post("/oauth2/v1/clients/{clientId}/roles", "assignRoleToClient", ROLES, assign_role),
    delete("/oauth2/v1/clients/{clientId}/roles/{roleAssignmentId}", "deleteRoleFromClient", ROLES, unassign_role),
];

fn client(org: &Org, call: &Call) -> Result<String, OktaError> {
    let id = call.parameter("clientId");
    let app = org.apps.get(id).ok_or_else(|| OktaError::not_found(id, "OAuth2AppInstance"))?;
    if at(app, "/settings/oauthClient/application_type") != "service" {
        return Err(OktaError::new(400, "E0000227", "Roles can only be assigned to service applications."));
    }
    Ok(text(app, "id").to_owned())
}

fn client_url(call: &Call, client: &str) -> String {
    call.url(format!("/oauth2/v1/clients/{client}"))
}

fn list_roles(org: &mut Org, call: &Call) -> Outcome {
    let client = client(org, call)?;
    let roles = org.client_roles.get(&client).into_iter().flatten();
    Ok(Reply::ok(roles.map(|role| render(org, role, "CLIENT", client_url(call, &client), call)).collect()))
}

fn assign_role(org: &mut Org, call: &Call) -> Outcome {
    let client = client(org, call)?;
    let assigned = org.client_roles.get(&client).cloned().unwrap_or_default();
    let role = new_role(org, call, &assigned, "ra1")?;
    let answer = render(org, &role, "CLIENT", client_url(call, &client), call);
    org.client_roles.entry(client).or_default().push(role);
    Ok(Reply::new(201, answer))
}

fn unassign_role(org: &mut Org, call: &Call) -> Outcome {
    let (client, id) = (client(org, call)?, call.parameter("roleAssignmentId"));
    let roles = org.client_roles.entry(client).or_default();
    let before = roles.len();
    roles.retain(|role| role.id != id);
    if roles.len() < before {
        Ok(Reply::no_content())
    } else {
        Err(OktaError::not_found(id, "RoleAssignment"))
    }
}
