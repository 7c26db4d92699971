//! `init`: settings, secrets, and a first sign-in.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;

use serde::Deserialize;
use serde_json::json;
use url::Url;

use crate::aws::arguments::Init;
use crate::aws::context::{Base, SECRETS, who};
use crate::aws::credentials;
use crate::aws::files::{self, Lock};
use crate::aws::http::{self, Okta};
use crate::aws::session::{self, Freshness, Identity};
use crate::aws::settings::{Mode, OrgSettings, Settings};
use crate::aws::sign_in::{self, Secrets};
use crate::aws::state::State;
use crate::aws::totp::Seed;
use crate::aws::vault::{self, Store, Vault, random_hex};
use crate::failure::{Exit, Failure};
use crate::{interrupt, output, warn};

/// What a person or a script gives; members of `--stdin-json` have these names.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct Given {
    sso_url: Option<Url>,
    mode: Option<Mode>,
    client_id: Option<String>,
    app_id: Option<String>,
    username: Option<String>,
    factor: Option<String>,
    authz_id: Option<String>,
    scope: Option<String>,
    key_id: Option<String>,
    private_key_file: Option<PathBuf>,
    region: Option<String>,
    duration: Option<u32>,
    profile_template: Option<String>,
    aliases: BTreeMap<String, String>,
    store: Option<Store>,
    password: Option<String>,
    totp_seed: Option<String>,
    private_key: Option<String>,
}

/// The file of the predecessor.
#[derive(Deserialize)]
struct Old {
    sso_url: Option<Url>,
    region: Option<String>,
    user_name: Option<String>,
    password: Option<String>,
    google_2fa_totp: Option<String>,
}

/// Runs the command.
///
/// # Errors
///
/// By the table of exit codes; a wrong input changes nothing.
pub fn run(mut base: Base<'_>, arguments: &Init) -> Result<ExitCode, Failure> {
    let old_file = base.folders.home.join(".aws/okta-aws/settings.json");
    let given = given(&base, arguments, &old_file)?;
    let name = base.org_name().to_owned();
    let mut org = settled(&mut base, &name, &given)?;
    if org.mode.is_none() && !arguments.no_verify {
        org.mode = Some(detected(&base, &org)?);
    }
    let seed = match &given.totp_seed {
        Some(text) => Some(Seed::parse(text).map_err(|why| Failure::new(Exit::Usage, why))?),
        None => None,
    };
    ask_user(&mut base, &mut org)?;
    let password = match &given.password {
        // Kept where nothing is typed.
        None if org.mode == Some(Mode::Classic) && !arguments.dry_run && base.terminal.is_there() => {
            let question =
                format!("Okta password of {} (empty: as before, or asked for each time)", org.user());
            Some(base.terminal.ask_secret(&question)?).filter(|password| !password.is_empty())
        }
        password => password.clone(),
    };
    let store = store(&mut base, given.store)?;
    if arguments.dry_run {
        let secrets = [
            ("password", password.is_some()),
            ("totpSeed", seed.is_some()),
            ("privateKey", given.private_key.is_some()),
        ];
        let secrets = secrets.into_iter().filter(|(_, given)| *given).map(|(name, _)| name).collect();
        return plan(&base, arguments, &name, org, store, secrets);
    }
    interrupt::watch();
    // One at a time: what another `init` wrote meanwhile is read anew.
    let lock = Lock::take(&base.place.file("init.lock"), base.deadline)?;
    base.settings = Settings::read(&base.settings_file)?.unwrap_or_default();
    let former = former(&mut base, store)?;
    let vault = Vault::make(&base.place, store, &mut base.terminal, former.is_some())?;
    let store = vault.store();
    let moves = former.is_some();
    interrupt::done("secrets and settings may be written in part: the same command goes on");
    let mut all: BTreeMap<String, Secrets> = match former {
        Some(former) => former,
        None => vault.read(SECRETS)?.unwrap_or_default(),
    };
    let own = all.entry(name.clone()).or_default();
    own.password = password.or_else(|| own.password.take());
    own.totp_seed = seed.or_else(|| own.totp_seed.take());
    own.private_key = given.private_key.clone().or_else(|| own.private_key.take());
    if own.device_token.is_none() {
        own.device_token = Some(random_hex()?);
    }
    vault.write(SECRETS, &all)?;
    let whose = who(&org);
    base.settings.store = store;
    base.settings.orgs.insert(name.clone(), org);
    base.settings.write(&base.settings_file)?;
    if moves {
        // Nothing that the old store protected, or did not, stays behind.
        super::logout::forget_sessions(&base.place, base.deadline)?;
        vault::forget_other_keys(&base.place, store)?;
    }
    drop(lock);
    interrupt::done("settings and secrets are stored; the sign-in was not tried to its end");
    State::change(&base.place, base.deadline, |state| {
        state.refused_passwords.remove(&whose);
        state.refusals.remove(&whose);
    })?;
    if store == Store::Plaintext {
        warn("secrets are kept in plain text, as you chose");
    }
    warn(&format!("the org `{name}` is in {}", base.settings_file.display()));
    if !arguments.no_verify {
        verify(base, vault)?;
    }
    if arguments.delete_old {
        files::remove(&old_file)?;
        warn(&format!("{} is deleted", old_file.display()));
    }
    Ok(ExitCode::SUCCESS)
}

/// What would be written.
fn plan(
    base: &Base<'_>,
    arguments: &Init,
    name: &str,
    org: OrgSettings,
    store: Store,
    secrets: Vec<&str>,
) -> Result<ExitCode, Failure> {
    let settings = Settings { store, orgs: BTreeMap::from([(name.to_owned(), org)]) };
    let place = base.place.file(SECRETS);
    let moves = !base.settings.orgs.is_empty() && base.settings.store != store;
    let forgets: &[&str] = if moves { &["sessions", "credentials", "the old key"] } else { &[] };
    let report = json!({
        "settings": base.settings_file, "org": name, "values": settings.orgs[name], "store": store,
        "secrets": { "file": place, "members": secrets }, "signIn": !arguments.no_verify,
        "deleteOld": arguments.delete_old, "forgets": forgets, "dryRun": true,
    });
    let text = toml::to_string_pretty(&settings).map_err(|error| Failure::defect(error.to_string()))?;
    base.printing.report(&report, || {
        let added: String =
            text.lines().map(|line| output::line(output::ADDED, &format!("+ {line}"))).collect();
        let secrets = if secrets.is_empty() { "none".to_owned() } else { secrets.join(", ") };
        let mut text = format!(
            "{}\n{added}{}\nsecrets given: {secrets}\n",
            base.settings_file.display(),
            place.display()
        );
        if moves {
            text += &format!("forgotten: {}\n", forgets.join(", "));
        }
        text
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Options win over stdin, stdin over the predecessor's file.
fn given(base: &Base<'_>, arguments: &Init, old_file: &std::path::Path) -> Result<Given, Failure> {
    let mut given = Given::default();
    if arguments.import_old {
        let text = files::read(old_file)?.ok_or_else(|| {
            Failure::new(Exit::Usage, format!("there are no old settings in {}", old_file.display()))
        })?;
        let old: Old = serde_json::from_slice(&text)
            .map_err(|_| Failure::new(Exit::Usage, format!("{} cannot be read", old_file.display())))?;
        given.sso_url = old.sso_url;
        given.region = old.region;
        given.username = old.user_name;
        given.password = old.password.filter(|password| !password.is_empty());
        given.totp_seed = old.google_2fa_totp.filter(|seed| !seed.is_empty());
    }
    if arguments.stdin_json {
        let mut text = zeroize::Zeroizing::new(String::new());
        let read = std::io::stdin().read_to_string(&mut text);
        read.map_err(|error| Failure::new(Exit::Usage, format!("stdin cannot be read: {error}")))?;
        // The reader's message could quote a secret.
        let own: Given = serde_json::from_str(&text).map_err(|error| {
            let place = format!("line {}, column {}", error.line(), error.column());
            Failure::new(Exit::Usage, format!("stdin is no JSON object of settings: {place}"))
                .hint("members: ssoUrl, mode, username, password, totpSeed, clientId, privateKey and others of `--help`")
        })?;
        let old = std::mem::replace(&mut given, own);
        given.sso_url = given.sso_url.or(old.sso_url);
        given.region = given.region.or(old.region);
        given.username = given.username.or(old.username);
        given.password = given.password.or(old.password);
        given.totp_seed = given.totp_seed.or(old.totp_seed);
    }
    let (options, own) = (&base.options, arguments);
    given.sso_url = own.sso_url.clone().or(given.sso_url);
    given.mode = own.mode.or(given.mode);
    given.client_id = own.client_id.clone().or(given.client_id);
    given.username = own.username.clone().or(given.username);
    given.authz_id = own.authz_id.clone().or(given.authz_id);
    given.scope = own.scope.clone().or(given.scope);
    given.key_id = own.key_id.clone().or(given.key_id);
    given.private_key_file = own.private_key_file.clone().or(given.private_key_file);
    given.store = options.store.or(given.store);
    given.app_id = options.app_id.clone().or(given.app_id);
    given.factor = options.factor.clone().or(given.factor);
    given.region = options.region.clone().or(given.region);
    Ok(given)
}

/// The org's settings with what was given.
fn settled(base: &mut Base<'_>, name: &str, given: &Given) -> Result<OrgSettings, Failure> {
    let known = base.settings.orgs.get(name).cloned();
    let url = match (&given.sso_url, &known) {
        (Some(url), _) => url.clone(),
        (None, Some(known)) => known.sso_url.clone(),
        (None, None) => {
            let text = base
                .terminal
                .ask("Address of the AWS app in Okta (https://…/app/amazon_aws/…/sso/saml), or of the org")?;
            Url::parse(&text)
                .map_err(|error| Failure::new(Exit::Usage, format!("`{text}` is no address: {error}")))?
        }
    };
    let mut org = known.unwrap_or_else(|| OrgSettings::new(url.clone()));
    org.sso_url = url;
    org.mode = given.mode.or(org.mode);
    for (own, new) in [
        (&mut org.client_id, &given.client_id),
        (&mut org.app_id, &given.app_id),
        (&mut org.username, &given.username),
        (&mut org.factor, &given.factor),
        (&mut org.authz_id, &given.authz_id),
        (&mut org.scope, &given.scope),
        (&mut org.key_id, &given.key_id),
        (&mut org.region, &given.region),
        (&mut org.profile_template, &given.profile_template),
    ] {
        if new.is_some() {
            own.clone_from(new);
        }
    }
    if let Some(path) = &given.private_key_file {
        org.private_key_file = Some(std::path::absolute(path).unwrap_or_else(|_| path.clone()));
    }
    org.duration = given.duration.or(org.duration);
    org.aliases.extend(given.aliases.clone());
    org.check().map_err(|why| Failure::new(Exit::Configuration, why))?;
    org.check_https(base.environment)?;
    Ok(org)
}

/// The engine, as the org says.
fn detected(base: &Base<'_>, org: &OrgSettings) -> Result<Mode, Failure> {
    let okta = Okta::new(http::client()?, org.org_url(), cookie_store::CookieStore::default(), base.deadline);
    credentials::runtime()?.block_on(sign_in::detect(&okta))
}

/// Asks for what the mode needs.
fn ask_user(base: &mut Base<'_>, org: &mut OrgSettings) -> Result<(), Failure> {
    let missing = match org.mode {
        Some(Mode::Classic) => (&mut org.username, "Okta user name"),
        Some(Mode::Device | Mode::M2m) => (&mut org.client_id, "Client id of the app in Okta"),
        None => return Ok(()),
    };
    if missing.0.is_none() {
        *missing.0 = Some(base.terminal.ask(missing.1)?);
    }
    Ok(())
}

/// The store that was chosen; else the one that there is; else the best that works.
fn store(base: &mut Base<'_>, given: Option<Store>) -> Result<Store, Failure> {
    if let Some(store) = given {
        return Ok(store);
    }
    if base.settings.store == Store::Plaintext {
        return Err(Failure::new(Exit::Usage, "secrets are in plain text")
            .hint("say `--store plaintext` again, or another one"));
    }
    if !base.settings.orgs.is_empty() {
        return Ok(base.settings.store);
    }
    let usable =
        base.terminal.is_there() && Vault::open(&base.place, Store::Keyring, &mut base.terminal).is_ok();
    Ok(if usable { Store::Keyring } else { Store::File })
}

/// The secrets of another store, which is given up.
fn former(base: &mut Base<'_>, store: Store) -> Result<Option<BTreeMap<String, Secrets>>, Failure> {
    if base.settings.orgs.is_empty() || base.settings.store == store {
        return Ok(None);
    }
    let Some(vault) = Vault::open(&base.place, base.settings.store, &mut base.terminal)? else {
        return Ok(None);
    };
    let secrets = vault.read(SECRETS)?.unwrap_or_default();
    Ok(Some(secrets))
}

/// Signs in, and says what Okta grants.
fn verify(base: Base<'_>, vault: Vault) -> Result<(), Failure> {
    let mut context = base.online(vault)?;
    let identity = credentials::runtime()?.block_on(session::identity(&mut context, Freshness::ByHand))?;
    match identity {
        Identity::Token(_) => warn("Okta gives a token to this machine"),
        Identity::Assertions(assertions) => {
            let roles: usize = assertions.values().map(|assertion| assertion.roles.len()).sum();
            warn(&format!("Okta grants {roles} roles of AWS; `okta-dac aws refresh` writes their profiles"));
        }
    }
    Ok(())
}
