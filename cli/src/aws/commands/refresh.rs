//! `refresh`: signs in, keeps credentials of every role, and writes a profile for each.

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

use futures::stream::{self, StreamExt};
use serde_json::json;

use crate::aws::arguments::Refresh;
use crate::aws::arn::RoleArn;
use crate::aws::context::{Base, Context};
use crate::aws::credentials::{self, Wanted, keep_after_sign_in, with_identity};
use crate::aws::format::expiration;
use crate::aws::names::{DEFAULT_TEMPLATE, Named, assigned, check_template};
use crate::aws::profiles::{Content, Edit, Owner, Profile, quoted};
use crate::aws::session::{self, Freshness, Identity};
use crate::aws::settings::DEFAULT_ORG;
use crate::aws::state::{Granted, KnownRole, State};
use crate::aws::sts::Credentials;
use crate::failure::{Exit, Failure};
use crate::output::{self, Printing};
use crate::progress::Progress;
use crate::{interrupt, warn};

/// So many roles of an account are tried for its alias.
const ALIAS_TRIES: usize = 3;

/// Connections at once.
const AT_ONCE: usize = 16;

/// Runs the command.
///
/// # Errors
///
/// By the table of exit codes; AWS's file is unchanged then.
pub fn run(mut base: Base<'_>, arguments: &Refresh) -> Result<ExitCode, Failure> {
    let own = base.org()?.profile_template.clone();
    let template = arguments
        .profile_template
        .clone()
        .or(own)
        .unwrap_or_else(|| DEFAULT_TEMPLATE.replacen("okta-", &arguments.prefix, 1));
    check_template(&template)?;
    let file = super::profile_file(&base);
    let (given, others) = (file.own()?, file.others()?);
    let command = Command::new(&base)?;
    let region = base.options.region.clone().or_else(|| base.org().ok()?.region.clone());
    let (deadline, printing) = (base.deadline, base.printing);
    let vault = base.vault()?;
    let mut context = base.online(vault)?;
    if arguments.duration.is_some() {
        context.org.duration = arguments.duration;
    }
    let mut fetched = credentials::runtime()?.block_on(fetch(&mut context, arguments))?;
    let state = State::read(&context.place)?;
    let alias = |role: &RoleArn| {
        let account = role.account();
        context.org.aliases.get(account).or_else(|| state.aliases.get(account)).map(String::as_str)
    };
    let named: Vec<Named<'_>> =
        fetched.roles.iter().map(|(role, provider)| Named { role, provider, alias: alias(role) }).collect();
    // A profile of another org is that org's, even if both grant the role.
    let (given, foreign): (BTreeMap<_, _>, BTreeMap<_, _>) =
        given.into_iter().partition(|(_, owner)| owner.org == context.org_name);
    let given = given.into_iter().map(|(name, owner)| (name, owner.role)).collect();
    let taken = |name: &str| foreign.contains_key(name) || others.iter().any(|other| other == name);
    let names = assigned(&template, &context.org_name, &named, &given, &taken);
    let mut profiles = Vec::new();
    for ((role, _), name) in fetched.roles.iter().zip(names) {
        let content = match (arguments.write_static, fetched.credentials.remove(role)) {
            (false, _) => Content::Process(command.of(role)?),
            (true, Some(credentials)) => Content::Static([
                credentials.access_key_id.clone(),
                credentials.secret_access_key.clone(),
                credentials.session_token.clone(),
                expiration(&credentials),
            ]),
            // Named below: there is nothing to write.
            (true, None) => continue,
        };
        let org = context.org_name.clone();
        profiles.push(Profile { name, role: role.to_string(), org, region: region.clone(), content });
    }
    let granted: BTreeSet<String> = fetched.all.iter().map(ToString::to_string).collect();
    // Only what this sign-in can know: the roles of this org, if all of its apps were asked.
    let whole = context.app.is_none() && !fetched.partial;
    let org = context.org_name.clone();
    let withdrawn =
        |owner: &Owner| !arguments.no_prune && whole && owner.org == org && !granted.contains(&owner.role);
    let replace = arguments.replace_static || arguments.write_static;
    // Nothing was had: the file stays as it is.
    if let Some(failure) = fetched.failed.values().next()
        && fetched.failed.len() == fetched.roles.len()
    {
        fetched.failed.iter().for_each(|(role, failure)| warn(&format!("{role}: {failure}")));
        return Err(failure.clone());
    }
    let edit = file.edit(&profiles, &withdrawn, replace, arguments.dry_run, deadline)?;
    for (role, failure) in &fetched.failed {
        warn(&format!("{role}: {failure}"));
    }
    if !arguments.dry_run {
        interrupt::done("AWS's file is written");
    }
    report(printing, &profiles, &edit, &fetched.failed, arguments)?;
    Ok(ExitCode::SUCCESS)
}

/// What Okta and AWS gave.
struct Fetched {
    /// Every role that Okta grants.
    all: Vec<RoleArn>,
    /// Some app gave no assertion: there may be more roles.
    partial: bool,
    /// Those that are wanted, with their providers.
    roles: Vec<(RoleArn, String)>,
    credentials: BTreeMap<RoleArn, Credentials>,
    failed: BTreeMap<RoleArn, Failure>,
}

/// Signs in and takes every role, some at once; what an account is called, by the way.
async fn fetch(context: &mut Context, arguments: &Refresh) -> Result<Fetched, Failure> {
    let mut identity = session::identity(context, Freshness::ByHand).await?;
    let known: Vec<KnownRole> = match &identity {
        Identity::Assertions(assertions) => session::known(assertions),
        Identity::Token(_) => {
            return Err(Failure::new(Exit::Usage, "a machine's token does not say which roles there are")
                .hint("`okta-dac aws get-cred --role-arn` takes one role"));
        }
    };
    let mut all = Vec::new();
    let mut roles = Vec::new();
    for known in known {
        let Ok(role) = RoleArn::parse(&known.role) else { continue };
        // One profile for a role, through whichever provider or app comes first.
        if all.contains(&role) {
            continue;
        }
        all.push(role.clone());
        if arguments.role.is_empty() || arguments.role.iter().any(|glob| matches(glob, role.as_str())) {
            roles.push((role, known.provider));
        }
    }
    let mut credentials = BTreeMap::new();
    let mut failed: BTreeMap<RoleArn, Failure> = BTreeMap::new();
    let mut left: Vec<RoleArn> = roles.iter().map(|(role, _)| role.clone()).collect();
    let mut progress = Progress::new("roles", roles.len());
    // The assertion may end on the way: a new one, with the session, for those that are left.
    for round in 0..2 {
        let state = State::read(&context.place)?;
        let online = &*context;
        let who = &identity;
        let mut taken = stream::iter(std::mem::take(&mut left))
            .map(|role| {
                let state = &state;
                async move {
                    let wanted = Wanted::role(role);
                    let result = with_identity(online, &wanted, who, state, false).await;
                    (wanted, result)
                }
            })
            .buffer_unordered(AT_ONCE);
        let mut granted = BTreeMap::new();
        while let Some((wanted, result)) = taken.next().await {
            let role = wanted.role.clone();
            match result {
                Ok((of, seconds)) => {
                    keep_after_sign_in(online, &wanted, &of)?;
                    if let Some(seconds) = seconds {
                        let at = jiff::Timestamp::now();
                        granted.insert(role.to_string(), Granted { seconds, at, guessed: false });
                    }
                    credentials.insert(role, of);
                    interrupt::done(format!(
                        "credentials of {} of {} roles are kept; AWS's file is unchanged",
                        credentials.len(),
                        roles.len()
                    ));
                    progress.finished(wanted.role.as_str());
                }
                Err(credentials::Stopped::Refused(refused)) if refused.is_expired() && round == 0 => {
                    left.push(role);
                }
                Err(stopped) => {
                    failed.insert(role.clone(), stopped.failure(&role));
                    progress.finished(role.as_str());
                }
            }
        }
        drop(taken);
        State::change(&context.place, context.deadline, |state| state.durations.extend(granted))?;
        if left.is_empty() {
            break;
        }
        identity = session::identity(context, Freshness::New).await?;
    }
    if let Some(of) = credentials.values().next() {
        credentials::judge_clock(of);
    }
    aliases(context, &credentials).await?;
    Ok(Fetched { all, partial: context.partial, roles, credentials, failed })
}

/// Asks accounts without a name for their alias, by the first role that may.
async fn aliases(context: &Context, credentials: &BTreeMap<RoleArn, Credentials>) -> Result<(), Failure> {
    let state = State::read(&context.place)?;
    let mut accounts: BTreeMap<String, Vec<(&RoleArn, &Credentials)>> = BTreeMap::new();
    for (role, of) in credentials {
        let account = role.account();
        if !context.org.aliases.contains_key(account) && !state.aliases.contains_key(account) {
            accounts.entry(account.to_owned()).or_default().push((role, of));
        }
    }
    let asked = stream::iter(accounts).map(|(account, roles)| async move {
        let sts = context.sts();
        // Most roles may not: then the account keeps its number.
        for (role, of) in roles.into_iter().take(ALIAS_TRIES) {
            if let Ok(alias) = sts.alias(role, of).await {
                return Some((account, alias?));
            }
        }
        None
    });
    let found: Vec<(String, String)> =
        asked.buffer_unordered(AT_ONCE).filter_map(async |found| found).collect().await;
    State::change(&context.place, context.deadline, |state| state.aliases.extend(found))
}

/// Whether a pattern with `*` matches an ARN, or a part of it.
fn matches(glob: &str, arn: &str) -> bool {
    let mut rest = arn;
    let parts: Vec<&str> = glob.split('*').collect();
    for (index, part) in parts.iter().enumerate() {
        match rest.find(part) {
            // A whole ARN begins with the pattern, a part may stand anywhere.
            Some(at) if index > 0 || !glob.starts_with("arn:") || at == 0 => rest = &rest[at + part.len()..],
            _ => return false,
        }
    }
    !glob.starts_with("arn:") || glob.ends_with('*') || rest.is_empty()
}

/// The command of a profile.
struct Command {
    words: Vec<String>,
    rest: Vec<String>,
}

impl Command {
    /// Made of absolute paths: whoever runs it has another folder and another PATH.
    fn new(base: &Base<'_>) -> Result<Self, Failure> {
        let program = std::env::current_exe()
            .map_err(|error| Failure::defect(format!("where the program is: {error}")))?;
        let mut rest = Vec::new();
        let paths = [("--home", &base.options.home), ("--config", &base.options.config)];
        for (option, path) in paths {
            if let Some(path) = path {
                let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
                rest.extend([option.to_owned(), path.display().to_string()]);
            }
        }
        if base.org_name() != DEFAULT_ORG {
            rest.extend(["--org".to_owned(), base.org_name().to_owned()]);
        }
        Ok(Self { words: vec![program.display().to_string()], rest })
    }

    fn of(&self, role: &RoleArn) -> Result<String, Failure> {
        let mut words = vec![quoted(&self.words.concat())?];
        words.extend(["aws", "get-cred", "--role-arn"].map(str::to_owned));
        words.push(quoted(role.as_str())?);
        for pair in self.rest.chunks(2) {
            words.push(pair[0].clone());
            words.push(quoted(&pair[1])?);
        }
        Ok(words.join(" "))
    }
}

fn report(
    printing: Printing,
    profiles: &[Profile],
    edit: &Edit,
    failed: &BTreeMap<RoleArn, Failure>,
    arguments: &Refresh,
) -> Result<(), Failure> {
    let changes = &edit.changes;
    let why: BTreeMap<_, _> =
        failed.iter().map(|(role, failure)| (role.as_str(), &failure.sentence)).collect();
    let names: Vec<_> =
        profiles.iter().map(|profile| json!({ "name": profile.name, "role": profile.role })).collect();
    let mut report = json!({
        "profiles": names, "added": changes.added, "changed": changes.changed, "removed": changes.removed,
        "failed": why, "dryRun": arguments.dry_run,
    });
    if arguments.dry_run {
        report["diff"] = edit.diff().into();
    }
    printing.report(&report, || {
        let lines: Vec<String> = if arguments.dry_run {
            let coloured = |text: &str| match text.as_bytes().first() {
                Some(b'+') => output::line(output::ADDED, text),
                Some(b'-') => output::line(output::REMOVED, text),
                _ => format!("{text}\n"),
            };
            edit.diff().lines().map(coloured).collect()
        } else {
            let signs = [
                ("+", output::ADDED, &changes.added),
                ("~", output::CHANGED, &changes.changed),
                ("-", output::REMOVED, &changes.removed),
            ];
            let lines = signs.into_iter().flat_map(|(sign, style, names)| {
                names.iter().map(move |name| output::line(style, &format!("{sign} {name}")))
            });
            lines.collect()
        };
        if lines.is_empty() {
            return format!("{} profiles, nothing to change\n", profiles.len());
        }
        lines.concat()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_roles() {
        let arn = "arn:aws:iam::123456789012:role/team/Reader";
        for glob in ["Reader", "*Reader", "1234*Reader", "arn:aws:*:role/*", arn, "team/*"] {
            assert!(matches(glob, arn), "{glob}");
        }
        for glob in ["Writer", "arn:aws:iam::123456789012:role/team", "Reader*team", "arn:*Read"] {
            assert!(!matches(glob, arn), "{glob}");
        }
    }
}
