//! `connect api-service`: an integration of Okta's catalogue, whose secret is shown once.

use std::time::Duration;

use futures::TryStreamExt;
use okta_client::models::{AppId, ServiceIntegration};
use okta_client::{Client, OkIfAbsent, OrgUrl};
use secrecy::ExposeSecret;
use serde::Serialize;

use crate::bootstrap::revoke;
use crate::preset::Preset;
use crate::probes::{self, Probe};
use crate::seen::Owner;
use crate::service_app::Scopes;
use crate::sink::Sink;
use crate::stop::{Code, Stop};
use crate::stored::Stored;

/// A run.
pub struct Run<'a> {
    /// Calls with the bootstrap token.
    pub client: &'a Client,
    /// The org.
    pub org: &'a OrgUrl,
    /// Where the credential goes.
    pub sink: &'a Sink,
    /// Its kind in Okta's catalogue.
    pub kind: &'a str,
    /// Its scopes.
    pub preset: &'static Preset,
    /// The bootstrap token lives on.
    pub keep_token: bool,
    /// How long rights may take to come into effect.
    pub patience: Duration,
}

/// What a run did. It has no secret.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Of this format.
    pub v: u8,
    /// `made`, or `exists`: the secret of one that is there cannot be read again.
    pub outcome: &'static str,
    /// The org's URL.
    pub org: String,
    /// `api-service`.
    pub mode: &'static str,
    /// The client.
    pub client_id: String,
    /// Its scopes.
    pub scopes: Scopes,
    /// Where the credential is.
    pub credential: Option<String>,
    /// What was tried.
    pub probes: Vec<Probe>,
    /// `revoked` or `kept`.
    pub bootstrap_token: &'static str,
    /// Calls of Okta.
    pub calls: u32,
}

/// What a run would do, for `--dry-run`: it reads only.
///
/// # Errors
///
/// As [`connect`], before its first change.
pub async fn plan(run: &Run<'_>) -> Result<Vec<&'static str>, Stop> {
    let (there, stored) = prepared(run).await?;
    let has_secret = stored.is_some_and(|stored| stored.client_secret.is_some());
    let mut steps = match there {
        Some(_) if has_secret => vec!["verify"],
        Some(_) => Vec::new(),
        None => vec!["install", "store", "verify"],
    };
    steps.extend((!run.keep_token).then_some("revokeToken"));
    Ok(steps)
}

/// What is there of its kind, and in the place: one of them at most.
async fn prepared(run: &Run<'_>) -> Result<(Option<ServiceIntegration>, Option<Stored>), Stop> {
    let owner = Owner::read(run.client).await?;
    if !owner.is_super_admin() {
        let sentence = format!("only a super admin installs an integration; the token is of {}", owner.login);
        return Err(Stop::new(Code::NotPermitted, sentence));
    }
    let stored = run.sink.read().await?.filter(|stored| *stored != Stored::default());
    let there = of_kind(run).await?;
    if there.is_none() && stored.is_some() {
        let sentence = format!("{} holds another credential: name another place", run.sink);
        return Err(Stop::new(Code::Ambiguous, sentence));
    }
    Ok((there, stored))
}

/// Installs the integration, unless one of its kind is there.
///
/// # Errors
///
/// A [`Stop`]: before the first change, or after the integration was taken away again.
pub async fn connect(run: &Run<'_>) -> Result<Report, Stop> {
    let (there, stored) = prepared(run).await?;
    let (outcome, kept, probes) = match there {
        Some(there) => {
            let own = match stored {
                Some(stored) if stored.client_id.as_deref() == Some(there.id.as_str()) => stored,
                Some(_) => {
                    let sentence = format!("{} holds another credential: name another place", run.sink);
                    return Err(Stop::new(Code::Ambiguous, sentence));
                }
                None => {
                    // Its secret cannot be read again; `rotate-secret` makes another.
                    let named = named(run.org, &there.id, &there.granted_scopes);
                    run.sink.write(&named).await?;
                    named
                }
            };
            // Nobody knows whether the secret that is stored still works.
            let probes = match own.client_secret {
                Some(_) => verified(run, &own).await.map_err(|stop| Stop {
                    sentence: format!(
                        "{}; `connection rotate-secret` makes another secret, with the same token",
                        stop.sentence
                    ),
                    ..stop
                })?,
                None => Vec::new(),
            };
            ("exists", own, probes)
        }
        None => {
            let (stored, probes) = make(run).await?;
            ("made", stored, probes)
        }
    };
    // Without a secret there is more to do with the token.
    let revokes = !run.keep_token && kept.client_secret.is_some();
    if revokes {
        revoke(run.client).await?;
    }
    Ok(Report {
        v: 1,
        outcome,
        org: run.org.as_str().to_owned(),
        mode: "api-service",
        client_id: kept.client_id.clone().unwrap_or_default(),
        scopes: Scopes { granted: kept.scopes.clone(), skipped: Vec::new() },
        credential: kept.client_secret.is_some().then(|| run.sink.to_string()),
        probes,
        bootstrap_token: if revokes { "revoked" } else { "kept" },
        calls: run.client.calls(),
    })
}

fn named(org: &OrgUrl, id: &AppId, scopes: &[String]) -> Stored {
    Stored {
        org: Some(org.as_str().to_owned()),
        client_id: Some(id.as_str().to_owned()),
        scopes: scopes.to_vec(),
        ..Stored::default()
    }
}

async fn of_kind(run: &Run<'_>) -> Result<Option<ServiceIntegration>, Stop> {
    let all: Result<Vec<ServiceIntegration>, _> = run.client.list_api_services().try_collect().await;
    let all = all.map_err(|error| Stop::of("looking for the integration", &error))?;
    Ok(all.into_iter().find(|of| of.kind == run.kind))
}

async fn make(run: &Run<'_>) -> Result<(Stored, Vec<Probe>), Stop> {
    let made = match run.client.create_api_service(run.kind, run.preset.scopes).await {
        Ok(made) => made,
        Err(error) => {
            let stop = Stop::of("installing the integration", &error);
            if !error.may_have_happened() {
                return Err(stop);
            }
            // Perhaps it is there, and its secret was in the answer that is lost; perhaps it is
            // somebody else's: it is named, and the same command goes on from it.
            let perhaps = match of_kind(run).await {
                Ok(None) => return Err(stop),
                Ok(Some(lost)) => format!("the integration {}, whose secret nobody has", lost.id),
                Err(_) => format!("perhaps an integration `{}`", run.kind),
            };
            return Err(Stop { code: Code::Operator, left: vec![perhaps], ..stop });
        }
    };
    let Some(secret) = &made.client_secret else {
        let stop = Stop::new(Code::State, "Okta gives no secret for the integration");
        return Err(taken_back(run, &made.id, false, stop).await);
    };
    let stored = Stored {
        client_secret: Some(secret.expose_secret().into()),
        ..named(
            run.org,
            &made.id,
            &run.preset.scopes.iter().map(|scope| (*scope).to_owned()).collect::<Vec<_>>(),
        )
    };
    // At once: nobody shows the secret again.
    let (made_place, result) = match run.sink.write(&stored).await {
        Ok(made_place) => (made_place, verified(run, &stored).await),
        // A place that was made half-way is empty.
        Err(stop) => (false, Err(stop)),
    };
    match result {
        Ok(probes) => Ok((stored, probes)),
        Err(stop) => Err(taken_back(run, &made.id, made_place, stop).await),
    }
}

async fn verified(run: &Run<'_>, stored: &Stored) -> Result<Vec<Probe>, Stop> {
    let client = Client::new(run.org.clone(), stored.credential()?);
    let client = client.map_err(|error| Stop::of("trying the credential", &error))?;
    let probes = probes::run(&client, run.preset, &stored.scopes, run.patience).await?;
    // The role of an integration is Okta's affair: what it may besides is said, and no stop.
    let weak: Vec<Probe> = probes.iter().filter(|probe| probe.expected == "allowed").cloned().collect();
    probes::judge(&weak, "of the integration")?;
    Ok(probes)
}

/// The stop, after the integration and its secret are gone.
async fn taken_back(run: &Run<'_>, id: &AppId, made_place: bool, stop: Stop) -> Stop {
    let mut left = Vec::new();
    if let Err(error) = run.client.delete_api_service(id).await.ok_if_absent() {
        left.push(format!("the integration {id}: {error}"));
    }
    let back = match made_place {
        true => run.sink.remove().await,
        // A place that was there before, and was empty, stays.
        false => run.sink.write(&Stored::default()).await.map(drop),
    };
    left.extend(back.err().map(|stop| stop.sentence));
    if left.is_empty() { stop } else { Stop { code: Code::Operator, left, ..stop } }
}
