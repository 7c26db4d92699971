//! Credentials of a role: kept ones while they are good for long enough, else new ones;
//! however many processes ask at once, one fetches them.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::arn::RoleArn;
use super::context::{Base, Context, hash, who};
use super::files::{Lock, Place};
use super::session::{self, Freshness, Identity};
use super::settings::OrgSettings;
use super::state::{Granted, State};
use super::sts::{CHAINED, Chain, Credentials, Duration, Limits, Proof, Refused, ladder, session_name};
use super::vault::Vault;
use crate::failure::{Exit, Failure};
use crate::warn;

/// Names of sealed files of credentials begin so.
pub const PREFIX: &str = "cred-";

/// What is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The role that Okta grants.
    pub role: RoleArn,
    /// Roles that are taken with it, one after another.
    pub chain: Vec<RoleArn>,
    /// What AssumeRole takes besides, for the last of them.
    pub with: Chain,
    /// What further limits the session.
    pub limits: Limits,
    /// Seconds.
    pub duration: Option<u32>,
}

impl Wanted {
    /// A role of Okta's alone.
    pub fn role(role: RoleArn) -> Self {
        let (with, limits) = (Chain::default(), Limits::default());
        Self { role, chain: Vec::new(), with, limits, duration: None }
    }

    /// The role whose credentials come out.
    pub fn last(&self) -> &RoleArn {
        self.chain.last().unwrap_or(&self.role)
    }

    /// The same without its last role.
    fn source(&self) -> Self {
        let mut source = Self::role(self.role.clone());
        source.chain = self.chain[..self.chain.len().saturating_sub(1)].to_vec();
        source
    }

    /// The file of the credentials: whatever makes others is part of its name.
    fn file(&self, org: &OrgSettings) -> String {
        let chain: Vec<String> = self.chain.iter().map(ToString::to_string).collect();
        let mut with = self.with.clone();
        with.mfa = None;
        // Of a device its name: whether a session has MFA is part of what it may do.
        let device = self.with.mfa.as_ref().map(|(serial, _)| serial.clone()).unwrap_or_default();
        let rest = format!("{with:?} {:?} {device}", self.limits);
        let duration = self.duration.map(|seconds| seconds.to_string()).unwrap_or_default();
        format!("{PREFIX}{}.bin", hash(&[&who(org), self.role.as_str(), &chain.join(","), &rest, &duration]))
    }
}

/// How somebody wants them.
#[derive(Clone, Copy, Debug)]
pub struct How {
    /// Whether kept ones will do.
    pub kept: bool,
    /// Old ones with so many seconds left are better than none.
    pub max_stale: u32,
    /// Whether the caller waits: two calls of STS at most.
    pub short: bool,
}

impl Default for How {
    fn default() -> Self {
        Self { kept: true, max_stale: 60, short: true }
    }
}

/// What a sealed file has: credentials, and of what they are.
#[derive(Serialize, Deserialize)]
pub struct Kept {
    /// The credentials.
    #[serde(flatten)]
    pub credentials: Credentials,
    /// The org and user whose they are.
    pub who: String,
    /// The role that Okta grants.
    pub role: RoleArn,
    /// Roles that were taken with it.
    pub chain: Vec<RoleArn>,
}

impl Kept {
    /// The role whose credentials these are.
    pub fn last(&self) -> &RoleArn {
        self.chain.last().unwrap_or(&self.role)
    }
}

/// Whoever has less of credentials has none.
const USEFUL: SignedDuration = SignedDuration::from_secs(60);

/// Credentials that are kept, if they are good for long enough. No lock, no socket.
///
/// # Errors
///
/// [`Exit::Store`].
pub fn kept(vault: &Vault, org: &OrgSettings, wanted: &Wanted) -> Result<Option<Credentials>, Failure> {
    Ok(read(vault, org, wanted)?.filter(|credentials| !credentials.are_due(Timestamp::now())))
}

fn read(vault: &Vault, org: &OrgSettings, wanted: &Wanted) -> Result<Option<Credentials>, Failure> {
    let kept: Option<Kept> = vault.read(&wanted.file(org))?;
    Ok(kept.map(|kept| kept.credentials))
}

/// Everything that is kept for an org and that is still useful, for `status`.
///
/// # Errors
///
/// [`Exit::Store`].
pub fn all(vault: &Vault, place: &Place, org: &OrgSettings) -> Result<Vec<Kept>, Failure> {
    let (mut all, now) = (Vec::new(), Timestamp::now());
    for name in place.names()?.iter().filter(|name| name.starts_with(PREFIX) && name.ends_with(".bin")) {
        let kept: Option<Kept> = vault.read(name)?;
        all.extend(kept.filter(|kept| kept.who == who(org) && kept.credentials.left(now) >= USEFUL));
    }
    all.sort_by(|one, other| (&one.role, &one.chain).cmp(&(&other.role, &other.chain)));
    Ok(all)
}

/// The last of a clock that goes wrong.
const CLOCK: i64 = 300;

/// Says where this machine's clock is so wrong that other programs will have trouble.
pub fn judge_clock(credentials: &Credentials) {
    let ahead = -credentials.server_offset;
    if ahead.abs() > CLOCK {
        let how = if ahead > 0 { "ahead of" } else { "behind" };
        warn(&format!("this machine's clock is {} s {how} AWS's", ahead.abs()));
    }
}

/// Gets credentials.
///
/// # Errors
///
/// By the table of exit codes.
pub fn get(mut base: Base<'_>, wanted: &Wanted, how: How) -> Result<Credentials, Failure> {
    base.org()?;
    let vault = base.vault()?;
    let org = base.org()?;
    if how.kept
        && let Some(credentials) = kept(&vault, org, wanted)?
    {
        return Ok(credentials);
    }
    let mut context = base.online(vault)?;
    runtime()?.block_on(fetch(&mut context, wanted, how))
}

/// One thread: what waits does so for the network.
///
/// # Errors
///
/// A defect of the system.
pub fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Failure::defect(format!("the network cannot be used: {error}")))
}

/// Gets credentials online; one process at a time for each of them.
///
/// # Errors
///
/// By the table of exit codes.
pub async fn fetch(context: &mut Context, wanted: &Wanted, how: How) -> Result<Credentials, Failure> {
    if context.endpoints.replaces_region(wanted.last()) {
        let region = context.endpoints.region(wanted.last());
        warn(&format!("the region is of another partition than {}: {region} is used", wanted.last()));
    }
    let file = wanted.file(&context.org);
    let lock = context.place.file(&file.replace(".bin", ".lock"));
    let _lock = Lock::take(&lock, context.deadline)?;
    let old = read(&context.vault, &context.org, wanted)?;
    if how.kept
        && let Some(credentials) = old.clone().filter(|credentials| !credentials.are_due(Timestamp::now()))
    {
        return Ok(credentials);
    }
    match renew(context, wanted, how).await {
        Ok(credentials) => {
            keep(context, wanted, &credentials)?;
            judge_clock(&credentials);
            Ok(credentials)
        }
        Err(failure) => {
            // A refusal is one: only what may pass is bridged.
            let passing =
                matches!(failure.exit, Exit::Network | Exit::RateLimited | Exit::Busy | Exit::PersonNeeded);
            let left = |credentials: &Credentials| credentials.left(Timestamp::now());
            let stale = SignedDuration::from_secs(i64::from(how.max_stale).max(1));
            match old.filter(|credentials| how.kept && passing && left(credentials) >= stale) {
                Some(credentials) => {
                    warn(&format!(
                        "{failure}; the old credentials are good for {} s more",
                        left(&credentials).as_secs()
                    ));
                    Ok(credentials)
                }
                None => Err(failure),
            }
        }
    }
}

/// New credentials: through the source role, or through Okta.
async fn renew(context: &mut Context, wanted: &Wanted, how: How) -> Result<Credentials, Failure> {
    if !wanted.chain.is_empty() {
        // The source is of another file: its lock is another one, too.
        let source = Box::pin(fetch(context, &wanted.source(), How { kept: true, ..how })).await?;
        return chained(context, wanted, &source, how.short).await;
    }
    let mut freshness = Freshness::Kept;
    loop {
        let identity = session::identity(context, freshness).await?;
        let state = State::read(&context.place)?;
        match with_identity(context, wanted, &identity, &state, how.short).await {
            Ok((credentials, granted)) => {
                remember(context, wanted.last(), granted, how.short)?;
                return Ok(credentials);
            }
            // A kept assertion may be too old, of another app, or from before the role was granted.
            Err(Stopped::Refused(refused)) if refused.is_expired() && freshness == Freshness::Kept => {
                freshness = Freshness::New;
            }
            Err(Stopped::NotGranted(_)) if freshness == Freshness::Kept => freshness = Freshness::New,
            Err(stopped) => return Err(stopped.failure(wanted.last())),
        }
    }
}

/// Why STS gave none.
pub enum Stopped {
    /// What STS says.
    Refused(Refused),
    /// The assertion does not have the role.
    NotGranted(Failure),
}

impl Stopped {
    /// How the command ends.
    pub fn failure(self, role: &RoleArn) -> Failure {
        match self {
            Self::Refused(refused) => refused.failure(role.as_str()),
            Self::NotGranted(failure) => failure,
        }
    }
}

/// Credentials of a role for an identity; beside them the seconds that were granted, if
/// that was not what was asked for first.
///
/// # Errors
///
/// [`Stopped`].
pub async fn with_identity(
    context: &Context,
    wanted: &Wanted,
    identity: &Identity,
    state: &State,
    short: bool,
) -> Result<(Credentials, Option<u32>), Stopped> {
    let role = &wanted.role;
    let user = session_name(context.org.user());
    let (proof, session_duration) = match identity {
        Identity::Token(token) => (Proof::WebIdentity { token, session_name: &user }, None),
        Identity::Assertions(assertions) => {
            let granted = assertions.values().find_map(|assertion| {
                assertion.roles.iter().find(|grant| grant.role == *role).map(|grant| (assertion, grant))
            });
            let (assertion, grant) = granted.ok_or_else(|| {
                let roles = assertions.values().flat_map(|assertion| assertion.roles.iter());
                let roles: Vec<String> = roles.map(|grant| grant.role.to_string()).collect();
                Stopped::NotGranted(
                    Failure::new(Exit::NotAllowed, format!("Okta does not grant you {role}"))
                        .hint(format!("your roles: {}", roles.join(", "))),
                )
            })?;
            let proof = Proof::Saml { assertion: &assertion.encoded, provider: &grant.provider };
            (proof, assertion.session_duration)
        }
    };
    let asked = Duration {
        option: wanted.duration,
        // A guess is good enough for whoever waits.
        granted: state.durations.get(role.as_str()).filter(|granted| short || !granted.guessed),
        settings: context.org.duration,
        assertion: session_duration,
    };
    let first = asked.asked(Timestamp::now());
    let (credentials, granted) = descend(context, role, first, &proof, &wanted.limits, short).await?;
    // One step more than the role granted before: that is what it grants now.
    let more = asked.granted.is_some_and(|granted| first > granted.seconds).then_some(first);
    Ok((credentials, granted.or(more)))
}

/// Asks for a duration, then for less and less.
async fn descend(
    context: &Context,
    role: &RoleArn,
    asked: u32,
    proof: &Proof<'_>,
    limits: &Limits,
    short: bool,
) -> Result<(Credentials, Option<u32>), Stopped> {
    let sts = context.sts();
    let mut refused = match sts.assume(role, asked, proof, limits).await {
        Ok(credentials) => return Ok((credentials, None)),
        Err(refused) => refused,
    };
    for seconds in ladder(asked, short) {
        if refused.is_too_long().is_none() {
            break;
        }
        match sts.assume(role, seconds, proof, limits).await {
            Ok(credentials) => {
                let (asked, granted) = (asked / 60, seconds / 60);
                context.warn(&format!("{role} allows {granted} minutes and not {asked}; remembered"));
                return Ok((credentials, Some(seconds)));
            }
            Err(next) => refused = next,
        }
    }
    Err(Stopped::Refused(refused))
}

/// Takes the last role of a chain: an hour at most.
async fn chained(
    context: &Context,
    wanted: &Wanted,
    source: &Credentials,
    short: bool,
) -> Result<Credentials, Failure> {
    let mut with = wanted.with.clone();
    if with.session_name.is_empty() {
        // The session of the source has the user's name: CloudTrail shows a person.
        let own = source.session_arn.rsplit('/').next().filter(|name| !name.is_empty());
        with.session_name = session_name(own.unwrap_or(context.org.user()));
    }
    let state = State::read(&context.place)?;
    let role = wanted.last();
    let granted = state.durations.get(role.as_str());
    let duration = Duration { option: wanted.duration, granted, settings: None, assertion: None };
    let asked = duration.asked(Timestamp::now()).min(CHAINED);
    let proof = Proof::Credentials(source, &with);
    let result = descend(context, role, asked, &proof, &wanted.limits, short).await;
    result.map(|(credentials, _)| credentials).map_err(|stopped| stopped.failure(role))
}

fn remember(context: &Context, role: &RoleArn, granted: Option<u32>, guessed: bool) -> Result<(), Failure> {
    let Some(seconds) = granted else { return Ok(()) };
    let at = Timestamp::now();
    State::change(&context.place, context.deadline, |state| {
        state.durations.insert(role.to_string(), Granted { seconds, at, guessed })
    })?;
    Ok(())
}

/// Keeps credentials of a sign-in that was made for several roles; not if somebody has
/// logged out meanwhile.
///
/// # Errors
///
/// [`Exit::Store`], [`Exit::Busy`].
pub fn keep_after_sign_in(
    context: &Context,
    wanted: &Wanted,
    credentials: &Credentials,
) -> Result<(), Failure> {
    let lock = context.place.file(&wanted.file(&context.org).replace(".bin", ".lock"));
    let _lock = Lock::take(&lock, context.deadline)?;
    let session = context.place.file(&context.file("session", "bin"));
    if session.exists() { keep(context, wanted, credentials) } else { Ok(()) }
}

/// Keeps credentials for later processes.
///
/// # Errors
///
/// [`Exit::Store`].
pub fn keep(context: &Context, wanted: &Wanted, credentials: &Credentials) -> Result<(), Failure> {
    let kept = Kept {
        credentials: credentials.clone(),
        who: context.who(),
        role: wanted.role.clone(),
        chain: wanted.chain.clone(),
    };
    context.vault.cache(&wanted.file(&context.org), &kept)
}
