//! Users: create, read, update, delete, search.
//!
//! Evidence: recordings of the Terraform provider (create answers 200; without
//! a password an activated user is PROVISIONED; an unknown attribute is
//! E0000001 `newUser`; unset dates are null), in full recorded answers 12 to 16
//! (docs/emulator.md); createUser, updateUser, replaceUser, deleteUser, listUsers;
//! reference page "Users" 2025-07.

use rayon::prelude::*;
use serde_json::{Value, json};

use crate::call::{Auth, Call, Outcome, Reply, Route, delete, get, post, put};
use crate::clock::okta_time;
use crate::error::OktaError;
use crate::filter::{Case, Filter, Operator};
use crate::json::{Object, at, lookup, text, texts};
use crate::org::{Org, User};
use crate::paging::{self, Limits};

use super::passwords;
use super::user_object::{etag, log, render_in_list, reply, reply_with_tag};

const USERS: Auth = Auth::Admin("users");

#[rustfmt::skip] // A table.
pub(crate) const ROUTES: &[Route] = &[
    get("/api/v1/users", "listUsers", USERS, list_users),
    post("/api/v1/users", "createUser", USERS, create_user),
    get("/api/v1/users/{id}", "getUser", USERS, get_user),
    post("/api/v1/users/{id}", "updateUser", USERS, update_user),
    put("/api/v1/users/{id}", "replaceUser", USERS, replace_user),
    delete("/api/v1/users/{id}", "deleteUser", USERS, delete_user),
    get("/api/v1/users/{id}/groups", "listUserGroups", USERS, list_user_groups),
    get("/api/v1/users/{id}/appLinks", "listAppLinks", USERS, list_app_links),
];

/// Properties that a `filter` may name; `search` takes all.
const FILTERABLE: &[&str] = &[
    "status",
    "lastUpdated",
    "id",
    "profile.login",
    "profile.email",
    "profile.firstName",
    "profile.lastName",
];

/// Users that a search looks at before it sees whether its page is full.
const CHUNK: usize = 8_192;

/// `q` is a prefix of first name, last name or e-mail, and does not page; it
/// and a bare list leave DEPROVISIONED users out, `search` and `filter` do not.
fn list_users(org: &mut Org, call: &Call) -> Outcome {
    let (search, filter, q) = (call.query("search"), call.query("filter"), call.query("q"));
    if [search, filter].iter().flatten().count() + usize::from(q.is_some()) > 1 {
        return Err(OktaError::query_and_filter());
    }
    let case = if filter.is_some() { Case::Sensitive } else { Case::Insensitive };
    let parsed = search.or(filter).map(Filter::parse).transpose()?;
    if let (Some(_), Some(parsed)) = (filter, &parsed) {
        let refused = parsed.tests().into_iter().find(|(path, operator)| {
            !FILTERABLE.contains(path) || (*operator != Operator::Equals && *path != "lastUpdated")
        });
        if let Some((path, _)) = refused {
            return Err(OktaError::invalid_search(format!("{path} cannot be filtered that way")));
        }
    }
    let prefix = q.map(str::to_lowercase);
    let begins = |user: &User, prefix: &str| {
        ["firstName", "lastName", "email"]
            .iter()
            .any(|name| text(&user.profile, name).to_lowercase().starts_with(prefix))
    };
    let lag = call.settings.search_lag_ms;
    // By login, which has an index of its own, a large org answers at once.
    let login = parsed.as_ref().filter(|_| case == Case::Insensitive).and_then(|f| f.single("profile.login"));
    let users = match login.filter(|_| org.users_are_indexed(call.now, lag)) {
        Some(login) => org.user_called(login).into_iter().collect::<Vec<&User>>(),
        None => org.indexed_users(call.now, lag),
    };
    let org = &*org;
    let is_found = |user: &&User| {
        (parsed.is_some() || user.status != "DEPROVISIONED")
            && parsed.as_ref().is_none_or(|filter| filter.matches(*user, case))
            && prefix.as_ref().is_none_or(|prefix| begins(user, prefix))
            && call.caller.sees_user(org, &user.id)
    };
    // Chunk by chunk, each on all cores: what a page does not need is not
    // looked at, and what has to look at everybody does not take long.
    let found = users
        .chunks(CHUNK)
        .flat_map(|chunk| chunk.par_iter().copied().filter(is_found).collect::<Vec<&User>>());
    let render = |user| render_in_list(user, &call.org_url);
    let cursor = |user: &&User| user.id.clone();
    if call.query("sortBy").is_none() && q.is_none() {
        // Only what the page needs is looked at.
        return Ok(paging::reply(call, found, Limits(200, 200), cursor, render));
    }
    let mut found: Vec<&User> = found.collect();
    paging::sort(&mut found, call);
    if q.is_some() {
        let limit = call.query("limit").and_then(|limit| limit.parse().ok()).unwrap_or(10);
        return Ok(Reply::ok(found.into_iter().take(limit).map(render).collect()));
    }
    Ok(paging::reply(call, found, Limits(200, 200), cursor, render))
}

fn create_user(org: &mut Org, call: &Call) -> Outcome {
    let body = call.object()?.clone();
    let activate = call.query("activate") != Some("false");
    let change = call.query("nextLogin") == Some("changePassword");
    let kind = match at(&body, "/type/id") {
        "" => org.default_user_type(),
        id => org
            .user_types
            .get(id)
            .map(|_| id.to_owned())
            .ok_or_else(|| OktaError::validation("type", "type: The user type does not exist"))?,
    };
    let mut profile = lookup(&body, "/profile").and_then(Value::as_object).cloned().unwrap_or_default();
    super::schemas::check_profile(org, &kind, &profile, "newUser")?;
    unset_nulls(&mut profile);
    let login = text(&profile, "login");
    check_login(call, login)?;
    if org.user_called(login).is_some() {
        return Err(OktaError::duplicate("login"));
    }
    let is_hashed = lookup(&body, "/credentials/password/hash").is_some();
    let provider = match at(&body, "/credentials/provider/type") {
        "" | "OKTA" if is_hashed => "IMPORT",
        "" => "OKTA",
        other => other,
    };
    let password = passwords::of_body(&body);
    if change && password.is_none() {
        return Err(OktaError::new(
            400,
            "E0000124",
            "Could not create user. To create a user and expire their password immediately, a password must be specified",
        ));
    }
    if change && !activate {
        return Err(OktaError::new(
            400,
            "E0000125",
            "Could not create user. To create a user and expire their password immediately, activate must be true",
        ));
    }
    if !["OKTA", "IMPORT"].contains(&provider) && password.is_some() {
        return Err(OktaError::validation("password", "password: A federated user has no password"));
    }
    let groups: Vec<String> = texts(&body, "/groupIds").into_iter().map(str::to_owned).collect();
    if !call.caller.may_create_in(org, &groups) {
        return Err(OktaError::forbidden());
    }
    for group in &groups {
        if org.group(group)?.kind != "OKTA_GROUP" {
            return Err(OktaError::forbidden());
        }
    }
    let (provider, time) = (provider.to_owned(), okta_time(call.now));
    let status = match (activate, password.is_some(), change) {
        (false, ..) => "STAGED",
        (true, true, true) => "PASSWORD_EXPIRED",
        (true, true, false) => "ACTIVE",
        (true, false, _) if provider == "OKTA" => "PROVISIONED",
        (true, false, _) => "ACTIVE",
    };
    let mut user = User {
        id: org.new_id("00u"),
        status: status.to_owned(),
        created: time.clone(),
        activated: activate.then(|| time.clone()),
        // A staged user with a password has a change of status behind it, as recorded.
        status_changed: (activate || password.is_some()).then(|| time.clone()),
        last_updated: time.clone(),
        kind,
        profile,
        provider,
        ..User::default()
    };
    if let Some(password) = password {
        let checks = passwords::Checks { history: false, age_at: None };
        passwords::check(org, &user, &password, checks).map_err(passwords::Refusal::at_creation)?;
        passwords::set(&mut user, &password, call.now);
    }
    passwords::set_question(&mut user, &body);
    let id = user.id.clone();
    org.insert_user(user, call.now);
    for group in groups.into_iter().chain(org.everyone()) {
        if let Some(group) = org.groups.get_mut(&group) {
            group.members.insert(id.clone());
        }
    }
    super::group_rules::apply(org, &id);
    log(org, call, "user.lifecycle.create", "Create Okta user", &id);
    if status == "PROVISIONED" {
        super::recovery::invite(org, call, &id, crate::org::live::Purpose::Activation, true);
    }
    Ok(reply(org, org.user(&id)?, call))
}

/// Shaped like an e-mail address.
fn check_login(call: &Call, login: &str) -> Result<(), OktaError> {
    let shaped = login.split_once('@').is_some_and(|(name, domain)| {
        !name.is_empty() && domain.contains('.') && !domain.starts_with('.') && !domain.ends_with('.')
    });
    if !(shaped || call.settings.any_login) || login.contains(char::is_whitespace) {
        return Err(OktaError::validation(
            "login",
            "login: Username must be in the form of an email address",
        ));
    }
    Ok(())
}

/// A null unsets an attribute, but for the two that are always printed.
fn unset_nulls(profile: &mut Object) {
    const ALWAYS: [&str; 2] = ["mobilePhone", "secondEmail"];
    profile.retain(|name, value| !value.is_null() || ALWAYS.contains(&name.as_str()));
    for unset in ALWAYS {
        profile.entry(unset).or_insert(Value::Null);
    }
}

fn get_user(org: &mut Org, call: &Call) -> Outcome {
    Ok(reply_with_tag(org, org.user(call.parameter("id"))?, call))
}

/// POST: only the given properties change.
fn update_user(org: &mut Org, call: &Call) -> Outcome {
    change_user(org, call, true)
}

/// PUT: profile properties that are left out are deleted, and the type may
/// change. A body with credentials alone changes no profile (recorded answer 16).
fn replace_user(org: &mut Org, call: &Call) -> Outcome {
    change_user(org, call, false)
}

fn change_user(org: &mut Org, call: &Call, partial: bool) -> Outcome {
    let answer = changed_user(org, call, partial)?;
    let id = org.user(call.parameter("id")).map(|user| user.id.clone());
    super::group_rules::apply(org, &id.unwrap_or_default());
    Ok(answer)
}

fn changed_user(org: &mut Org, call: &Call, partial: bool) -> Outcome {
    let body = call.object()?.clone();
    let user = org.user(call.parameter("id"))?.clone();
    if call.header("if-match").is_some_and(|tag| tag != etag(org, &user)) {
        return Err(OktaError::new(412, "E0000231", "The resource was modified since it was read."));
    }
    let mut new = user.clone();
    match at(&body, "/type/id") {
        "" => {}
        id if id == user.kind => {}
        _ if partial => {
            return Err(OktaError::validation("type", "type: The user type cannot be changed by POST"));
        }
        id if org.user_types.contains_key(id) => id.clone_into(&mut new.kind),
        _ => return Err(OktaError::validation("type", "type: The user type does not exist")),
    }
    let given = lookup(&body, "/profile").and_then(Value::as_object);
    if let Some(given) = given {
        let mut profile = if partial { user.profile.clone() } else { Object::new() };
        profile.extend(given.clone());
        unset_nulls(&mut profile);
        super::schemas::check_profile(org, &new.kind, &profile, "user")?;
        new.profile = profile;
    } else if !partial && !body.contains_key("credentials") {
        return Err(OktaError::missing("profile"));
    }
    check_login(call, new.login())?;
    if org.user_called(new.login()).is_some_and(|other| other.id != user.id) {
        return Err(OktaError::duplicate("login"));
    }
    if let Some(password) = passwords::of_body(&body) {
        let strict = call.query("strict") == Some("true");
        let checks = passwords::Checks { history: strict, age_at: strict.then_some(call.now) };
        passwords::check(org, &new, &password, checks).map_err(passwords::Refusal::at_creation)?;
        passwords::set(&mut new, &password, call.now);
        if ["PASSWORD_EXPIRED", "RECOVERY", "PROVISIONED"].contains(&new.status.as_str()) {
            new.set_status("ACTIVE", &okta_time(call.now));
        }
    }
    passwords::set_question(&mut new, &body);
    new.last_updated = okta_time(call.now);
    *org.user_mut(&user.id, call.now)? = new;
    org.login_changed(user.login(), &user.id);
    if passwords::of_body(&body).is_some() {
        log(org, call, "user.account.update_password", "User update password for Okta", &user.id);
    }
    if body.contains_key("profile") {
        log(org, call, "user.account.update_profile", "Update user profile for Okta", &user.id);
    }
    let user = org.user(&user.id)?;
    Ok(if partial { reply_with_tag(org, user, call) } else { reply(org, user, call) })
}

/// The first DELETE deactivates, the second one deletes.
fn delete_user(org: &mut Org, call: &Call) -> Outcome {
    let user = org.user(call.parameter("id"))?.clone();
    if user.status == "DEPROVISIONED" {
        log(org, call, "user.lifecycle.delete.initiated", "Delete Okta user initiated", &user.id);
        org.remove_user(&user.id, call.now);
        log(org, call, "user.lifecycle.delete.completed", "Delete Okta user completed", &user.id);
    } else {
        super::user_lifecycle::deactivate(org, &user.id, call)?;
    }
    Ok(Reply::no_content())
}

fn list_user_groups(org: &mut Org, call: &Call) -> Outcome {
    let user = org.user(call.parameter("id"))?.id.clone();
    let found = org.groups_of(&user).filter(|group| call.caller.sees_group(&group.id));
    let render = |group| super::groups::render(org, group, call);
    Ok(paging::reply(call, found, Limits(200, 200), |group| group.id.clone(), render))
}

/// One link per app that the user is assigned to.
fn list_app_links(org: &mut Org, call: &Call) -> Outcome {
    let user = org.user(call.parameter("id"))?.id.clone();
    let apps = org.apps.values().filter(|app| text(app, "status") == "ACTIVE");
    let apps = apps.filter(|app| org.is_assigned(&user, text(app, "id")));
    let links = apps.enumerate().map(|(order, app)| {
        let (id, name) = (text(app, "id"), text(app, "name"));
        json!({
            "id": format!("{}{}", &id[..3.min(id.len())], &user[3..]), "label": text(app, "label"),
            "linkUrl": call.url(super::apps::link_path(app)), "logoUrl": call.url("/img/logos/default.png"),
            "appName": name, "appInstanceId": id, "appAssignmentId": format!("0ua{}", &user[3..]),
            "credentialsSetup": false, "hidden": false, "sortOrder": order,
        })
    });
    Ok(Reply::ok(links.collect()))
}
