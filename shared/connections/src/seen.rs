//! What the org has before a change, and after a failed one.

use std::collections::BTreeSet;

use futures::{StreamExt, TryStreamExt, stream};
use okta_client::models::{
    AppId, Application, CustomRoleId, GrantId, JsonWebKeyId, ResourceSetId, Role, UserId,
};
use okta_client::{Client, Error};
use serde_json::Value;

use crate::address::Address;
use crate::stop::{Code, Stop};
use crate::stored::Stored;

/// Begins the note that makes an app ours; then come the preset and an id.
pub const MARK: &str = "okta-dac connection v1 ";

/// Calls at once.
const AT_ONCE: usize = 4;

/// Whose the bootstrap token is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Id.
    pub id: UserId,
    /// Login.
    pub login: String,
    /// Roles by type, their own and those of their groups; [`None`] if they may not read
    /// them.
    pub roles: Option<BTreeSet<String>>,
}

/// A service app.
#[derive(Clone, Debug)]
pub struct SeenApp {
    /// Id, and client id.
    pub id: AppId,
    /// Label.
    pub label: String,
    /// Our note, if it is ours.
    pub mark: Option<String>,
    /// Whether it is switched on.
    pub active: bool,
    /// Whether its tokens are bound to a key.
    pub dpop: bool,
    /// Nothing but keys shows who the client is: no secret. Label and note say nothing of
    /// that: whoever administers apps writes them.
    pub by_keys_alone: bool,
    /// Where Okta reads the keys, if it does not keep them.
    pub jwks_uri: Option<String>,
    /// Its keys: id, `kid`, whether the key is active.
    pub keys: Vec<(JsonWebKeyId, String, bool)>,
    /// Its scopes.
    pub grants: Vec<(GrantId, String)>,
    /// Its roles.
    pub roles: Vec<Role>,
}

impl SeenApp {
    /// Whether the keys of the credential are the only way in. Whoever administers apps can
    /// write our label and our note, and add a way in of their own.
    ///
    /// # Errors
    ///
    /// There is another way in, or the keys are not where the connection has them.
    pub fn has_no_other_way_in(&self, address: Option<&Address>) -> Result<(), Stop> {
        let stop = |sentence: String| {
            let sentence = format!("the app `{}` ({}) {sentence}", self.label, self.id);
            Err(Stop::new(Code::Ambiguous, sentence))
        };
        if !self.by_keys_alone {
            return stop(
                "has another way in than the keys that it lists: it gets no scopes; `--name` makes another"
                    .to_owned(),
            );
        }
        // Okta forgets the keys that it keeps when an app gets an address.
        let address = address.map(ToString::to_string);
        if self.jwks_uri == address {
            return Ok(());
        }
        let place =
            |at: &Option<String>| at.as_ref().map_or_else(|| "in Okta".to_owned(), |at| format!("at {at}"));
        stop(format!(
            "has its keys {}, and not {}: `--name` makes another",
            place(&self.jwks_uri),
            place(&address)
        ))
    }

    /// Whether every key that is in use is held.
    ///
    /// # Errors
    ///
    /// Somebody has added one.
    pub fn has_no_other_key(&self, stored: &Stored) -> Result<(), Stop> {
        let held = stored.held();
        match self.keys.iter().find(|(_, kid, active)| *active && !held.contains(&kid.as_str())) {
            None => Ok(()),
            Some((_, kid, _)) => {
                let sentence = format!(
                    "the app `{}` ({}) has a key that nobody here holds: {kid}; look who added the key",
                    self.label, self.id
                );
                Err(Stop::new(Code::Ambiguous, sentence))
            }
        }
    }

    /// Whether it has an active key of this id.
    pub fn has_key(&self, kid: &str) -> bool {
        self.keys.iter().any(|(_, own, active)| own == kid && *active)
    }
}

/// The parts of an org that a connection concerns.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Service apps with the label.
    pub apps: Vec<SeenApp>,
    /// The custom role with the label, and what it may do.
    pub role: Option<(CustomRoleId, BTreeSet<String>)>,
    /// The resource set with the label, and its resources.
    pub set: Option<(ResourceSetId, BTreeSet<String>)>,
}

impl Owner {
    /// Asks whose token the client calls with.
    ///
    /// # Errors
    ///
    /// Okta does not take the token, or is not available.
    pub async fn read(client: &Client) -> Result<Self, Stop> {
        let doing = |error| Stop::of("asking whose token this is", &error);
        let (user, roles) = futures::join!(client.get_user("me"), client.list_assigned_roles_for_user("me"));
        let user = user.map_err(doing)?;
        let roles = match roles {
            Ok(roles) => Some(roles.into_iter().map(|role| role.kind).collect()),
            Err(Error::Api(api)) if api.status == 403 => None,
            Err(error) => return Err(doing(error)),
        };
        let login = user.profile.get("login").and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(Self { id: user.id, login, roles })
    }

    /// Whether they are a super admin.
    pub fn is_super_admin(&self) -> bool {
        self.roles.as_ref().is_some_and(|roles| roles.contains("SUPER_ADMIN"))
    }
}

impl Seen {
    /// Looks for the apps with a label, and for a custom role and a resource set.
    ///
    /// # Errors
    ///
    /// Okta does not allow it, or is not available.
    pub async fn read(client: &Client, label: &str, custom: Option<(&str, &str)>) -> Result<Self, Stop> {
        let (apps, (role, set)) = futures::try_join!(apps(client, label), custom_parts(client, custom))?;
        Ok(Self { apps, role, set })
    }

    /// The service app of a client, and a custom role and a resource set.
    ///
    /// # Errors
    ///
    /// There is none, Okta does not allow it, or is not available.
    pub async fn client(client: &Client, id: &AppId, custom: Option<(&str, &str)>) -> Result<Self, Stop> {
        let app = async {
            let app =
                client.get_application(id).await.map_err(|error| Stop::of("reading the app", &error))?;
            app_of(client, app).await
        };
        let (app, (role, set)) = futures::try_join!(app, custom_parts(client, custom))?;
        Ok(Self { apps: vec![app], role, set })
    }

    /// The one app, if there is one: that of a mark, or with `adopt` any.
    ///
    /// # Errors
    ///
    /// There are several, or one that is not ours.
    pub fn app(&self, adopt: bool) -> Result<Option<&SeenApp>, Stop> {
        let ambiguous = |sentence: String| Err(Stop::new(Code::Ambiguous, sentence));
        match &self.apps[..] {
            [] => Ok(None),
            [app] if app.mark.is_some() || adopt => Ok(Some(app)),
            [app] => ambiguous(format!(
                "the service app `{}` ({}) was not made by okta-dac: `--adopt` takes it over, `--name` makes another",
                app.label, app.id
            )),
            several => {
                let ids: Vec<&str> = several.iter().map(|app| app.id.as_str()).collect();
                ambiguous(format!(
                    "{} service apps are called `{}`: {}",
                    ids.len(),
                    several[0].label,
                    ids.join(", ")
                ))
            }
        }
    }
}

/// Service apps with exactly this label.
async fn apps(client: &Client, label: &str) -> Result<Vec<SeenApp>, Stop> {
    let doing = |error| Stop::of("looking for the app", &error);
    let found: Vec<Application> = client.list_applications(Some(label)).try_collect().await.map_err(doing)?;
    let ours = found.into_iter().filter(|app| app.label == label && is_service(app));
    let apps = stream::iter(ours).map(|app| app_of(client, app)).buffered(AT_ONCE);
    apps.try_collect().await
}

fn oauth(app: &Application) -> &Value {
    app.other.get("settings").map_or(&Value::Null, |settings| &settings["oauthClient"])
}

fn is_service(app: &Application) -> bool {
    oauth(app)["application_type"] == "service"
}

/// The note of an app.
pub fn mark(app: &Application) -> Option<String> {
    let note = app.other.get("settings")?["notes"]["admin"].as_str()?;
    note.starts_with(MARK).then(|| note.to_owned())
}

fn authenticates_by_keys_alone(app: &Application) -> bool {
    let credentials = app.other.get("credentials").map_or(&Value::Null, |own| &own["oauthClient"]);
    credentials["token_endpoint_auth_method"] == "private_key_jwt"
}

/// Where Okta reads the keys of an app.
pub fn jwks_uri(app: &Application) -> Option<String> {
    oauth(app)["jwks_uri"].as_str().filter(|address| !address.is_empty()).map(str::to_owned)
}

async fn app_of(client: &Client, app: Application) -> Result<SeenApp, Stop> {
    let doing = |error| Stop::of("reading the app", &error);
    let id = app.id.clone();
    let (keys, grants, roles) = futures::try_join!(
        client.list_jwk(&id),
        client.list_scope_consent_grants(&id),
        client.list_roles_for_client(&id)
    )
    .map_err(doing)?;
    Ok(SeenApp {
        label: app.label.clone(),
        mark: mark(&app),
        active: app.status == "ACTIVE",
        dpop: oauth(&app)["dpop_bound_access_tokens"] == true,
        by_keys_alone: authenticates_by_keys_alone(&app),
        jwks_uri: jwks_uri(&app),
        keys: keys.into_iter().map(|key| (key.id, key.kid, key.status == "ACTIVE")).collect(),
        grants: grants.into_iter().map(|grant| (grant.id, grant.scope_id)).collect(),
        roles,
        id,
    })
}

type Parts = (Option<(CustomRoleId, BTreeSet<String>)>, Option<(ResourceSetId, BTreeSet<String>)>);

/// The custom role and the resource set with these labels.
async fn custom_parts(client: &Client, labels: Option<(&str, &str)>) -> Result<Parts, Stop> {
    let Some((role, set)) = labels else { return Ok((None, None)) };
    let doing = |error| Stop::of("looking for the custom role", &error);
    let (roles, sets) =
        futures::try_join!(client.list_custom_roles(), client.list_resource_sets()).map_err(doing)?;
    let role = match roles.into_iter().find(|own| own.label == role) {
        Some(own) => {
            let permissions = client.list_role_permissions(&own.id).await.map_err(doing)?;
            Some((own.id, permissions.into_iter().collect()))
        }
        None => None,
    };
    let set = match sets.into_iter().find(|own| own.label == set) {
        Some(own) => {
            let resources = client.list_resource_set_resources(&own.id).await.map_err(doing)?;
            Some((own.id, resources.into_iter().collect()))
        }
        None => None,
    };
    Ok((role, set))
}
