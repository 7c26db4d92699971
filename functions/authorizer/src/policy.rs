//! From claims to the policy of one path.

use std::borrow::Cow;

use domain::{Caller, RESPONDERS, SUPERUSERS, TenantClaim, admins_group, permits};
use operations::Routes;
use serde::Serialize;
use serde_json::json;

use crate::Claims;

/// Largest answer that API Gateway takes from an authorizer (quota
/// L-20859C74, not adjustable).
pub const MAX_RESULT_BYTES: usize = 8_192;

/// Longest ARN in a policy that API Gateway takes.
const MAX_ARN_CHARS: usize = 512;

/// What the authorizer answers. Not the types of `aws_lambda_events`, in which
/// a statement without an effect allows.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Authorization {
    /// `uid` of the caller.
    pub principal_id: String,
    /// The policy.
    pub policy_document: PolicyDocument,
    /// What the functions get.
    pub context: Context,
}

/// An IAM policy with one statement.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PolicyDocument {
    version: &'static str,
    statement: [PolicyStatement; 1],
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
struct PolicyStatement {
    action: &'static str,
    effect: &'static str,
    resource: Vec<String>,
}

impl PolicyDocument {
    /// `Allow` or `Deny`.
    pub fn effect(&self) -> &'static str {
        self.statement[0].effect
    }
}

/// What the functions get: flat, strings only, since API Gateway passes nothing
/// else on.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Context {
    sub: String,
    uid: String,
    /// JSON array.
    tenants: String,
    /// JSON array.
    groups: String,
    /// `true` or `false`.
    on_behalf: String,
    /// Seconds since 1970: API Gateway may repeat this answer for longer.
    exp: String,
    /// Seconds since 1970: what ended since then, the functions ask the table.
    iat: String,
    /// Client of the token.
    cid: String,
    /// JSON array: those scopes of the token that are ours.
    scp: String,
}

/// What a policy says.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Statement {
    /// These methods of this path, as ARNs.
    Allow(Vec<String>),
    /// Everything of this stage.
    Deny(String),
}

/// What `claims` allow on the path of this request.
///
/// `method_arn` is `arn:<partition>:execute-api:<region>:<account>:<api>/<stage>/<verb>/<path>`;
/// `path` is the request's path without stage, as it was sent.
pub fn authorize(routes: &Routes<'_>, claims: &Claims, method_arn: &str, path: &str) -> Authorization {
    let (statement, tenant) = decide(routes, &claims.caller, method_arn, path);
    let authorization = Authorization {
        principal_id: claims.caller.uid.clone(),
        policy_document: document(statement),
        context: context(claims, tenant.as_deref()),
    };
    // An answer that is short of the bound however it is escaped need not be
    // written to be measured.
    let size = match authorization.longest() {
        bound if bound <= MAX_RESULT_BYTES => return authorization,
        _ => json!(authorization).to_string().len(),
    };
    if size <= MAX_RESULT_BYTES {
        return authorization;
    }
    // API Gateway would answer 500. No token that fits into its headers gets
    // here; should one, it is denied rather than half-described.
    tracing::error!(size, "the authorizer's answer is too large");
    Authorization {
        policy_document: document(Statement::Deny(stage_arn(method_arn))),
        context: Context::default(),
        ..authorization
    }
}

impl Authorization {
    /// More bytes than it can have as JSON: a character has at most six.
    fn longest(&self) -> usize {
        let Context { sub, uid, tenants, groups, on_behalf, exp, iat, cid, scp } = &self.context;
        let resources = self.policy_document.statement[0].resource.iter();
        let texts =
            resources.chain([&self.principal_id, sub, uid, tenants, groups, on_behalf, exp, iat, cid, scp]);
        512 + texts.map(|text| 6 * text.len() + 3).sum::<usize>()
    }
}

/// The statement, and the tenant that the path names.
fn decide(routes: &Routes<'_>, caller: &Caller, method_arn: &str, path: &str) -> (Statement, Option<String>) {
    let deny = || (Statement::Deny(stage_arn(method_arn)), None);
    let Some(arn) = MethodArn::parse(method_arn) else { return deny() };
    // The ARN is what API Gateway compares the policy with, the path is what
    // it routes by: they must say the same. In a policy `*` and `?` match more
    // than themselves, and `${` begins a variable.
    let special = |c: char| matches!(c, '*' | '?' | '$') || c.is_control();
    let own = format!("/{}", arn.path);
    // A custom domain's base path comes before it.
    let agrees = matches!((decoded(path), decoded(&own)), (Some(path), Some(own)) if path.ends_with(&*own));
    if arn.path.contains(special) || !agrees || !is_canonical(path) {
        return deny();
    }
    let mut allowed = Vec::new();
    let mut tenant = None;
    for (operation, raw) in routes.matching(&own) {
        let Some(parameters) =
            raw.into_iter().map(|(name, value)| Some((name, decoded(value)?))).collect::<Option<Vec<_>>>()
        else {
            return deny();
        };
        let parameter = |name: &str| parameters.iter().find(|(n, _)| *n == name).map(|(_, value)| &**value);
        tenant = tenant.or_else(|| parameter("tenant").map(str::to_owned));
        if let Some((method, _)) = operation.route()
            && permits(operation, caller, parameter)
        {
            allowed.push(format!("{}/{}/{}", arn.stage, method.as_str(), arn.path));
        }
    }
    if allowed.is_empty() || allowed.iter().any(|arn| arn.chars().count() > MAX_ARN_CHARS) {
        return deny();
    }
    (Statement::Allow(allowed), tenant)
}

/// Whether a path is spelled as RFC 3986, 6.2.2, normalises it: escapes have capital
/// hex digits, and no unreserved character is escaped. Other spellings would have API
/// Gateway keep many answers for one path.
fn is_canonical(path: &str) -> bool {
    let is_plain = |escape: &str| {
        let capital = |byte: &u8| byte.is_ascii_digit() || (b'A'..=b'F').contains(byte);
        let byte = escape.get(..2).filter(|hex| hex.as_bytes().iter().all(capital));
        let byte = byte.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        byte.is_some_and(|byte| !byte.is_ascii_alphanumeric() && !b"-._~".contains(&byte))
    };
    path.split('%').skip(1).all(is_plain)
}

/// Percent-decoded text; `None` if it is not UTF-8 then.
fn decoded(text: &str) -> Option<Cow<'_, str>> {
    percent_encoding::percent_decode_str(text).decode_utf8().ok()
}

/// The parts of a method ARN; the path has no leading slash.
struct MethodArn<'a> {
    /// Up to and including the stage.
    stage: &'a str,
    path: &'a str,
}

impl<'a> MethodArn<'a> {
    fn parse(arn: &'a str) -> Option<Self> {
        // Colons of the path come after the sixth part begins.
        let tail_at = arn.match_indices(':').nth(4)?.0 + 1;
        let mut slashes = arn[tail_at..].match_indices('/').map(|(at, _)| tail_at + at);
        let (_, stage_end, verb_end) = (slashes.next()?, slashes.next()?, slashes.next()?);
        arn.starts_with("arn:").then(|| Self { stage: &arn[..stage_end], path: &arn[verb_end + 1..] })
    }
}

/// Everything of the stage that `method_arn` is in; everything, if it cannot
/// be read. Only for denying.
fn stage_arn(method_arn: &str) -> String {
    match MethodArn::parse(method_arn) {
        Some(arn) if !arn.stage.contains(['*', '?', '$']) => format!("{}/*", arn.stage),
        _ => "*".to_owned(),
    }
}

fn document(statement: Statement) -> PolicyDocument {
    let (effect, resource) = match statement {
        Statement::Allow(resources) => ("Allow", resources),
        Statement::Deny(resource) => ("Deny", vec![resource]),
    };
    PolicyDocument {
        version: "2012-10-17",
        statement: [PolicyStatement { action: "execute-api:Invoke", effect, resource }],
    }
}

/// The claims that the functions decide by once more: only the tenant of the
/// path, where it names one, so that the answer stays small.
fn context(claims: &Claims, tenant: Option<&str>) -> Context {
    let caller = &claims.caller;
    let wanted = |claim: &&TenantClaim| tenant.is_none_or(|tenant| claim.name.as_str() == tenant);
    let tenants: Vec<&TenantClaim> = caller.tenants.iter().filter(wanted).collect();
    let superuser = caller.superuser.then(|| SUPERUSERS.to_owned());
    let responder = caller.responder.then(|| RESPONDERS.to_owned());
    let groups: Vec<String> =
        superuser.into_iter().chain(responder).chain(tenants.iter().map(|t| admins_group(&t.name))).collect();
    let tenants: Vec<String> = tenants.iter().map(ToString::to_string).collect();
    Context {
        sub: claims.subject.clone(),
        uid: caller.uid.clone(),
        tenants: array(&tenants),
        groups: array(&groups),
        on_behalf: caller.on_behalf.to_string(),
        exp: claims.expires.to_string(),
        iat: claims.issued.to_string(),
        cid: caller.client.clone(),
        scp: array(&caller.scopes),
    }
}

/// Texts as a JSON array.
fn array(texts: &[String]) -> String {
    // INVARIANT: text can always be written as JSON.
    serde_json::to_string(texts).unwrap_or_default()
}
