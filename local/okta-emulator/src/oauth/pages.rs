//! The few HTML pages: sign-in, device activation, answers that a page gives.
//!
//! Evidence: guide "Session cookie" (`sessionCookieRedirect`, only to a trusted
//! origin); okta-auth-js for the message. The pages are plainer than Okta's.

use serde_json::Value;

use super::session::start_session;
use crate::api::authn::{self, SignIn};
use crate::api::trusted_origins;
use crate::call::{Auth, Call, Outcome, Reply, Route, get, post};
use crate::error::OktaError;
use crate::markup::escaped;
use crate::org::Org;

#[rustfmt::skip] // A table.
pub(crate) const ROUTES: &[Route] = &[
    get("/", "homePage", Auth::Public, home),
    get("/favicon.ico", "favicon", Auth::Public, logo),
    get("/img/logos/{name}", "logo", Auth::Public, logo),
    get("/login", "loginPage", Auth::Public, page),
    get("/login/login.htm", "loginPageClassic", Auth::Public, page),
    post("/login/sign-in", "submitLoginPage", Auth::Public, submit),
    get("/login/sessionCookieRedirect", "sessionCookieRedirect", Auth::Public, cookie_redirect),
    get("/login/signout", "signOut", Auth::Public, sign_out),
];

fn html(title: &str, body: &str) -> Reply {
    let page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\
         <style>body{{font:16px sans-serif;max-width:24em;margin:4em auto}}input,button{{font:inherit;display:block;\
         width:100%;margin:.3em 0 1em;padding:.4em;box-sizing:border-box}}.error{{color:#b00}}</style></head>\
         <body><h1>{title}</h1>{body}</body></html>"
    );
    Reply::text("text/html; charset=utf-8", page).with("cache-control", "no-store")
}

/// The sign-in page; it comes back to the call that needs it.
pub(crate) fn sign_in(call: &Call, login: &str, error: Option<&str>) -> Reply {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    // Who has just signed in is not asked again.
    query.extend_pairs(call.query.iter().filter(|(name, value)| !(name == "prompt" && value == "login")));
    query.extend_pairs(&call.form);
    sign_in_for(&format!("{}?{}", call.path, query.finish()), login, error)
}

fn sign_in_for(from: &str, login: &str, error: Option<&str>) -> Reply {
    let error = error
        .map(|text| format!("<p class=\"error\" role=\"alert\">{}</p>", escaped(text)))
        .unwrap_or_default();
    html(
        "Sign In",
        &format!(
            "{error}<form method=\"post\" action=\"/login/sign-in\">\
             <input type=\"hidden\" name=\"fromURI\" value=\"{}\">\
             <label>Username<input name=\"username\" autocomplete=\"username\" value=\"{}\"></label>\
             <label>Password<input name=\"password\" type=\"password\" autocomplete=\"current-password\"></label>\
             <label>Code, if a factor is enrolled<input name=\"passCode\" autocomplete=\"one-time-code\"></label>\
             <button type=\"submit\">Sign in</button></form>",
            escaped(from),
            escaped(login)
        ),
    )
}

/// Asks the user of a device.
pub(crate) fn activate(code: &str, error: Option<&str>) -> Reply {
    let error = error
        .map(|text| format!("<p class=\"error\" role=\"alert\">{}</p>", escaped(text)))
        .unwrap_or_default();
    html(
        "Activate your device",
        &format!(
            "{error}<form method=\"post\" action=\"/activate\"><label>Code<input name=\"user_code\" value=\"{}\"></label>\
             <button name=\"action\" value=\"allow\">Allow</button><button name=\"action\" value=\"deny\">Deny</button></form>",
            escaped(code)
        ),
    )
}

/// Asks for the password that a user chooses by a link.
pub(crate) fn choose_password(token: &str, error: Option<&str>) -> Reply {
    let error = error
        .map(|text| format!("<p class=\"error\" role=\"alert\">{}</p>", escaped(text)))
        .unwrap_or_default();
    html(
        "Choose your password",
        &format!(
            "{error}<form method=\"post\" action=\"/login/choose-password\">\
             <input type=\"hidden\" name=\"token\" value=\"{}\">\
             <label>Password<input name=\"password\" type=\"password\" autocomplete=\"new-password\"></label>\
             <button type=\"submit\">Save</button></form>",
            escaped(token)
        ),
    )
}

/// A page that only says something.
pub(crate) fn message(title: &str, text: &str) -> Reply {
    html(title, &format!("<p>{}</p>", escaped(text)))
}

/// Gives the parameters to the window that waits.
pub(crate) fn post_message(data: &Value, origin: &str) -> Reply {
    // `<` would let a value end the script.
    let safe = |text: String| text.replace('<', "\\u003c");
    let (data, origin) = (safe(data.to_string()), safe(Value::from(origin).to_string()));
    html("Okta", &format!("<script>(window.opener || window.parent).postMessage({data}, {origin});</script>"))
}

/// Posts the parameters to the client.
pub(crate) fn form_post(to: &str, parameters: &[(&str, &str)]) -> Reply {
    let inputs: String = parameters
        .iter()
        .map(|(name, value)| {
            format!("<input type=\"hidden\" name=\"{}\" value=\"{}\">", escaped(name), escaped(value))
        })
        .collect();
    let form = format!(
        "<form id=\"appForm\" method=\"post\" action=\"{}\">{inputs}</form><script>document.getElementById('appForm').submit();</script>",
        escaped(to)
    );
    html("Okta", &form)
}

/// Says who is signed in; Okta has its dashboard there.
fn home(org: &mut Org, call: &Call) -> Outcome {
    let session = call.cookie("sid").and_then(|id| org.live.sessions.get(id));
    let session = session.filter(|session| session.expires > call.now.as_second());
    Ok(match session.and_then(|session| org.users.get(&session.user)) {
        Some(user) => message("Signed in", &format!("You are signed in as {}.", user.login())),
        None => Reply::redirect(call.url("/login")),
    })
}

/// A picture of our own, for every logo.
fn logo(_: &mut Org, _: &Call) -> Outcome {
    let picture = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"64\" height=\"64\"><rect width=\"64\" height=\"64\" rx=\"12\" fill=\"#345\"/><circle cx=\"32\" cy=\"32\" r=\"14\" fill=\"none\" stroke=\"#fff\" stroke-width=\"8\"/></svg>";
    Ok(Reply::text("image/svg+xml", picture.to_owned()))
}

fn page(_: &mut Org, call: &Call) -> Outcome {
    Ok(sign_in_for(call.query("fromURI").unwrap_or("/"), "", None))
}

/// Only back to this org: a `fromURI` to elsewhere is not followed.
fn submit(org: &mut Org, call: &Call) -> Outcome {
    let from = call.form("fromURI").unwrap_or("/");
    let from = if from.starts_with('/') && !from.starts_with("//") { from } else { "/" };
    let login = call.form("username").unwrap_or_default().to_owned();
    let password = call.form("password").unwrap_or_default().to_owned();
    match authn::sign_in(org, call, &login, &password, call.form("passCode")) {
        Ok(SignIn::Done(user, amr)) => {
            let (_, cookie) = start_session(org, call, &user, amr);
            Ok(Reply::redirect(call.url(from)).with("set-cookie", cookie))
        }
        Ok(SignIn::FactorDue(_)) => {
            Ok(sign_in_for(from, &login, Some("Enter the code of your authenticator.")))
        }
        Ok(SignIn::PasswordDue(_)) => Ok(sign_in_for(from, &login, Some("Your password has expired."))),
        Err(_) => Ok(sign_in_for(from, &login, Some("Unable to sign in"))),
    }
}

/// Swaps a session token for the cookie; leads to a trusted origin, or within
/// the org.
fn cookie_redirect(org: &mut Org, call: &Call) -> Outcome {
    let to = call.query("redirectUrl").unwrap_or_default();
    if !to.starts_with(&format!("{}/", call.org_url)) && !trusted_origins::trusts(org, to, "REDIRECT") {
        return Err(OktaError::validation("redirectUrl", "redirectUrl: The URL is not a trusted origin"));
    }
    let session = org.live.session_tokens.remove(call.query("token").unwrap_or_default());
    match session.filter(|session| session.expires > call.now.as_second()) {
        Some(session) => {
            let (_, cookie) = start_session(org, call, &session.user, session.amr);
            Ok(Reply::redirect(to.to_owned()).with("set-cookie", cookie))
        }
        None => Ok(Reply::redirect(call.url("/login"))),
    }
}

fn sign_out(org: &mut Org, call: &Call) -> Outcome {
    if let Some(session) = call.cookie("sid") {
        org.live.sessions.remove(session);
    }
    let clear = "sid=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax";
    Ok(Reply::redirect(call.url("/login")).with("set-cookie", clear))
}
