//! `connection rotate-key` and `rotate-secret`: a new credential beside the old one, then in
//! its place; at no time does a request fail.
//!
//! Where a run is in its way is in the sink (`pending`, `previous`) and in Okta, and nowhere
//! else: the next run goes on from there.

use std::time::Duration;

use okta_client::models::{AppId, ClientSecret, JsonWebKey};
use okta_client::{Client, OkIfAbsent, OrgUrl};
use secrecy::ExposeSecret;
use serde::Serialize;

use crate::address::Address;
use crate::key::{KeyKind, KeyPair};
use crate::probes;
use crate::published;
use crate::sink::Sink;
use crate::stop::{Code, Stop};
use crate::stored::{Part, Stored};

/// A run.
pub struct Run<'a> {
    /// Calls with a super admin's token.
    pub client: &'a Client,
    /// The org.
    pub org: &'a OrgUrl,
    /// Where the credential is.
    pub sink: &'a Sink,
    /// The kind of a new key.
    pub key: KeyKind,
    /// How long Okta may take to take a new credential.
    pub patience: Duration,
    /// How long both are good: whoever keeps a credential reads it anew meanwhile.
    pub overlap: Duration,
    /// Go on with a rotation that was interrupted after its switch.
    pub resume: bool,
    /// Delete what is out of use; otherwise the next rotation does.
    pub delete_old: bool,
}

/// What a run did. It has no secret.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Of this format.
    pub v: u8,
    /// The client.
    pub client_id: String,
    /// Id of the new key or secret; empty where an earlier run made it.
    pub current: String,
    /// Id of the old one, which is out of use.
    pub retired: Option<String>,
    /// Where the credential is.
    pub credential: String,
    /// Calls of Okta.
    pub calls: u32,
}

async fn stored(run: &Run<'_>) -> Result<(Stored, AppId), Stop> {
    let stored = run.sink.read().await?.unwrap_or_default();
    let id = stored.client_of(run.org.as_str())?;
    Ok((stored, id))
}

/// What a run would do, for `--dry-run`: it reads only.
///
/// # Errors
///
/// As [`key`] and [`secret`], before their first change.
pub async fn plan(run: &Run<'_>, of_a_key: bool) -> Result<Vec<&'static str>, Stop> {
    let (stored, app) = stored(run).await?;
    let unfinished = if of_a_key && let Some(_) = stored.jwks_uri {
        state_of_published(run, &stored)?
    } else if of_a_key {
        state_of_keys(run, &stored, &app).await?.1
    } else {
        state_of_secrets(run, &stored, &app).await?.2
    };
    if of_a_key && stored.jwks_uri.is_some() {
        let mut steps = if unfinished { Vec::new() } else { vec!["make", "publish", "verify", "store"] };
        steps.extend(["wait", "publishWithoutOld"]);
        return Ok(steps);
    }
    let mut steps = if unfinished { Vec::new() } else { vec!["deleteInactive", "make", "verify", "store"] };
    steps.extend(["wait", "deactivateOld"]);
    steps.extend(run.delete_old.then_some("deleteOld"));
    Ok(steps)
}

/// A call with a credential that is not yet, or no longer, the one in use.
async fn proven(run: &Run<'_>, stored: &Stored) -> Result<(), Stop> {
    let doing = |error| Stop::of("trying the new credential", &error);
    let client = Client::new(run.org.clone(), stored.credential()?).map_err(doing)?;
    probes::token(&client, run.patience).await
}

fn active(keys: &[JsonWebKey], kid: &str) -> bool {
    keys.iter().any(|key| key.kid == kid && key.status == "ACTIVE")
}

/// The keys, and whether there is an earlier rotation to finish.
async fn state_of_keys(run: &Run<'_>, stored: &Stored, app: &AppId) -> Result<(Vec<JsonWebKey>, bool), Stop> {
    if stored.private_key.is_none() {
        return Err(Stop::new(
            Code::Usage,
            "the credential has no key: `connection rotate-secret` replaces a secret",
        ));
    }
    let keys = run.client.list_jwk(app).await.map_err(|error| Stop::of("reading the keys", &error))?;
    if keys.iter().any(|key| key.kid.is_empty()) {
        let sentence = "a key of the app has no `kid`: Okta adds none beside it; give it one in the console";
        return Err(Stop::new(Code::State, sentence));
    }
    let unfinished =
        stored.pending.is_none() && stored.previous.as_ref().is_some_and(|part| active(&keys, &part.id));
    if unfinished && !run.resume {
        let sentence = "an earlier rotation is not finished: `--resume` takes its old key out of use";
        return Err(Stop::new(Code::State, sentence));
    }
    Ok((keys, unfinished))
}

/// Replaces the key of a service app.
///
/// # Errors
///
/// A [`Stop`]; the credential in use works on.
pub async fn key(run: &Run<'_>) -> Result<Report, Stop> {
    let doing = |what: &'static str| move |error| Stop::of(what, &error);
    let (mut stored, app) = stored(run).await?;
    if let Some(address) = stored.jwks_uri.clone() {
        return published_key(run, stored, &address).await;
    }
    let (mut keys, unfinished) = state_of_keys(run, &stored, &app).await?;
    if !unfinished {
        // What an earlier rotation left out of use.
        for key in keys.iter().filter(|key| key.status != "ACTIVE") {
            run.client
                .delete_jwk(&app, &key.id)
                .await
                .ok_if_absent()
                .map_err(doing("deleting an old key"))?;
        }
        if stored.pending.is_none() {
            let pair = KeyPair::generate(run.key)?;
            stored.pending = Some(Part { id: pair.key_id, value: pair.private.expose_secret().into() });
            run.sink.write(&stored).await?;
        }
        let pair =
            stored.pending_key()?.ok_or_else(|| Stop::new(Code::Defect, "the new key is not there"))?;
        if !active(&keys, &pair.key_id) {
            run.client.add_jwk(&app, &pair.public).await.map_err(doing("adding the new key"))?;
        }
        let switched = stored.switched();
        proven(run, &switched).await?;
        run.sink.write(&switched).await?;
        stored = switched;
    }
    tokio::time::sleep(run.overlap).await;
    // Nothing is taken out of use before the one that stays has shown itself.
    proven(run, &stored).await?;
    keys = run.client.list_jwk(&app).await.map_err(doing("reading the keys"))?;
    let old = stored.previous.as_ref().and_then(|part| keys.iter().find(|key| key.kid == part.id));
    if let Some(old) = old {
        if old.status == "ACTIVE" {
            run.client.deactivate_jwk(&app, &old.id).await.map_err(doing("taking the old key out of use"))?;
        }
        if run.delete_old {
            run.client
                .delete_jwk(&app, &old.id)
                .await
                .ok_if_absent()
                .map_err(doing("deleting the old key"))?;
        }
    }
    let current = stored.key_id.clone().unwrap_or_default();
    Ok(report(run, &stored, current, old.map(|key| key.kid.clone())))
}

/// Whether there is an earlier rotation to finish.
fn state_of_published(run: &Run<'_>, stored: &Stored) -> Result<bool, Stop> {
    let unfinished = stored.pending.is_none() && stored.previous.is_some();
    if unfinished && !run.resume {
        let sentence = "an earlier rotation is not finished: `--resume` takes its old key out of use";
        return Err(Stop::new(Code::State, sentence));
    }
    Ok(unfinished)
}

/// Replaces a key that Okta reads at an address: nothing is called that needs a right.
async fn published_key(run: &Run<'_>, mut stored: Stored, address: &Address) -> Result<Report, Stop> {
    if !state_of_published(run, &stored)? {
        if stored.pending.is_none() {
            let pair = KeyPair::generate(run.key)?;
            stored.pending = Some(Part { id: pair.key_id, value: pair.private.expose_secret().into() });
            run.sink.write(&stored).await?;
        }
        published::publish(run.sink, &stored, address, run.patience).await?;
        let switched = stored.switched();
        proven(run, &switched).await.map_err(|stop| match stop.code {
            Code::NotPermitted => {
                let sentence = format!("Okta does not take the new key yet: how long it keeps what it read at {address} is not known; the same command goes on");
                Stop { code: Code::NotAvailable, sentence, ..stop }
            }
            _ => stop,
        })?;
        run.sink.write(&switched).await?;
        stored = switched;
    }
    tokio::time::sleep(run.overlap).await;
    // Nothing is taken out of use before the one that stays has shown itself.
    proven(run, &stored).await?;
    let old = stored.previous.take();
    // As long as the place has the old key, the next run takes it out: the address may be
    // another's to write, and shows the old key until that is done.
    let shown = published::publish(run.sink, &stored, address, run.patience).await;
    shown.map_err(|stop| Stop { sentence: format!("{} with `--resume`", stop.sentence), ..stop })?;
    run.sink.write(&stored).await?;
    let current = stored.key_id.clone().unwrap_or_default();
    Ok(report(run, &stored, current, old.map(|part| part.id)))
}

/// The secrets in use and out of use, and whether there is an earlier rotation to finish.
async fn state_of_secrets(
    run: &Run<'_>,
    stored: &Stored,
    app: &AppId,
) -> Result<(Vec<ClientSecret>, Vec<ClientSecret>, bool), Stop> {
    if stored.private_key.is_some() {
        let sentence = "the credential has no secret: `connection rotate-key` replaces a key";
        return Err(Stop::new(Code::Usage, sentence));
    }
    let secrets = run.client.list_api_service_secrets(app).await;
    let secrets = secrets.map_err(|error| Stop::of("reading the secrets", &error))?;
    let (active, inactive): (Vec<ClientSecret>, Vec<ClientSecret>) =
        secrets.into_iter().partition(|secret| secret.status == "ACTIVE");
    let among = |part: &Option<Part>| {
        part.as_ref().is_some_and(|part| active.iter().any(|own| own.id.as_str() == part.id))
    };
    let unfinished = among(&stored.previous);
    match &active[..] {
        _ if unfinished && run.resume => {}
        _ if unfinished => {
            let sentence = "an earlier rotation is not finished: `--resume` takes its old secret out of use";
            return Err(Stop::new(Code::State, sentence));
        }
        [one, other] if !among(&stored.pending) => {
            let sentence =
                format!("both secrets are in use, {} and {}: take one out of use by hand", one.id, other.id);
            return Err(Stop::new(Code::Operator, sentence));
        }
        _ => {}
    }
    Ok((active, inactive, unfinished))
}

/// Replaces the secret of a service integration; one whose secret nobody has gets one.
///
/// # Errors
///
/// A [`Stop`]; the credential in use works on.
pub async fn secret(run: &Run<'_>) -> Result<Report, Stop> {
    let doing = |what: &'static str| move |error| Stop::of(what, &error);
    let (mut stored, app) = stored(run).await?;
    let (active, inactive, unfinished) = state_of_secrets(run, &stored, &app).await?;
    let mut current = String::new();
    if !unfinished {
        for secret in &inactive {
            let gone = run.client.delete_api_service_secret(&app, &secret.id).await.ok_if_absent();
            gone.map_err(doing("deleting an old secret"))?;
        }
        let pending =
            stored.pending.clone().filter(|part| active.iter().any(|own| own.id.as_str() == part.id));
        let pending = match pending {
            Some(part) => part,
            None => made(run, &app, &active).await?,
        };
        // Kept before anything else: nobody shows it again.
        current.clone_from(&pending.id);
        let old = active.iter().find(|own| own.id.as_str() != pending.id);
        stored.pending = Some(pending);
        run.sink.write(&stored).await?;
        let switched = stored.switched_secret(old.map(|own| own.id.as_str()));
        proven(run, &switched).await?;
        run.sink.write(&switched).await?;
        stored = switched;
    }
    tokio::time::sleep(run.overlap).await;
    // Nothing is taken out of use before the one that stays has shown itself.
    proven(run, &stored).await?;
    let old = stored.previous.as_ref().map(|part| part.id.clone());
    if let Some(old) = &old {
        let old = old.as_str().into();
        let done = run.client.deactivate_api_service_secret(&app, &old).await.ok_if_absent();
        done.map_err(doing("taking the old secret out of use"))?;
        if run.delete_old {
            let done = run.client.delete_api_service_secret(&app, &old).await.ok_if_absent();
            done.map_err(doing("deleting the old secret"))?;
        }
    }
    Ok(report(run, &stored, current, old))
}

/// A new secret. One whose answer is lost goes again: nobody has it.
async fn made(run: &Run<'_>, app: &AppId, before: &[ClientSecret]) -> Result<Part, Stop> {
    let error = match run.client.create_api_service_secret(app).await {
        Ok(made) => {
            let value = made.client_secret.expose_secret().into();
            return Ok(Part { id: made.id.as_str().to_owned(), value });
        }
        Err(error) => error,
    };
    let stop = Stop::of("making a secret", &error);
    if !error.may_have_happened() {
        return Err(stop);
    }
    let gone = async {
        for secret in run.client.list_api_service_secrets(app).await? {
            if before.iter().all(|own| own.id != secret.id) && secret.status == "ACTIVE" {
                run.client.deactivate_api_service_secret(app, &secret.id).await?;
                run.client.delete_api_service_secret(app, &secret.id).await?;
            }
        }
        Ok::<(), okta_client::Error>(())
    };
    Err(match gone.await {
        Ok(()) => stop,
        Err(error) => Stop {
            code: Code::Operator,
            left: vec![format!("perhaps a new secret of {app}, which nobody has: {error}")],
            ..stop
        },
    })
}

fn report(run: &Run<'_>, stored: &Stored, current: String, retired: Option<String>) -> Report {
    Report {
        v: 1,
        client_id: stored.client_id.clone().unwrap_or_default(),
        current,
        retired,
        credential: run.sink.to_string(),
        calls: run.client.calls(),
    }
}
