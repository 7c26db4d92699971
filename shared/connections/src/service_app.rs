//! `connect service-app`: an OAuth service app with least privilege, proven, and the
//! bootstrap token out of the world.
//!
//! A run that fails takes back what it made, newest first, by comparing the org with what it
//! was; what cannot be taken back is named. A run that is killed leaves what the next run
//! goes on with: the pending key in the sink, and the app with our mark.

use std::time::Duration;

use futures::{StreamExt, stream};
use okta_client::models::{AppId, CustomRoleId, ResourceSetId, Role as Assigned};
use okta_client::{Client, Error, OkIfAbsent, OrgUrl};
use secrecy::ExposeSecret;
use serde::Serialize;
use serde_json::{Value, json};

use crate::bootstrap::revoke;
use crate::key::KeyPair;
use crate::new_app::{self, Keys};
use crate::plan::{self, Step, Wanted};
use crate::preset::Role;
use crate::probes::{self, Probe};
use crate::published;
use crate::seen::{MARK, Owner, Seen};
use crate::sink::Sink;
use crate::stop::{Code, Stop};
use crate::stored::{Part, Stored};
use crate::undo;

/// Grants at once.
const AT_ONCE: usize = 4;

/// A run.
pub struct Run<'a> {
    /// Calls with the bootstrap token.
    pub client: &'a Client,
    /// The org.
    pub org: &'a OrgUrl,
    /// Where the credential goes.
    pub sink: &'a Sink,
    /// What is wanted.
    pub wanted: &'a Wanted,
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
    /// The org's URL.
    pub org: String,
    /// `service-app`.
    pub mode: &'static str,
    /// The client.
    pub client_id: String,
    /// Its key.
    pub key_id: String,
    /// Its scopes.
    pub scopes: Scopes,
    /// Its role.
    pub role: &'static str,
    /// Roles that it had besides, which were taken away.
    pub roles_removed: Vec<String>,
    /// Keys that nobody here held, which were taken out.
    pub keys_retired: Vec<String>,
    /// Whether its tokens are bound to a key.
    pub dpop: bool,
    /// Where the credential is.
    pub credential: String,
    /// What was tried.
    pub probes: Vec<Probe>,
    /// `revoked` or `kept`.
    pub bootstrap_token: &'static str,
    /// Calls of Okta.
    pub calls: u32,
    /// How long it took, in milliseconds.
    pub ms: u128,
}

/// Scopes of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Scopes {
    /// Those that the app has.
    pub granted: Vec<String>,
    /// Those that the org does not have.
    pub skipped: Vec<String>,
}

/// What a run would do, for `--dry-run`: it reads only.
///
/// # Errors
///
/// As [`connect`], before its first change.
pub async fn plan(run: &Run<'_>) -> Result<(Owner, Vec<Step>), Stop> {
    let (owner, _, _, steps) = prepared(run).await?;
    Ok((owner, steps))
}

async fn prepared(run: &Run<'_>) -> Result<(Owner, Seen, Option<Stored>, Vec<Step>), Stop> {
    let owner = Owner::read(run.client).await?;
    if !owner.is_super_admin() {
        let sentence = format!("only a super admin grants scopes; the token is of {}", owner.login);
        return Err(Stop::new(Code::NotPermitted, sentence));
    }
    let stored = run.sink.read().await?;
    if run.wanted.jwks_uri.is_some() {
        run.sink.can_publish(stored.as_ref().unwrap_or(&Stored::default())).await?;
    }
    let seen = look(run).await?;
    let steps = plan::service_app(run.wanted, &seen, stored.as_ref(), run.keep_token)?;
    Ok((owner, seen, stored, steps))
}

async fn look(run: &Run<'_>) -> Result<Seen, Stop> {
    let custom = run.wanted.custom();
    let labels = custom.as_ref().map(|(role, set)| (role.as_str(), set.as_str()));
    Seen::read(run.client, &run.wanted.label, labels).await
}

/// Makes the connection, or what is missing of it.
///
/// # Errors
///
/// A [`Stop`]: before the first change, or after everything was taken back that could be.
pub async fn connect(run: &Run<'_>) -> Result<Report, Stop> {
    let began = std::time::Instant::now();
    let (_, before, stored, steps) = prepared(run).await?;
    let app = before.app(run.wanted.adopt)?;
    let mut made = Made {
        app: app.map(|app| app.id.clone()),
        dpop: app.is_some_and(|app| app.dpop),
        role: before.role.as_ref().map(|(id, _)| id.clone()),
        set: before.set.as_ref().map(|(id, _)| id.clone()),
        stored: stored.clone().unwrap_or_default(),
        mark: format!("{MARK}{} {}", run.wanted.preset.name, uuid::Uuid::new_v4()),
        made_role: false,
        made_set: false,
        made_place: false,
        switches: steps.contains(&Step::UseKey),
        scopes: Scopes::default(),
        removed: Vec::new(),
        retired: Vec::new(),
        probes: Vec::new(),
    };
    let (make, end): (Vec<&Step>, Vec<&Step>) =
        steps.iter().partition(|step| !matches!(step, Step::RetireKeys { .. } | Step::RevokeToken));
    for step in make {
        if let Err(stop) = made.step(run, step).await {
            // Nothing is in Okta yet, and somebody has to let the address show this very key.
            if matches!(step, Step::PublishKey { .. }) {
                return Err(stop);
            }
            let left = take_back(run, &before, stored.as_ref(), &made).await;
            return Err(if left.is_empty() { stop } else { Stop { code: Code::Operator, left, ..stop } });
        }
    }
    // From here on the connection works: nothing of it is taken back.
    for step in end {
        made.step(run, step).await?;
    }
    Ok(Report {
        v: 1,
        org: run.org.as_str().to_owned(),
        mode: "service-app",
        client_id: made.stored.client_id.clone().unwrap_or_default(),
        key_id: made.stored.key_id.clone().unwrap_or_default(),
        scopes: made.scopes,
        role: run.wanted.preset.role.name(),
        roles_removed: made.removed,
        keys_retired: made.retired,
        dpop: made.dpop,
        credential: run.sink.to_string(),
        probes: made.probes,
        bootstrap_token: if run.keep_token { "kept" } else { "revoked" },
        calls: run.client.calls(),
        ms: began.elapsed().as_millis(),
    })
}

/// How far a run came.
struct Made {
    app: Option<AppId>,
    dpop: bool,
    role: Option<CustomRoleId>,
    set: Option<ResourceSetId>,
    /// What the sink holds now.
    stored: Stored,
    /// The note of an app that this run makes.
    mark: String,
    /// This run made the custom role, or may have.
    made_role: bool,
    /// This run made the resource set, or may have.
    made_set: bool,
    /// This run made the place of the credential.
    made_place: bool,
    /// The pending key becomes the one in use.
    switches: bool,
    scopes: Scopes,
    removed: Vec<String>,
    retired: Vec<String>,
    probes: Vec<Probe>,
}

impl Made {
    async fn step(&mut self, run: &Run<'_>, step: &Step) -> Result<(), Stop> {
        match step {
            Step::MakeKey { .. } => {
                let pair = KeyPair::generate(run.wanted.key)?;
                let part = Part { id: pair.key_id, value: pair.private.expose_secret().into() };
                self.stored.pending = Some(part);
                self.made_place |= run.sink.write(&self.stored).await?;
                Ok(())
            }
            Step::PublishKey { .. } => {
                let address = run.wanted.jwks_uri.as_ref();
                let address = address.ok_or_else(|| Stop::new(Code::Defect, "a step has no address"))?;
                published::publish(run.sink, &self.stored, address, run.patience).await
            }
            Step::CreateApp { label } => self.create_app(run, label).await,
            Step::ActivateApp => {
                let done = run.client.activate_application(self.app()?).await;
                done.map_err(|error| Stop::of("switching the app on", &error))
            }
            Step::AddKey => {
                let pair = self.pending()?;
                let added = run.client.add_jwk(self.app()?, &pair.public).await;
                added.map(|_| ()).map_err(|error| Stop::of("adding the key", &error))
            }
            Step::Keep { scopes } => {
                self.scopes.granted.extend(scopes.iter().cloned());
                Ok(())
            }
            Step::DisableKeys { keys } => self.disable(run, keys).await,
            Step::Grant { scopes } => self.grant(run, scopes).await,
            Step::CreateRole { label, permissions } => {
                let about = format!("okta-dac: {}", run.wanted.preset.about);
                let role = run.client.create_custom_role(label, &about, permissions).await;
                self.made_role = role.as_ref().map_or_else(Error::may_have_happened, |_| true);
                self.role = Some(role.map_err(|error| Stop::of("making the custom role", &error))?.id);
                Ok(())
            }
            Step::CreateResourceSet { label, resources } => {
                let set = run.client.create_resource_set(label, "okta-dac", resources).await;
                self.made_set = set.as_ref().map_or_else(Error::may_have_happened, |_| true);
                self.set = Some(set.map_err(|error| Stop::of("making the resource set", &error))?.id);
                Ok(())
            }
            Step::SetRole { .. } => self.set_role(run).await,
            Step::Verify => self.verify(run).await,
            Step::UseKey | Step::Store => {
                let proven = self.candidate(run)?;
                if proven != self.stored {
                    self.made_place |= run.sink.write(&proven).await?;
                    self.stored = proven;
                }
                Ok(())
            }
            Step::RetireKeys { keys } => self.retire(run, keys).await,
            Step::RevokeToken => revoke(run.client).await,
        }
    }

    fn app(&self) -> Result<&AppId, Stop> {
        self.app.as_ref().ok_or_else(|| Stop::new(Code::Defect, "a step came before its app"))
    }

    fn pending(&self) -> Result<KeyPair, Stop> {
        self.stored.pending_key()?.ok_or_else(|| Stop::new(Code::Defect, "a step came before its key"))
    }

    async fn create_app(&mut self, run: &Run<'_>, label: &str) -> Result<(), Stop> {
        let mark = self.mark.clone();
        let keys = match &run.wanted.jwks_uri {
            Some(address) => Keys::At(address),
            None => Keys::Kept(self.pending()?.public),
        };
        let created = new_app::create(run.client, label, &mark, keys).await;
        let created = match created {
            // The answer is lost, and perhaps the app is there.
            Err(error) if error.may_have_happened() => {
                let seen = look(run).await?;
                let found = seen.apps.into_iter().find(|app| app.mark.as_deref() == Some(&mark));
                let found = found.ok_or_else(|| Stop::of("making the app", &error))?;
                (found.id, found.dpop)
            }
            created => {
                let app = created.map_err(|error| Stop::of("making the app", &error))?;
                let bound = app.other.get("settings").map(|settings| &settings["oauthClient"]);
                let bound = bound.is_some_and(|client| client["dpop_bound_access_tokens"] == true);
                (app.id, bound)
            }
        };
        (self.app, self.dpop) = (Some(created.0), created.1);
        Ok(())
    }

    async fn grant(&mut self, run: &Run<'_>, scopes: &[&'static str]) -> Result<(), Stop> {
        let app = self.app()?.clone();
        let grants = stream::iter(scopes.iter().copied()).map(|scope| {
            let app = &app;
            async move { (scope, run.client.grant_consent_to_scope(app, scope).await) }
        });
        let results: Vec<_> = grants.buffered(AT_ONCE).collect().await;
        for (scope, result) in results {
            match result {
                Ok(_) => self.scopes.granted.push(scope.to_owned()),
                Err(Error::Api(api))
                    if api.causes.iter().any(|cause| cause.error_summary.contains("already")) =>
                {
                    self.scopes.granted.push(scope.to_owned());
                }
                // An org without the feature does not have the scope.
                Err(Error::Api(api)) if api.status == 400 && run.wanted.preset.optional.contains(&scope) => {
                    self.scopes.skipped.push(scope.to_owned());
                }
                Err(error) => return Err(Stop::of(&format!("granting {scope}"), &error)),
            }
        }
        Ok(())
    }

    /// The wanted role and no other: an org may give a client more by itself.
    async fn set_role(&mut self, run: &Run<'_>) -> Result<(), Stop> {
        let app = self.app()?.clone();
        let doing = |error| Stop::of("giving the client its role", &error);
        let roles = run.client.list_roles_for_client(&app).await.map_err(doing)?;
        let (right, wrong): (Vec<&Assigned>, Vec<&Assigned>) =
            roles.iter().partition(|role| self.is_wanted(run, role));
        if right.is_empty() {
            let given = match &run.wanted.preset.role {
                Role::Standard(kind) => run.client.assign_role_to_client(&app, kind).await,
                Role::Custom { .. } => {
                    let (Some(role), Some(set)) = (&self.role, &self.set) else {
                        return Err(Stop::new(Code::Defect, "a step came before its role"));
                    };
                    run.client.assign_custom_role_to_client(&app, role, set).await
                }
            };
            match given {
                Err(error) if !error.is_duplicate() => return Err(doing(error)),
                _ => {}
            }
        }
        // After the right one: a client without a role does nothing.
        for role in wrong {
            run.client.delete_role_from_client(&app, &role.id).await.ok_if_absent().map_err(doing)?;
            self.removed.push(role.kind.clone());
        }
        Ok(())
    }

    fn is_wanted(&self, run: &Run<'_>, role: &Assigned) -> bool {
        match &run.wanted.preset.role {
            Role::Standard(kind) => role.kind == *kind,
            Role::Custom { .. } => {
                role.kind == "CUSTOM" && role.custom_role == self.role && role.resource_set == self.set
            }
        }
    }

    /// What the sink is to hold in the end.
    fn candidate(&self, run: &Run<'_>) -> Result<Stored, Stop> {
        let mut scopes = self.scopes.granted.clone();
        scopes.sort();
        let app = Some(self.app()?.as_str().to_owned());
        let stored = if self.switches { self.stored.switched() } else { self.stored.clone() };
        Ok(Stored {
            org: Some(run.org.as_str().to_owned()),
            preset: Some(run.wanted.preset.name.to_owned()),
            client_id: app,
            scopes,
            dpop: self.dpop,
            jwks_uri: run.wanted.jwks_uri.clone(),
            ..stored
        })
    }

    async fn verify(&mut self, run: &Run<'_>) -> Result<(), Stop> {
        let candidate = self.candidate(run)?;
        // Somebody who administers apps may have been here since they were looked at.
        let now = Seen::client(run.client, self.app()?, None).await?;
        for app in &now.apps {
            app.has_no_other_way_in(run.wanted.jwks_uri.as_ref())?;
            app.has_no_other_key(&self.stored)?;
        }
        let client = Client::new(run.org.clone(), candidate.credential()?)
            .map_err(|error| Stop::of("trying the credential", &error))?;
        self.probes = probes::all(&client, run.org, run.wanted.preset, &candidate, run.patience).await?;
        probes::judge(&self.probes, run.wanted.preset.role.name())
    }

    /// Keys that nobody here holds go out of use.
    async fn disable(&self, run: &Run<'_>, keys: &[String]) -> Result<(), Stop> {
        let app = self.app()?.clone();
        let doing = |error| Stop::of("taking other keys out of use", &error);
        for key in run.client.list_jwk(&app).await.map_err(doing)? {
            if keys.contains(&key.kid) && key.status == "ACTIVE" {
                run.client.deactivate_jwk(&app, &key.id).await.map_err(doing)?;
            }
        }
        Ok(())
    }

    /// They end, as `--adopt` says.
    async fn retire(&mut self, run: &Run<'_>, keys: &[String]) -> Result<(), Stop> {
        let app = self.app()?.clone();
        let doing = |error| Stop::of("taking out other keys", &error);
        for key in run.client.list_jwk(&app).await.map_err(doing)? {
            if keys.contains(&key.kid) {
                run.client.delete_jwk(&app, &key.id).await.ok_if_absent().map_err(doing)?;
                self.retired.push(key.kid);
            }
        }
        Ok(())
    }
}

/// Takes back what a failed run made; what is left is named.
async fn take_back(run: &Run<'_>, before: &Seen, stored: Option<&Stored>, made: &Made) -> Vec<String> {
    let mut left = Vec::new();
    let (mut still, taken) = match look(run).await {
        Ok(now) => {
            let made = undo::Made {
                app: made.app.as_ref(),
                mark: &made.mark,
                role: made.made_role,
                set: made.made_set,
            };
            undo::take_back(run.client, &made, before, &now).await
        }
        Err(stop) => {
            let app = made.app.as_ref().map_or_else(|| run.wanted.label.clone(), ToString::to_string);
            left.push(format!("perhaps the app {app}: {stop}"));
            for (made, what, id) in [
                (made.made_role, "the custom role", made.role.as_ref().map(ToString::to_string)),
                (made.made_set, "the resource set", made.set.as_ref().map(ToString::to_string)),
            ] {
                if made {
                    left.push(format!("perhaps {what} {}", id.unwrap_or_default()));
                }
            }
            // The key that may still be the app's stays.
            return left;
        }
    };
    left.append(&mut still);
    let back = async {
        let publishes = run.wanted.jwks_uri.is_some();
        match stored {
            Some(stored) if publishes => run.sink.publish(stored).await?,
            None if publishes => run.sink.withdraw().await?,
            _ => {}
        }
        match stored {
            None if made.made_place => run.sink.remove().await,
            // A place that was made before, and was empty, stays.
            stored => run.sink.write(stored.unwrap_or(&Stored::default())).await.map(drop),
        }
    };
    let back = back.await;
    left.extend(back.err().map(|stop| stop.to_string()));
    left.extend(taken);
    left
}

/// A plan as JSON, for people and programs.
pub fn described(run: &Run<'_>, owner: &Owner, steps: &[Step]) -> Value {
    json!({
        "v": 1, "org": run.org.as_str(), "mode": "service-app", "dryRun": true, "tokenOf": owner.login,
        "credential": run.sink.to_string(), "steps": steps,
    })
}
