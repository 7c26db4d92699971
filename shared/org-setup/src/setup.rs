//! One step after the other, until nothing lacks.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use connections::stop::{Code, Stop};
use domain::{PLACEHOLDER, RESPONDERS, SUPERUSERS};
use futures::TryStreamExt;
use okta_client::models::{Application, ApplicationGroupAssignment, GroupProfile, UserId};
use okta_client::{Client, Error, OkIfAbsent};
use serde::Serialize;
use serde_json::{Value, json};

use crate::plan::{DELEGATOR_ATTRIBUTES, MARK, NAME, Seen, Step, Wanted, check, mark_of, next};
use crate::seen::{array_of, is_super_admin, look};

/// How often a run looks again for what somebody else made meanwhile, and after which time: the
/// index of groups is a second late.
const LOOKS: usize = 10;
const AGAIN: Duration = Duration::from_millis(500);

/// More steps than any run has: a step that changes nothing would be repeated for ever.
const STEPS: usize = 100;

/// What a run did, and what the org has now. It has no secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Of this format.
    pub v: u8,
    /// What was made, in words.
    pub made: Vec<String>,
    /// Id of the group of superusers.
    pub superusers_group_id: String,
    /// Id of the group of responders.
    pub responders_group_id: String,
    /// Id of the app.
    pub app_id: String,
    /// The issuer of the tokens.
    pub issuer: String,
    /// Key id of the placeholder certificate.
    pub placeholder_key_id: String,
    /// Id of the type of users who may let others act for them, with delegation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delegated_user_type_id: Option<String>,
}

/// What a run would do: it reads only.
///
/// # Errors
///
/// As [`setup`], before its first change.
pub async fn plan(client: &Client, wanted: &Wanted) -> Result<Vec<String>, Stop> {
    is_super_admin(client).await?;
    let seen = look(client, wanted).await?;
    check(wanted, &seen)?;
    Ok(steps(wanted, seen).iter().map(Step::text).collect())
}

/// The steps that a run would take.
pub(crate) fn steps(wanted: &Wanted, mut seen: Seen) -> Vec<Step> {
    let mut steps = Vec::new();
    while let Some(step) = next(wanted, &seen).filter(|_| steps.len() < STEPS) {
        pretend(&mut seen, &step);
        steps.push(step);
    }
    steps
}

/// Prepares the org.
///
/// # Errors
///
/// An object of somebody else that has one of our names, before the first change; Okta's
/// refusals; an Okta that is not available: the same command goes on.
pub async fn setup(client: &Client, wanted: &Wanted) -> Result<Report, Stop> {
    is_super_admin(client).await?;
    let mut seen = look(client, wanted).await?;
    check(wanted, &seen)?;
    let (mut made, mut looks) = (Vec::new(), 0);
    while let Some(step) = next(wanted, &seen) {
        if made.len() >= STEPS {
            return Err(Stop::new(Code::Defect, format!("`{}` changes nothing", step.text())));
        }
        let text = step.text();
        match take(client, &mut seen, &step).await {
            Ok(()) => {
                if matches!(step, Step::App(_)) {
                    settle(client, &mut seen).await.map_err(|error| Stop::of(&text, &error))?;
                }
                made.push(text);
            }
            // Another run made it, or one of before whose object the index does not have yet.
            Err(error) if error.is_duplicate() && looks < LOOKS => {
                looks += 1;
                tokio::time::sleep(AGAIN).await;
                // A group that somebody makes at this moment is no leftover.
                let mut fresh = std::mem::take(&mut seen.fresh);
                if let Step::Group(name) = step {
                    fresh.insert(name);
                }
                seen = Seen { fresh, ..look(client, wanted).await? };
                check(wanted, &seen)?;
            }
            Err(error) => {
                let stop = Stop::of(&text, &error);
                let sentence = format!("{}; the same command goes on from there", stop.sentence);
                return Err(Stop { sentence, ..stop });
            }
        }
    }
    let lacks = || Stop::new(Code::Defect, "the org lacks what was made");
    let group = |name| seen.groups.get(name).map(|(id, _)| id.to_string()).ok_or_else(lacks);
    Ok(Report {
        v: 1,
        made,
        superusers_group_id: group(SUPERUSERS)?,
        responders_group_id: group(RESPONDERS)?,
        app_id: seen.apps.first().map(|app| app.id.to_string()).ok_or_else(lacks)?,
        issuer: seen.server.map(|(_, issuer, _)| issuer).ok_or_else(lacks)?,
        placeholder_key_id: seen.placeholder.map(|kid| kid.to_string()).ok_or_else(lacks)?,
        delegated_user_type_id: seen.delegators.map(|kind| kind.id.to_string()),
    })
}

/// Two apps may have one label: of those that runs at the same time made, the oldest one
/// stays, and each run takes its own back.
async fn settle(client: &Client, seen: &mut Seen) -> Result<(), Error> {
    let apps = client.list_applications(Some(NAME)).try_collect::<Vec<Application>>().await?;
    let ours = apps.into_iter().filter(|app| app.label == NAME && mark_of(app) == MARK);
    let age = |app: &Application| {
        let created = app.other.get("created").and_then(Value::as_str).unwrap_or_default().to_owned();
        (created, app.id.to_string())
    };
    let Some(first) = ours.min_by_key(age) else { return Ok(()) };
    let own = seen.apps.first().filter(|own| own.id != first.id).map(|own| own.id.clone());
    if let Some(own) = own {
        client.deactivate_application(&own).await.ok_if_absent()?;
        client.delete_application(&own).await.ok_if_absent()?;
        *seen = Seen { apps: vec![first], ..std::mem::take(seen) };
    }
    Ok(())
}

/// Does a step, and notes in `seen` what is there now.
async fn take(client: &Client, seen: &mut Seen, step: &Step) -> Result<(), Error> {
    let lacks = || Error::InvalidRequest("a step before its time".to_owned());
    let server = || seen.server.as_ref().map(|(id, ..)| id.clone()).ok_or_else(lacks);
    match step {
        Step::Group(name) => {
            let profile = GroupProfile::new((*name).to_owned(), MARK.to_owned());
            let group = client.add_group(&profile).await?;
            seen.groups.insert(name, (group.id, MARK.to_owned()));
            seen.fresh.insert(name);
        }
        Step::Remake(name) => {
            let group = seen.groups.get(name).ok_or_else(lacks)?.0.clone();
            client.delete_group(&group).await.ok_if_absent()?;
            seen.groups.remove(name);
        }
        Step::Member(id) => {
            let group = &seen.groups.get(SUPERUSERS).ok_or_else(lacks)?.0;
            client.assign_user_to_group(group, &UserId::from(id.as_str())).await?;
            seen.members.insert(id.clone());
        }
        Step::App(app) => seen.apps.push(client.create_application(app).await?),
        Step::Addresses(lacking) => {
            let app = seen.apps.first().ok_or_else(lacks)?;
            seen.apps = vec![client.replace_application(&with_addresses(app, lacking)).await?];
        }
        Step::Attribute(attribute) => {
            let app = seen.apps.first().ok_or_else(lacks)?;
            client.update_application_user_profile(&app.id, attribute).await?;
            seen.has_attribute = true;
        }
        Step::Assignment(name) => {
            let app = seen.apps.first().ok_or_else(lacks)?;
            let group = &seen.groups.get(name).ok_or_else(lacks)?.0;
            let assignment = ApplicationGroupAssignment::of(group.clone());
            client.assign_group_to_application(&app.id, &assignment).await?;
            seen.assigned.insert(name);
        }
        Step::Server(server) => {
            let made = client.create_authorization_server(server).await?;
            let issuer = made.text("issuer").to_owned();
            seen.server = Some((made.id, issuer, MARK.to_owned()));
        }
        Step::Scope(scope) => {
            seen.scopes.insert(client.create_oauth2_scope(&server()?, scope).await?.name);
        }
        Step::Claim(claim) => {
            let made = client.create_oauth2_claim(&server()?, claim).await?;
            let kind = made.text("claimType").to_owned();
            seen.claims.insert((made.name, kind));
        }
        Step::Policy(policy) => {
            let made = client.create_authorization_server_policy(&server()?, policy).await?;
            seen.policy = Some(made.id);
        }
        Step::Rule(rule) => {
            let policy = seen.policy.clone().ok_or_else(lacks)?;
            let made = client.create_authorization_server_policy_rule(&server()?, &policy, rule).await?;
            seen.rules.insert(made.name);
        }
        Step::Origin(origin) => {
            let made = client.create_trusted_origin(origin).await?;
            seen.origins.insert(made.text("origin").to_owned());
        }
        Step::Placeholder => {
            let key = client.create_identity_provider_key(&placeholder()?).await?;
            seen.placeholder = Some(key.kid);
        }
        Step::UserType(kind) => seen.delegators = Some(client.create_user_type(kind).await?),
        Step::UserAttributes(schema) => {
            client.update_user_profile(seen.delegators.as_ref().ok_or_else(lacks)?, schema).await?;
            seen.delegator_attributes.extend(DELEGATOR_ATTRIBUTES.map(|(name, ..)| name));
        }
    }
    Ok(())
}

/// Notes what would be there after a step.
fn pretend(seen: &mut Seen, step: &Step) {
    let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
    match step {
        Step::Group(name) => {
            seen.groups.insert(name, ("".into(), MARK.to_owned()));
            seen.fresh.insert(name);
        }
        Step::Remake(name) => drop(seen.groups.remove(name)),
        Step::Member(id) => drop(seen.members.insert(id.clone())),
        Step::App(app) => {
            let mut app = app.clone();
            (app["id"], app["status"]) = ("".into(), "ACTIVE".into());
            seen.apps.extend(serde_json::from_value::<Application>(app));
        }
        Step::Addresses(lacking) => {
            seen.apps = seen.apps.iter().map(|app| with_addresses(app, lacking)).collect();
        }
        Step::Attribute(_) => seen.has_attribute = true,
        Step::Assignment(name) => drop(seen.assigned.insert(name)),
        Step::Server(_) => seen.server = Some((String::new(), String::new(), MARK.to_owned())),
        Step::Scope(scope) => drop(seen.scopes.insert(text(scope, "name"))),
        Step::Claim(claim) => drop(seen.claims.insert((text(claim, "name"), text(claim, "claimType")))),
        Step::Policy(_) => seen.policy = Some(String::new()),
        Step::Rule(_) => drop(seen.rules.insert(NAME.to_owned())),
        Step::Origin(origin) => drop(seen.origins.insert(text(origin, "origin"))),
        Step::Placeholder => seen.placeholder = Some("".into()),
        Step::UserType(kind) => {
            let mut kind = kind.clone();
            kind["id"] = "".into();
            seen.delegators = serde_json::from_value(kind).ok();
        }
        Step::UserAttributes(_) => {
            seen.delegator_attributes.extend(DELEGATOR_ATTRIBUTES.map(|(name, ..)| name));
        }
    }
}

fn with_addresses(app: &Application, lacking: &[String]) -> Application {
    let mut app = app.clone();
    if let Some(settings) = app.other.get_mut("settings") {
        for list in ["redirect_uris", "post_logout_redirect_uris"] {
            if settings["oauthClient"][list].is_null() {
                settings["oauthClient"][list] = json!([]);
            }
            let known = array_of(settings, &format!("/oauthClient/{list}"));
            for known in known.into_iter() {
                let new = lacking.iter().filter(|address| !known.contains(&json!(address)));
                let new: Vec<Value> = new.map(|address| json!(address)).collect();
                known.extend(new);
            }
        }
    }
    app
}

/// A certificate whose private key is kept nowhere, as Okta takes it: base64 of the DER form.
fn placeholder() -> Result<String, Error> {
    let failed = |error: rcgen::Error| Error::InvalidRequest(format!("a certificate: {error}"));
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).map_err(failed)?;
    let mut certificate = rcgen::CertificateParams::default();
    certificate.distinguished_name.push(rcgen::DnType::CommonName, rcgen::DnValue::from(PLACEHOLDER));
    let certificate = certificate.self_signed(&pair).map_err(failed)?;
    Ok(BASE64_STANDARD.encode(certificate.der()))
}
