//! The Security Token Service.
//!
//! Evidence: STS API Reference (parameters, errors, answers); IAM User Guide, "Troubleshoot
//! SAML federation" and "Role chaining" (texts of errors); botocore's service model.

mod assume_role;
mod request;
mod with_saml;
mod with_web_identity;

use crate::call::Call;
use crate::error::AwsError;
use crate::random::request_id;
use crate::shared::Shared;
use crate::signature;

use request::user_id;

/// Of every answer.
pub(crate) const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// Does what `action` names; the answer is XML, beside it who asked.
pub(crate) async fn answer(
    shared: &Shared,
    call: &Call,
    action: &str,
    principal: &mut Option<String>,
) -> Result<String, AwsError> {
    if let Some(region) = &call.region
        && shared.state().settings.regions_disabled.contains(region)
    {
        return Err(AwsError::region_disabled(region));
    }
    let result = match action {
        "AssumeRoleWithSAML" => with_saml::assume(shared, call).await?,
        "AssumeRoleWithWebIdentity" => with_web_identity::assume(shared, call).await?,
        "AssumeRole" => assume_role::assume(&mut shared.state(), call, principal)?,
        "GetCallerIdentity" => {
            let caller = signature::principal(&shared.state(), call, "sts")?;
            let arn = caller.arn();
            *principal = Some(arn.to_string());
            format!("<Arn>{arn}</Arn><UserId>{}</UserId><Account>{}</Account>", user_id(arn), arn.account)
        }
        other => return Err(AwsError::invalid_action(other)),
    };
    Ok(format!(
        "<{action}Response xmlns=\"{NAMESPACE}\">\n  <{action}Result>{result}</{action}Result>\n  \
         <ResponseMetadata>\n    <RequestId>{}</RequestId>\n  </ResponseMetadata>\n</{action}Response>\n",
        request_id()
    ))
}
