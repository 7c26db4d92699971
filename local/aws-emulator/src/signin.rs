//! The sign-in host: `/federation` makes a console's URL of credentials, `/saml` lists the
//! roles of an assertion.
//!
//! Evidence: IAM User Guide, "Enable custom identity broker access to the AWS console"
//! (parameters, 15 minutes, once); gimme-aws-creds and saml2aws (the page of `/saml`).
//! AWS documents that `SessionDuration` is not for credentials of a chained role; what it
//! says of those from AssumeRoleWithSAML is not verified: they are taken, unless
//! `refuseConsoleDuration` is set.

use axum::response::{Html, IntoResponse, Redirect, Response};
use base64::prelude::{BASE64_STANDARD, Engine};
use http::StatusCode;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::account::{Source, State};
use crate::arn::Arn;
use crate::call::Call;
use crate::error::escaped;
use crate::random;
use crate::saml_response;

/// A URL is good for so long.
const LIFETIME: SignedDuration = SignedDuration::from_mins(15);

/// `Action` of `/federation`.
pub(crate) fn federation(state: &mut State, call: &Call, action: &str) -> Response {
    match action {
        "getSigninToken" => signin_token(state, call),
        "login" => login(state, call),
        _ => refused("Action"),
    }
}

fn refused(what: &str) -> Response {
    (StatusCode::BAD_REQUEST, Html(format!("<html><body>Bad Request: {what}</body></html>"))).into_response()
}

fn signin_token(state: &mut State, call: &Call) -> Response {
    let session: Value = match call.optional("Session").map(serde_json::from_str) {
        Some(Ok(session)) => session,
        _ => return refused("Session"),
    };
    let of = |name: &str| session[name].as_str().unwrap_or_default();
    let Some(session) = state.session(of("sessionId"), of("sessionKey"), of("sessionToken")) else {
        return refused("Session");
    };
    if session.expires <= call.now {
        return refused("Session");
    }
    if let Some(duration) = call.optional("SessionDuration") {
        let seconds = duration.parse().is_ok_and(|seconds: u32| (900..=43_200).contains(&seconds));
        let refuses = session.source == Source::Chained || state.settings.refuse_console_duration;
        if !seconds || refuses {
            return refused("SessionDuration");
        }
    }
    let token = random::base64(200).replace(['+', '/', '='], "_");
    state.signin_tokens.insert(token.clone(), call.now + LIFETIME);
    axum::Json(json!({ "SigninToken": token })).into_response()
}

/// Leads to the console; a token is good once.
fn login(state: &mut State, call: &Call) -> Response {
    let token = call.optional("SigninToken").unwrap_or_default();
    let live = state.signin_tokens.remove(token).is_some_and(|end| end > call.now);
    let destination = call.optional("Destination").unwrap_or_default();
    if !live {
        return refused("SigninToken");
    }
    if !destination.starts_with("https://") {
        return refused("Destination");
    }
    Redirect::to(destination).into_response()
}

/// The page on which a person picks a role.
pub(crate) fn saml(state: &State, call: &Call) -> Response {
    let posted = call.optional("SAMLResponse").unwrap_or_default();
    let assertion = match saml_response::read(posted, None, call.now) {
        Ok(assertion) => assertion,
        Err(error) => return refused(&error.message),
    };
    let (mut page, mut roles_accounts) = (String::new(), json!({}));
    for (_, role) in assertion.pairs() {
        let Some(arn) = Arn::parse(role) else { continue };
        let Some(account) = state.account(&arn) else { continue };
        let name = match &account.alias {
            Some(alias) => format!("{alias} ({})", account.id),
            None => account.id.clone(),
        };
        page += &format!(
            "<fieldset><div class=\"saml-account\"><div class=\"saml-account-name\">Account: {name}</div><div>\
             <div class=\"saml-role\"><input type=\"radio\" name=\"roleIndex\" value=\"{role}\" id=\"{role}\"/>\
             <label for=\"{role}\" class=\"saml-role-description\">{}</label></div></div></div></fieldset>",
            escaped(arn.role().and_then(|role| role.rsplit('/').next()).unwrap_or_default()),
            name = escaped(&name),
            role = escaped(role),
        );
        let roles = &mut roles_accounts[&name];
        if roles.is_null() {
            *roles = json!([]);
        }
        if let Some(roles) = roles.as_array_mut() {
            roles.push(role.into());
        }
    }
    let data = BASE64_STANDARD.encode(json!({ "roles_accounts": roles_accounts }).to_string());
    Html(format!(
        "<!DOCTYPE html><html><head><title>Amazon Web Services Sign-In</title><meta name=\"data\" content=\"{data}\"/>\
         </head><body><form id=\"saml_form\" action=\"/saml\" method=\"post\">{page}</form></body></html>"
    ))
    .into_response()
}
