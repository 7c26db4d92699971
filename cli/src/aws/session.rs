//! What a sign-in leaves: cookies, tokens and assertions, sealed; and how a process gets an
//! assertion with as little of a person as possible.

use std::collections::BTreeMap;

use cookie_store::CookieStore;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;

use super::context::{Context, file};
use super::files::Lock;
use super::http::Okta;
use super::saml::Assertion;
use super::settings::{Mode, OrgSettings};
use super::sign_in::device::NoAssertion;
use super::sign_in::factors::Asked;
use super::sign_in::machine::{DEFAULT_SCOPE, DEFAULT_SERVER, Machine};
use super::sign_in::{self, Token, classic, device};
use super::state::{KnownRole, State};
use super::vault::Vault;
use crate::failure::{Exit, Failure};

/// What Okta says of its engine counts for a day.
const PIPELINE: jiff::SignedDuration = jiff::SignedDuration::from_hours(24);

/// Sealed: what a later process goes on with.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Session {
    /// Okta's cookies, as JSON.
    cookies: Option<serde_json::Value>,
    tokens: Option<device::Tokens>,
    /// By the app's id, or by its link.
    assertions: BTreeMap<String, Assertion>,
}

/// What proves to AWS who somebody is.
pub enum Identity {
    /// Assertions, by app.
    Assertions(BTreeMap<String, Assertion>),
    /// A token of a machine.
    Token(String),
}

/// How much of the network somebody wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// A kept assertion will do.
    Kept,
    /// The kept one was refused: a new one, with the session if it lives.
    New,
    /// By a person's hand: failures of others do not count either.
    ByHand,
}

/// Gets an identity: from the kept session, else by signing in. One process signs in at a
/// time; the others wait, and take what it got or how it failed.
///
/// # Errors
///
/// By the table of exit codes.
pub async fn identity(context: &mut Context, freshness: Freshness) -> Result<Identity, Failure> {
    let who = context.who();
    let _lock = Lock::take(&context.place.file(&context.file("signin", "lock")), context.deadline)?;
    // Whoever had the lock may have stored other ones.
    context.read_secrets()?;
    let now = Timestamp::now();
    let state = State::read(&context.place)?;
    if freshness != Freshness::ByHand
        && let Some(failure) = state.refusal(&who, now)
    {
        // That nobody was there is no matter where somebody is.
        if failure.exit != Exit::PersonNeeded || !context.terminal.is_there() {
            return Err(failure);
        }
    }
    let result = with_lock(context, freshness, &state).await;
    if let Err(failure) = &result {
        let stored = context.secrets.password.is_some();
        State::change(&context.place, context.deadline, |state| {
            state.refuse(&who, failure, Timestamp::now());
            if failure.exit == Exit::Refused && stored {
                state.refused_passwords.insert(who.clone(), Timestamp::now());
            }
        })?;
    }
    result
}

async fn with_lock(context: &mut Context, freshness: Freshness, state: &State) -> Result<Identity, Failure> {
    let file = context.file("session", "bin");
    let mut session: Session = context.vault.read(&file)?.unwrap_or_default();
    let now = Timestamp::now();
    session.assertions.retain(|_, assertion| assertion.good_until > now);
    let own = own(context, &session.assertions);
    if freshness == Freshness::Kept && !own.is_empty() {
        return Ok(Identity::Assertions(own));
    }
    let cookies = session.cookies.take().and_then(|cookies| serde_json::from_value(cookies).ok());
    let org = context.org.org_url();
    let okta = Okta::new(context.http.clone(), org, cookies.unwrap_or_default(), context.deadline);
    let mode = mode(context, &okta, state).await?;
    if mode == Mode::M2m {
        return machine(context, &okta).await.map(Identity::Token);
    }
    let result = match mode {
        Mode::Classic => by_password(context, &okta, state).await,
        _ => by_device(context, &okta, &mut session.tokens).await,
    };
    // How far a sign-in came is kept also where no assertion followed: a person does not do it twice.
    session.cookies = kept(&okta.cookies());
    if let Ok(assertions) = &result {
        session.assertions.extend(assertions.clone());
    }
    context.vault.cache(&file, &session)?;
    crate::interrupt::done("the sign-in is kept");
    let assertions = result?;
    let (name, roles) = (context.org_name.clone(), known(&assertions));
    State::change(&context.place, context.deadline, |state| {
        state.roles.insert(name, roles);
        state.refusals.remove(&context.who());
    })?;
    Ok(Identity::Assertions(assertions))
}

/// Those that the command's org means: two may share a session, with an app each.
fn own(context: &Context, assertions: &BTreeMap<String, Assertion>) -> BTreeMap<String, Assertion> {
    let app = context.app.as_ref().or(context.org.app_id.as_ref());
    let link = context.org.app_link().map(Url::as_str);
    let own = assertions.iter().filter(|(key, _)| {
        if is_link(key) { Some(key.as_str()) == link } else { app.is_none_or(|app| app == *key) }
    });
    own.map(|(key, assertion)| (key.clone(), assertion.clone())).collect()
}

/// Whether an assertion is that of an app's link, and not of an app's id.
fn is_link(key: &str) -> bool {
    key.contains("://")
}

/// Session cookies have no end of their own: they are kept as well.
fn kept(cookies: &CookieStore) -> Option<serde_json::Value> {
    let mut text = Vec::new();
    cookie_store::serde::json::save_incl_expired_and_nonpersistent(cookies, &mut text).ok()?;
    serde_json::from_slice(&text).ok()
}

/// The roles of assertions, as `list` shows them.
pub fn known(assertions: &BTreeMap<String, Assertion>) -> Vec<KnownRole> {
    let roles = assertions.iter().flat_map(|(app, assertion)| {
        assertion.roles.iter().map(move |grant| KnownRole {
            role: grant.role.to_string(),
            provider: grant.provider.clone(),
            app: Some(app.clone()).filter(|app| !is_link(app)),
        })
    });
    roles.collect()
}

async fn mode(context: &Context, okta: &Okta, state: &State) -> Result<Mode, Failure> {
    if let Some(mode) = context.org.mode {
        return Ok(mode);
    }
    let org = okta.org().to_string();
    let fresh = state.pipelines.get(&org).filter(|(_, at)| Timestamp::now().duration_since(*at) < PIPELINE);
    match fresh.map(|(pipeline, _)| pipeline.as_str()) {
        Some("v1") => return Ok(Mode::Classic),
        Some("idx") => return Ok(Mode::Device),
        _ => {}
    }
    let mode = sign_in::detect(okta).await?;
    let pipeline = if mode == Mode::Classic { "v1" } else { "idx" };
    State::change(&context.place, context.deadline, |state| {
        state.pipelines.insert(org, (pipeline.to_owned(), Timestamp::now()))
    })?;
    Ok(mode)
}

async fn by_password(
    context: &mut Context,
    okta: &Okta,
    state: &State,
) -> Result<BTreeMap<String, Assertion>, Failure> {
    let missing = |what: &str, option: &str| {
        Failure::new(Exit::Configuration, format!("{what} is not known"))
            .hint(format!("`okta-dac aws init {option}` takes it"))
    };
    let app =
        context.org.app_link().ok_or_else(|| missing("the address of the AWS app", "--sso-url"))?.clone();
    if let Some(assertion) = classic::from_session(okta, &app).await? {
        return Ok(BTreeMap::from([(app.to_string(), assertion)]));
    }
    let username = context.org.username.clone().ok_or_else(|| missing("the user name", "--username"))?;
    if context.secrets.password.is_some() && state.refused_passwords.contains_key(&context.who()) {
        // It was refused once: a second time would count towards a lock of the account.
        return Err(Failure::new(Exit::Refused, "Okta refused the stored password before")
            .hint("`okta-dac aws init` takes the right one"));
    }
    let factor = context.factor.clone().or_else(|| context.org.factor.clone());
    let person = Asked {
        terminal: &mut context.terminal,
        place: &context.place,
        org: &context.org_name,
        factor: factor.as_deref(),
        authenticator: context.authenticator.as_deref(),
    };
    let secrets = &context.secrets;
    let mut sign_in = classic::SignIn { okta, app: &app, username: &username, secrets, person };
    let assertion = sign_in.assertion().await?;
    Ok(BTreeMap::from([(app.to_string(), assertion)]))
}

async fn by_device(
    context: &mut Context,
    okta: &Okta,
    kept: &mut Option<device::Tokens>,
) -> Result<BTreeMap<String, Assertion>, Failure> {
    let client = context.org.client_id.clone().ok_or_else(|| {
        Failure::new(Exit::Configuration, "the OAuth client is not known")
            .hint("`okta-dac aws init --client-id` takes it")
    })?;
    let mut live = kept.take().filter(|tokens| tokens.access.live(okta.now()).is_some());
    loop {
        let from_cache = live.is_some();
        let tokens = match live.take() {
            Some(tokens) => tokens,
            None => device::sign_in(okta, &client, &mut context.terminal, context.open_browser).await?,
        };
        let result = of_apps(context, okta, &client, &tokens, from_cache).await;
        let ended = matches!(result, Err(NoAssertion::Ended(_)));
        // Kept also where Okta gives no answer now, but not where it refuses them.
        *kept = Some(tokens).filter(|_| !ended);
        match result {
            Err(NoAssertion::Ended(_)) if from_cache => {}
            result => return result.map_err(NoAssertion::failure),
        }
    }
}

/// The assertion of each of the user's apps.
async fn of_apps(
    context: &mut Context,
    okta: &Okta,
    client: &str,
    tokens: &device::Tokens,
    from_cache: bool,
) -> Result<BTreeMap<String, Assertion>, NoAssertion> {
    let apps = match context.app.clone().or_else(|| context.org.app_id.clone()) {
        Some(app) => vec![app],
        None => device::apps(okta, tokens).await?,
    };
    let mut assertions = BTreeMap::new();
    let mut first = None;
    for app in &apps {
        match device::assertion(okta, client, tokens, app).await {
            Ok(assertion) => {
                assertions.insert(app.clone(), assertion);
            }
            // A new sign-in may be good enough, once.
            Err(NoAssertion::Ended(failure)) if from_cache => return Err(NoAssertion::Ended(failure)),
            Err(no_assertion) if apps.len() > 1 => {
                context.partial = true;
                let failure = no_assertion.failure();
                crate::warn(&format!("{app}: {failure}"));
                first.get_or_insert(failure);
            }
            Err(no_assertion) => return Err(no_assertion),
        }
    }
    match first.filter(|_| assertions.is_empty()) {
        Some(failure) => Err(failure.into()),
        None => Ok(assertions),
    }
}

async fn machine(context: &Context, okta: &Okta) -> Result<String, Failure> {
    let missing = |what: &str, option: &str| {
        Failure::new(Exit::Configuration, format!("{what} is not known"))
            .hint(format!("`okta-dac aws init {option}` takes it"))
    };
    let client =
        context.org.client_id.as_deref().ok_or_else(|| missing("the OAuth client", "--client-id"))?;
    let key = match (&context.secrets.private_key, &context.org.private_key_file) {
        (Some(key), _) => key.clone(),
        (None, Some(path)) => std::fs::read_to_string(path).map_err(|error| {
            Failure::new(
                Exit::Configuration,
                format!("the private key {} cannot be read: {error}", path.display()),
            )
        })?,
        (None, None) => return Err(missing("the private key", "--private-key-file")),
    };
    let key = zeroize::Zeroizing::new(key);
    let machine = Machine {
        client,
        server: context.org.authz_id.as_deref().unwrap_or(DEFAULT_SERVER),
        scope: context.org.scope.as_deref().unwrap_or(DEFAULT_SCOPE),
        key_id: context.org.key_id.as_deref(),
        key: &key,
    };
    machine.token(okta).await
}

/// What a session that is kept still has, for `status`.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// An assertion is good until then.
    pub assertion_until: Option<Timestamp>,
    /// A token is good until then.
    pub token_until: Option<Timestamp>,
    /// There are cookies of a session; only Okta knows for how long.
    pub cookies: bool,
}

impl Kept {
    /// Whether credentials can be had with it.
    pub fn is_live(&self) -> bool {
        self.assertion_until.is_some() || self.token_until.is_some()
    }
}

/// Looks at the kept session.
///
/// # Errors
///
/// [`Exit::Store`].
pub fn look(vault: &Vault, org: &OrgSettings) -> Result<Kept, Failure> {
    let session: Session = vault.read(&file(org, "session", "bin"))?.unwrap_or_default();
    let now = Timestamp::now();
    let live = |until: Timestamp| Some(until).filter(|until| *until > now);
    Ok(Kept {
        assertion_until: session.assertions.values().filter_map(|assertion| live(assertion.good_until)).max(),
        token_until: session.tokens.and_then(|tokens: device::Tokens| live(token_end(&tokens.access))),
        cookies: session.cookies.is_some(),
    })
}

fn token_end(token: &Token) -> Timestamp {
    token.good_until
}
