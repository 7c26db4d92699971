//! The made-up account that the local stack runs in.

use std::collections::BTreeMap;

/// Region.
pub(crate) const REGION: &str = "us-east-1";
/// Account id.
pub(crate) const ACCOUNT: &str = "000000000000";
/// What the ARNs of functions begin with.
pub(crate) const FUNCTIONS: &str = "arn:aws:lambda:us-east-1:000000000000:function:";
/// Id of the REST API.
pub(crate) const API_ID: &str = "local00api";
/// ARN of the secret with the Okta credential.
pub const SECRET_ARN: &str =
    "arn:aws:secretsmanager:us-east-1:000000000000:secret:okta-dac/okta-credential-AbCdEf";
/// ARN of the secret with what Okta sends with its hooks.
pub const HOOK_SECRET_ARN: &str =
    "arn:aws:secretsmanager:us-east-1:000000000000:secret:okta-dac/hook-secret-AbCdEf";
/// What the local Okta sends with its hooks.
pub const HOOK_SECRET: &str = "local-secret-of-the-token-hook-0000001";
/// ARN of a secret with the password of a user, which is rotated on demand.
pub const USER_SECRET_ARN: &str =
    "arn:aws:secretsmanager:us-east-1:000000000000:secret:okta-dac/users/demo-AbCdEf";
/// What a function shows to the secrets extension.
pub const SESSION_TOKEN: &str = "local-session-token";

/// What Lambda tells every function: who it is, and, here, where AWS is.
pub(crate) fn runtime_environment(dynamodb: &str, aws: &str) -> BTreeMap<String, String> {
    let pairs = [
        ("AWS_REGION", REGION),
        ("AWS_ACCESS_KEY_ID", "local"),
        ("AWS_SECRET_ACCESS_KEY", "local"),
        ("AWS_SESSION_TOKEN", SESSION_TOKEN),
        ("AWS_ENDPOINT_URL_DYNAMODB", dynamodb),
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", aws),
    ];
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or_default()
}

/// A request id: unique within this process.
pub(crate) fn request_id() -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let serial = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{:08x}-{:04x}-4000-8000-{serial:012x}", now_ms() as u32, std::process::id() as u16)
}

/// ARN of a method of the API: the real path, not the template.
pub(crate) fn method_arn(stage: &str, method: &str, path: &str) -> String {
    let path = path.trim_start_matches('/');
    format!("arn:aws:execute-api:{REGION}:{ACCOUNT}:{API_ID}/{stage}/{method}/{path}")
}
