//! Secrets Manager: secrets, their versions, and the labels of versions.
//!
//! Evidence: Secrets Manager API Reference 2017-10-17: `CreateSecret`, `DescribeSecret`,
//! `GetSecretValue`, `PutSecretValue` (`AWSCURRENT` unless `VersionStages` says something
//! else; the version before becomes `AWSPREVIOUS`; the same token with the same value is no
//! change, with another value `ResourceExistsException`), `UpdateSecretVersionStage`,
//! `DeleteSecret`, `RestoreSecret`, `GetRandomPassword`; User Guide, "What's in a Secrets
//! Manager secret?" (six characters after the name in the ARN; a version without labels is
//! deprecated).

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::error::AwsError;
use crate::random;

pub(crate) const CURRENT: &str = "AWSCURRENT";
pub(crate) const PENDING: &str = "AWSPENDING";
const PREVIOUS: &str = "AWSPREVIOUS";

/// Longest value, in bytes.
const VALUE: usize = 65_536;

/// All secrets, by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Secrets {
    all: BTreeMap<String, Secret>,
    /// What their ARNs begin with.
    prefix: String,
}

impl Secrets {
    pub(crate) fn of(partition: &str, account: &str) -> Self {
        let prefix = format!("arn:{partition}:secretsmanager:us-east-1:{account}:secret:");
        Self { all: BTreeMap::new(), prefix }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&String, &Secret)> {
        self.all.iter()
    }

    /// By name or ARN.
    pub(crate) fn find(&self, id: &str) -> Option<&Secret> {
        self.all.get(name_of(self, id)?)
    }

    pub(crate) fn get_mut(&mut self, name: &str) -> Option<&mut Secret> {
        self.all.get_mut(name)
    }
}

/// How a secret is rotated.
#[derive(Clone, Debug)]
pub(crate) struct Rotation {
    pub(crate) function: String,
    pub(crate) rules: Value,
    pub(crate) enabled: bool,
    pub(crate) last: Option<Timestamp>,
}

/// A secret.
#[derive(Clone, Debug)]
pub(crate) struct Secret {
    pub(crate) arn: String,
    created: Timestamp,
    /// When it was marked for deletion.
    deleted: Option<Timestamp>,
    versions: BTreeMap<String, Version>,
    pub(crate) rotation: Option<Rotation>,
    pub(crate) tags: BTreeMap<String, String>,
}

impl Secret {
    fn new(arn: String, created: Timestamp) -> Self {
        let (versions, tags) = (BTreeMap::new(), BTreeMap::new());
        Self { arn, created, deleted: None, versions, rotation: None, tags }
    }

    pub(crate) const fn is_deleted(&self) -> bool {
        self.deleted.is_some()
    }

    /// The version with a label.
    pub(crate) fn holder(&self, label: &str) -> Option<String> {
        let mut versions = self.versions.iter();
        versions.find(|(_, version)| version.labels.contains(label)).map(|(id, _)| id.clone())
    }

    /// A version without a value, as a rotation begins with.
    pub(crate) fn make_empty(&mut self, id: &str, now: Timestamp) {
        let empty = Version { value: String::new(), created: now, labels: BTreeSet::new() };
        self.versions.entry(id.to_owned()).or_insert(empty);
        attach(self, PENDING, id);
    }

    /// Adds the tags of a body.
    pub(crate) fn tag(&mut self, body: &Value) {
        for tag in body["Tags"].as_array().into_iter().flatten() {
            let text = |name: &str| tag[name].as_str().unwrap_or_default().to_owned();
            self.tags.insert(text("Key"), text("Value"));
        }
    }

    /// What `DescribeSecret` and `ListSecrets` say of its rotation.
    pub(crate) fn describe_rotation(&self, answer: &mut Value) {
        answer["RotationEnabled"] = self.rotation.as_ref().is_some_and(|rotation| rotation.enabled).into();
        if let Some(rotation) = &self.rotation {
            answer["RotationLambdaARN"] = rotation.function.clone().into();
            answer["RotationRules"] = rotation.rules.clone();
            if let Some(last) = rotation.last {
                answer["LastRotatedDate"] = seconds(last).into();
            }
        }
    }

    pub(crate) fn drop_label(&mut self, label: &str) {
        for version in self.versions.values_mut() {
            version.labels.remove(label);
        }
    }
}

/// A version; one without a value was made by a rotation that has not begun.
#[derive(Clone, Debug)]
struct Version {
    value: String,
    created: Timestamp,
    labels: BTreeSet<String>,
}

fn not_found() -> AwsError {
    AwsError::json("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
}

pub(crate) fn invalid_request(message: impl Into<String>) -> AwsError {
    AwsError::json("InvalidRequestException", message)
}

pub(crate) fn invalid_parameter(message: impl Into<String>) -> AwsError {
    AwsError::json("InvalidParameterException", message)
}

fn exists(message: impl Into<String>) -> AwsError {
    AwsError::json("ResourceExistsException", message)
}

pub(crate) fn text<'b>(body: &'b Value, name: &str) -> Option<&'b str> {
    body[name].as_str().filter(|text| !text.is_empty())
}

fn required<'b>(body: &'b Value, name: &str) -> Result<&'b str, AwsError> {
    text(body, name).ok_or_else(|| invalid_parameter(format!("You must provide {name}.")))
}

pub(crate) fn seconds(time: Timestamp) -> f64 {
    time.as_millisecond() as f64 / 1e3
}

/// A password of so many characters, with one of each kind.
pub(crate) fn password(body: &Value) -> String {
    let length =
        body["PasswordLength"].as_u64().and_then(|length| usize::try_from(length).ok()).unwrap_or(32);
    let excluded = text(body, "ExcludeCharacters").unwrap_or_default();
    let kinds: Vec<String> = [
        ("ExcludeLowercase", "abcdefghijklmnopqrstuvwxyz"),
        ("ExcludeUppercase", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
        ("ExcludeNumbers", "0123456789"),
        ("ExcludePunctuation", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"),
    ]
    .into_iter()
    .filter(|(off, _)| body[off] != true)
    .map(|(_, kind)| kind.chars().filter(|c| !excluded.contains(*c)).collect::<String>())
    .filter(|kind| !kind.is_empty())
    .collect();
    let all: String = kinds.concat();
    let mut password: Vec<char> = kinds.iter().filter_map(|kind| random::one_of(kind)).collect();
    while password.len() < length {
        password.extend(random::one_of(&all));
    }
    password.truncate(length);
    password.into_iter().collect()
}

/// By name or ARN, also where the six characters are left out.
fn name_of<'s>(state: &'s Secrets, id: &str) -> Option<&'s str> {
    let is = |name: &str, secret: &Secret| {
        name == id || secret.arn == id || secret.arn.rsplit_once('-').is_some_and(|(arn, _)| arn == id)
    };
    state.all.iter().find(|(name, secret)| is(name, secret)).map(|(name, _)| name.as_str())
}

/// A secret that is not marked for deletion.
pub(crate) fn named<'s>(state: &'s mut Secrets, body: &Value) -> Result<(String, &'s mut Secret), AwsError> {
    let name = name_of(state, required(body, "SecretId")?).ok_or_else(not_found)?.to_owned();
    let secret = state.all.get_mut(&name).ok_or_else(not_found)?;
    if secret.deleted.is_some() {
        return Err(invalid_request(
            "You can't perform this operation on the secret because it was marked for deletion.",
        ));
    }
    Ok((name, secret))
}

pub(crate) fn create(state: &mut Secrets, body: &Value, now: Timestamp) -> Result<Value, AwsError> {
    let name = required(body, "Name")?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || "/_+=.@-".contains(c);
    if name.len() > 512 || !name.chars().all(is_name) {
        return Err(AwsError::json(
            "ValidationException",
            "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!",
        ));
    }
    match state.all.get(name) {
        Some(Secret { deleted: Some(_), .. }) => {
            return Err(invalid_request(
                "You can't create this secret because a secret with this name is already scheduled for deletion.",
            ));
        }
        Some(_) => {
            return Err(exists(format!("The operation failed because the secret {name} already exists.")));
        }
        None => {}
    }
    version_id(body)?;
    let arn = format!("{}{name}-{}", state.prefix, random::letters(6));
    let secret = state.all.entry(name.to_owned()).or_insert(Secret::new(arn.clone(), now));
    secret.tag(body);
    let mut answer = json!({ "ARN": arn, "Name": name });
    if let Some(value) = text(body, "SecretString") {
        answer["VersionId"] = version(secret, body, value, &[CURRENT], now)?.into();
    }
    Ok(answer)
}

/// The id of a version that is to be made (`ClientRequestToken`).
pub(crate) fn version_id(body: &Value) -> Result<String, AwsError> {
    match text(body, "ClientRequestToken") {
        Some(token) if !(32..=64).contains(&token.len()) => {
            Err(invalid_parameter("ClientRequestToken must have 32 to 64 characters."))
        }
        Some(token) => Ok(token.to_owned()),
        None => Ok(random::request_id()),
    }
}

pub(crate) fn describe(state: &mut Secrets, body: &Value) -> Result<Value, AwsError> {
    let name = name_of(state, required(body, "SecretId")?).ok_or_else(not_found)?.to_owned();
    let secret = state.all.get(&name).ok_or_else(not_found)?;
    let labelled = secret.versions.iter().filter(|(_, version)| !version.labels.is_empty());
    let versions: serde_json::Map<String, Value> = labelled
        .map(|(id, version)| (id.clone(), version.labels.iter().cloned().collect::<Vec<_>>().into()))
        .collect();
    let mut answer = json!({
        "ARN": secret.arn, "Name": name, "CreatedDate": seconds(secret.created), "VersionIdsToStages": versions,
    });
    secret.describe_rotation(&mut answer);
    if let Some(deleted) = secret.deleted {
        answer["DeletedDate"] = seconds(deleted).into();
    }
    Ok(answer)
}

pub(crate) fn get(state: &mut Secrets, body: &Value) -> Result<Value, AwsError> {
    let (name, secret) = named(state, body)?;
    let wanted = text(body, "VersionStage");
    let label = wanted.unwrap_or(CURRENT);
    let id = text(body, "VersionId");
    let found = secret.versions.iter().find(|(version_id, version)| match id {
        Some(id) => id == *version_id,
        None => version.labels.contains(label),
    });
    // The code and the words are LocalStack's and moto's, which agree.
    if let (Some(_), Some(wanted), Some((_, version))) = (id, wanted, found)
        && !version.labels.contains(wanted)
    {
        let message = "You provided a VersionStage that is not associated to the provided VersionId.";
        return Err(invalid_request(message));
    }
    let Some((id, version)) = found.filter(|(_, version)| !version.value.is_empty()) else {
        let message =
            format!("Secrets Manager can't find the specified secret value for staging label: {label}");
        return Err(AwsError::json("ResourceNotFoundException", message));
    };
    Ok(json!({
        "ARN": secret.arn, "Name": name, "VersionId": id, "SecretString": version.value,
        "VersionStages": version.labels, "CreatedDate": seconds(version.created),
    }))
}

pub(crate) fn put(state: &mut Secrets, body: &Value, now: Timestamp) -> Result<Value, AwsError> {
    let (name, secret) = named(state, body)?;
    let value = required(body, "SecretString")?;
    let labels: Vec<&str> =
        body["VersionStages"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let labels = if labels.is_empty() { vec![CURRENT] } else { labels };
    let id = version(secret, body, value, &labels, now)?;
    let labels = secret.versions.get(&id).map(|version| version.labels.clone()).unwrap_or_default();
    Ok(json!({ "ARN": secret.arn, "Name": name, "VersionId": id, "VersionStages": labels }))
}

/// A new version with these labels.
fn version(
    secret: &mut Secret,
    body: &Value,
    value: &str,
    labels: &[&str],
    now: Timestamp,
) -> Result<String, AwsError> {
    if value.len() > VALUE {
        return Err(AwsError::json("ValidationException", "The secret value is longer than 65536 bytes."));
    }
    let id = version_id(body)?;
    match secret.versions.get_mut(&id) {
        Some(known) if known.value.is_empty() => {
            value.clone_into(&mut known.value);
            for label in labels {
                attach(secret, label, &id);
            }
            return Ok(id);
        }
        Some(known) if known.value != value => {
            return Err(exists(format!("The secret already has a version {id} with another value.")));
        }
        Some(_) => return Ok(id),
        None => {}
    }
    // "If this operation creates the first version for the secret, then Secrets Manager
    // automatically attaches the staging label AWSCURRENT to it" (`PutSecretValue`).
    let first = secret.versions.is_empty().then_some(&CURRENT);
    secret
        .versions
        .insert(id.clone(), Version { value: value.to_owned(), created: now, labels: BTreeSet::new() });
    for label in labels.iter().chain(first) {
        attach(secret, label, &id);
    }
    Ok(id)
}

/// Moves a label to a version; the version that loses `AWSCURRENT` gets `AWSPREVIOUS`.
fn attach(secret: &mut Secret, label: &str, to: &str) {
    let holder = secret.versions.iter().find(|(_, version)| version.labels.contains(label));
    let holder = holder.map(|(id, _)| id.clone());
    for version in secret.versions.values_mut() {
        version.labels.remove(label);
    }
    if let Some(version) = secret.versions.get_mut(to) {
        version.labels.insert(label.to_owned());
    }
    if label == CURRENT
        && let Some(before) = holder.filter(|before| before != to)
    {
        attach(secret, PREVIOUS, &before);
    }
}

pub(crate) fn move_label(state: &mut Secrets, body: &Value, pending_goes: bool) -> Result<Value, AwsError> {
    let (name, secret) = named(state, body)?;
    let label = required(body, "VersionStage")?;
    let (to, from) = (text(body, "MoveToVersionId"), text(body, "RemoveFromVersionId"));
    for id in [to, from].into_iter().flatten() {
        if !secret.versions.contains_key(id) {
            return Err(AwsError::json("ResourceNotFoundException", format!("There is no version {id}.")));
        }
    }
    let holder =
        secret.versions.iter().find(|(_, version)| version.labels.contains(label)).map(|(id, _)| id.clone());
    if let Some(from) = from.filter(|from| holder.as_deref() != Some(*from)) {
        return Err(invalid_parameter(format!("Staging label {label} isn't attached to version {from}.")));
    }
    if let Some(holder) = &holder
        && from.is_none_or(|from| from != holder)
        && to != Some(holder)
    {
        return Err(invalid_parameter(format!(
            "The parameter RemoveFromVersionId can't be empty. Staging label {label} is currently attached to version {holder}, so you must explicitly reference that version in RemoveFromVersionId."
        )));
    }
    match to {
        Some(to) => {
            attach(secret, label, to);
            if label == CURRENT && pending_goes {
                secret.drop_label(PENDING);
            }
        }
        None => {
            if label == CURRENT {
                return Err(invalid_parameter(
                    "You can only move staging label AWSCURRENT to a different secret version. It can’t be completely removed.",
                ));
            }
            for version in secret.versions.values_mut() {
                version.labels.remove(label);
            }
        }
    }
    Ok(json!({ "ARN": secret.arn, "Name": name }))
}

pub(crate) fn delete(state: &mut Secrets, body: &Value, now: Timestamp) -> Result<Value, AwsError> {
    let name = name_of(state, required(body, "SecretId")?).ok_or_else(not_found)?.to_owned();
    let arn = state.all.get(&name).map(|secret| secret.arn.clone()).unwrap_or_default();
    if body["ForceDeleteWithoutRecovery"] == true {
        state.all.remove(&name);
    } else if let Some(secret) = state.all.get_mut(&name) {
        secret.deleted = Some(now);
    }
    Ok(json!({ "ARN": arn, "Name": name, "DeletionDate": seconds(now) }))
}

pub(crate) fn restore(state: &mut Secrets, body: &Value) -> Result<Value, AwsError> {
    let name = name_of(state, required(body, "SecretId")?).ok_or_else(not_found)?.to_owned();
    let secret = state.all.get_mut(&name).ok_or_else(not_found)?;
    secret.deleted = None;
    Ok(json!({ "ARN": secret.arn, "Name": name }))
}

/// Puts a secret into the account, as a deployment has it: under its ARN, or a name.
pub(crate) fn plant(state: &mut Secrets, id: &str, value: &str, now: Timestamp) {
    let name = match id.split_once(":secret:").and_then(|(_, rest)| rest.rsplit_once('-')) {
        Some((name, _)) => name.to_owned(),
        None => id.to_owned(),
    };
    let arn = if id.starts_with("arn:") { id.to_owned() } else { format!("{}{name}-AbCdEf", state.prefix) };
    let labels = BTreeSet::from([CURRENT.to_owned()]);
    let version = Version { value: value.to_owned(), created: now, labels };
    let versions = BTreeMap::from([(random::request_id(), version)]);
    state.all.insert(name, Secret { versions, ..Secret::new(arn, now) });
}

/// Gives a secret a tag.
pub(crate) fn set_tag(state: &mut Secrets, id: &str, key: &str, value: &str) {
    let Some(name) = name_of(state, id).map(str::to_owned) else { return };
    if let Some(secret) = state.all.get_mut(&name) {
        secret.tags.insert(key.to_owned(), value.to_owned());
    }
}

/// Gives the only version of a secret an id, and the secret a function that rotates it.
pub(crate) fn set_rotated(state: &mut Secrets, id: &str, version: &str, function: &str) {
    let Some(name) = name_of(state, id).map(str::to_owned) else { return };
    let Some(secret) = state.all.get_mut(&name) else { return };
    let versions = std::mem::take(&mut secret.versions);
    secret.versions = versions.into_values().map(|one| (version.to_owned(), one)).collect();
    let (function, rules) = (function.to_owned(), json!({ "AutomaticallyAfterDays": 30 }));
    secret.rotation = Some(Rotation { function, rules, enabled: true, last: None });
}

/// The value with `AWSCURRENT`.
pub(crate) fn current(state: &Secrets, id: &str) -> Option<String> {
    let secret = state.all.get(name_of(state, id)?).filter(|secret| secret.deleted.is_none())?;
    let version = secret.versions.values().find(|version| version.labels.contains(CURRENT))?;
    Some(version.value.clone())
}

/// Names, and the labels of the versions: no values.
pub(crate) fn snapshot(state: &Secrets) -> Value {
    let of = |secret: &Secret| -> Vec<Vec<String>> {
        let mut labels: Vec<Vec<String>> = secret
            .versions
            .values()
            .filter(|version| !version.labels.is_empty())
            .map(|version| version.labels.iter().cloned().collect())
            .collect();
        labels.sort();
        labels
    };
    let kept = state.all.iter().filter(|(_, secret)| secret.deleted.is_none());
    kept.map(|(name, secret)| (name.clone(), json!(of(secret)))).collect::<serde_json::Map<_, _>>().into()
}
