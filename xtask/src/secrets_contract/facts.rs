//! What Secrets Manager does, as far as rotations rely on it: each fact with its source, the
//! Secrets Manager API Reference 2017-10-17 unless the fact says otherwise.

use std::future::Future;
use std::pin::Pin;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueOutput;
use aws_sdk_secretsmanager::types::{Filter, FilterNameStringType, RotationRulesType, Tag};

/// What a check becomes: nothing, or what was found instead.
type Checking = Pin<Box<dyn Future<Output = Result<(), String>>>>;

/// Something that Secrets Manager does.
#[derive(Clone, Copy)]
pub(super) struct Fact {
    /// What.
    pub(super) name: &'static str,
    /// Tries it with a secret of this name.
    pub(super) check: fn(Client, String) -> Checking,
}

/// The first version, and the next.
const ONE: &str = "00000000-0000-4000-8000-000000000001";
const TWO: &str = "00000000-0000-4000-8000-000000000002";

const CURRENT: &str = "AWSCURRENT";
const PENDING: &str = "AWSPENDING";
const PREVIOUS: &str = "AWSPREVIOUS";

const FUNCTION: &str = "arn:aws:lambda:us-east-1:000000000000:function:rotates";

type Checked = Result<(), String>;

/// A fact by the name of its function.
macro_rules! facts {
    ($($name:ident),* $(,)?) => {
        &[$(Fact { name: stringify!($name), check: |client, secret| Box::pin($name(client, secret)) }),*]
    };
}

/// All of them.
pub(super) const FACTS: &[Fact] = facts![
    a_secret_begins_with_one_current_version,
    a_name_is_taken_once,
    a_value_is_read_by_version_and_label_together,
    a_pending_version_leaves_the_current_one,
    the_same_version_with_the_same_value_is_no_change,
    the_same_version_with_another_value_is_refused,
    a_new_version_without_labels_is_the_current_one,
    the_first_version_is_current_whatever_is_asked_for,
    the_label_moves_and_the_one_before_is_previous,
    what_is_current_is_read_without_a_label,
    a_label_is_not_taken_from_a_version_that_is_not_named,
    a_label_is_not_taken_from_a_version_that_lacks_it,
    a_label_is_taken_away,
    an_id_of_a_version_has_thirty_two_characters,
    a_secret_that_is_not_there_is_not_found,
    a_version_that_is_not_there_is_not_found,
    a_version_says_when_it_was_made,
    secrets_are_listed_by_beginning_and_tag,
    a_deleted_secret_is_not_read_until_it_is_restored,
    a_rotation_needs_a_function,
    a_rotation_begins_with_an_empty_pending_version,
    a_rotation_that_is_not_complete_is_refused,
    the_rules_of_a_rotation_are_kept,
    rules_are_days_or_a_schedule,
    a_rotation_is_switched_off,
    a_random_password_has_what_was_asked_for,
];

/// Makes a secret; gives the id of its version.
async fn created(client: &Client, name: &str) -> Result<String, String> {
    let create = client.create_secret().name(name).client_request_token(ONE).secret_string("one");
    let made = create.send().await.map_err(|error| said("CreateSecret", &error))?;
    made.version_id.ok_or_else(|| "CreateSecret gave no VersionId".to_owned())
}

async fn put(client: &Client, name: &str, value: &str) -> Checked {
    let put = client.put_secret_value().secret_id(name).client_request_token(TWO).secret_string(value);
    put.version_stages(PENDING).send().await.map(drop).map_err(|error| said("PutSecretValue", &error))
}

async fn current_moved(client: &Client, name: &str, from: &str) -> Checked {
    let update = client.update_secret_version_stage().secret_id(name).version_stage(CURRENT);
    let update = update.move_to_version_id(TWO).remove_from_version_id(from).send().await;
    update.map(drop).map_err(|error| said("UpdateSecretVersionStage", &error))
}

async fn read(
    client: &Client,
    name: &str,
    version: Option<&str>,
    label: Option<&str>,
) -> Result<GetSecretValueOutput, String> {
    let get = client.get_secret_value().secret_id(name);
    let get = get.set_version_id(version.map(str::to_owned)).set_version_stage(label.map(str::to_owned));
    get.send().await.map_err(|error| said("GetSecretValue", &error))
}

async fn value(client: &Client, name: &str, label: Option<&str>) -> Result<String, String> {
    Ok(read(client, name, None, label).await?.secret_string.unwrap_or_default())
}

/// The labels of a version, in order.
async fn labels(client: &Client, name: &str, version: &str) -> Result<Vec<String>, String> {
    let described = client.describe_secret().secret_id(name).send().await;
    let described = described.map_err(|error| said("DescribeSecret", &error))?;
    let all = described.version_ids_to_stages.unwrap_or_default();
    let mut labels = all.get(version).cloned().unwrap_or_default();
    labels.sort();
    Ok(labels)
}

fn said<E: ProvideErrorMetadata, R>(operation: &str, error: &SdkError<E, R>) -> String {
    let code = error.as_service_error().and_then(|error| error.meta().code());
    format!("{operation} answered {}", code.unwrap_or("no error that can be read"))
}

fn is<T: PartialEq + std::fmt::Debug>(found: T, expected: T) -> Checked {
    if found == expected { Ok(()) } else { Err(format!("found {found:?}, not {expected:?}")) }
}

/// That an operation was refused with this code.
fn refused<T, E: ProvideErrorMetadata, R>(answer: Result<T, SdkError<E, R>>, code: &str) -> Checked {
    match answer {
        Ok(_) => Err(format!("done, and not refused with {code}")),
        Err(error) => {
            let service = error.as_service_error().and_then(|error| error.meta().code());
            is(service.unwrap_or("no error that can be read"), code)
        }
    }
}

/// `CreateSecret`: `ClientRequestToken` "becomes the `VersionId` of the new version".
async fn a_secret_begins_with_one_current_version(client: Client, name: String) -> Checked {
    is(created(&client, &name).await?, ONE.to_owned())?;
    is(labels(&client, &name, ONE).await?, vec![CURRENT.to_owned()])?;
    is(value(&client, &name, None).await?, "one".to_owned())
}

async fn a_name_is_taken_once(client: Client, name: String) -> Checked {
    created(&client, &name).await?;
    let again = client.create_secret().name(&name).client_request_token(TWO).secret_string("two");
    refused(again.send().await, "ResourceExistsException")
}

/// `GetSecretValue`: "If you use this parameter with `VersionId`, both must refer to the same
/// secret version." The code is LocalStack's and moto's, which agree.
async fn a_value_is_read_by_version_and_label_together(client: Client, name: String) -> Checked {
    let one = created(&client, &name).await?;
    put(&client, &name, "two").await?;
    is(read(&client, &name, Some(TWO), Some(PENDING)).await?.secret_string.as_deref(), Some("two"))?;
    let get = client.get_secret_value().secret_id(&name).version_id(&one).version_stage(PENDING);
    refused(get.send().await, "InvalidRequestException")
}

async fn a_pending_version_leaves_the_current_one(client: Client, name: String) -> Checked {
    created(&client, &name).await?;
    put(&client, &name, "two").await?;
    is(value(&client, &name, None).await?, "one".to_owned())?;
    is(labels(&client, &name, TWO).await?, vec![PENDING.to_owned()])
}

/// `PutSecretValue`: "If a version with this `VersionId` already exists, and the contents of
/// that version match those in the request, then the request is ignored."
async fn the_same_version_with_the_same_value_is_no_change(client: Client, name: String) -> Checked {
    created(&client, &name).await?;
    put(&client, &name, "two").await?;
    put(&client, &name, "two").await?;
    is(value(&client, &name, Some(PENDING)).await?, "two".to_owned())
}

/// The same paragraph: "the request fails because you can't modify an existing version."
async fn the_same_version_with_another_value_is_refused(client: Client, name: String) -> Checked {
    created(&client, &name).await?;
    put(&client, &name, "two").await?;
    let other = client.put_secret_value().secret_id(&name).client_request_token(TWO).secret_string("other");
    refused(other.version_stages(PENDING).send().await, "ResourceExistsException")
}

/// `PutSecretValue`: without `VersionStages`, "Secrets Manager automatically moves the staging
/// label `AWSCURRENT` to this version".
async fn a_new_version_without_labels_is_the_current_one(client: Client, name: String) -> Checked {
    let one = created(&client, &name).await?;
    let put = client.put_secret_value().secret_id(&name).client_request_token(TWO).secret_string("two");
    put.send().await.map_err(|error| said("PutSecretValue", &error))?;
    is(value(&client, &name, None).await?, "two".to_owned())?;
    is(labels(&client, &name, &one).await?, vec![PREVIOUS.to_owned()])
}

/// `PutSecretValue`: "If this operation creates the first version for the secret, then Secrets
/// Manager automatically attaches the staging label `AWSCURRENT` to it."
async fn the_first_version_is_current_whatever_is_asked_for(client: Client, name: String) -> Checked {
    let create = client.create_secret().name(&name).send().await;
    create.map_err(|error| said("CreateSecret", &error))?;
    put(&client, &name, "two").await?;
    is(labels(&client, &name, TWO).await?.contains(&CURRENT.to_owned()), true)?;
    is(value(&client, &name, Some(CURRENT)).await?, "two".to_owned())
}

/// `UpdateSecretVersionStage`: moving `AWSCURRENT` attaches `AWSPREVIOUS` to the version that
/// had it.
async fn the_label_moves_and_the_one_before_is_previous(client: Client, name: String) -> Checked {
    let one = created(&client, &name).await?;
    put(&client, &name, "two").await?;
    current_moved(&client, &name, &one).await?;
    is(value(&client, &name, Some(CURRENT)).await?, "two".to_owned())?;
    is(labels(&client, &name, &one).await?, vec![PREVIOUS.to_owned()])
}

/// `GetSecretValue`: "If you don't specify either a `VersionStage` or `VersionId`, then Secrets
/// Manager returns the `AWSCURRENT` version."
async fn what_is_current_is_read_without_a_label(client: Client, name: String) -> Checked {
    let one = created(&client, &name).await?;
    put(&client, &name, "two").await?;
    current_moved(&client, &name, &one).await?;
    is(value(&client, &name, None).await?, "two".to_owned())
}

/// `UpdateSecretVersionStage`, `RemoveFromVersionId`: "if the label is attached and you either
/// do not specify this parameter, or the version ID does not match, then the operation fails".
async fn a_label_is_not_taken_from_a_version_that_is_not_named(client: Client, name: String) -> Checked {
    let one = created(&client, &name).await?;
    put(&client, &name, "two").await?;
    let update = client.update_secret_version_stage().secret_id(&name).version_stage(CURRENT);
    refused(update.move_to_version_id(TWO).send().await, "InvalidParameterException")?;
    is(labels(&client, &name, &one).await?, vec![CURRENT.to_owned()])
}

/// The same sentence.
async fn a_label_is_not_taken_from_a_version_that_lacks_it(client: Client, name: String) -> Checked {
    let one = created(&client, &name).await?;
    put(&client, &name, "two").await?;
    let update = client.update_secret_version_stage().secret_id(&name).version_stage(PENDING);
    refused(update.remove_from_version_id(&one).send().await, "InvalidParameterException")?;
    is(labels(&client, &name, TWO).await?, vec![PENDING.to_owned()])
}

async fn a_label_is_taken_away(client: Client, name: String) -> Checked {
    created(&client, &name).await?;
    put(&client, &name, "two").await?;
    let update = client.update_secret_version_stage().secret_id(&name).version_stage(PENDING);
    let update = update.remove_from_version_id(TWO).send().await;
    update.map_err(|error| said("UpdateSecretVersionStage", &error))?;
    is(labels(&client, &name, TWO).await?, Vec::new())?;
    let get = client.get_secret_value().secret_id(&name).version_stage(PENDING);
    refused(get.send().await, "ResourceNotFoundException")
}

/// `ClientRequestToken`: minimum length 32.
async fn an_id_of_a_version_has_thirty_two_characters(client: Client, name: String) -> Checked {
    created(&client, &name).await?;
    let put = client.put_secret_value().secret_id(&name).client_request_token("short").secret_string("two");
    refused(put.send().await, "InvalidParameterException")
}

async fn a_secret_that_is_not_there_is_not_found(client: Client, name: String) -> Checked {
    refused(client.get_secret_value().secret_id(&name).send().await, "ResourceNotFoundException")?;
    refused(client.describe_secret().secret_id(&name).send().await, "ResourceNotFoundException")
}

async fn a_version_that_is_not_there_is_not_found(client: Client, name: String) -> Checked {
    created(&client, &name).await?;
    let get = client.get_secret_value().secret_id(&name).version_id(TWO);
    refused(get.send().await, "ResourceNotFoundException")
}

/// `GetSecretValue`: `CreatedDate` is of the version.
async fn a_version_says_when_it_was_made(client: Client, name: String) -> Checked {
    let one = created(&client, &name).await?;
    put(&client, &name, "two").await?;
    let date = async |version| {
        let read = read(&client, &name, Some(version), None).await?;
        let date = read.created_date.and_then(|date| date.to_millis().ok());
        date.ok_or_else(|| "a version has no date".to_owned())
    };
    is(date(&one).await? <= date(TWO).await?, true)
}

/// `ListSecrets`: filters `name` and `tag-key` are "prefix match", and all of them count.
async fn secrets_are_listed_by_beginning_and_tag(client: Client, name: String) -> Checked {
    for (end, tag) in [("-one", "okta-dac:rotate"), ("-two", "other"), ("-three", "okta-dac:rotate")] {
        let tag = Tag::builder().key(tag).value("30").build();
        let create = client.create_secret().name(format!("{name}{end}")).secret_string("x").tags(tag);
        create.send().await.map_err(|error| said("CreateSecret", &error))?;
    }
    let filter = |key, value: &str| Filter::builder().key(key).values(value).build();
    let list = client.list_secrets().filters(filter(FilterNameStringType::Name, &name));
    let list = list.filters(filter(FilterNameStringType::TagKey, "okta-dac:rotate")).send().await;
    let listed = list.map_err(|error| said("ListSecrets", &error))?.secret_list.unwrap_or_default();
    let mut names: Vec<String> = listed.into_iter().filter_map(|secret| secret.name).collect();
    names.sort();
    is(names, vec![format!("{name}-one"), format!("{name}-three")])
}

async fn a_deleted_secret_is_not_read_until_it_is_restored(client: Client, name: String) -> Checked {
    created(&client, &name).await?;
    let delete = client.delete_secret().secret_id(&name).recovery_window_in_days(7).send().await;
    delete.map_err(|error| said("DeleteSecret", &error))?;
    refused(client.get_secret_value().secret_id(&name).send().await, "InvalidRequestException")?;
    let restore = client.restore_secret().secret_id(&name).send().await;
    restore.map_err(|error| said("RestoreSecret", &error))?;
    is(value(&client, &name, None).await?, "one".to_owned())
}

async fn a_rotation_needs_a_function(client: Client, name: String) -> Checked {
    created(&client, &name).await?;
    refused(client.rotate_secret().secret_id(&name).send().await, "InvalidRequestException")
}

async fn rotated(client: &Client, name: &str) -> Checked {
    let rules = RotationRulesType::builder().automatically_after_days(30).build();
    let rotate = client.rotate_secret().secret_id(name).rotation_lambda_arn(FUNCTION).rotation_rules(rules);
    let rotate = rotate.client_request_token(TWO).send().await;
    rotate.map(drop).map_err(|error| said("RotateSecret", &error))
}

/// User Guide, "Lambda rotation functions": the version is there, with `AWSPENDING` and without
/// a value, before `createSecret`.
async fn a_rotation_begins_with_an_empty_pending_version(client: Client, name: String) -> Checked {
    created(&client, &name).await?;
    rotated(&client, &name).await?;
    is(labels(&client, &name, TWO).await?, vec![PENDING.to_owned()])?;
    is(value(&client, &name, Some(CURRENT)).await?, "one".to_owned())?;
    let get = client.get_secret_value().secret_id(&name).version_stage(PENDING);
    refused(get.send().await, "ResourceNotFoundException")
}

/// `RotateSecret`: where `AWSPENDING` is on another version than `AWSCURRENT`, "any later
/// invocation of `RotateSecret` assumes that a previous rotation request is still in progress
/// and returns an error".
async fn a_rotation_that_is_not_complete_is_refused(client: Client, name: String) -> Checked {
    created(&client, &name).await?;
    put(&client, &name, "two").await?;
    let rotate = client.rotate_secret().secret_id(&name).rotation_lambda_arn(FUNCTION);
    refused(rotate.send().await, "InvalidRequestException")
}

async fn the_rules_of_a_rotation_are_kept(client: Client, name: String) -> Checked {
    created(&client, &name).await?;
    rotated(&client, &name).await?;
    let described = client.describe_secret().secret_id(&name).send().await;
    let described = described.map_err(|error| said("DescribeSecret", &error))?;
    is(described.rotation_enabled, Some(true))?;
    is(described.rotation_lambda_arn.as_deref(), Some(FUNCTION))?;
    is(described.rotation_rules.and_then(|rules| rules.automatically_after_days), Some(30))
}

/// `RotationRulesType`: "You can't use both."
async fn rules_are_days_or_a_schedule(client: Client, name: String) -> Checked {
    created(&client, &name).await?;
    let rules = RotationRulesType::builder().automatically_after_days(30).schedule_expression("rate(1 day)");
    let rotate = client.rotate_secret().secret_id(&name).rotation_lambda_arn(FUNCTION);
    refused(rotate.rotation_rules(rules.build()).send().await, "InvalidParameterException")
}

async fn a_rotation_is_switched_off(client: Client, name: String) -> Checked {
    created(&client, &name).await?;
    rotated(&client, &name).await?;
    let cancel = client.cancel_rotate_secret().secret_id(&name).send().await;
    cancel.map_err(|error| said("CancelRotateSecret", &error))?;
    let described = client.describe_secret().secret_id(&name).send().await;
    let described = described.map_err(|error| said("DescribeSecret", &error))?;
    is(described.rotation_enabled.unwrap_or_default(), false)
}

async fn a_random_password_has_what_was_asked_for(client: Client, _name: String) -> Checked {
    let get =
        client.get_random_password().password_length(40).exclude_characters("abc").exclude_numbers(true);
    let made = get.send().await.map_err(|error| said("GetRandomPassword", &error))?;
    let password = made.random_password.unwrap_or_default();
    is(password.chars().count(), 40)?;
    is(password.contains(['a', 'b', 'c', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']), false)
}
