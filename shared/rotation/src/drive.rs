//! One call after the other, until the end.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};

use crate::decide::{Next, decide, wrong_attempts};
use crate::end::{Code, End, Line, Outcome};
use crate::facts::{Answer, Call, Facts, Old, Options, Proof, Said, Status, User, Which};
use crate::ports::{Account, Attempts, Okta, Reply, Trouble};

/// Between a change that is not proven and the look at its date: Okta may take that long.
const SETTLING: Duration = Duration::from_secs(1);

/// Sign-ins besides the first that may say nothing.
const PROBES: usize = 2;

/// How far Okta's date may be behind the vault's: it may have no fractions of a second.
const SLACK: SignedDuration = SignedDuration::from_secs(5);

/// Providers whose users have their passwords elsewhere, or none (schema
/// `AuthenticationProviderType`).
const ELSEWHERE: [&str; 4] = ["ACTIVE_DIRECTORY", "LDAP", "FEDERATION", "SOCIAL"];

/// What is wanted.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    /// Id or login of the user, or the only user's e-mail address.
    pub user: &'a str,
    /// The present password, if it is known.
    pub old: Option<&'a SecretString>,
    /// The one of before that, where the vault has it.
    pub former: Option<&'a SecretString>,
    /// The one to be.
    pub new: &'a SecretString,
    /// When the new one was kept.
    pub intent: Option<Timestamp>,
    /// What a person or a setting says.
    pub options: Options,
}

/// How a rotation went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// The user, where one was found.
    pub user: Option<Account>,
    /// The end.
    pub end: End,
    /// The calls, in order.
    pub steps: Vec<&'static str>,
    /// Okta's id of the last error.
    pub error_id: Option<String>,
    /// Failed sign-ins of this run that Okta has said.
    pub wrong_attempts: u8,
    /// Somebody was about to choose a password by a link: that link is void.
    pub ended_recovery: bool,
}

impl Rotation {
    /// The line that says so.
    pub fn line(&self, took: Duration) -> Line {
        Line {
            v: 1,
            outcome: self.end.outcome,
            code: self.end.code.number(),
            user_id: self.user.as_ref().map(|user| user.id.clone()),
            steps: self.steps.clone(),
            okta_error_id: self.error_id.clone(),
            retryable: self.end.retryable,
            wrong_attempts: self.wrong_attempts,
            policy: self.end.policy.clone(),
            ended_recovery: self.ended_recovery,
            ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        }
    }

    /// Before the first call.
    pub fn begun(end: End) -> Self {
        Self { user: None, end, steps: Vec::new(), error_id: None, wrong_attempts: 0, ended_recovery: false }
    }

    fn stopped(&mut self, trouble: Trouble) {
        self.error_id = trouble.error_id.or(self.error_id.take());
        let wrote = self.steps.iter().any(|step| matches!(*step, "change" | "set" | "rollback"));
        let outcome = if wrote { Outcome::Unknown } else { Outcome::Refused };
        let retryable = trouble.code == Code::NotAvailable;
        self.end = End { outcome, retryable, ..End::refused(trouble.code) };
    }
}

/// Finds the user: by id or login, else by the e-mail address if one user alone has it. What a
/// search says is read again: its index is late.
///
/// # Errors
///
/// [`Code::NotFound`], [`Code::Ambiguous`], or Okta's.
pub async fn find(okta: &impl Okta, user: &str, steps: &mut Vec<&'static str>) -> Result<Account, Trouble> {
    let stop = |code| Trouble { code, error_id: None };
    steps.push("lookup");
    if let Some(account) = okta.read(user).await? {
        return Ok(account);
    }
    if !user.contains('@') {
        return Err(stop(Code::NotFound));
    }
    steps.push("search");
    match &okta.find(user).await?[..] {
        [] => Err(stop(Code::NotFound)),
        [id] => {
            steps.push("lookup");
            okta.read(id).await?.ok_or_else(|| stop(Code::NotFound))
        }
        _ => Err(stop(Code::Ambiguous)),
    }
}

/// Rotates.
pub async fn rotate(okta: &impl Okta, attempts: &impl Attempts, wanted: &Wanted<'_>) -> Rotation {
    let mut rotation = Rotation::begun(End::refused(Code::NotFound));
    if let Err(trouble) = through(okta, attempts, wanted, &mut rotation).await {
        rotation.stopped(trouble);
    }
    rotation
}

/// What would be done first with a user, where nobody has failed to sign in.
pub fn first(account: &Account, wanted: &Wanted<'_>) -> Result<&'static str, End> {
    match decide(&begun(account, wanted, 2)) {
        Next::Call(call) => Ok(name(call)),
        Next::End(end) => Err(end),
    }
}

/// What is known when a run begins.
fn begun(account: &Account, wanted: &Wanted<'_>, attempts: u8) -> Facts {
    let old = match wanted.old {
        None => Old::Unknown,
        Some(old) if old.expose_secret() == wanted.new.expose_secret() => Old::SameAsNew,
        Some(_) => Old::Given,
    };
    let user = seen(account, wanted.intent);
    let is_other = |former: &&SecretString| {
        let others = [wanted.old, Some(wanted.new)];
        others.iter().flatten().all(|other| other.expose_secret() != former.expose_secret())
    };
    let has_former = old == Old::Given && wanted.intent.is_some() && wanted.former.filter(is_other).is_some();
    Facts { options: wanted.options, old, has_former, user, attempts, answers: Vec::new() }
}

async fn through(
    okta: &impl Okta,
    attempts: &impl Attempts,
    wanted: &Wanted<'_>,
    rotation: &mut Rotation,
) -> Result<(), Trouble> {
    let account = find(okta, wanted.user, &mut rotation.steps).await?;
    rotation.user = Some(account.clone());
    let mut facts = begun(&account, wanted, attempts.left().await?);
    let user = facts.user;
    loop {
        let call = match decide(&facts) {
            Next::Call(call) => call,
            Next::End(end) => {
                rotation.end = end;
                let changed = matches!(rotation.end.outcome, Outcome::Rotated | Outcome::Reconciled);
                rotation.ended_recovery = changed && user.status == Status::Recovery;
                return Ok(());
            }
        };
        rotation.steps.push(name(call));
        let (answer, error_id) = made(okta, wanted, &account, call, &facts).await;
        rotation.error_id = error_id.or(rotation.error_id.take());
        // An id of an error that did not matter would lead astray.
        if matches!(answer, Answer::Change(Said::Done) | Answer::Probe(Proof::Proved)) {
            rotation.error_id = None;
        }
        let before = rotation.wrong_attempts;
        facts.answers.push(answer);
        rotation.wrong_attempts = wrong_attempts(&facts.answers);
        if rotation.wrong_attempts > before {
            attempts.failed().await?;
        } else if matches!(
            facts.answers.last(),
            Some(Answer::Change(Said::Done) | Answer::Probe(Proof::Proved))
        ) {
            attempts.proven().await?;
        }
    }
}

async fn made(
    okta: &impl Okta,
    wanted: &Wanted<'_>,
    account: &Account,
    call: Call,
    facts: &Facts,
) -> (Answer, Option<String>) {
    let password = |which| match which {
        Which::New => wanted.new,
        Which::Old if facts.names_former() => wanted.former.unwrap_or(wanted.new),
        Which::Old => wanted.old.unwrap_or(wanted.new),
    };
    let of = |reply: Reply, answer: fn(Said) -> Answer| (answer(reply.said), reply.error_id);
    match call {
        Call::Change => of(okta.change(&account.id, password(Which::Old), wanted.new).await, Answer::Change),
        Call::Set(which) => {
            let reply = okta.set(&account.id, password(which), which == Which::New).await;
            (Answer::Set(which, reply.said), reply.error_id)
        }
        Call::Unlock => of(okta.unlock(&account.id).await, Answer::Unlock),
        Call::Probe => (Answer::Probe(probed(okta, wanted, account, facts).await), None),
        Call::Roles => (Answer::Roles(okta.roles(&account.id).await), None),
        Call::Read => {
            let is_after_change =
                matches!(facts.answers.last(), Some(Answer::Change(Said::Done) | Answer::Set(_, Said::Done)));
            let mut read = read_again(okta, wanted, account).await;
            if is_after_change && !matches!(read, Some((_, true))) {
                tokio::time::sleep(SETTLING).await;
                read = read_again(okta, wanted, account).await;
            }
            (Answer::Read(read), None)
        }
    }
}

/// A sign-in with the new password. Where Okta has just said that it is in use, an answer that
/// says nothing is asked for again: to end then would leave a vault with the old one.
async fn probed(okta: &impl Okta, wanted: &Wanted<'_>, account: &Account, facts: &Facts) -> Proof {
    let is_set =
        matches!(facts.answers.last(), Some(Answer::Change(Said::Done) | Answer::Set(_, Said::Done)));
    let mut proof = okta.probe(&account.login, wanted.new).await;
    for _ in 0..if is_set { PROBES } else { 0 } {
        if proof != Proof::Inconclusive {
            break;
        }
        tokio::time::sleep(SETTLING).await;
        proof = okta.probe(&account.login, wanted.new).await;
    }
    proof
}

async fn read_again(okta: &impl Okta, wanted: &Wanted<'_>, before: &Account) -> Option<(User, bool)> {
    let now = okta.read(&before.id).await.ok().flatten()?;
    let advanced = now.password_changed.is_some() && now.password_changed > before.password_changed;
    Some((seen(&now, wanted.intent), advanced))
}

/// Whether a change is not before an intent.
pub(crate) fn is_after(changed: Timestamp, intent: Timestamp) -> bool {
    intent.duration_since(changed) <= SLACK
}

fn seen(account: &Account, intent: Option<Timestamp>) -> User {
    let changed_since_intent =
        intent.zip(account.password_changed).is_some_and(|(intent, changed)| is_after(changed, intent));
    User {
        status: Status::of(&account.status),
        is_elsewhere: ELSEWHERE.contains(&account.provider.as_str()),
        is_changing: account.is_changing,
        changed_since_intent,
    }
}

/// The names that the line has.
const fn name(call: Call) -> &'static str {
    match call {
        Call::Read => "read",
        Call::Roles => "roles",
        Call::Unlock => "unlock",
        Call::Change => "change",
        Call::Set(Which::New) => "set",
        Call::Set(Which::Old) => "rollback",
        Call::Probe => "verify",
    }
}
