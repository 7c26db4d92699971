//! AssumeRole.

use std::collections::BTreeMap;

use crate::account::{Issue, Principal, Role, Source, State};
use crate::call::Call;
use crate::error::AwsError;
use crate::saml_response::is_session_name;
use crate::seed::Trust;
use crate::signature;

use super::request::{Asked, assumed, issue};

/// Seconds that a chained session lives at most.
const CHAINED: u32 = 3_600;

/// What every device shows.
const TOKEN_CODE: &str = "123456";

pub(super) fn assume(
    state: &mut State,
    call: &Call,
    principal: &mut Option<String>,
) -> Result<String, AwsError> {
    let caller = signature::principal(state, call, "sts")?;
    *principal = Some(caller.arn().to_string());
    let asked = Asked::read(call)?;
    let name = call.required("RoleSessionName")?;
    if !is_session_name(name) {
        return Err(AwsError::validation(format!("'{name}' is no RoleSessionName")));
    }
    let denied = || {
        AwsError::access_denied(format!(
            "User: {} is not authorized to perform: sts:AssumeRole on resource: {}",
            caller.arn(),
            asked.role
        ))
    };
    let role = asked.role(state, call, "AssumeRole").map_err(|_| denied())?;
    if !trusts(&role, &caller) {
        return Err(denied());
    }
    if role.seed.external_id.is_some() && call.optional("ExternalId") != role.seed.external_id.as_deref() {
        return Err(denied());
    }
    let device = call.optional("SerialNumber").is_some();
    if (role.seed.mfa || device) && call.optional("TokenCode") != Some(TOKEN_CODE) {
        return Err(AwsError::access_denied(
            "MultiFactorAuthentication failed with invalid MFA one time pass code.",
        ));
    }
    let tags = tags(call)?;
    let (own_identity, own_tags, source) = match &caller {
        Principal::Session(session) => {
            (session.source_identity.clone(), session.tags.clone(), Source::Chained)
        }
        Principal::Operator(_) | Principal::Function(..) => (None, BTreeMap::new(), Source::User),
    };
    let asked_identity = call.optional("SourceIdentity").map(str::to_owned);
    if (asked_identity.is_some() || !tags.is_empty()) && !role.seed.tags {
        return Err(denied());
    }
    if own_identity.is_some() && asked_identity.is_some() && own_identity != asked_identity {
        return Err(denied());
    }
    if source == Source::Chained && asked.seconds > CHAINED {
        return Err(AwsError::validation(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
        ));
    }
    let session = issue(
        state,
        &role,
        Issue {
            name,
            seconds: asked.within(&role)?,
            not_after: None,
            source,
            source_identity: own_identity.or(asked_identity),
            tags: own_tags.into_iter().chain(tags).collect(),
        },
        call,
    );
    Ok(format!("{}<PackedPolicySize>6</PackedPolicySize>", assumed(&session)))
}

/// The caller's role or user, or their account as a whole.
fn trusts(role: &Role, caller: &Principal) -> bool {
    let own = match caller {
        Principal::Session(session) => &session.role,
        Principal::Operator(arn) | Principal::Function(_, arn) => arn,
    };
    role.seed.trusts.iter().any(|trust| match trust {
        Trust::Principal(of) => {
            of == own || (of.resource == "root" && of.account == own.account && of.partition == own.partition)
        }
        Trust::Saml(_) | Trust::Oidc(_) => false,
    })
}

/// `Tags.member.N.Key` and `.Value`: 50 at most.
fn tags(call: &Call) -> Result<BTreeMap<String, String>, AwsError> {
    let mut tags = BTreeMap::new();
    for number in 1.. {
        let member = |part: &str| call.optional(&format!("Tags.member.{number}.{part}"));
        let Some(key) = member("Key") else { break };
        tags.insert(key.to_owned(), member("Value").unwrap_or_default().to_owned());
    }
    if tags.len() > 50 {
        return Err(AwsError::validation(
            "1 validation error detected: Value at 'tags' has more than 50 members",
        ));
    }
    Ok(tags)
}
