//! Claims of tokens: Okta's own and those that an authorization server adds.
//!
//! Evidence: recordings of the Terraform provider (claims that exist from the
//! start); reference pages "Okta Expression Language", "OpenID Connect" (more
//! than 100 matching groups fail the request). Of the expression language:
//! literals, `user.…`, `appuser.…`, `app.…`, `==`, `!=`, `?:`, `+`, parentheses;
//! another expression is refused when the claim is created.

use serde_json::{Value, json};

use crate::error::OktaError;
use crate::json::{Object, object, text, texts};
use crate::oauth::error::OAuthError;
use crate::org::live::Grant;
use crate::org::{AuthorizationServer, Org, User};

/// The subject of access tokens.
pub(crate) const SUBJECT: &str = "(appuser != null) ? appuser.userName : app.clientId";

/// Standard claims of OpenID Connect, by scope.
pub(crate) const STANDARD: &[(&str, &str)] = &[
    ("name", "profile"),
    ("family_name", "profile"),
    ("given_name", "profile"),
    ("preferred_username", "profile"),
    ("locale", "profile"),
    ("zoneinfo", "profile"),
    ("updated_at", "profile"),
    ("email", "email"),
    ("email_verified", "email"),
    ("phone_number", "phone"),
    ("address", "address"),
];

/// The most groups that a claim may hold.
const MAX_GROUPS: usize = 100;

fn is_word(value: &str) -> bool {
    !value.is_empty() && value.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Whether a claim's value can be computed.
pub(crate) fn check(claim: &Object) -> Result<(), OktaError> {
    let value = text(claim, "value");
    match text(claim, "valueType") {
        "SYSTEM" => Ok(()),
        // One bare word is taken and has no value (recorded answer 21, docs/emulator.md).
        "EXPRESSION" if is_word(value) => Ok(()),
        "EXPRESSION" => match Expression::parse(value) {
            Some(_) => Ok(()),
            None => Err(OktaError::validation("value", "value: The expression is not emulated")),
        },
        "GROUPS" => match text(claim, "group_filter_type") {
            "STARTS_WITH" | "EQUALS" | "CONTAINS" => Ok(()),
            "REGEX" if regex_lite::Regex::new(value).is_ok() => Ok(()),
            _ => {
                Err(OktaError::validation("group_filter_type", "group_filter_type: The filter is not valid"))
            }
        },
        _ => Err(OktaError::validation("valueType", "valueType: EXPRESSION, GROUPS or SYSTEM")),
    }
}

/// What an expression can name.
pub(crate) struct Context {
    user: Value,
    appuser: Value,
    app: Value,
}

impl Context {
    /// Of a client and perhaps a user; `fallback` is the app whose assignments
    /// count for a client that is no app of the org.
    pub(crate) fn new(org: &Org, client: &str, user: Option<&User>, fallback: Option<&str>) -> Self {
        let app_id = if org.apps.contains_key(client) { client } else { fallback.unwrap_or(client) };
        let app = org.apps.get(app_id);
        let user_value = user.map_or(Value::Null, |user| {
            let mut value = Value::Object(user.profile.clone());
            value["id"] = user.id.clone().into();
            value
        });
        let appuser = user.map_or(Value::Null, |user| Value::Object(app_user(org, app_id, user)));
        let app = json!({ "clientId": client, "id": app_id, "name": app.map(|app| text(app, "label")) });
        Self { user: user_value, appuser, app }
    }

    fn value(&self, path: &str) -> Value {
        let (root, rest) = path.split_once('.').map_or((path, None), |(root, rest)| (root, Some(rest)));
        let root = match root {
            "user" => &self.user,
            "appuser" => &self.appuser,
            "app" => &self.app,
            _ => return Value::Null,
        };
        let Some(rest) = rest else { return root.clone() };
        rest.split('.').try_fold(root, |at, key| at.get(key)).cloned().unwrap_or_default()
    }
}

/// The profile of a user in an app: of the groups that assign the app, the one
/// with the lowest `priority` number wins; arrays are combined if the schema
/// says so.
pub(crate) fn app_user(org: &Org, app: &str, user: &User) -> Object {
    let mut assigned: Vec<_> = org
        .app_groups
        .get(app)
        .into_iter()
        .flatten()
        .filter(|(group, _)| org.groups.get(*group).is_some_and(|group| group.members.contains(&user.id)))
        .map(|(_, assignment)| assignment)
        .collect();
    assigned.sort_by_key(|assignment| assignment.priority);
    let mut profile = object(json!({ "userName": user.login() }));
    for assignment in assigned {
        for (name, value) in &assignment.profile {
            let union =
                org.schemas.get(app).is_some_and(|schema| crate::api::schemas::is_union(schema, name));
            match (profile.get_mut(name), value) {
                (None, value) => drop(profile.insert(name.clone(), value.clone())),
                (Some(Value::Array(combined)), Value::Array(more)) if union => {
                    combined
                        .extend(more.iter().filter(|v| !combined.contains(v)).cloned().collect::<Vec<_>>());
                }
                _ => {}
            }
        }
    }
    profile
}

/// The claims that a server adds to a token of this kind (`RESOURCE` or
/// `IDENTITY`) for these scopes. A claim without a value is left out.
pub(crate) fn added(
    org: &Org,
    server: &AuthorizationServer,
    kind: &str,
    grant: &Grant,
    context: &Context,
) -> Result<Object, OAuthError> {
    let mut added = Object::new();
    for claim in server.claims.values() {
        let scopes = texts(claim, "/conditions/scopes");
        let wanted = scopes.is_empty() || scopes.iter().any(|scope| grant.scopes.iter().any(|s| s == scope));
        if text(claim, "claimType") != kind || text(claim, "status") != "ACTIVE" || !wanted {
            continue;
        }
        let (name, value) = (text(claim, "name"), text(claim, "value"));
        let value = match text(claim, "valueType") {
            "EXPRESSION" => {
                Expression::parse(value).map_or(Value::Null, |expression| expression.value(context))
            }
            "GROUPS" => groups(org, claim, grant.user.as_deref())?,
            _ if name == "sub" => Expression::parse(SUBJECT).map_or(Value::Null, |e| e.value(context)),
            _ => grant
                .user
                .as_ref()
                .and_then(|id| org.users.get(id))
                .map_or(Value::Null, |u| standard(name, u)),
        };
        if !value.is_null() {
            added.insert(name.to_owned(), value);
        }
    }
    Ok(added)
}

fn groups(org: &Org, claim: &Object, user: Option<&str>) -> Result<Value, OAuthError> {
    let Some(user) = user else { return Ok(Value::Null) };
    let value = text(claim, "value");
    let lower = value.to_lowercase();
    let regex = regex_lite::Regex::new(&format!("^(?:{value})$")).ok();
    let matches = |name: &str| match text(claim, "group_filter_type") {
        "STARTS_WITH" => name.to_lowercase().starts_with(&lower),
        "EQUALS" => name.to_lowercase() == lower,
        "CONTAINS" => name.to_lowercase().contains(&lower),
        _ => regex.as_ref().is_some_and(|regex| regex.is_match(name)),
    };
    let names: Vec<&str> =
        org.groups_of(user).map(crate::org::Group::name).filter(|name| matches(name)).collect();
    if names.len() > MAX_GROUPS {
        return Err(OAuthError::new(400, "server_error", "The groups claim matches more than 100 groups."));
    }
    Ok(if names.is_empty() { Value::Null } else { names.into() })
}

/// A standard claim of OpenID Connect.
pub(crate) fn standard(name: &str, user: &User) -> Value {
    let of = |attribute: &str| user.profile.get(attribute).cloned().unwrap_or_default();
    match name {
        "name" => format!("{} {}", text(&user.profile, "firstName"), text(&user.profile, "lastName")).into(),
        "family_name" => of("lastName"),
        "given_name" => of("firstName"),
        "preferred_username" => user.login().into(),
        "email" => of("email"),
        "email_verified" => true.into(),
        "locale" => "en_US".into(),
        "zoneinfo" => "America/Los_Angeles".into(),
        "phone_number" => of("primaryPhone"),
        "updated_at" => {
            let time: Option<jiff::Timestamp> = user.last_updated.parse().ok();
            time.map_or(Value::Null, |time| time.as_second().into())
        }
        _ => Value::Null,
    }
}

/// An expression that can be computed.
#[derive(Debug, PartialEq)]
enum Expression {
    Literal(Value),
    Path(String),
    Equal(Box<Expression>, Box<Expression>, bool),
    Add(Box<Expression>, Box<Expression>),
    If(Box<Expression>, Box<Expression>, Box<Expression>),
}

impl Expression {
    fn parse(text: &str) -> Option<Self> {
        let tokens = lex(text)?;
        let mut tokens = tokens.as_slice();
        let expression = ternary(&mut tokens)?;
        tokens.is_empty().then_some(expression)
    }

    fn value(&self, context: &Context) -> Value {
        match self {
            Expression::Literal(value) => value.clone(),
            Expression::Path(path) => context.value(path),
            Expression::Equal(left, right, equal) => {
                ((left.value(context) == right.value(context)) == *equal).into()
            }
            Expression::Add(left, right) => {
                let text = |value: Value| match value {
                    Value::String(text) => text,
                    Value::Null => String::new(),
                    other => other.to_string(),
                };
                (text(left.value(context)) + &text(right.value(context))).into()
            }
            Expression::If(condition, then, otherwise) => {
                let branch = if condition.value(context) == true { then } else { otherwise };
                branch.value(context)
            }
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Text(String),
    Word(String),
    Sign(&'static str),
}

fn lex(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = if first == '"' || first == '\'' {
            let end = rest[1..].find(first)?;
            tokens.push(Token::Text(rest[1..=end].to_owned()));
            end + 2
        } else if first.is_alphanumeric() || first == '_' {
            let end = rest.find(|c: char| !(c.is_alphanumeric() || "._".contains(c))).unwrap_or(rest.len());
            tokens.push(Token::Word(rest[..end].to_owned()));
            end
        } else {
            let sign =
                ["==", "!=", "(", ")", "?", ":", "+"].into_iter().find(|sign| rest.starts_with(sign))?;
            tokens.push(Token::Sign(sign));
            sign.len()
        };
        rest = rest[length..].trim_start();
    }
    Some(tokens)
}

fn take(tokens: &mut &[Token], sign: &str) -> bool {
    let found = matches!(tokens.first(), Some(Token::Sign(s)) if *s == sign);
    if found {
        *tokens = &tokens[1..];
    }
    found
}

fn ternary(tokens: &mut &[Token]) -> Option<Expression> {
    let condition = comparison(tokens)?;
    if !take(tokens, "?") {
        return Some(condition);
    }
    let then = ternary(tokens)?;
    if !take(tokens, ":") {
        return None;
    }
    Some(Expression::If(Box::new(condition), Box::new(then), Box::new(ternary(tokens)?)))
}

fn comparison(tokens: &mut &[Token]) -> Option<Expression> {
    let left = sum(tokens)?;
    let equal = if take(tokens, "==") {
        true
    } else if take(tokens, "!=") {
        false
    } else {
        return Some(left);
    };
    Some(Expression::Equal(Box::new(left), Box::new(sum(tokens)?), equal))
}

fn sum(tokens: &mut &[Token]) -> Option<Expression> {
    let mut left = atom(tokens)?;
    while take(tokens, "+") {
        left = Expression::Add(Box::new(left), Box::new(atom(tokens)?));
    }
    Some(left)
}

fn atom(tokens: &mut &[Token]) -> Option<Expression> {
    if take(tokens, "(") {
        let inner = ternary(tokens)?;
        return take(tokens, ")").then_some(inner);
    }
    let (first, rest) = tokens.split_first()?;
    *tokens = rest;
    Some(match first {
        Token::Text(text) => Expression::Literal(text.clone().into()),
        Token::Word(word) => match word.as_str() {
            "null" => Expression::Literal(Value::Null),
            "true" => Expression::Literal(true.into()),
            "false" => Expression::Literal(false.into()),
            word if word.parse::<i64>().is_ok() => Expression::Literal(word.parse::<i64>().ok()?.into()),
            word if ["user.", "appuser.", "app."].iter().any(|root| word.starts_with(root)) => {
                Expression::Path(word.to_owned())
            }
            "user" | "appuser" | "app" => Expression::Path(word.clone()),
            _ => return None,
        },
        Token::Sign(_) => return None,
    })
}

/// The scope of a claim, for the documents of a server.
pub(crate) fn names(server: &AuthorizationServer) -> Vec<&str> {
    let mut names: Vec<&str> = server.claims.values().map(|claim| text(claim, "name")).collect();
    names.sort_unstable();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions() {
        let context = Context {
            user: json!({ "login": "a@b.test", "nickName": null }),
            appuser: json!({ "tenants": ["x"], "userName": "a@b.test" }),
            app: json!({ "clientId": "0oa1" }),
        };
        for (text, expected) in [
            (SUBJECT, json!("a@b.test")),
            ("appuser.tenants", json!(["x"])),
            ("user.absent", Value::Null),
            ("\"x-\" + user.login + '-' + 1", json!("x-a@b.test-1")),
            ("user.nickName == null ? app.clientId : true", json!("0oa1")),
        ] {
            assert_eq!(Expression::parse(text).unwrap().value(&context), expected, "{text}");
        }
        for bad in ["", "String.len(user.login)", "user.login +", "(user.login", "user.login ? 1", "\"x"] {
            assert_eq!(Expression::parse(bad), None, "{bad}");
        }
    }
}
