//! What the operations of STS have in common: what is asked for, and what is given.

use crate::account::{Issue, Role, Session, State};
use crate::arn::Arn;
use crate::call::Call;
use crate::error::{AwsError, escaped};

/// Seconds that credentials live unless asked otherwise.
const DEFAULT_DURATION: u32 = 3_600;

/// `AROA…:name` of a session, `AIDA…` of a user.
pub(super) fn user_id(arn: &Arn) -> String {
    let unique = |prefix: &str, name: &str| {
        let letters =
            name.bytes().filter(u8::is_ascii_alphanumeric).map(|byte| char::from(byte.to_ascii_uppercase()));
        format!("{prefix}{}", letters.chain(std::iter::repeat('X')).take(17).collect::<String>())
    };
    match arn.resource.split('/').collect::<Vec<_>>()[..] {
        ["assumed-role", role, session] => format!("{}:{session}", unique("AROA", role)),
        _ => unique("AIDA", &arn.resource),
    }
}

/// The role that is asked for, and what a call asks of it, before anything is looked at.
pub(super) struct Asked {
    pub(super) role: Arn,
    pub(super) seconds: u32,
}

impl Asked {
    pub(super) fn read(call: &Call) -> Result<Self, AwsError> {
        let text = call.required("RoleArn")?;
        let role = Arn::parse(text).filter(|arn| arn.role().is_some());
        let role = role.ok_or_else(|| AwsError::validation(format!("{text} is invalid")))?;
        let seconds = match call.optional("DurationSeconds") {
            None => DEFAULT_DURATION,
            Some(text) => text
                .parse()
                .ok()
                .filter(|seconds| (900..=43_200).contains(seconds))
                .ok_or_else(|| {
                    AwsError::validation(format!(
                        "1 validation error detected: Value '{text}' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900 and less than or equal to 43200"
                    ))
                })?,
        };
        if let Some(policy) = call.optional("Policy") {
            let (status, code) = (400, |code: &str| code.to_owned());
            if serde_json::from_str::<serde_json::Value>(policy).is_err() {
                let message = "Syntax errors in policy.".to_owned();
                return Err(AwsError { status, code: code("MalformedPolicyDocument"), message });
            }
            if policy.len() > 2_048 {
                let message =
                    "Packed size of session tags and policies consumes more than 100% of the allotted space."
                        .to_owned();
                return Err(AwsError { status, code: code("PackedPolicyTooLarge"), message });
            }
        }
        Ok(Self { role, seconds })
    }

    /// The role, if this host serves its partition.
    pub(super) fn role(&self, state: &State, call: &Call, action: &str) -> Result<Role, AwsError> {
        let partition = call.region.as_deref().map_or(&*self.role.partition, |region| partition_of(region));
        let role = state.role(&self.role).filter(|_| partition == self.role.partition);
        role.ok_or_else(|| AwsError::access_denied(format!("Not authorized to perform sts:{action}")))
    }

    /// The seconds, if the role allows them.
    pub(super) fn within(&self, role: &Role) -> Result<u32, AwsError> {
        if self.seconds > role.seed.max_session_duration {
            return Err(AwsError::validation(
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
            ));
        }
        Ok(self.seconds)
    }
}

/// The partition that a region is in.
pub(super) fn partition_of(region: &str) -> &'static str {
    match region.split('-').take(2).collect::<Vec<_>>()[..] {
        ["cn", _] => "aws-cn",
        ["us", "gov"] => "aws-us-gov",
        ["us", "iso"] => "aws-iso",
        ["eusc", _] => "aws-eusc",
        _ => "aws",
    }
}

/// Credentials and user, as every operation answers them.
pub(super) fn assumed(session: &Session) -> String {
    format!(
        "<Credentials><AccessKeyId>{}</AccessKeyId><SecretAccessKey>{}</SecretAccessKey><SessionToken>{}</SessionToken>\
         <Expiration>{}</Expiration></Credentials><AssumedRoleUser><AssumedRoleId>{}</AssumedRoleId><Arn>{}</Arn>\
         </AssumedRoleUser>",
        session.access_key_id,
        session.secret,
        session.token,
        session.expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
        escaped(&user_id(&session.arn)),
        escaped(&session.arn.to_string()),
    )
}

pub(super) fn issue(state: &mut State, role: &Role, issue: Issue<'_>, call: &Call) -> Session {
    state.issue(role, issue, call.now)
}
