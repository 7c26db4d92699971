//! What comes next, from what is known.
//!
//! [`decide`] is total and has no I/O: every [`Facts`] leads to a call or to an end. The
//! properties that its tests show by going through everything that Okta may answer: each way
//! ends, after eight calls at most; no way has more than two failed sign-ins; no way ends with
//! success without evidence.

use crate::end::{Code, End, Outcome};
use crate::facts::{Admin, Answer, Call, Facts, Mismatch, Old, Proof, Said, Status, User, Verify, Which};
use crate::policy::Reason;

/// What comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// This call.
    Call(Call),
    /// Nothing: the rotation is over.
    End(End),
}

/// Calls of one run, after the user was found.
const CALLS: usize = 8;

/// What comes next.
pub fn decide(facts: &Facts) -> Next {
    match next(facts) {
        // Only a user whom somebody else changes meanwhile needs as many.
        Next::Call(_) if facts.answers.len() >= CALLS => {
            Next::End(End::unknown(Code::NotAvailable).retryable())
        }
        next => next,
    }
}

fn next(facts: &Facts) -> Next {
    let known = Known::of(facts);
    match &known.written {
        None => begin(facts, &known),
        Some(Written::Change(said)) => changed(facts, &known, said),
        Some(Written::Set(Which::New, said)) => set(facts, &known, said),
        Some(Written::Set(Which::Old, Said::Done)) => {
            Next::End(End { code: Code::RolledBack, outcome: Outcome::RolledBack, ..unverified() })
        }
        Some(Written::Set(Which::Old, _)) => Next::End(unverified()),
    }
}

/// Failed sign-ins in these answers that Okta has said. A wrong old password is one: whether
/// Okta counts it is not documented.
pub fn wrong_attempts(answers: &[Answer]) -> u8 {
    let wrong =
        |answer: &&Answer| matches!(answer, Answer::Change(Said::OldWrong) | Answer::Probe(Proof::Refused));
    u8::try_from(answers.iter().filter(wrong).count()).unwrap_or(u8::MAX)
}

/// With those that this run cannot rule out: a change whose answer is lost may be one, unless
/// the date or a sign-in shows that it was done. Later runs do not count these: an Okta that
/// does not answer for a minute would stop every rotation for a month.
fn possible_attempts(answers: &[Answer]) -> u8 {
    let was_done =
        |answer: &Answer| matches!(answer, Answer::Read(Some((_, true))) | Answer::Probe(Proof::Proved));
    let lost = answers.iter().enumerate().filter(|(index, answer)| {
        matches!(answer, Answer::Change(Said::Lost)) && !answers.iter().skip(*index).any(was_done)
    });
    wrong_attempts(answers).saturating_add(u8::try_from(lost.count()).unwrap_or(u8::MAX))
}

/// Passwords that were named as the present one and are not.
fn refused_olds(answers: &[Answer]) -> usize {
    answers.iter().filter(|answer| **answer == Answer::Change(Said::OldWrong)).count()
}

/// The last call that may have set a password.
#[derive(Clone, Debug)]
enum Written {
    Change(Said),
    Set(Which, Said),
}

/// What the answers come to.
struct Known {
    user: User,
    /// Since the last call that may have set a password.
    read: Option<bool>,
    new: Option<Proof>,
    admin: Option<Admin>,
    unlocked: Option<Said>,
    written: Option<Written>,
    changes: usize,
    /// Failed sign-ins that are left.
    attempts: u8,
    /// A sign-in says something in this org.
    by_sign_in: bool,
    /// The user could not be read, the last time.
    is_unread: bool,
    /// The answer of a change is lost: perhaps the change was done.
    has_lost: bool,
    /// Both passwords that the vault has were named as the present one.
    has_tried_former: bool,
}

impl Known {
    fn of(facts: &Facts) -> Self {
        let mut known = Self {
            user: facts.user,
            read: None,
            new: None,
            admin: None,
            unlocked: None,
            written: None,
            changes: 0,
            attempts: facts.attempts.min(2).saturating_sub(possible_attempts(&facts.answers)),
            by_sign_in: facts.options.verify == Verify::SignIn,
            is_unread: false,
            has_lost: facts.answers.contains(&Answer::Change(Said::Lost)),
            has_tried_former: facts.has_former && 1 < refused_olds(&facts.answers),
        };
        for answer in &facts.answers {
            known.learn(answer);
        }
        known
    }

    fn learn(&mut self, answer: &Answer) {
        match answer {
            Answer::Read(Some((user, advanced))) => {
                self.user = *user;
                (self.read, self.is_unread) = (Some(*advanced), false);
            }
            Answer::Read(None) => (self.read, self.is_unread) = (Some(false), true),
            Answer::Roles(admin) => self.admin = Some(*admin),
            Answer::Unlock(said) => {
                if *said == Said::Done {
                    self.user.status = Status::Active;
                }
                self.unlocked = Some(said.clone());
            }
            Answer::Probe(proof) => self.new = Some(*proof),
            Answer::Change(said) => {
                self.changes += 1;
                self.wrote(Written::Change(said.clone()), said);
            }
            Answer::Set(which, said) => self.wrote(Written::Set(*which, said.clone()), said),
        }
    }

    fn wrote(&mut self, written: Written, said: &Said) {
        // What was proven before holds on where nothing was changed.
        if matches!(said, Said::Done | Said::Lost) {
            self.new = None;
        }
        self.read = None;
        self.written = Some(written);
    }

    /// Whether a sign-in shows which password is in use; else the date of the last change does.
    const fn has_sign_in(&self) -> bool {
        self.by_sign_in && self.user.status.can_sign_in()
    }

    /// Whether a sign-in can be tried.
    const fn may_probe(&self) -> bool {
        self.has_sign_in() && self.attempts > 0
    }
}

/// Before anything was changed.
fn begin(facts: &Facts, known: &Known) -> Next {
    if let Some(stop) = barred(facts, known) {
        return stop;
    }
    if known.user.status == Status::Provisioned {
        return mismatch(facts, known, Code::State);
    }
    if facts.old == Old::Given {
        // An earlier run may have done it: to change it again would be a failed sign-in.
        if known.user.changed_since_intent && known.new.is_none() && known.may_probe() {
            return Next::Call(Call::Probe);
        }
        return match known.new {
            Some(Proof::Proved) => Next::End(End::verified(Outcome::Already)),
            // A change would be a failed sign-in, if an earlier run did it.
            Some(Proof::Inconclusive) => Next::End(End::unknown(Code::NotAvailable).retryable()),
            _ if known.attempts == 0 => mismatch(facts, known, Code::Operator),
            _ => Next::Call(Call::Change),
        };
    }
    if !known.has_sign_in() {
        return mismatch(facts, known, Code::OldWrong);
    }
    match known.new {
        None if known.attempts == 0 => mismatch(facts, known, Code::Operator),
        None => Next::Call(Call::Probe),
        Some(Proof::Proved) => Next::End(End::verified(Outcome::Already)),
        Some(Proof::Refused) => mismatch(facts, known, Code::OldWrong),
        Some(Proof::Inconclusive) => Next::End(End::refused(Code::NotAvailable).retryable()),
    }
}

/// Why this user's password cannot be rotated now; or the call that clears the way.
fn barred(facts: &Facts, known: &Known) -> Option<Next> {
    let user = known.user;
    let later = || Next::End(End::refused(Code::NotAvailable).retryable());
    if user.is_elsewhere {
        return Some(Next::End(End::refused(Code::State)));
    }
    if user.is_changing {
        return Some(later());
    }
    match (user.status, &known.unlocked) {
        (Status::Ended, _) => Some(Next::End(End::refused(Code::State))),
        // No sign-in is tried: it would lengthen the lock-out.
        (Status::LockedOut, None) if facts.options.unlock => Some(Next::Call(Call::Unlock)),
        (Status::LockedOut, Some(Said::RateLimited | Said::NotSent | Said::Lost)) => Some(later()),
        (Status::LockedOut, Some(Said::NotPermitted)) => Some(Next::End(End::refused(Code::NotPermitted))),
        (Status::LockedOut, _) => Some(Next::End(End::refused(Code::State))),
        _ => None,
    }
}

/// After `changePassword`.
fn changed(facts: &Facts, known: &Known, said: &Said) -> Next {
    let tries_again = known.changes < 2;
    match said {
        // Nobody can sign in yet: the change itself is the evidence.
        Said::Done if known.user.status == Status::Staged && known.read.is_none() => {
            Next::End(End::verified(Outcome::Rotated))
        }
        Said::Done => verify(facts, known, Outcome::Rotated),
        // A password that is in the history may be there because an earlier run set it.
        Said::Policy(reasons) if is_perhaps_set(reasons) && known.new.is_none() && known.may_probe() => {
            Next::Call(Call::Probe)
        }
        Said::Policy(_) if known.new == Some(Proof::Proved) => Next::End(End::verified(Outcome::Already)),
        Said::Policy(reasons) => Next::End(refused_by_policy(reasons)),
        Said::NotPermitted => Next::End(End::refused(Code::NotPermitted)),
        Said::RateLimited | Said::NotSent => Next::End(End::refused(Code::NotAvailable).retryable()),
        Said::WrongState if known.read.is_none() && tries_again => Next::Call(Call::Read),
        Said::WrongState => match barred(facts, known) {
            Some(stop) => stop,
            None if known.user.status == Status::Provisioned => mismatch(facts, known, Code::State),
            None if tries_again && known.attempts > 0 => Next::Call(Call::Change),
            None => Next::End(End::refused(Code::State)),
        },
        // Nobody has changed it since the new one was kept, so that the new one is not in use:
        // perhaps somebody put a wrong value into the vault.
        Said::OldWrong if facts.has_former && !known.user.changed_since_intent && !known.has_lost => {
            match known.attempts > 0 && !known.has_tried_former {
                true => Next::Call(Call::Change),
                false => mismatch(facts, known, Code::OldWrong),
            }
        }
        // Without a sign-in: the old password is not right any more, and the date is after the
        // intent. That is what an earlier run leaves.
        Said::OldWrong if !known.has_sign_in() && known.user.changed_since_intent => {
            Next::End(End::verified(Outcome::Already))
        }
        Said::OldWrong if !known.has_sign_in() => mismatch(facts, known, Code::OldWrong),
        Said::OldWrong => match known.new {
            // The first of two changes was lost: perhaps it was done late.
            None if known.attempts == 0 && known.changes > 1 => {
                Next::End(End::unknown(Code::NotAvailable).retryable())
            }
            None if known.attempts == 0 => mismatch(facts, known, Code::Operator),
            None => Next::Call(Call::Probe),
            Some(Proof::Proved) => Next::End(End::verified(Outcome::Already)),
            Some(Proof::Refused) => mismatch(facts, known, Code::OldWrong),
            Some(Proof::Inconclusive) => Next::End(End::unknown(Code::Operator)),
        },
        // The date says whether it was done, and costs no failed sign-in.
        Said::Lost => match (known.read, known.new) {
            (None, _) => Next::Call(Call::Read),
            (Some(true), Some(Proof::Proved)) => Next::End(End::verified(Outcome::Already)),
            (Some(true), None) if known.may_probe() => Next::Call(Call::Probe),
            (Some(true), None) if !known.has_sign_in() => Next::End(End::verified(Outcome::Already)),
            (Some(false), _) if tries_again && known.attempts > 0 && !known.is_unread => {
                Next::Call(Call::Change)
            }
            _ => Next::End(End::unknown(Code::NotAvailable).retryable()),
        },
    }
}

/// Whether a refusal may mean that the password is in use already: it was drawn at random, or
/// kept by somebody, before.
fn is_perhaps_set(reasons: &[Reason]) -> bool {
    reasons.iter().any(|reason| matches!(reason, Reason::History | Reason::Other))
}

/// Neither password is Okta's, or there is none, or no sign-in may fail any more that would
/// show which is: an admin's right sets the new one, if that was asked for, and sets it again
/// where an earlier run may have done so.
fn mismatch(facts: &Facts, known: &Known, code: Code) -> Next {
    match (facts.options.mismatch, known.admin) {
        (Mismatch::Fail, _) if code == Code::Operator => Next::End(End::unknown(code)),
        (Mismatch::Fail, _) => Next::End(End::refused(code)),
        (Mismatch::Reconcile { admins: true }, _) | (_, Some(Admin::No)) => Next::Call(Call::Set(Which::New)),
        (_, None) => Next::Call(Call::Roles),
        // Whoever may set an admin's password is that admin.
        (_, Some(Admin::Yes | Admin::Unknown)) => Next::End(End::refused(Code::Operator)),
    }
}

/// After an admin's right set the new password.
fn set(facts: &Facts, known: &Known, said: &Said) -> Next {
    match said {
        Said::Done => verify(facts, known, Outcome::Reconciled),
        // In the history, and changed since it was kept: an earlier run may have set it. What may be
        // in use must not be thrown away.
        Said::Policy(reasons) if is_perhaps_set(reasons) && known.user.changed_since_intent => {
            Next::End(End::unknown(Code::Operator))
        }
        Said::Policy(reasons) => Next::End(refused_by_policy(reasons)),
        Said::NotPermitted => Next::End(End::refused(Code::NotPermitted)),
        Said::RateLimited | Said::NotSent => Next::End(End::refused(Code::NotAvailable).retryable()),
        Said::WrongState | Said::OldWrong => Next::End(End::refused(Code::State)),
        Said::Lost => match known.new {
            None if known.may_probe() => Next::Call(Call::Probe),
            Some(Proof::Proved) => Next::End(End::verified(Outcome::Reconciled)),
            _ => Next::End(End::unknown(Code::NotAvailable).retryable()),
        },
    }
}

/// Okta said 200: that is proven.
fn verify(facts: &Facts, known: &Known, outcome: Outcome) -> Next {
    // Whoever looks afterwards could have no failed sign-in left after an admin's right set it.
    let later = facts.options.later && outcome == Outcome::Rotated;
    match (known.new, known.read) {
        _ if later => Next::End(End::verified(outcome)),
        (Some(Proof::Proved), _) => Next::End(End::verified(outcome)),
        (None, None) if known.may_probe() => Next::Call(Call::Probe),
        (None, None) => Next::Call(Call::Read),
        // No sign-in is possible, or none may fail any more: the date is the evidence.
        (None, Some(true)) => Next::End(End::verified(outcome)),
        _ if facts.options.rollback && facts.old == Old::Given && outcome == Outcome::Rotated => {
            Next::Call(Call::Set(Which::Old))
        }
        _ => Next::End(unverified()),
    }
}

/// It was changed, and is not proven. The same call may prove it.
const fn unverified() -> End {
    End { code: Code::Unverified, outcome: Outcome::Unverified, retryable: true, policy: Vec::new() }
}

fn refused_by_policy(reasons: &[Reason]) -> End {
    // The same password is taken later.
    let retryable = reasons.iter().all(|reason| *reason == Reason::MinAge);
    End { policy: reasons.to_vec(), retryable, ..End::refused(Code::Policy) }
}
