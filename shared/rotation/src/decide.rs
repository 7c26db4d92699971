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

/// Failed sign-ins in these answers. A wrong old password is one: whether Okta counts it is
/// not documented.
pub fn wrong_attempts(answers: &[Answer]) -> u8 {
    let is_wrong = |answer: &&Answer| {
        matches!(answer, Answer::Change(Said::OldWrong) | Answer::Probe(_, Proof::Refused))
    };
    u8::try_from(answers.iter().filter(is_wrong).count()).unwrap_or(u8::MAX)
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
    old: Option<Proof>,
    admin: Option<Admin>,
    unlocked: Option<Said>,
    written: Option<Written>,
    changes: usize,
    /// Failed sign-ins that are left.
    attempts: u8,
}

impl Known {
    fn of(facts: &Facts) -> Self {
        let mut known = Self {
            user: facts.user,
            read: None,
            new: None,
            old: None,
            admin: None,
            unlocked: None,
            written: None,
            changes: 0,
            attempts: facts.attempts.min(2).saturating_sub(wrong_attempts(&facts.answers)),
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
                self.read = Some(*advanced);
            }
            Answer::Read(None) => self.read = Some(false),
            Answer::Roles(admin) => self.admin = Some(*admin),
            Answer::Unlock(said) => {
                if *said == Said::Done {
                    self.user.status = Status::Active;
                }
                self.unlocked = Some(said.clone());
            }
            Answer::Probe(Which::New, proof) => self.new = Some(*proof),
            Answer::Probe(Which::Old, proof) => self.old = Some(*proof),
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
            (self.new, self.old) = (None, None);
        }
        self.read = None;
        self.written = Some(written);
    }

    /// Whether a sign-in can be tried.
    fn may_probe(&self) -> bool {
        self.user.status.can_sign_in() && self.attempts > 0
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
            return Next::Call(Call::Probe(Which::New));
        }
        return match known.new {
            Some(Proof::Proved) => Next::End(End::verified(Outcome::Already)),
            _ if known.attempts == 0 => Next::End(End::unknown(Code::Operator)),
            _ => Next::Call(Call::Change),
        };
    }
    if !known.user.status.can_sign_in() {
        return mismatch(facts, known, Code::OldWrong);
    }
    match known.new {
        None if known.attempts == 0 => Next::End(End::unknown(Code::Operator)),
        None => Next::Call(Call::Probe(Which::New)),
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
        Said::OldWrong if !known.user.status.can_sign_in() => mismatch(facts, known, Code::OldWrong),
        Said::OldWrong => match known.new {
            None if known.attempts == 0 => Next::End(End::unknown(Code::Operator)),
            None => Next::Call(Call::Probe(Which::New)),
            Some(Proof::Proved) => Next::End(End::verified(Outcome::Already)),
            Some(Proof::Refused) => mismatch(facts, known, Code::OldWrong),
            Some(Proof::Inconclusive) => Next::End(End::unknown(Code::Operator)),
        },
        Said::Lost => match (known.new, known.old) {
            (None, _) if known.may_probe() => Next::Call(Call::Probe(Which::New)),
            (Some(Proof::Proved), _) => Next::End(End::verified(Outcome::Already)),
            (Some(Proof::Refused), None) if known.may_probe() => Next::Call(Call::Probe(Which::Old)),
            (Some(Proof::Refused), Some(Proof::Proved)) if tries_again && known.attempts > 0 => {
                Next::Call(Call::Change)
            }
            (Some(Proof::Refused), Some(Proof::Proved)) => {
                Next::End(End::refused(Code::NotAvailable).retryable())
            }
            (Some(Proof::Refused), Some(Proof::Refused)) => mismatch(facts, known, Code::Operator),
            _ => Next::End(End::unknown(Code::NotAvailable).retryable()),
        },
    }
}

/// Neither password is Okta's, or there is none: an admin's right sets the new one, if that
/// was asked for.
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
        Said::Policy(reasons) => Next::End(refused_by_policy(reasons)),
        Said::NotPermitted => Next::End(End::refused(Code::NotPermitted)),
        Said::RateLimited | Said::NotSent => Next::End(End::refused(Code::NotAvailable).retryable()),
        Said::WrongState | Said::OldWrong => Next::End(End::refused(Code::State)),
        Said::Lost => match known.new {
            None if known.may_probe() => Next::Call(Call::Probe(Which::New)),
            Some(Proof::Proved) => Next::End(End::verified(Outcome::Reconciled)),
            _ => Next::End(End::unknown(Code::NotAvailable).retryable()),
        },
    }
}

/// Okta said 200: that is proven.
fn verify(facts: &Facts, known: &Known, outcome: Outcome) -> Next {
    let verify = match facts.options.verify {
        // Whoever looks afterwards could have no failed sign-in left.
        Verify::Later if outcome == Outcome::Reconciled => Verify::SignIn,
        verify => verify,
    };
    let by_sign_in = verify == Verify::SignIn && known.user.status.can_sign_in();
    match (verify, known.new, known.read) {
        (Verify::Later, ..) | (_, Some(Proof::Proved), _) | (Verify::Change, _, Some(true)) => {
            Next::End(End::verified(outcome))
        }
        (_, None, None) if by_sign_in && known.attempts > 0 => Next::Call(Call::Probe(Which::New)),
        (_, None, None) => Next::Call(Call::Read),
        // No failed sign-in is left, or nobody can sign in: the date is the evidence.
        (Verify::SignIn, None, Some(true)) => Next::End(End::verified(outcome)),
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
