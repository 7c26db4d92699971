//! The authorization server that a path names.

use crate::api::authorization_servers::server_id;
use crate::call::Call;
use crate::error::OktaError;
use crate::json::text;
use crate::org::Org;

/// The authorization server of a call: its id (`None` for the org's own) and
/// its issuer.
pub(crate) fn server(org: &Org, call: &Call) -> Result<(Option<String>, String), OktaError> {
    match call.parameter("authorizationServerId") {
        "" => Ok((None, call.org_url.clone())),
        given => {
            let id = server_id(org, given)?;
            if text(&org.authorization_servers[&id].object, "status") != "ACTIVE" {
                return Err(OktaError::not_found(given, "AuthorizationServer"));
            }
            Ok((Some(id), call.url(format!("/oauth2/{given}"))))
        }
    }
}
