//! `/authorize`: the code flow with PKCE, and what it answers.
//!
//! Evidence: authorize, authorizeCustomAS; reference page "OpenID Connect" (an
//! unknown client or redirect URI is answered, everything else redirected; a
//! token hook fires here, not when the code is exchanged); okta-auth-js for
//! `response_mode=okta_post_message`. Only `response_type=code`.

use serde_json::{Value, json};

use super::issuer::server;
use super::session::start_session;
use super::{issue, pages, policy};
use crate::call::{Auth, Call, Outcome, Reply, Route, get, post};
use crate::error::OktaError;
use crate::hooks::{Verdict, apply};
use crate::json::{Object, text, texts};
use crate::oauth::error::OAuthError;
use crate::org::Org;
use crate::org::live::{Code, Grant, Session, Tokens};
use crate::random::random;

/// Lifetime of a code.
const CODE_LIFETIME: i64 = 300;

#[rustfmt::skip] // A table.
pub(crate) const ROUTES: &[Route] = &[
    get("/oauth2/v1/authorize", "authorize", Auth::Public, authorize),
    post("/oauth2/v1/authorize", "authorizeWithPost", Auth::Public, authorize),
    get("/oauth2/{authorizationServerId}/v1/authorize", "authorizeCustomAS", Auth::Public, authorize),
    post("/oauth2/{authorizationServerId}/v1/authorize", "authorizeCustomASWithPost", Auth::Public, authorize),
];

/// A checked request, as far as it can be answered by a redirect.
#[derive(Clone)]
struct Request {
    redirect_uri: String,
    response_mode: String,
    state: Option<String>,
    /// Of the session that a session token began.
    cookie: Option<String>,
}

impl Request {
    /// The answer to the client: parameters in the query, the fragment, a form
    /// or a message to the window that waits.
    fn answer(&self, parameters: &[(&str, &str)]) -> Reply {
        let reply = self.answer_without_cookie(parameters);
        match &self.cookie {
            Some(cookie) => reply.with("set-cookie", cookie),
            None => reply,
        }
    }

    fn answer_without_cookie(&self, parameters: &[(&str, &str)]) -> Reply {
        let mut all: Vec<(&str, &str)> = parameters.to_vec();
        if let Some(state) = &self.state {
            all.push(("state", state));
        }
        let encoded = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&all).finish();
        match self.response_mode.as_str() {
            "okta_post_message" => {
                let data: Object =
                    all.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
                let origin = url::Url::parse(&self.redirect_uri)
                    .map_or_else(|_| String::new(), |url| url.origin().ascii_serialization());
                pages::post_message(&Value::Object(data), &origin)
            }
            "form_post" => pages::form_post(&self.redirect_uri, &all),
            "fragment" => Reply::redirect(format!("{}#{encoded}", self.redirect_uri)),
            _ => {
                let separator = if self.redirect_uri.contains('?') { '&' } else { '?' };
                Reply::redirect(format!("{}{separator}{encoded}", self.redirect_uri))
            }
        }
    }

    fn refuse(&self, error: &OAuthError) -> Reply {
        self.answer(&[("error", error.error), ("error_description", &error.description)])
    }
}

fn authorize(org: &mut Org, call: &Call) -> Outcome {
    let (server, issuer) = server(org, call)?;
    let given = |name: &str| call.query(name).or_else(|| call.form(name)).filter(|value| !value.is_empty());
    let unanswerable = |code: &'static str, what: &str| OktaError::new(400, code, what);
    let client = given("client_id").unwrap_or_default();
    let app = org.apps.get(client).filter(|app| text(app, "status") == "ACTIVE").cloned();
    let app =
        app.ok_or_else(|| unanswerable("invalid_client", "Invalid value for 'client_id' parameter."))?;
    let redirect_uri = given("redirect_uri").unwrap_or_default();
    if !texts(&app, "/settings/oauthClient/redirect_uris").contains(&redirect_uri) {
        return Err(unanswerable(
            "invalid_request",
            "The 'redirect_uri' parameter must be a Login redirect URI in the client app settings.",
        ));
    }
    let mut request = Request {
        redirect_uri: redirect_uri.to_owned(),
        response_mode: given("response_mode").unwrap_or("query").to_owned(),
        state: given("state").map(str::to_owned),
        cookie: None,
    };
    let lives = |session: &Session| session.expires > call.now.as_second();
    let session = match (given("sessionToken"), call.cookie("sid")) {
        // Guide "Session cookie": the token begins a session of the browser.
        (Some(token), _) => org.live.session_tokens.remove(token).filter(lives).map(|session| {
            let (session, cookie) = start_session(org, call, &session.user, session.amr);
            request.cookie = Some(cookie);
            session
        }),
        (None, Some(cookie)) => org.live.sessions.get(cookie).cloned().filter(lives),
        (None, None) => None,
    };
    match checked(&app, &given) {
        Err(error) => Ok(request.refuse(&error)),
        Ok(()) => {
            let prompt = given("prompt").unwrap_or_default();
            let Some(session) = session.filter(|_| prompt != "login") else {
                if prompt == "none" {
                    let text = "The client specified not to prompt, but the user is not logged in.";
                    return Ok(request.refuse(&OAuthError::new(400, "login_required", text)));
                }
                return Ok(pages::sign_in(call, given("login_hint").unwrap_or_default(), None));
            };
            let parameters: Object = call
                .query
                .iter()
                .chain(&call.form)
                .filter(|(name, _)| {
                    ["scope", "state", "redirect_uri", "response_mode", "response_type", "client_id", "nonce"]
                        .contains(&name.as_str())
                })
                .map(|(name, value)| (name.clone(), value.as_str().into()))
                .collect();
            let grant = Grant {
                server,
                issuer,
                client: client.to_owned(),
                user: Some(session.user.clone()),
                scopes: given("scope").unwrap_or_default().split_whitespace().map(str::to_owned).collect(),
                nonce: given("nonce").map(str::to_owned),
                auth_time: session.created,
                amr: session.amr.clone(),
                kind: "authorization_code",
                request: parameters,
                ..Grant::default()
            };
            let challenge = given("code_challenge").map(str::to_owned);
            grant_code(org, call, request, grant, challenge)
        }
    }
}

/// What can be said of a request without a user.
fn checked<'c>(app: &Object, given: &impl Fn(&str) -> Option<&'c str>) -> Result<(), OAuthError> {
    if given("response_type") != Some("code") {
        let text = "The response type is not supported by the authorization server. Configured response types: [code].";
        return Err(OAuthError::new(400, "unsupported_response_type", text));
    }
    if !texts(app, "/settings/oauthClient/grant_types").contains(&"authorization_code") {
        let text = "The client is not authorized to use the provided grant type.";
        return Err(OAuthError::new(400, "unauthorized_client", text));
    }
    if given("scope").is_none() {
        return Err(OAuthError::invalid_scope(
            "The authorization server resource does not have any configured default scopes, 'scope' must be provided.",
        ));
    }
    if given("state").is_none() {
        return Err(OAuthError::invalid_request(
            "The authentication request has an invalid 'state' parameter.",
        ));
    }
    let public = crate::json::at(app, "/credentials/oauthClient/token_endpoint_auth_method") == "none";
    let required =
        public || crate::json::lookup(app, "/credentials/oauthClient/pkce_required") == Some(&json!(true));
    match (given("code_challenge"), given("code_challenge_method")) {
        (None, _) if required => Err(OAuthError::invalid_request(
            "PKCE code challenge is required when the token endpoint authentication method is 'NONE'.",
        )),
        (None, _) | (Some(_), Some("S256")) => Ok(()),
        (Some(_), _) => Err(OAuthError::invalid_request("The 'code_challenge_method' must be S256.")),
    }
}

/// Decides, asks the hook, and answers with a code.
fn grant_code(
    org: &mut Org,
    call: &Call,
    request: Request,
    grant: Grant,
    challenge: Option<String>,
) -> Outcome {
    let user = grant.user.clone().unwrap_or_default();
    if !org.is_assigned(&user, &grant.client) {
        let error = OAuthError::new(400, "access_denied", "User is not assigned to the client application.");
        return Ok(request.refuse(&error));
    }
    let made = policy::evaluate(org, &grant)
        .and_then(|decision| issue::tokens(org, &grant, &decision).map(|tokens| (decision, tokens)));
    let (decision, tokens) = match made {
        Ok(made) => made,
        Err(error) => return Ok(request.refuse(&error)),
    };
    let pending = Pending { request, grant, challenge };
    let (shown, protocol) = (pending.grant.clone(), pending.grant.request.clone());
    let then = {
        let (pending, mut tokens) = (pending.clone(), tokens.clone());
        Box::new(move |org: &mut Org, call: &Call, answer| {
            let verdict = apply(&mut tokens, &answer);
            if let Verdict::Issue(Some(why)) | Verdict::Refuse(why) = &verdict {
                issue::log_hook(org, call, &pending.grant, why);
            }
            Ok(match verdict {
                Verdict::Issue(_) => pending.finish(org, call, tokens),
                Verdict::Refuse(why) => pending.request.refuse(&OAuthError::new(400, "server_error", why)),
            })
        })
    };
    match issue::hook_call(org, call, &shown, &decision, &tokens, protocol, then) {
        Some(hook) => Ok(Reply { hook: Some(hook), ..Reply::no_content() }),
        None => Ok(pending.finish(org, call, tokens)),
    }
}

/// A request that is allowed; what lacks is the code.
#[derive(Clone)]
struct Pending {
    request: Request,
    grant: Grant,
    challenge: Option<String>,
}

impl Pending {
    fn finish(self, org: &mut Org, call: &Call, tokens: Tokens) -> Reply {
        let code = random();
        let answer = self.request.answer(&[("code", &code)]);
        let kept = Code {
            grant: self.grant,
            tokens,
            redirect_uri: self.request.redirect_uri,
            challenge: self.challenge,
            expires: call.now.as_second() + CODE_LIFETIME,
        };
        org.live.codes.insert(code, kept);
        answer
    }
}
