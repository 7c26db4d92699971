//! `rotate doctor`: what a credential may do with passwords, and what a sign-in proves in this
//! org, shown on one user who is named for that. Whether a custom role of Okta's may set or
//! change a password is not documented: here it is seen.

use std::io::{IsTerminal, Read};

use rotation::drive;
use rotation::end::Code;
use rotation::facts::{Admin, Proof, Said, Status};
use rotation::okta::Org;
use rotation::password::Recipe;
use rotation::ports::{Account, Okta};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::Stop;
use super::arguments::Doctor;
use super::secrets::access;

/// What was seen of one thing.
struct Seen {
    what: &'static str,
    got: &'static str,
    advice: Option<&'static str>,
}

const fn seen(what: &'static str, got: &'static str, advice: Option<&'static str>) -> Seen {
    Seen { what, got, advice }
}

fn got(said: &Said) -> &'static str {
    match said {
        Said::Done => "allowed",
        Said::NotPermitted => "refused",
        Said::OldWrong => "wrong-password",
        Said::Policy(_) => "refused-by-policy",
        Said::WrongState => "refused-by-state",
        Said::RateLimited | Said::NotSent | Said::Lost => "unknown",
    }
}

/// Tries everything on the canary; the report, and the exit code.
pub(super) async fn run(doctor: &Doctor) -> Result<(Value, Code), Stop> {
    let given = given()?;
    let access = access(&doctor.org, doctor.pace.share).await?;
    let okta = Org { client: access.client, strict: false, revoke_sessions: false };
    let canary = drive::find(&okta, &doctor.canary, &mut Vec::new()).await;
    let canary = canary.map_err(|trouble| Stop::new(trouble.code, "the canary is not found"))?;
    if Status::of(&canary.status) != Status::Active || !["OKTA", "IMPORT"].contains(&canary.provider.as_str())
    {
        let message = format!(
            "the canary is {} and of {}: take an active user of Okta's own",
            canary.status, canary.provider
        );
        return Err(Stop::new(Code::State, message));
    }
    let roles = okta.roles(&canary.id).await;
    if roles == Admin::Yes {
        return Err(Stop::new(Code::State, "the canary has an admin role: take a user without one"));
    }
    if doctor.dry_run {
        let report = json!({ "v": 1, "canary": canary.id, "dryRun": true, "would": ["set", "change", "sign-in", "wrong-sign-in", "unlock"] });
        return Ok((report, Code::Verified));
    }
    let (mut all, password) = passwords(&okta, &canary, given).await?;
    let reads = match roles {
        Admin::Unknown => seen(
            "read-roles",
            "refused",
            Some("`--on-mismatch reconcile` needs `--allow-admins`, or the scope okta.roles.read"),
        ),
        _ => seen("read-roles", "allowed", None),
    };
    all.push(reads);
    if let Some(password) = &password {
        all.extend(sign_ins(&okta, &canary, password).await?);
    }
    let unlocked = okta.unlock(&canary.id).await.said;
    all.push(match unlocked {
        Said::NotPermitted => {
            seen("unlock", "refused", Some("`--unlock before` does not work with this credential"))
        }
        // "Unlock is not allowed for this user": the right is there.
        Said::Done | Said::WrongState => seen("unlock", "allowed", None),
        other => seen("unlock", got(&other), None),
    });
    let of = |what: &str| all.iter().find(|seen| seen.what == what).map(|seen| seen.got);
    let code = match (of("change"), of("sign-in"), of("wrong-sign-in")) {
        (Some("refused"), ..) => Code::NotPermitted,
        (Some("allowed"), Some("proves"), Some("refused")) => Code::Verified,
        _ => Code::Unverified,
    };
    let checks: Vec<Value> = all.iter().map(|seen| json!({ "what": seen.what, "got": seen.got })).collect();
    let advice: Vec<&str> = all.iter().filter_map(|seen| seen.advice).collect();
    let report = json!({
        "v": 1, "code": code.number(), "canary": canary.id, "checks": checks, "advice": advice,
        "message": "the canary has a password now that nobody knows",
    });
    Ok((report, code))
}

/// The canary's password, where somebody pipes it in.
fn given() -> Result<Option<SecretString>, Stop> {
    let mut stdin = std::io::stdin().lock();
    if stdin.is_terminal() {
        return Ok(None);
    }
    let mut text = zeroize::Zeroizing::new(String::new());
    stdin.read_to_string(&mut text).map_err(|_| Stop::new(Code::Input, "stdin is no text"))?;
    let text = text.trim_end_matches(['\r', '\n']);
    Ok((!text.is_empty()).then(|| text.into()))
}

fn drawn(canary: &Account) -> Result<SecretString, Stop> {
    Recipe::default().draw(&canary.login).map_err(|error| Stop::new(Code::Operator, error.to_string()))
}

/// Sets and changes; the password that the canary has in the end, if that is known.
async fn passwords(
    okta: &Org,
    canary: &Account,
    given: Option<SecretString>,
) -> Result<(Vec<Seen>, Option<SecretString>), Stop> {
    let mut all = Vec::new();
    let set = drawn(canary)?;
    let said = okta.set(&canary.id, &set, true).await.said;
    let refused =
        Some("`--on-mismatch reconcile` and `--on-unverified rollback` do not work with this credential");
    all.push(seen("set", got(&said), if said == Said::NotPermitted { refused } else { None }));
    let old = if said == Said::Done { Some(set) } else { given };
    let Some(old) = old else {
        all.push(seen(
            "change",
            "unknown",
            Some("pipe the canary's password in, to see whether it can be changed"),
        ));
        return Ok((all, None));
    };
    let new = drawn(canary)?;
    let said = okta.change(&canary.id, &old, &new).await.said;
    let refused = Some("this credential cannot rotate passwords: look at its role");
    all.push(seen("change", got(&said), if said == Said::NotPermitted { refused } else { None }));
    Ok((all, Some(if said == Said::Done { new } else { old })))
}

/// What a sign-in says of the right password, and of a wrong one.
async fn sign_ins(okta: &Org, canary: &Account, password: &SecretString) -> Result<Vec<Seen>, Stop> {
    let denied = Some("a policy lets nobody sign in from here: use `--verify change`");
    let right = match okta.probe(&canary.login, password).await {
        Proof::Proved => seen("sign-in", "proves", None),
        Proof::Refused => seen("sign-in", "refused", denied),
        Proof::Inconclusive => seen("sign-in", "inconclusive", denied),
    };
    let nothing =
        Some("users sign in without a password first, and a sign-in proves nothing: use `--verify change`");
    let wrong = match okta.probe(&canary.login, &drawn(canary)?).await {
        Proof::Proved => seen("wrong-sign-in", "proves-nothing", nothing),
        Proof::Refused => seen("wrong-sign-in", "refused", None),
        Proof::Inconclusive => seen("wrong-sign-in", "inconclusive", None),
    };
    Ok(vec![right, wrong])
}
