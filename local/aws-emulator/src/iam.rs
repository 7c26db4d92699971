//! IAM, as far as a client asks for an account's alias.
//!
//! Evidence: IAM API Reference, ListAccountAliases.

use crate::account::{Principal, State};
use crate::call::Call;
use crate::error::{AwsError, escaped};
use crate::random::request_id;
use crate::signature;

/// Of every answer.
pub(crate) const NAMESPACE: &str = "https://iam.amazonaws.com/doc/2010-05-08/";

pub(crate) fn answer(
    state: &State,
    call: &Call,
    action: &str,
    principal: &mut Option<String>,
) -> Result<String, AwsError> {
    if action != "ListAccountAliases" {
        return Err(AwsError::invalid_action(action));
    }
    let caller = signature::principal(state, call, "iam")?;
    *principal = Some(caller.arn().to_string());
    let may = match &caller {
        Principal::Operator(_) => true,
        Principal::Function(..) => false,
        Principal::Session(session) => {
            state.settings.alias_allowed
                && state.role(&session.role).is_some_and(|role| role.seed.lists_aliases)
        }
    };
    if !may {
        return Err(AwsError::access_denied(format!(
            "User: {} is not authorized to perform: iam:ListAccountAliases on resource: * because no identity-based policy allows the iam:ListAccountAliases action",
            caller.arn()
        )));
    }
    let alias = state.account(caller.arn()).and_then(|account| account.alias.as_deref());
    let members: String =
        alias.map(|alias| format!("<member>{}</member>", escaped(alias))).into_iter().collect();
    Ok(format!(
        "<ListAccountAliasesResponse xmlns=\"{NAMESPACE}\">\n  <ListAccountAliasesResult><IsTruncated>false</IsTruncated>\
         <AccountAliases>{members}</AccountAliases></ListAccountAliasesResult>\n  <ResponseMetadata>\n    \
         <RequestId>{}</RequestId>\n  </ResponseMetadata>\n</ListAccountAliasesResponse>\n",
        request_id()
    ))
}
