//! AssumeRoleWithSAML.

use crate::account::{Issue, Source};
use crate::arn::Arn;
use crate::call::Call;
use crate::error::{AwsError, escaped};
use crate::saml_response::{self, Provider};
use crate::seed::Trust;
use crate::shared::Shared;

use super::request::{Asked, assumed, issue};

const ACTION: &str = "AssumeRoleWithSAML";

/// Longer assertions are refused (STS API Reference).
const MAX_ASSERTION: usize = 100_000;

pub(super) async fn assume(shared: &Shared, call: &Call) -> Result<String, AwsError> {
    let asked = Asked::read(call)?;
    let posted = call.required("SAMLAssertion")?;
    if posted.len() > MAX_ASSERTION {
        return Err(AwsError::validation(
            "1 validation error detected: Value at 'sAMLAssertion' failed to satisfy constraint: Member must have length less than or equal to 100000",
        ));
    }
    let principal = call.required("PrincipalArn")?;
    let missing = || AwsError::invalid_identity_token("Specified provider doesn't exist");
    let provider = Arn::parse(principal).ok_or_else(missing)?;
    let name = provider.resource.strip_prefix("saml-provider/").ok_or_else(missing)?;
    let (location, same_partition) = {
        let state = shared.state();
        let account = state.account(&provider).ok_or_else(missing)?;
        let seed =
            account.saml_providers.iter().find(|provider| provider.name == name).ok_or_else(missing)?;
        let here = call
            .region
            .as_deref()
            .is_none_or(|region| super::request::partition_of(region) == provider.partition);
        (seed.metadata.clone(), here)
    };
    if !same_partition {
        return Err(missing());
    }
    let metadata = shared.document(&location).await?;
    let read = |metadata: &str| Provider::read(metadata).ok_or_else(missing);
    let assertion = match saml_response::read(posted, Some(&read(&metadata)?), call.now) {
        // The org may have another certificate by now.
        Err(error) if error.code == "InvalidIdentityToken" => {
            shared.forget(&location);
            let metadata = shared.document(&location).await?;
            saml_response::read(posted, Some(&read(&metadata)?), call.now)?
        }
        other => other?,
    };
    if assertion.audience != "urn:amazon:webservices" && !assertion.audience.ends_with("/saml") {
        return Err(AwsError::invalid_identity_token("Audience is not AWS"));
    }
    let mut state = shared.state();
    let role = asked.role(&state, call, ACTION)?;
    let (wanted, trusted) = (asked.role.to_string(), Trust::Saml(name.to_owned()));
    let listed = assertion.pairs().any(|(provider, role)| provider == principal && role == wanted);
    let tagged = assertion.source_identity.is_some() || !assertion.tags.is_empty();
    let same_account = provider.account == asked.role.account;
    if !listed || !same_account || !role.seed.trusts.contains(&trusted) || (tagged && !role.seed.tags) {
        return Err(AwsError::access_denied(format!("Not authorized to perform sts:{ACTION}")));
    }
    let session = issue(
        &mut state,
        &role,
        Issue {
            name: &assertion.session_name,
            seconds: asked.within(&role)?,
            not_after: assertion.session_not_after,
            source: Source::Saml,
            source_identity: assertion.source_identity.clone(),
            tags: assertion.tags.iter().cloned().collect(),
        },
        call,
    );
    Ok(format!(
        "{}<Subject>{}</Subject><SubjectType>{}</SubjectType><Issuer>{}</Issuer><Audience>{}</Audience>\
         <NameQualifier>emulated</NameQualifier><PackedPolicySize>6</PackedPolicySize>",
        assumed(&session),
        escaped(&assertion.subject),
        escaped(&assertion.subject_type),
        escaped(&assertion.issuer),
        escaped(&assertion.audience),
    ))
}
