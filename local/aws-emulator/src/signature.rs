//! Signature Version 4, checked (IAM User Guide, "Create a signed AWS API request").

use aws_lc_rs::{constant_time, digest, hmac};
use jiff::{SignedDuration, Timestamp};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::account::{Principal, State};
use crate::call::Call;
use crate::error::AwsError;

/// What of a name or value is not written as it is.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// How far a request's time may be from ours.
const SKEW: SignedDuration = SignedDuration::from_mins(15);

/// Who signed the call.
pub(crate) fn principal(state: &State, call: &Call, service: &str) -> Result<Principal, AwsError> {
    let header = call.header("authorization").ok_or_else(AwsError::missing_token)?;
    let fields = header.strip_prefix("AWS4-HMAC-SHA256 ").ok_or_else(AwsError::missing_token)?;
    let field = |name: &str| {
        let mut fields = fields.split(',').filter_map(|field| field.trim().split_once('='));
        fields.find(|(of, _)| *of == name).map(|(_, value)| value).ok_or_else(AwsError::missing_token)
    };
    let (credential, signed, signature) =
        (field("Credential")?, field("SignedHeaders")?, field("Signature")?);
    let scope: Vec<&str> = credential.split('/').collect();
    let [key_id, date, region, of, "aws4_request"] = scope[..] else { return Err(AwsError::missing_token()) };
    let expected_region = call.region.as_deref().unwrap_or(region);
    if of != service || region != expected_region {
        return Err(AwsError::signature(format!(
            "Credential should be scoped to a valid region and to service '{service}'."
        )));
    }
    let time = call.header("x-amz-date").unwrap_or_default();
    let sent = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", time)
        .and_then(|time| time.to_zoned(jiff::tz::TimeZone::UTC))
        .map(|time| time.timestamp())
        .map_err(|_| AwsError::signature("Date must be in ISO-8601 'basic format'."))?;
    check_time(sent, call.now)?;
    let (secret, principal) = state.principal(key_id, call.header("x-amz-security-token"), call.now)?;
    let request = canonical_request(call, signed)?;
    let to_sign = format!("AWS4-HMAC-SHA256\n{time}\n{date}/{region}/{of}/aws4_request\n{}", hex(&request));
    let mut key = format!("AWS4{secret}").into_bytes();
    for part in [date, region, of, "aws4_request"] {
        key = mac(&key, part);
    }
    let expected: String = mac(&key, &to_sign).iter().map(|byte| format!("{byte:02x}")).collect();
    constant_time::verify_slices_are_equal(expected.as_bytes(), signature.as_bytes()).map_err(|_| {
        AwsError::signature("The request signature we calculated does not match the signature you provided.")
    })?;
    Ok(principal)
}

fn check_time(sent: Timestamp, now: Timestamp) -> Result<(), AwsError> {
    if sent.duration_since(now).abs() > SKEW {
        let message = format!("Signature not yet current or expired: {sent} is too far from {now}");
        return Err(AwsError::signature(message));
    }
    Ok(())
}

fn canonical_request(call: &Call, signed: &str) -> Result<String, AwsError> {
    let mut query: Vec<String> = call
        .query
        .iter()
        .map(|(name, value)| {
            format!("{}={}", utf8_percent_encode(name, RESERVED), utf8_percent_encode(value, RESERVED))
        })
        .collect();
    query.sort();
    let mut headers = String::new();
    for name in signed.split(';') {
        let value = call
            .header(name)
            .ok_or_else(|| AwsError::signature(format!("'{name}' is signed and was not sent")))?;
        headers += &format!("{name}:{}\n", value.split_whitespace().collect::<Vec<_>>().join(" "));
    }
    if !signed.split(';').any(|name| name == "host") {
        return Err(AwsError::signature("'Host' must be a 'SignedHeader' in the AWS Authorization."));
    }
    let body = digest::digest(&digest::SHA256, &call.body);
    let body: String = body.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("{}\n{}\n{}\n{headers}\n{signed}\n{body}", call.method, call.path, query.join("&")))
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
}

fn hex(text: &str) -> String {
    digest::digest(&digest::SHA256, text.as_bytes())
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
