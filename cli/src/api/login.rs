//! `login`, `whoami`, `logout`: a token of the custom authorization server, by the device flow
//! (RFC 8628).
//!
//! A client with its own secret cannot sign in: the API accepts tokens of users alone.

use std::time::{Duration, Instant};

use clap::Args;
use cookie_store::CookieStore;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::profile::{Access, Kept, Profile, Profiles, Token, Where, claims, is_secure};
use super::show::report;
use super::stop::{Code, Stop};
use crate::aws::http::{Okta, client};
use crate::aws::sign_in::device;
use crate::aws::vault::Store;
use crate::environment::{Environment, Folders};
use crate::failure::Failure;
use crate::output::Printing;

/// What the API wants of a token.
const SCOPES: &str = "openid dac.admin managed.access dac.respond";

/// Where the org has no scope for responses,
const WITHOUT_RESPONSES: &str = "openid dac.admin managed.access";

/// and none for delegation.
const FEWER_SCOPES: &str = "openid dac.admin";

/// How long somebody has to allow the code.
const TIME: Duration = Duration::from_secs(600);

/// Sign in
#[derive(Clone, Debug, Args)]
pub struct Login {
    /// Address of the API
    #[arg(long, env = "OKTA_DAC_API", value_name = "URL")]
    pub api: Option<Url>,
    /// The authorization server that issues the tokens
    #[arg(long, env = "OKTA_DAC_ISSUER", value_name = "URL")]
    pub issuer: Option<Url>,
    /// OAuth client with the device authorization grant
    #[arg(long, env = "OKTA_DAC_CLIENT_ID", value_name = "ID")]
    pub client_id: Option<String>,
    /// Name for these three; the next time the name is enough
    #[arg(long, env = "OKTA_DAC_PROFILE", value_name = "NAME", default_value = "default")]
    pub profile: String,
    /// Where the key of the token is kept
    #[arg(long, value_enum)]
    pub store: Option<Store>,
    /// Scopes, with spaces between them [default: those that the org has of the API's]
    #[arg(long, value_name = "SCOPES")]
    pub scope: Option<String>,
    /// Open no browser
    #[arg(long)]
    pub no_browser: bool,
}

fn usage(text: impl Into<String>) -> Stop {
    Stop::new(Code::Usage, text)
}

/// Signs in, and keeps the token.
///
/// # Errors
///
/// What is missing, and what Okta refuses.
pub fn login(arguments: &Login, printing: Printing, environment: &Environment) -> Result<(), Stop> {
    let folders = Folders::new(environment, None);
    let known = Profiles::read(&folders)?.get(&arguments.profile).cloned();
    let missing =
        |option: &str| usage(format!("the profile `{}` is new: `{option}` is missing", arguments.profile));
    let known_of = |part: fn(&Profile) -> Url| known.as_ref().map(part);
    let api = arguments.api.clone().or_else(|| known_of(|known| known.api.clone()));
    let issuer = arguments.issuer.clone().or_else(|| known_of(|known| known.issuer.clone()));
    let client_id =
        arguments.client_id.clone().or_else(|| known.as_ref().map(|known| known.client_id.clone()));
    let store_before = known.as_ref().map(|known| known.store);
    let mut profile = Profile {
        api: api.ok_or_else(|| missing("--api"))?,
        issuer: issuer.ok_or_else(|| missing("--issuer"))?,
        client_id: client_id.ok_or_else(|| missing("--client-id"))?,
        store: arguments.store.or(store_before).unwrap_or_default(),
    };
    let changes_store = store_before.is_some_and(|before| before != profile.store);
    is_secure(&profile.api, "--api")?;
    is_secure(&profile.issuer, "--issuer")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Stop::new(Code::Failed, format!("the runtime: {error}")))?;
    let token = runtime.block_on(token(&profile, arguments))?;
    let kept = Kept::of(&folders, &arguments.profile, profile.store);
    profile.store = kept.write(&token, changes_store)?;
    // Read again: a person may have signed in elsewhere meanwhile.
    Profiles::read(&folders)?.keep(&folders, &arguments.profile, profile)?;
    said(&token.access_token, printing)
}

/// The address of the org, and the path of the authorization server.
fn server(issuer: &Url) -> Result<(Url, String), Stop> {
    let path = issuer.path().trim_end_matches('/');
    if !path.starts_with("/oauth2/") {
        return Err(usage("`--issuer` is the address of an authorization server: https://…/oauth2/…"));
    }
    let org = issuer.join("/").map_err(|error| usage(error.to_string()))?;
    Ok((org, format!("{path}/v1")))
}

async fn token(profile: &Profile, arguments: &Login) -> Result<Token, Stop> {
    #[derive(Deserialize)]
    struct Issued {
        access_token: String,
        expires_in: i64,
    }
    let (org, path) = server(&profile.issuer)?;
    let okta = Okta::new(client()?, org, CookieStore::default(), Instant::now() + TIME);
    let usual = [SCOPES, WITHOUT_RESPONSES, FEWER_SCOPES];
    let given = arguments.scope.as_deref().map(|scope| [scope]);
    let scopes = given.as_ref().map_or(&usual[..], |given| &given[..]);
    // What to do about it is another thing than in `okta-dac aws`.
    let plain = |failure: Failure| Failure { hint: None, ..failure };
    let started = device::start(&okta, &path, &profile.client_id, scopes).await.map_err(plain)?;
    crate::warn(&started.invitation());
    started.open(&okta, !arguments.no_browser);
    let answer = device::poll(&okta, &path, &profile.client_id, &started).await.map_err(plain)?;
    let issued: Issued = answer.read("the token request")?;
    let expires = okta.now().as_second() + issued.expires_in;
    Ok(Token { access_token: issued.access_token, expires, api: profile.api.clone() })
}

/// Says who is signed in.
///
/// # Errors
///
/// Nobody is.
pub fn whoami(places: &Where, printing: Printing, environment: &Environment) -> Result<(), Stop> {
    said(&Access::find(places, environment)?.token, printing)
}

/// What a token says: the API believes it when the token is verified.
fn said(token: &str, printing: Printing) -> Result<(), Stop> {
    let claims = claims(token).ok_or_else(|| {
        Stop::new(Code::Failed, "the token cannot be read: its issuer is no authorization server of Okta")
    })?;
    let groups = || claims["groups"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let tenants: Vec<&str> = groups().filter_map(|group| group.strip_prefix("ADMINS_")).collect();
    let expires = claims["exp"].as_i64().and_then(|time| Timestamp::from_second(time).ok());
    let report_of = json!({
        "login": claims["sub"], "userId": claims["uid"], "superuser": groups().any(|group| group == "SUPERUSERS"),
        "adminOf": tenants, "scopes": claims["scp"], "expires": expires.map(|time| time.to_string()),
    });
    printing.report(&report_of, || report(&report_of)).map_err(Stop::from)
}

/// Forgets the token, and tells its issuer.
///
/// # Errors
///
/// The file cannot be removed.
pub fn logout(profile: &str, environment: &Environment) -> Result<(), Stop> {
    let folders = Folders::new(environment, None);
    let Some(known) = Profiles::read(&folders)?.get(profile).cloned() else {
        return Err(usage(format!("there is no profile `{profile}`")));
    };
    let kept = Kept::of(&folders, profile, known.store);
    // What cannot be opened is forgotten all the same.
    let token = kept.read();
    kept.remove()?;
    let Some(token) = token? else { return Ok(()) };
    let (org, path) = server(&known.issuer)?;
    let okta = Okta::new(client()?, org, CookieStore::default(), Instant::now() + Duration::from_secs(10));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Stop::new(Code::Failed, format!("the runtime: {error}")))?;
    let form = [
        ("client_id", known.client_id.as_str()),
        ("token", &token.access_token),
        ("token_type_hint", "access_token"),
    ];
    let revoked = runtime.block_on(async { okta.form(okta.url(&format!("{path}/revoke"))?, &form).await });
    if !revoked.is_ok_and(|answer| answer.status.is_success()) {
        crate::warn("the token is forgotten here; its issuer was not told, and it lives until it ends");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_an_authorization_server() {
        let (org, path) = server(&Url::parse("https://acme.okta.com/oauth2/aus1/").unwrap()).unwrap();
        assert_eq!((org.as_str(), path.as_str()), ("https://acme.okta.com/", "/oauth2/aus1/v1"));
        assert_eq!(server(&Url::parse("https://acme.okta.com").unwrap()).unwrap_err().code, Code::Usage);
    }
}
