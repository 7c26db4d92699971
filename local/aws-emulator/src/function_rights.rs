//! What a function's role allows with secrets, as far as the emulator enforces it.
//!
//! Evidence: Service Authorization Reference, Secrets Manager (each action is named as its
//! operation; condition key `secretsmanager:resource/AllowRotationLambdaArn`, "the ARN of the
//! rotation Lambda function associated with the secret").

use std::collections::BTreeMap;

use crate::error::AwsError;
use crate::secrets::Secret;

/// One action on some secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretRight {
    /// Name of the operation.
    pub action: String,
    /// ARN of the secrets, with `*` and `?`.
    pub resource: String,
    /// Only secrets that this function rotates.
    pub rotated_by: Option<String>,
}

/// The functions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Functions {
    /// Id of the account that they, and the secrets, are in.
    pub(crate) account: Option<String>,
    /// What each may do, by its access key id.
    pub(crate) rights: BTreeMap<String, Vec<SecretRight>>,
}

/// Whether one of the rights allows an operation on a secret.
pub(crate) fn check(
    rights: &[SecretRight],
    function: &str,
    operation: &str,
    secret: Option<&Secret>,
) -> Result<(), AwsError> {
    let (arn, rotated_by) = match secret {
        Some(secret) => (secret.arn.as_str(), secret.rotation.as_ref().map(|of| of.function.as_str())),
        None => ("*", None),
    };
    let allows = |right: &SecretRight| {
        right.action == operation
            && fits(&right.resource, arn)
            && right.rotated_by.as_deref().is_none_or(|by| rotated_by == Some(by))
    };
    if rights.iter().any(allows) {
        return Ok(());
    }
    let message = format!(
        "User: {function} is not authorized to perform: secretsmanager:{operation} on resource: {arn} because no identity-based policy allows the secretsmanager:{operation} action"
    );
    Err(AwsError::json("AccessDeniedException", message))
}

/// `*` is any run of characters, `?` is one.
fn fits(pattern: &str, text: &str) -> bool {
    match pattern.chars().next() {
        None => text.is_empty(),
        Some('*') => {
            let rest = &pattern[1..];
            (0..=text.len()).filter(|at| text.is_char_boundary(*at)).any(|at| fits(rest, &text[at..]))
        }
        Some(first) => {
            let mut characters = text.chars();
            let one = characters.next();
            let same = if first == '?' { one.is_some() } else { one == Some(first) };
            same && fits(&pattern[first.len_utf8()..], characters.as_str())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn patterns_are_iams() {
        for (pattern, text, expected) in [
            ("a", "a", true),
            ("a*", "abc", true),
            ("*", "", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("a*c", "abd", false),
            ("a", "ab", false),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }
}
