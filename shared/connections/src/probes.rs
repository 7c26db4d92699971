//! What a credential may do, and what it may not: asked, not believed.
//!
//! A positive probe is a cheap read for each scope. A negative one would change nothing even
//! if it were allowed: its object does not exist, its body is empty, or its object is that way
//! already. Whether Okta looks for rights before it looks for objects is not documented; two
//! probes that disagree say nothing.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use http::Method;
use okta_client::{Client, Error, OrgUrl};
use serde::Serialize;
use serde_json::json;

use crate::preset::Preset;
use crate::stop::{Code, Stop};
use crate::stored::Stored;

/// Probes at once.
const AT_ONCE: usize = 6;

/// How often a positive probe is repeated while rights take effect.
const EVERY: Duration = Duration::from_millis(500);

/// What came of a probe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Got {
    /// It may.
    Allowed,
    /// It may not: its scopes do not say so.
    RefusedByScope,
    /// It may not: its role does not allow it.
    RefusedByRole,
    /// It may not: the token is bound to a key, and there was no proof of it.
    RefusedWithoutProof,
    /// The org does not have this, or nobody knows a way to ask.
    Unavailable,
    /// Okta's answers say neither.
    Unknown,
}

impl Got {
    fn is_refused(&self) -> bool {
        matches!(self, Self::RefusedByRole | Self::RefusedByScope)
    }
}

/// A probe and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Probe {
    /// A scope, or what was tried.
    pub what: String,
    /// `allowed` or `refused`; `any` where the connection does its work without it.
    pub expected: &'static str,
    /// What came of it.
    pub got: Got,
}

impl Probe {
    /// Whether the connection may do what it is not to.
    pub fn is_too_strong(&self) -> bool {
        self.expected == "refused" && self.got == Got::Allowed
    }

    fn is_too_weak(&self) -> bool {
        self.expected == "allowed" && self.got != Got::Allowed
    }
}

/// What a client must not do, with two ways to try it.
pub struct Negative {
    /// In words.
    pub name: &'static str,
    tries: [Try; 2],
}

/// Method, path, and whether there is a body, which is empty then.
type Try = (&'static str, &'static str, bool);

/// Path and query of a read.
type Read = (&'static [&'static str], &'static [(&'static str, &'static str)]);

/// Everything that is tried. Ids that end in `dac0` are nobody's.
pub static NEGATIVES: [Negative; 7] = [
    Negative {
        name: "make a group",
        tries: [("POST", "api/v1/groups", true), ("DELETE", "api/v1/groups/00g0000000000000dac0", false)],
    },
    Negative {
        name: "make a user",
        tries: [("POST", "api/v1/users", true), ("DELETE", "api/v1/users/00u0000000000000dac0", false)],
    },
    Negative {
        name: "suspend a user",
        tries: [
            ("POST", "api/v1/users/00u0000000000000dac0/lifecycle/suspend", false),
            ("POST", "api/v1/users/00u0000000000000dac0/lifecycle/unsuspend", false),
        ],
    },
    Negative {
        name: "make an app",
        tries: [
            ("POST", "api/v1/apps", true),
            ("POST", "api/v1/apps/0oa0000000000000dac0/lifecycle/deactivate", false),
        ],
    },
    Negative {
        name: "make a role",
        tries: [
            ("POST", "api/v1/iam/roles", true),
            ("DELETE", "api/v1/iam/roles/cr00000000000000dac0", false),
        ],
    },
    Negative {
        name: "delete an IdP",
        tries: [("POST", "api/v1/idps", true), ("DELETE", "api/v1/idps/0oa0000000000000dac0", false)],
    },
    Negative {
        name: "give a client a role",
        tries: [
            ("POST", "oauth2/v1/clients/0oa0000000000000dac0/roles", true),
            ("DELETE", "oauth2/v1/clients/0oa0000000000000dac0/roles/ra10000000000000dac0", false),
        ],
    },
];

/// A cheap read for a family of scopes; [`None`] if nobody knows one.
fn read_of(scope: &str) -> Option<Read> {
    const ONE: &[(&str, &str)] = &[("limit", "1")];
    let family = scope.strip_prefix("okta.")?.rsplit_once('.')?.0;
    Some(match family {
        "users" => (&["api", "v1", "users"], ONE),
        "groups" => (&["api", "v1", "groups"], ONE),
        "apps" => (&["api", "v1", "apps"], ONE),
        "idps" => (&["api", "v1", "idps"], ONE),
        "policies" => (&["api", "v1", "policies"], &[("type", "IDP_DISCOVERY")]),
        "logs" => (&["api", "v1", "logs"], ONE),
        "roles" => (&["api", "v1", "iam", "roles"], &[]),
        "authorizationServers" => (&["api", "v1", "authorizationServers"], ONE),
        "eventHooks" => (&["api", "v1", "eventHooks"], &[]),
        "inlineHooks" => (&["api", "v1", "inlineHooks"], &[]),
        "trustedOrigins" => (&["api", "v1", "trustedOrigins"], ONE),
        "userTypes" => (&["api", "v1", "meta", "types", "user"], &[]),
        "schemas" => (&["api", "v1", "meta", "schemas", "user", "default"], &[]),
        "linkedObjects" => (&["api", "v1", "meta", "schemas", "user", "linkedObjects"], &[]),
        "apiTokens" => (&["api", "v1", "api-tokens"], &[]),
        "networkZones" => (&["api", "v1", "zones"], ONE),
        "orgs" => (&["api", "v1", "org"], &[]),
        "domains" => (&["api", "v1", "domains"], &[]),
        "behaviors" => (&["api", "v1", "behaviors"], &[]),
        "deviceAssurance" => (&["api", "v1", "device-assurances"], &[]),
        "threatInsights" => (&["api", "v1", "threats", "configuration"], &[]),
        "authenticators" => (&["api", "v1", "authenticators"], &[]),
        "devices" => (&["api", "v1", "devices"], ONE),
        "profileMappings" => (&["api", "v1", "mappings"], ONE),
        _ => return None,
    })
}

/// What an answer says of a right; `reads` is a call that must succeed to be allowed.
fn meaning(result: Result<(), Error>, reads: bool) -> Result<Got, Stop> {
    match result {
        Ok(()) | Err(Error::Undecodable { .. }) => Ok(Got::Allowed),
        Err(Error::Api(api)) if api.status != 401 && api.status < 500 => {
            Ok(match (api.status, api.code.as_str()) {
                (403, _) if api.insufficient_scope => Got::RefusedByScope,
                (403, "E0000006") => Got::RefusedByRole,
                // No such endpoint, or a feature that the org does not have.
                (404, "E0000008") | (403, "E0000015") => Got::Unavailable,
                // "The user is already active": Okta looked at the user.
                (403, "E0000016") if !reads => Got::Allowed,
                // Okta looked at the object, or at the body: the right is there.
                (400 | 404, _) if !reads => Got::Allowed,
                _ => Got::Unknown,
            })
        }
        Err(error) => Err(Stop::of("trying the credential", &error)),
    }
}

/// Tries everything. A refusal of what should be allowed is tried again for `patience`: rights
/// take effect late.
///
/// # Errors
///
/// Okta is not available, or gives the credential no token.
pub async fn run(
    client: &Client,
    preset: &Preset,
    scopes: &[String],
    patience: Duration,
) -> Result<Vec<Probe>, Stop> {
    // One token for all of them; keys and grants may take effect late.
    token(client, patience).await?;
    let mut probes = Vec::new();
    probes.extend(without_proof(client).await?);
    let all: BTreeSet<&str> =
        scopes.iter().map(String::as_str).chain(preset.scopes.iter().copied()).collect();
    let rest = all.into_iter();
    let positives = stream::iter(rest).map(|scope| positive(client, preset, scope, patience));
    let mut positives = positives.buffered(AT_ONCE);
    while let Some(probe) = positives.next().await {
        probes.push(probe?);
    }
    let tried = NEGATIVES.iter().filter(|negative| !preset.may.contains(&negative.name));
    let tried: Vec<Tried> = stream::iter(tried)
        .map(|negative| tried_by(client, negative))
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    let objects_first = looks_for_objects_first(client, &tried).await?;
    probes.extend(judged(&tried, objects_first));
    Ok(probes)
}

/// The same of a client of an org, and whether it gets tokens for strong scopes that it does
/// not ask for otherwise.
///
/// # Errors
///
/// As [`run`].
pub async fn all(
    client: &Client,
    org: &OrgUrl,
    preset: &Preset,
    stored: &Stored,
    patience: Duration,
) -> Result<Vec<Probe>, Stop> {
    // A key that Okta does not know yet would be refused every scope.
    token(client, patience).await?;
    let (mut probes, ungranted) =
        futures::try_join!(run(client, preset, &stored.scopes, patience), ungranted(org, stored))?;
    probes.extend(ungranted);
    Ok(probes)
}

/// Whether whoever has the token, and not its key, can call; nothing for a token that is bound
/// to none.
async fn without_proof(client: &Client) -> Result<Option<Probe>, Stop> {
    let taken = client.takes_bound_token_as_bearer().await;
    let taken = taken.map_err(|error| Stop::of("calling without a proof", &error))?;
    let got = |taken| if taken { Got::Allowed } else { Got::RefusedWithoutProof };
    let probe = |taken| Probe {
        what: "call without a proof of its key".to_owned(),
        expected: "refused",
        got: got(taken),
    };
    Ok(taken.map(probe))
}

/// Families of scopes that can be asked about.
const FAMILIES: [&str; 15] = [
    "users",
    "groups",
    "apps",
    "idps",
    "policies",
    "logs",
    "roles",
    "authorizationServers",
    "eventHooks",
    "inlineHooks",
    "trustedOrigins",
    "userTypes",
    "schemas",
    "linkedObjects",
    "apiTokens",
];

/// What a credential without scopes may do; nothing is expected of it.
///
/// # Errors
///
/// Okta is not available, or does not take the credential.
pub async fn survey(client: &Client) -> Result<Vec<Probe>, Stop> {
    let reads = stream::iter(FAMILIES).map(|family| async move {
        let Some((path, query)) = read_of(&format!("okta.{family}.read")) else {
            return Ok(Probe { what: format!("read {family}"), expected: "any", got: Got::Unavailable });
        };
        let got = meaning(client.probe(Method::GET, path, query, None).await, true)?;
        Ok(Probe { what: format!("read {family}"), expected: "any", got })
    });
    let mut probes: Vec<Probe> = reads.buffered(AT_ONCE).try_collect().await?;
    let negatives = stream::iter(&NEGATIVES).map(|negative| tried_by(client, negative));
    let negatives: Vec<Tried> = negatives.buffered(AT_ONCE).try_collect().await?;
    let objects_first = looks_for_objects_first(client, &negatives).await?;
    probes.extend(
        judged(&negatives, objects_first).into_iter().map(|probe| Probe { expected: "any", ..probe }),
    );
    Ok(probes)
}

/// A token; a client that Okta does not know yet is tried again for `patience`.
///
/// # Errors
///
/// Okta is not available, or gives the credential no token.
pub async fn token(client: &Client, patience: Duration) -> Result<(), Stop> {
    let mut left = patience;
    loop {
        match client.token().await {
            Err(Error::Token { status, .. }) if status < 500 && !left.is_zero() => {
                tokio::time::sleep(EVERY.min(left)).await;
                left = left.saturating_sub(EVERY);
            }
            result => return result.map_err(|error| Stop::of("getting a token", &error)),
        }
    }
}

/// Scopes that change much: a client that is not to have them must not get a token for them.
const STRONG: [&str; 9] = [
    "okta.apps.manage",
    "okta.users.manage",
    "okta.groups.manage",
    "okta.roles.manage",
    "okta.idps.manage",
    "okta.policies.manage",
    "okta.apiTokens.manage",
    "okta.eventHooks.manage",
    "okta.orgs.manage",
];

/// Whether a client gets a token for a strong scope that it does not ask for otherwise: a grant
/// that nobody here made.
async fn ungranted(org: &OrgUrl, stored: &Stored) -> Result<Vec<Probe>, Stop> {
    let others = STRONG.into_iter().filter(|scope| stored.scopes.iter().all(|own| own != scope));
    let asked = stream::iter(others).map(|scope| asked_for(org, stored, scope));
    asked.buffered(STRONG.len()).try_collect().await
}

async fn asked_for(org: &OrgUrl, stored: &Stored, scope: &str) -> Result<Probe, Stop> {
    let asking = Stored { scopes: vec![scope.to_owned()], ..stored.clone() };
    let client = Client::new(org.clone(), asking.credential()?);
    let client = client.map_err(|error| Stop::of("trying the credential", &error))?;
    let got = match client.token().await {
        Ok(()) => Got::Allowed,
        Err(Error::Token { status, .. }) if status < 500 => Got::RefusedByScope,
        Err(error) => return Err(Stop::of("trying the credential", &error)),
    };
    Ok(Probe { what: format!("get a token for {scope}"), expected: "refused", got })
}

async fn positive(client: &Client, preset: &Preset, scope: &str, patience: Duration) -> Result<Probe, Stop> {
    let expected = if preset.scopes.contains(&scope) { "allowed" } else { "any" };
    let mut left = if expected == "allowed" { patience } else { Duration::ZERO };
    let got = loop {
        let Some((path, query)) = read_of(scope) else { break Got::Unavailable };
        match meaning(client.probe(Method::GET, path, query, None).await, true)? {
            Got::RefusedByRole | Got::RefusedByScope if !left.is_zero() => {
                tokio::time::sleep(EVERY.min(left)).await;
                left = left.saturating_sub(EVERY);
            }
            got => break got,
        }
    };
    Ok(Probe { what: scope.to_owned(), expected, got })
}

/// A negative probe, with what came of both tries.
struct Tried {
    negative: &'static Negative,
    gots: [Got; 2],
}

impl Tried {
    /// Its first try is about a body alone, and about nobody's object.
    fn by_body(&self) -> bool {
        !self.negative.tries[0].1.contains("dac0")
    }
}

async fn tried_by(client: &Client, negative: &'static Negative) -> Result<Tried, Stop> {
    let mut gots = [Got::Unknown, Got::Unknown];
    for (got, (method, path, body)) in gots.iter_mut().zip(&negative.tries) {
        let method = if *method == "POST" { Method::POST } else { Method::DELETE };
        let path: Vec<&str> = path.split('/').collect();
        let body = body.then(|| json!({}));
        *got = meaning(client.probe(method, &path, &[], body.as_ref()).await, false)?;
    }
    Ok(Tried { negative, gots })
}

/// Whether an answer about an object that nobody has says nothing, since this org looks for the
/// object before it looks at rights: a body is refused for its right, and the same family's
/// object is said not to be there. A role that may delete and may not make answers likewise:
/// an object that is there tells the two apart.
async fn looks_for_objects_first(client: &Client, tried: &[Tried]) -> Result<bool, Stop> {
    if !tried
        .iter()
        .any(|tried| tried.by_body() && tried.gots[0].is_refused() && tried.gots[1] == Got::Allowed)
    {
        return Ok(false);
    }
    let of_nobody = tried.iter().flat_map(|tried| &tried.gots[usize::from(tried.by_body())..]);
    if of_nobody.clone().any(|got| *got == Got::RefusedByRole) {
        return Ok(false);
    }
    let mut active = client.list_users("status eq \"ACTIVE\"");
    let user = match active.try_next().await {
        Ok(Some(user)) => user,
        // Nobody to ask about.
        Ok(None) => return Ok(true),
        Err(Error::Api(api)) if api.status < 500 => return Ok(true),
        Err(error) => return Err(Stop::of("trying the credential", &error)),
    };
    // Whoever is active cannot be made active: nothing changes where this is allowed.
    let path = ["api", "v1", "users", user.id.as_str(), "lifecycle", "activate"];
    let got = meaning(client.probe(Method::POST, &path, &[("sendEmail", "false")], None).await, false)?;
    Ok(got != Got::Allowed)
}

/// What the tries say together; see [`looks_for_objects_first`].
fn judged(tried: &[Tried], objects_first: bool) -> Vec<Probe> {
    let judge = |tried: &Tried| match &tried.gots {
        [body, _] if objects_first && tried.by_body() => body.clone(),
        _ if objects_first => Got::Unknown,
        [one, other] if one == other => one.clone(),
        [one, other] if one.is_refused() && other.is_refused() => Got::RefusedByRole,
        _ => Got::Unknown,
    };
    let probe = |tried: &Tried| Probe {
        what: tried.negative.name.to_owned(),
        expected: "refused",
        got: judge(tried),
    };
    tried.iter().map(probe).collect()
}

/// What the probes mean.
///
/// # Errors
///
/// The connection is too strong, which comes first, or too weak.
pub fn judge(probes: &[Probe], role: &str) -> Result<(), Stop> {
    let of = |wanted: fn(&Probe) -> bool| {
        let found: Vec<&str> =
            probes.iter().filter(|probe| wanted(probe)).map(|probe| probe.what.as_str()).collect();
        (!found.is_empty()).then(|| found.join(", "))
    };
    if let Some(may) = of(Probe::is_too_strong) {
        return Err(Stop::new(Code::TooStrong, format!("the connection is too strong: it may {may}")));
    }
    if let Some(lacks) = of(Probe::is_too_weak) {
        let sentence =
            format!("the connection is too weak: {lacks} is refused; does the role {role} allow it?");
        return Err(Stop::new(Code::TooWeak, sentence));
    }
    Ok(())
}
