//! `connection upgrade`: other scopes, or another role, for a service app that is in use.
//!
//! What is more comes first, then the stored scopes, and what is less comes last, after the
//! overlap: whoever reads the credential at least that often fails at no request. The same
//! command again goes on from wherever a run ended, because all of it is in Okta and in the
//! sink.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use okta_client::models::{AppId, CustomRoleId, ResourceSetId, Role as Assigned};
use okta_client::{Client, Error, OkIfAbsent, OrgUrl};
use serde::Serialize;
use serde_json::Value;

use crate::plan::set_label;
use crate::preset::{Preset, Role};
use crate::probes::{self, Probe};
use crate::seen::{MARK, Owner, Seen, SeenApp};
use crate::sink::Sink;
use crate::stop::{Code, Stop};
use crate::stored::Stored;

/// A run.
pub struct Run<'a> {
    /// Calls with a super admin's token.
    pub client: &'a Client,
    /// The org.
    pub org: &'a OrgUrl,
    /// Where the credential is.
    pub sink: &'a Sink,
    /// The scopes and the role of this preset; those that are there, if none.
    pub preset: Option<&'static Preset>,
    /// Scopes besides.
    pub add: &'a [String],
    /// Scopes less.
    pub drop: &'a [String],
    /// What a custom role is for: URLs of the org.
    pub resources: Vec<String>,
    /// How long what is dropped is still good.
    pub overlap: Duration,
    /// How long rights may take to come into effect.
    pub patience: Duration,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A scope is granted; one that is optional may be missing in the org.
    Grant {
        /// Which.
        scope: String,
        /// Whether the run goes on without it.
        optional: bool,
    },
    /// A custom role is made.
    CreateRole,
    /// A resource set is made.
    CreateResourceSet,
    /// The client gets the role.
    AddRole,
    /// The note of the app names the preset.
    Mark,
    /// The stored credential asks for other scopes.
    Store,
    /// What is dropped is still good for a while.
    Wait,
    /// Roles that the preset does not have are taken away.
    RemoveRoles {
        /// Their kinds.
        kinds: Vec<String>,
    },
    /// A grant is taken back.
    Revoke {
        /// Of which scope.
        scope: String,
    },
    /// The credential is tried, in what it may and may not do.
    Verify,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Grant { scope, .. } => write!(f, "grant {scope}"),
            Step::CreateRole => f.write_str("make the custom role"),
            Step::CreateResourceSet => f.write_str("make the resource set"),
            Step::AddRole => f.write_str("give the role"),
            Step::Mark => f.write_str("note the preset"),
            Step::Store => f.write_str("store the scopes"),
            Step::Wait => f.write_str("wait"),
            Step::RemoveRoles { kinds } => write!(f, "take away {}", kinds.join(", ")),
            Step::Revoke { scope } => write!(f, "take back {scope}"),
            Step::Verify => f.write_str("verify"),
        }
    }
}

/// What a run did. It has no secret.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Of this format.
    pub v: u8,
    /// The client.
    pub client_id: String,
    /// Its scopes.
    pub scopes: Vec<String>,
    /// Its role.
    pub role: &'static str,
    /// What was changed, step by step.
    pub steps: Vec<String>,
    /// Where the credential is.
    pub credential: String,
    /// What was tried.
    pub probes: Vec<Probe>,
    /// The token of this run lives.
    pub bootstrap_token: &'static str,
    /// Calls of Okta.
    pub calls: u32,
}

/// What there is, and what is wanted.
struct Prepared {
    seen: Seen,
    stored: Stored,
    app: AppId,
    preset: &'static Preset,
    scopes: BTreeSet<String>,
    steps: Vec<Step>,
}

/// What a run would do, for `--dry-run`: it reads only.
///
/// # Errors
///
/// As [`upgrade`], before its first change.
pub async fn plan(run: &Run<'_>) -> Result<Vec<Step>, Stop> {
    prepared(run).await.map(|prepared| prepared.steps)
}

async fn prepared(run: &Run<'_>) -> Result<Prepared, Stop> {
    let owner = Owner::read(run.client).await?;
    if !owner.is_super_admin() {
        let sentence = format!("only a super admin grants scopes; the token is of {}", owner.login);
        return Err(Stop::new(Code::NotPermitted, sentence));
    }
    let stored = run.sink.read().await?.unwrap_or_default();
    let app = stored.client_of(run.org.as_str())?;
    if stored.private_key.is_none() {
        let sentence =
            "the credential has no key: an integration's scopes are Okta's, and not ours to change";
        return Err(Stop::new(Code::Usage, sentence));
    }
    let label = run.client.get_application(&app).await;
    let label = label.map_err(|error| Stop::of("reading the app", &error))?.label;
    let set = run.preset.map(|preset| set_label(preset.role, &label));
    let custom = match (run.preset.map(|preset| preset.role), &set) {
        (Some(Role::Custom { label, .. }), Some(set)) => Some((label, set.as_str())),
        _ => None,
    };
    let seen = Seen::client(run.client, &app, custom).await?;
    let own = seen.apps.first().ok_or_else(|| Stop::new(Code::State, "the app is gone"))?;
    own.has_no_other_way_in(stored.jwks_uri.as_ref())?;
    own.has_no_other_key(&stored)?;
    let preset = match (run.preset, &stored.preset) {
        (Some(preset), _) => preset,
        (None, Some(name)) => Preset::parse(name)?,
        (None, None) => {
            let sentence = "the credential does not say what it is for: say so with `--preset`";
            return Err(Stop::new(Code::Usage, sentence));
        }
    };
    let scopes = wanted(run, own)?;
    let steps = steps(run, own, &seen, &stored, &scopes)?;
    Ok(Prepared { stored, app, preset, scopes, steps, seen })
}

/// The scopes that the client is to have.
fn wanted(run: &Run<'_>, app: &SeenApp) -> Result<BTreeSet<String>, Stop> {
    let base: BTreeSet<String> = match run.preset {
        Some(preset) => preset.all_scopes().map(str::to_owned).collect(),
        None => app.grants.iter().map(|(_, scope)| scope.clone()).collect(),
    };
    let more = run.add.iter().cloned();
    let scopes: BTreeSet<String> =
        base.into_iter().chain(more).filter(|scope| !run.drop.contains(scope)).collect();
    if scopes.is_empty() {
        return Err(Stop::new(
            Code::Usage,
            "a connection without scopes does nothing: leave it one, or uninstall it",
        ));
    }
    Ok(scopes)
}

fn is_wanted(role: &Assigned, preset: &Preset, seen: &Seen) -> bool {
    match preset.role {
        Role::Standard(kind) => role.kind == kind,
        Role::Custom { .. } => {
            role.kind == "CUSTOM"
                && role.custom_role.as_ref() == seen.role.as_ref().map(|(id, _)| id)
                && role.resource_set.as_ref() == seen.set.as_ref().map(|(id, _)| id)
        }
    }
}

fn steps(
    run: &Run<'_>,
    app: &SeenApp,
    seen: &Seen,
    stored: &Stored,
    scopes: &BTreeSet<String>,
) -> Result<Vec<Step>, Stop> {
    let granted: BTreeSet<&str> = app.grants.iter().map(|(_, scope)| scope.as_str()).collect();
    let optional = |scope: &String| {
        !run.add.contains(scope) && run.preset.is_some_and(|preset| preset.optional.contains(&scope.as_str()))
    };
    let missing = scopes.iter().filter(|scope| !granted.contains(scope.as_str()));
    let mut steps: Vec<Step> =
        missing.map(|scope| Step::Grant { scope: scope.clone(), optional: optional(scope) }).collect();
    let mut kinds = Vec::new();
    if let Some(preset) = run.preset {
        if let Role::Custom { permissions, label } = preset.role {
            let same = |has: &BTreeSet<String>, wanted: &mut dyn Iterator<Item = &str>| {
                wanted.map(str::to_owned).collect::<BTreeSet<_>>() == *has
            };
            let other = |what: &str| {
                Err(Stop::new(
                    Code::Ambiguous,
                    format!("the {what} is another than the preset's, and others may use it"),
                ))
            };
            match &seen.role {
                None => steps.push(Step::CreateRole),
                Some((_, has)) if same(has, &mut permissions.iter().copied()) => {}
                Some(_) => return other(&format!("custom role `{label}`")),
            }
            match &seen.set {
                None => steps.push(Step::CreateResourceSet),
                Some((_, has)) if same(has, &mut run.resources.iter().map(String::as_str)) => {}
                Some(_) => return other("resource set"),
            }
        }
        if !app.roles.iter().any(|role| is_wanted(role, preset, seen)) {
            steps.push(Step::AddRole);
        }
        let wrong = app.roles.iter().filter(|role| !is_wanted(role, preset, seen));
        kinds = wrong.map(|role| role.kind.clone()).collect();
        if app.mark.as_ref().is_none_or(|mark| !mark.starts_with(&format!("{MARK}{} ", preset.name))) {
            steps.push(Step::Mark);
        }
    }
    // Which optional ones there are, the run finds out.
    let asked: BTreeSet<String> = stored.scopes.iter().cloned().collect();
    let may_differ = |scope: &&String| !optional(scope);
    if !scopes.iter().filter(may_differ).all(|scope| asked.contains(scope))
        || !asked.is_subset(scopes)
        || run.preset.is_some_and(|preset| stored.preset.as_deref() != Some(preset.name))
        || !steps.is_empty()
    {
        steps.push(Step::Store);
    }
    let dropped: Vec<&str> = granted.iter().copied().filter(|scope| !scopes.contains(*scope)).collect();
    if !dropped.is_empty() || !kinds.is_empty() {
        steps.push(Step::Wait);
    }
    if !kinds.is_empty() {
        steps.push(Step::RemoveRoles { kinds });
    }
    steps.extend(dropped.into_iter().map(|scope| Step::Revoke { scope: scope.to_owned() }));
    steps.push(Step::Verify);
    Ok(steps)
}

/// Changes scopes and role.
///
/// # Errors
///
/// A [`Stop`]; the credential in use works on, and the same command goes on.
pub async fn upgrade(run: &Run<'_>) -> Result<Report, Stop> {
    let prepared = prepared(run).await?;
    let mut way = Way {
        role: prepared.seen.role.as_ref().map(|(id, _)| id.clone()),
        set: prepared.seen.set.as_ref().map(|(id, _)| id.clone()),
        scopes: prepared.scopes.clone(),
        probes: Vec::new(),
    };
    for step in &prepared.steps {
        way.step(run, &prepared, step).await?;
    }
    Ok(Report {
        v: 1,
        client_id: prepared.app.as_str().to_owned(),
        scopes: way.scopes.into_iter().collect(),
        role: prepared.preset.role.name(),
        steps: prepared.steps.iter().map(ToString::to_string).collect(),
        credential: run.sink.to_string(),
        probes: way.probes,
        bootstrap_token: "kept",
        calls: run.client.calls(),
    })
}

/// How far a run came.
struct Way {
    role: Option<CustomRoleId>,
    set: Option<ResourceSetId>,
    scopes: BTreeSet<String>,
    probes: Vec<Probe>,
}

impl Way {
    async fn step(&mut self, run: &Run<'_>, prepared: &Prepared, step: &Step) -> Result<(), Stop> {
        let (client, app, preset) = (run.client, &prepared.app, prepared.preset);
        let doing = |error: Error| Stop::of(&step.to_string(), &error);
        match step {
            Step::Grant { scope, optional } => match client.grant_consent_to_scope(app, scope).await {
                Err(Error::Api(api))
                    if api.causes.iter().any(|cause| cause.error_summary.contains("already")) =>
                {
                    Ok(())
                }
                Err(Error::Api(api)) if api.status == 400 && *optional => {
                    self.scopes.remove(scope);
                    Ok(())
                }
                granted => granted.map(drop).map_err(doing),
            },
            Step::CreateRole => {
                let Role::Custom { label, permissions } = preset.role else { return Ok(()) };
                let about = format!("okta-dac: {}", preset.about);
                self.role =
                    Some(client.create_custom_role(label, &about, permissions).await.map_err(doing)?.id);
                Ok(())
            }
            Step::CreateResourceSet => {
                let label = prepared
                    .seen
                    .apps
                    .first()
                    .map(|app| set_label(preset.role, &app.label))
                    .unwrap_or_default();
                let made = client.create_resource_set(&label, "okta-dac", &run.resources);
                self.set = Some(made.await.map_err(doing)?.id);
                Ok(())
            }
            Step::AddRole => {
                let given = match (preset.role, &self.role, &self.set) {
                    (Role::Standard(kind), ..) => client.assign_role_to_client(app, kind).await,
                    (Role::Custom { .. }, Some(role), Some(set)) => {
                        client.assign_custom_role_to_client(app, role, set).await
                    }
                    _ => return Err(Stop::new(Code::Defect, "a step came before its role")),
                };
                match given {
                    Err(error) if error.is_duplicate() => Ok(()),
                    given => given.map(drop).map_err(doing),
                }
            }
            Step::Mark => mark(run, prepared).await,
            Step::Store => {
                let scopes = self.scopes.iter().cloned().collect();
                let preset = Some(preset.name.to_owned());
                run.sink.write(&Stored { scopes, preset, ..prepared.stored.clone() }).await.map(drop)
            }
            Step::Wait => {
                tokio::time::sleep(run.overlap).await;
                Ok(())
            }
            Step::RemoveRoles { .. } => {
                let wrong = |role: &&Assigned| {
                    let custom = role.custom_role == self.role && role.resource_set == self.set;
                    match preset.role {
                        Role::Standard(kind) => role.kind != kind,
                        Role::Custom { .. } => role.kind != "CUSTOM" || !custom,
                    }
                };
                let roles = client.list_roles_for_client(app).await.map_err(doing)?;
                for role in roles.iter().filter(wrong) {
                    client.delete_role_from_client(app, &role.id).await.ok_if_absent().map_err(doing)?;
                }
                Ok(())
            }
            Step::Revoke { scope } => {
                let grants = prepared.seen.apps.iter().flat_map(|app| &app.grants);
                let Some((id, _)) = grants.into_iter().find(|(_, of)| of == scope) else { return Ok(()) };
                client.revoke_scope_consent_grant(app, id).await.ok_if_absent().map_err(doing)
            }
            Step::Verify => {
                let scopes: Vec<String> = self.scopes.iter().cloned().collect();
                let candidate = Stored { scopes, ..prepared.stored.clone() };
                let tried = Client::new(run.org.clone(), candidate.credential()?).map_err(doing)?;
                // What a person added by hand is theirs: it is tried, and judged by nobody.
                self.probes = probes::all(&tried, run.org, preset, &candidate, run.patience).await?;
                let own: Vec<Probe> = match run.add.is_empty() && run.drop.is_empty() {
                    true => self.probes.clone(),
                    false => {
                        self.probes.iter().filter(|probe| probe.expected == "refused").cloned().collect()
                    }
                };
                probes::judge(&own, preset.role.name())
            }
        }
    }
}

/// Writes the preset into the note of the app. An app is replaced as a whole: its keys are
/// compared before and after.
async fn mark(run: &Run<'_>, prepared: &Prepared) -> Result<(), Stop> {
    let doing = |error| Stop::of("noting the preset", &error);
    let client = run.client;
    let mut app = client.get_application(&prepared.app).await.map_err(doing)?;
    let note = format!("{MARK}{} {}", prepared.preset.name, uuid::Uuid::new_v4());
    if let Some(settings) = app.other.get_mut("settings").and_then(Value::as_object_mut) {
        settings.insert("notes".to_owned(), serde_json::json!({ "admin": note }));
    }
    let keys =
        |app: &SeenApp| -> BTreeSet<String> { app.keys.iter().map(|(_, kid, _)| kid.clone()).collect() };
    client.replace_application(&app).await.map_err(doing)?;
    let after = Seen::client(client, &prepared.app, None).await?;
    let same = after.apps.first().map(keys) == prepared.seen.apps.first().map(keys);
    match same {
        true => Ok(()),
        false => Err(Stop::new(
            Code::Operator,
            "Okta changed the keys of the app beside its note: look at the app, and connect anew if the credential does not work",
        )),
    }
}
