//! Whether a caller may respond.

use containment::Who;
use domain::Caller;
use futures::TryStreamExt;
use okta_client::models::{Group, UserId};
use okta_client::{Client, Error};
use operations::ProblemCode;
use run_kit::Failure;

use crate::settings::{Disabled, Responses};

/// Why a caller may not.
#[derive(Debug)]
pub enum AccessError {
    /// Responses are switched off.
    Disabled(Disabled),
    /// The caller is in no group that may.
    NoResponder,
    /// Okta did not say.
    Okta(Error),
}

impl From<AccessError> for Failure {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::Disabled(disabled) => disabled.into(),
            AccessError::NoResponder => Failure::new(
                ProblemCode::Forbidden,
                "you are not in the group of `RESPONDERS_GROUP_ID`; ask a superuser",
            ),
            AccessError::Okta(error) => Failure::okta("read the groups of the caller", &error),
        }
    }
}

/// Who a caller is to responses. The name of a group in the token is not enough: another
/// group may have been called so when the token was issued.
pub(crate) async fn who<'c>(
    okta: &Client,
    responses: &Responses,
    caller: &'c Caller,
) -> Result<Who<'c>, AccessError> {
    responses.enabled().map_err(AccessError::Disabled)?;
    if caller.superuser {
        return Ok(Who::Superuser(&caller.uid));
    }
    let Some(responders) = &responses.responders else { return Err(AccessError::NoResponder) };
    let caller_id = UserId::from(caller.uid.as_str());
    let groups: Vec<Group> =
        okta.list_user_groups(&caller_id).try_collect().await.map_err(AccessError::Okta)?;
    match groups.iter().any(|group| group.id.as_str() == responders) {
        true => Ok(Who::Responder(&caller.uid)),
        false => Err(AccessError::NoResponder),
    }
}
