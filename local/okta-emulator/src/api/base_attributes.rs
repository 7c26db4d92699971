//! The attributes that every user has, and every user of an app: schemas before anybody changes them.
//!
//! Evidence: recorded answer 24 (docs/emulator.md); limits of lengths that the schema does not name
//! are in `limits`.

use serde_json::{Map, Value, json};

use crate::json::{Object, object, text};

/// Name, title, lengths, format, what a user may do with the own one.
type Attribute = (&'static str, &'static str, Option<(usize, usize)>, &'static str, &'static str);

#[rustfmt::skip] // A table; the first four are required.
const OF_USERS: &[Attribute] = &[
    ("login", "Username", Some((5, 100)), "", "READ_WRITE"),
    ("firstName", "First name", Some((1, 50)), "", "READ_WRITE"),
    ("lastName", "Last name", Some((1, 50)), "", "READ_WRITE"),
    ("email", "Primary email", None, "email", "READ_WRITE"),
    ("middleName", "Middle name", None, "", "READ_ONLY"),
    ("honorificPrefix", "Honorific prefix", None, "", "READ_ONLY"),
    ("honorificSuffix", "Honorific suffix", None, "", "READ_ONLY"),
    ("title", "Title", None, "", "READ_ONLY"),
    ("displayName", "Display name", None, "", "READ_ONLY"),
    ("nickName", "Nickname", None, "", "READ_ONLY"),
    ("profileUrl", "Profile Url", None, "uri", "READ_ONLY"),
    ("secondEmail", "Secondary email", None, "email", "READ_WRITE"),
    ("mobilePhone", "Mobile phone", Some((0, 100)), "", "READ_WRITE"),
    ("primaryPhone", "Primary phone", Some((0, 100)), "", "HIDE"),
    ("streetAddress", "Street address", None, "", "HIDE"),
    ("city", "City", None, "", "HIDE"),
    ("state", "State", None, "", "HIDE"),
    ("zipCode", "Zip code", None, "", "HIDE"),
    ("countryCode", "Country code", None, "country-code", "HIDE"),
    ("postalAddress", "Postal Address", None, "", "HIDE"),
    ("preferredLanguage", "Preferred language", None, "language-code", "READ_ONLY"),
    ("locale", "Locale", None, "locale", "READ_ONLY"),
    ("timezone", "Time zone", None, "timezone", "READ_ONLY"),
    ("userType", "User type", None, "", "READ_ONLY"),
    ("employeeNumber", "Employee number", None, "", "READ_ONLY"),
    ("costCenter", "Cost center", None, "", "READ_ONLY"),
    ("organization", "Organization", None, "", "READ_ONLY"),
    ("division", "Division", None, "", "READ_ONLY"),
    ("department", "Department", None, "", "READ_ONLY"),
    ("managerId", "ManagerId", None, "", "READ_ONLY"),
    ("manager", "Manager", None, "", "READ_ONLY"),
];

/// Name and title of what the users of an OIDC app have; what belongs to the address is outside a
/// part of the claim `address`.
#[rustfmt::skip] // A table; the first two are required.
const OF_OIDC_APPS: &[(&str, &str)] = &[
    ("userName", "Username"), ("name", "Name"), ("nickname", "Nickname"), ("given_name", "Given Name"),
    ("middle_name", "Middle Name"), ("family_name", "Family Name"), ("email", "Email"),
    ("profile", "Profile URL"), ("picture", "Picture URL"), ("website", "Website"), ("gender", "Gender"),
    ("birthdate", "Birthdate"), ("zoneinfo", "Time Zone"), ("locale", "Locale Name"),
    ("phone_number", "Phone Number"), ("street_address", "Street Address"), ("locality", "Locality"),
    ("region", "Region"), ("postal_code", "Postal Code"), ("country", "Country"), ("formatted", "Formatted"),
];

/// The schema of a user type, without custom attributes.
pub(crate) fn of_users(id: &str, time: &str) -> Object {
    let required: Vec<&str> = OF_USERS[..4].iter().map(|(name, ..)| *name).collect();
    let attribute = |(name, title, lengths, format, permission): &Attribute| {
        let mut attribute = json!({
            "title": title, "type": "string", "mutability": "READ_WRITE", "scope": "NONE",
            "permissions": [{ "principal": "SELF", "action": permission }], "master": { "type": "PROFILE_MASTER" },
        });
        if required.contains(name) {
            attribute["required"] = true.into();
        }
        if let Some((least, most)) = lengths {
            attribute["maxLength"] = (*most).into();
            if *least > 0 {
                attribute["minLength"] = (*least).into();
            }
        }
        if !format.is_empty() {
            attribute["format"] = (*format).into();
        }
        ((*name).to_owned(), attribute)
    };
    let base: Map<String, Value> = OF_USERS.iter().map(attribute).collect();
    let mut schema = schema(id, "user", "User", base, &required, time);
    schema.insert("description".to_owned(), "The profile of users in this org".into());
    if let Some(custom) = crate::json::lookup_mut(&mut schema, "/definitions/custom") {
        custom["required"] = json!([]);
    }
    schema
}

/// The schema of an app's users.
pub(crate) fn of_app_users(app: &Object, time: &str) -> Object {
    let is_oidc = text(app, "signOnMode") == "OPENID_CONNECT";
    let known = if is_oidc { OF_OIDC_APPS } else { &OF_OIDC_APPS[..1] };
    let required: &[&str] = if is_oidc { &["userName", "name"] } else { &["userName"] };
    let attribute = |(name, title): &(&str, &str)| {
        let mut attribute = json!({ "title": title, "type": "string", "scope": "NONE", "master": { "type": "PROFILE_MASTER" } });
        if is_oidc {
            attribute["scope"] = "SELF".into();
        }
        if is_oidc && *name != "userName" {
            attribute["description"] = format!("{title} of the user").into();
        }
        if required.contains(name) {
            attribute["required"] = true.into();
        }
        match *name {
            "userName" if is_oidc => attribute["externalName"] = "preferred_username".into(),
            "street_address" | "locality" | "region" | "postal_code" | "country" | "formatted" => {
                attribute["externalName"] = format!("address.{name}").into();
            }
            _ => {}
        }
        ((*name).to_owned(), attribute)
    };
    let base = known.iter().map(attribute).collect();
    let title = format!("{} User", text(app, "label"));
    schema(text(app, "id"), text(app, "name"), &title, base, required, time)
}

fn schema(
    id: &str,
    name: &str,
    title: &str,
    base: Map<String, Value>,
    required: &[&str],
    time: &str,
) -> Object {
    object(json!({
        "id": id, "$schema": "http://json-schema.org/draft-04/schema#", "name": name, "title": title,
        "created": time, "lastUpdated": time,
        "definitions": {
            "custom": { "id": "#custom", "type": "object", "properties": {} },
            "base": { "id": "#base", "type": "object", "properties": base, "required": required },
        },
        "type": "object",
        "properties": { "profile": { "allOf": [{ "$ref": "#/definitions/custom" }, { "$ref": "#/definitions/base" }] } },
    }))
}
