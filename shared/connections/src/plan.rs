//! What a run will do, from what is wanted and what there is. Nothing here calls anybody.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::address::Address;
use crate::key::KeyKind;
use crate::preset::{Preset, Role};
use crate::seen::{MARK, Seen, SeenApp};
use crate::stop::{Code, Stop};
use crate::stored::Stored;

/// A service app as it shall be.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Label of the app.
    pub label: String,
    /// Its rights.
    pub preset: &'static Preset,
    /// The kind of a key that is made.
    pub key: KeyKind,
    /// Take over an app that somebody else made.
    pub adopt: bool,
    /// Where Okta is to read the keys, instead of keeping them.
    pub jwks_uri: Option<Address>,
    /// What a custom role is for: URLs of the org.
    pub resources: Vec<String>,
}

impl Wanted {
    /// Label of the resource set of a custom role.
    pub fn set_label(&self) -> String {
        set_label(self.preset.role, &self.label)
    }

    /// Labels of the custom role and its resource set, if the role is one.
    pub fn custom(&self) -> Option<(String, String)> {
        match self.preset.role {
            Role::Custom { label, .. } => Some((label.to_owned(), self.set_label())),
            Role::Standard(_) => None,
        }
    }
}

/// Label of the resource set of a role of an app.
pub fn set_label(role: Role, app: &str) -> String {
    format!("{} of {app}", role.name())
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "do")]
pub enum Step {
    /// A key pair is made, and its private half stored as pending.
    MakeKey {
        /// Its kind.
        kind: String,
    },
    /// The public halves of all held keys are written beside the credential, and the address
    /// is asked until it has them and no others.
    PublishKey {
        /// The address.
        at: String,
    },
    /// The app is made, with the pending key.
    CreateApp {
        /// Its label.
        label: String,
    },
    /// The pending key is added to the app.
    AddKey,
    /// The app is switched on.
    ActivateApp,
    /// Keys that nobody here holds are taken out of use.
    DisableKeys {
        /// Their `kid`s.
        keys: Vec<String>,
    },
    /// Scopes are granted.
    Grant {
        /// Which.
        scopes: Vec<&'static str>,
    },
    /// Scopes that are granted already stay.
    Keep {
        /// Which.
        scopes: Vec<String>,
    },
    /// A custom role is made.
    CreateRole {
        /// Its label.
        label: &'static str,
        /// What it may do.
        permissions: Vec<&'static str>,
    },
    /// A resource set is made.
    CreateResourceSet {
        /// Its label.
        label: String,
        /// Its resources.
        resources: Vec<String>,
    },
    /// The client has this role and no other.
    SetRole {
        /// Its name.
        role: &'static str,
    },
    /// The credential is tried, in what it may and may not do.
    Verify,
    /// The pending key becomes the one in use.
    UseKey,
    /// What was proven is stored.
    Store,
    /// Keys that nobody here holds are taken out.
    RetireKeys {
        /// Their `kid`s.
        keys: Vec<String>,
    },
    /// The bootstrap token ends.
    RevokeToken,
}

/// The steps of `connect service-app`.
///
/// # Errors
///
/// What is there does not allow it: nothing is to be changed.
pub fn service_app(
    wanted: &Wanted,
    seen: &Seen,
    stored: Option<&Stored>,
    keep_token: bool,
) -> Result<Vec<Step>, Stop> {
    let app = seen.app(wanted.adopt)?;
    let none = Stored::default();
    let stored = stored.unwrap_or(&none);
    fits(stored, app)?;
    let others = app.map(|app| others(wanted, stored, app)).transpose()?.unwrap_or_default();
    let mut steps = Vec::new();
    let make = Step::MakeKey { kind: wanted.key.to_string() };
    let address = wanted.jwks_uri.as_ref();
    let in_use = app
        .is_some_and(|app| stored.key_id.as_deref().is_some_and(|kid| address.is_some() || app.has_key(kid)));
    let pending = stored.pending.as_ref().map(|part| part.id.as_str());
    if !in_use {
        steps.extend(pending.is_none().then_some(make));
    }
    steps.extend(address.map(|address| Step::PublishKey { at: address.to_string() }));
    match app {
        None => steps.push(Step::CreateApp { label: wanted.label.clone() }),
        Some(app) => {
            steps.extend((!app.active).then_some(Step::ActivateApp));
            if !in_use && address.is_none() && !pending.is_some_and(|kid| app.has_key(kid)) {
                steps.push(Step::AddKey);
            }
        }
    }
    // Before the app can do more: whoever has such a key is not to have it for a second.
    if !others.is_empty() {
        steps.push(Step::DisableKeys { keys: others.clone() });
    }
    let granted: BTreeSet<&str> =
        app.iter().flat_map(|app| app.grants.iter().map(|(_, scope)| scope.as_str())).collect();
    let missing: Vec<&str> = wanted.preset.all_scopes().filter(|scope| !granted.contains(scope)).collect();
    if !granted.is_empty() {
        steps.push(Step::Keep { scopes: granted.into_iter().map(str::to_owned).collect() });
    }
    if !missing.is_empty() {
        steps.push(Step::Grant { scopes: missing });
    }
    steps.extend(role(wanted, seen)?);
    steps.extend([Step::SetRole { role: wanted.preset.role.name() }, Step::Verify]);
    steps.push(if in_use { Step::Store } else { Step::UseKey });
    if !others.is_empty() {
        steps.push(Step::RetireKeys { keys: others });
    }
    if !keep_token {
        steps.push(Step::RevokeToken);
    }
    Ok(steps)
}

/// Active keys of an app that `--to` does not hold: with `adopt` they are taken out.
///
/// # Errors
///
/// The app is somebody else's, who would lose it.
fn others(wanted: &Wanted, stored: &Stored, app: &SeenApp) -> Result<Vec<String>, Stop> {
    let stop = |sentence: String| Err(Stop::new(Code::Ambiguous, sentence));
    if let Some(other) = app.mark.as_deref().and_then(preset_of).filter(|name| *name != wanted.preset.name) {
        return stop(format!(
            "the app `{}` ({}) was made for the preset `{other}`: `--name` makes another",
            app.label, app.id
        ));
    }
    app.has_no_other_way_in(wanted.jwks_uri.as_ref())?;
    let beyond: Vec<&str> = app.grants.iter().map(|(_, scope)| scope.as_str()).collect();
    let beyond: Vec<&str> =
        beyond.into_iter().filter(|scope| wanted.preset.all_scopes().all(|own| own != *scope)).collect();
    if !beyond.is_empty() {
        let sentence = format!(
            "the app `{}` ({}) has scopes that the preset does not have: {}; take them away first",
            app.label,
            app.id,
            beyond.join(", ")
        );
        return Err(Stop::new(Code::TooStrong, sentence));
    }
    let held = stored.held();
    let others = app.keys.iter().filter(|(_, kid, active)| *active && !held.contains(&kid.as_str()));
    let others: Vec<String> = others.map(|(_, kid, _)| kid.clone()).collect();
    if !others.is_empty() && !wanted.adopt {
        return stop(format!(
            "the app `{}` ({}) has a key that `--to` does not hold ({}): name the place that has the key, or take \
             the app over with `--adopt`, which ends that key",
            app.label,
            app.id,
            others.join(", ")
        ));
    }
    Ok(others)
}

/// The preset of a mark.
fn preset_of(mark: &str) -> Option<&str> {
    mark.strip_prefix(MARK)?.split(' ').next()
}

/// Whether what is stored may be of this app.
fn fits(stored: &Stored, app: Option<&SeenApp>) -> Result<(), Stop> {
    let other = match (&stored.client_id, app) {
        _ if stored.api_token.is_some() || stored.client_secret.is_some() => Some("of another kind"),
        (Some(id), Some(app)) if *id != app.id.as_str() => Some("of another client"),
        (Some(_), None) => Some("of a client that this org does not have under this name"),
        _ => None,
    };
    other.map_or(Ok(()), |other| {
        Err(Stop::new(Code::Ambiguous, format!("`--to` holds a credential {other}: name another place")))
    })
}

/// What is missing of a custom role.
fn role(wanted: &Wanted, seen: &Seen) -> Result<Vec<Step>, Stop> {
    let Role::Custom { label, permissions } = wanted.preset.role else { return Ok(Vec::new()) };
    let mut steps = Vec::new();
    let same = |one: &BTreeSet<String>, other: &mut dyn Iterator<Item = &str>| {
        other.map(str::to_owned).collect::<BTreeSet<_>>() == *one
    };
    match &seen.role {
        None => steps.push(Step::CreateRole { label, permissions: permissions.to_vec() }),
        Some((_, has)) if same(has, &mut permissions.iter().copied()) => {}
        Some((id, _)) => {
            let sentence =
                format!("the custom role `{label}` ({id}) has other permissions, and others may use it");
            return Err(Stop::new(Code::Ambiguous, sentence));
        }
    }
    let set = wanted.set_label();
    match &seen.set {
        None => steps.push(Step::CreateResourceSet { label: set, resources: wanted.resources.clone() }),
        Some((_, has)) if same(has, &mut wanted.resources.iter().map(String::as_str)) => {}
        Some((id, _)) => {
            let sentence = format!("the resource set `{set}` ({id}) has other resources");
            return Err(Stop::new(Code::Ambiguous, sentence));
        }
    }
    Ok(steps)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stored::Part;

    fn wanted(preset: &str) -> Wanted {
        Wanted {
            label: "tool".to_owned(),
            preset: Preset::parse(preset).unwrap(),
            key: KeyKind::P256,
            adopt: false,
            jwks_uri: None,
            resources: vec!["https://acme.test/api/v1/users".to_owned()],
        }
    }

    fn app() -> SeenApp {
        SeenApp {
            id: "0oa1".into(),
            label: "tool".to_owned(),
            mark: Some("okta-dac connection v1 logs 1".to_owned()),
            active: true,
            dpop: true,
            by_keys_alone: true,
            jwks_uri: None,
            keys: vec![("pks1".into(), "kid1".to_owned(), true)],
            grants: vec![("oag1".into(), "okta.logs.read".to_owned())],
            roles: Vec::new(),
        }
    }

    fn part(id: &str) -> Part {
        Part { id: id.to_owned(), value: "s".into() }
    }

    #[test]
    fn an_empty_org_gets_everything() {
        let steps = service_app(&wanted("response"), &Seen::default(), None, false).unwrap();
        let names: Vec<String> = steps
            .iter()
            .map(|step| serde_json::to_value(step).unwrap()["do"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(
            names,
            [
                "makeKey",
                "createApp",
                "grant",
                "createRole",
                "createResourceSet",
                "setRole",
                "verify",
                "useKey",
                "revokeToken"
            ]
        );
    }

    #[test]
    fn what_is_there_is_not_made_again() {
        let seen = Seen { apps: vec![app()], ..Seen::default() };
        let stored = Stored {
            client_id: Some("0oa1".to_owned()),
            key_id: Some("kid1".to_owned()),
            ..Stored::default()
        };
        let steps = service_app(&wanted("logs"), &seen, Some(&stored), true).unwrap();
        let kept = Step::Keep { scopes: vec!["okta.logs.read".to_owned()] };
        assert_eq!(steps, [kept, Step::SetRole { role: "REPORT_ADMIN" }, Step::Verify, Step::Store]);
    }

    /// Whatever a killed run left, the next one ends with one app and one key.
    #[test]
    fn a_run_goes_on_from_every_place() {
        let of =
            |seen: &Seen, stored: &Stored| service_app(&wanted("logs"), seen, Some(stored), true).unwrap();
        let pending = Stored { pending: Some(part("kid2")), ..Stored::default() };
        let steps = of(&Seen::default(), &pending);
        assert!(matches!(steps[0], Step::CreateApp { .. }), "the key is there: {steps:?}");
        let seen = Seen { apps: vec![app()], ..Seen::default() };
        let keyless = Seen { apps: vec![SeenApp { keys: Vec::new(), ..app() }], ..Seen::default() };
        assert!(of(&keyless, &pending).contains(&Step::AddKey));
        let made = Stored { pending: Some(part("kid1")), ..Stored::default() };
        let steps = of(&seen, &made);
        assert!(!steps.contains(&Step::AddKey) && steps.contains(&Step::UseKey), "{steps:?}");
        // A key that is held elsewhere is not ended unasked.
        let foreign = service_app(&wanted("logs"), &seen, None, true).unwrap_err();
        assert!(foreign.code == Code::Ambiguous && foreign.sentence.contains("kid1"), "{foreign}");
        let adopted = Wanted { adopt: true, ..wanted("logs") };
        let lost = service_app(&adopted, &seen, None, true).unwrap();
        let retired = Step::RetireKeys { keys: vec!["kid1".to_owned()] };
        assert!(matches!(lost[0], Step::MakeKey { .. }) && lost.contains(&retired), "{lost:?}");
        // It is out of use before the app gets a role.
        let at = |wanted: fn(&Step) -> bool| lost.iter().position(wanted).unwrap();
        assert!(at(|step| *step == Step::AddKey) < at(|step| matches!(step, Step::DisableKeys { .. })));
        assert!(
            at(|step| matches!(step, Step::DisableKeys { .. }))
                < at(|step| matches!(step, Step::SetRole { .. }))
        );
        // Nor the one before, while a rotation waits.
        let rotated =
            Stored { key_id: Some("kid2".to_owned()), previous: Some(part("kid1")), ..made.clone() };
        let two =
            SeenApp { keys: [app().keys, vec![("pks2".into(), "kid2".to_owned(), true)]].concat(), ..app() };
        let two = Seen { apps: vec![two], ..Seen::default() };
        let steps = of(&two, &Stored { pending: None, client_id: Some("0oa1".to_owned()), ..rotated });
        assert!(!steps.iter().any(|step| matches!(step, Step::RetireKeys { .. })), "{steps:?}");
        let off = Seen { apps: vec![SeenApp { active: false, ..app() }], ..Seen::default() };
        assert_eq!(of(&off, &made)[0], Step::ActivateApp);
    }

    #[test]
    fn another_preset_is_another_app() {
        let of = |app: SeenApp| {
            let seen = Seen { apps: vec![app], ..Seen::default() };
            service_app(&wanted("rotation"), &seen, None, true).unwrap_err().code
        };
        assert_eq!(of(app()), Code::Ambiguous);
        let mark = Some("okta-dac connection v1 rotation 1".to_owned());
        assert_eq!(of(SeenApp { mark, ..app() }), Code::TooStrong, "okta.logs.read is not of the preset");
    }

    #[test]
    fn what_is_somebody_elses_is_not_touched() {
        let code = |seen: &Seen, stored: &Stored| {
            service_app(&wanted("response"), seen, Some(stored), false).unwrap_err().code
        };
        let none = Stored::default();
        let foreign = Seen { apps: vec![SeenApp { mark: None, ..app() }], ..Seen::default() };
        assert_eq!(code(&foreign, &none), Code::Ambiguous);
        let several = Seen { apps: vec![app(), app()], ..Seen::default() };
        assert_eq!(code(&several, &none), Code::Ambiguous);
        let wider = Seen { role: Some(("cr01".into(), BTreeSet::new())), ..Seen::default() };
        assert_eq!(code(&wider, &none), Code::Ambiguous);
        let other = Stored { client_id: Some("0oa2".to_owned()), ..Stored::default() };
        assert_eq!(code(&Seen { apps: vec![app()], ..Seen::default() }, &other), Code::Ambiguous);
        assert_eq!(code(&Seen::default(), &other), Code::Ambiguous);
        let token = Stored { api_token: Some("00t".into()), ..Stored::default() };
        assert_eq!(code(&Seen::default(), &token), Code::Ambiguous);
    }
}
