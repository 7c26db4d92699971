//! Every way that a rotation can take: whatever Okta answers, and whatever is true.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use rotation::decide::{Next, decide, wrong_attempts};
use rotation::end::{Code, End, Outcome};
use rotation::facts::{
    Admin, Answer, Call, Facts, Mismatch, Old, Options, Proof, Said, Status, User, Verify, Which,
};
use rotation::policy::Reason;

const STATUSES: [Status; 7] = [
    Status::Active,
    Status::PasswordExpired,
    Status::Recovery,
    Status::Staged,
    Status::LockedOut,
    Status::Provisioned,
    Status::Ended,
];

fn user(status: Status) -> User {
    User { status, is_elsewhere: false, is_changing: false, changed_since_intent: false }
}

/// Every way to begin.
fn beginnings() -> Vec<Facts> {
    let mut all = Vec::new();
    for (verify, later) in
        [(Verify::SignIn, false), (Verify::SignIn, true), (Verify::Change, false), (Verify::Change, true)]
    {
        for mismatch in
            [Mismatch::Fail, Mismatch::Reconcile { admins: false }, Mismatch::Reconcile { admins: true }]
        {
            for (rollback, unlock) in [(false, false), (true, true)] {
                for old in [Old::Given, Old::SameAsNew, Old::Unknown] {
                    for attempts in [0, 1, 2, 9] {
                        for status in STATUSES {
                            for flags in 0..8 {
                                let user = User {
                                    is_elsewhere: flags & 1 > 0,
                                    is_changing: flags & 2 > 0,
                                    changed_since_intent: flags & 4 > 0,
                                    ..user(status)
                                };
                                let options = Options { verify, later, mismatch, rollback, unlock };
                                for has_former in [false, true] {
                                    let answers = Vec::new();
                                    all.push(Facts { options, old, has_former, user, attempts, answers });
                                }
                            }
                        }
                    }
                }
            }
        }
    }
    all
}

const PROOFS: [Proof; 3] = [Proof::Proved, Proof::Refused, Proof::Inconclusive];

fn all_said() -> Vec<Said> {
    vec![
        Said::Done,
        Said::OldWrong,
        Said::Policy(vec![Reason::MinAge]),
        Said::Policy(vec![Reason::History]),
        Said::WrongState,
        Said::NotPermitted,
        Said::RateLimited,
        Said::NotSent,
        Said::Lost,
    ]
}

/// Everything that a call may answer.
fn answers(call: Call) -> Vec<Answer> {
    match call {
        Call::Read => {
            let read = STATUSES.into_iter().flat_map(|status| {
                [true, false].map(|advanced| Answer::Read(Some((user(status), advanced))))
            });
            read.chain([Answer::Read(None)]).collect()
        }
        Call::Roles => [Admin::Yes, Admin::No, Admin::Unknown].map(Answer::Roles).to_vec(),
        Call::Unlock => all_said().into_iter().map(Answer::Unlock).collect(),
        Call::Change => all_said().into_iter().map(Answer::Change).collect(),
        Call::Set(which) => all_said().into_iter().map(|said| Answer::Set(which, said)).collect(),
        Call::Probe => PROOFS.map(Answer::Probe).to_vec(),
    }
}

/// Goes every way; gives how many there are.
fn every_way(facts: &mut Facts, at_end: &mut impl FnMut(&Facts, &End)) -> u64 {
    match decide(facts) {
        Next::End(end) => {
            at_end(facts, &end);
            1
        }
        Next::Call(call) => {
            assert!(facts.answers.len() < 8, "too long: {facts:?}");
            let mut ways = 0;
            for answer in answers(call) {
                facts.answers.push(answer);
                ways += every_way(facts, at_end);
                facts.answers.pop();
            }
            ways
        }
    }
}

/// What counts as evidence, written down a second time.
fn is_proven(facts: &Facts) -> bool {
    let by_date = facts.options.verify == Verify::Change
        || facts.answers.iter().fold(!facts.user.status.can_sign_in(), |by_date, answer| match answer {
            Answer::Read(Some((user, _))) => !user.status.can_sign_in(),
            Answer::Unlock(Said::Done) => false,
            _ => by_date,
        });
    let done =
        |answer: &Answer| matches!(answer, Answer::Change(Said::Done) | Answer::Set(Which::New, Said::Done));
    let since_intent =
        facts.answers.iter().fold(facts.user.changed_since_intent, |since, answer| match answer {
            Answer::Read(Some((user, _))) => user.changed_since_intent,
            _ => since,
        });
    match facts.answers.as_slice() {
        [.., Answer::Probe(Proof::Proved)] => facts.options.verify == Verify::SignIn,
        // Somebody looks afterwards, or nobody can sign in yet.
        [.., Answer::Change(Said::Done)] => facts.options.later || by_date,
        [.., before, Answer::Read(Some((_, true)))] if done(before) => true,
        // No sign-in says anything: what an earlier run, or a lost answer, leaves.
        [.., Answer::Change(Said::OldWrong)] => by_date && since_intent,
        [.., Answer::Change(Said::Lost), Answer::Read(Some((_, true)))] => by_date,
        _ => false,
    }
}

/// Failed sign-ins, counted a second time: what Okta may have counted.
fn may_have_failed(answers: &[Answer]) -> usize {
    let mut failed = 0;
    for (index, answer) in answers.iter().enumerate() {
        failed += match answer {
            Answer::Change(Said::OldWrong) | Answer::Probe(Proof::Refused) => 1,
            Answer::Change(Said::Lost) => {
                let later = &answers[index..];
                let done = later.iter().any(|later| matches!(later, Answer::Read(Some((_, true)))));
                usize::from(!done)
            }
            _ => 0,
        };
    }
    failed
}

#[test]
fn every_way_ends_soon_with_evidence_and_two_failed_sign_ins_at_most() {
    let mut ways = 0;
    for mut facts in beginnings() {
        let most = facts.attempts.min(2);
        ways += every_way(&mut facts, &mut |facts, end| {
            assert!(may_have_failed(&facts.answers) <= usize::from(most), "{facts:?}");
            assert!(wrong_attempts(&facts.answers) <= most, "{facts:?}");
            if end.code == Code::Verified {
                assert!(is_proven(facts), "{facts:?} {end:?}");
            }
            let wrote = facts.answers.iter().any(|answer| {
                matches!(answer, Answer::Change(Said::Done) | Answer::Set(Which::New, Said::Done))
            });
            assert!(!(wrote && end.outcome == Outcome::Refused), "{facts:?} {end:?}");
            assert_eq!(end.code == Code::RolledBack, end.outcome == Outcome::RolledBack);
            assert_eq!(end.code == Code::Policy, !end.policy.is_empty());
            if facts.options.mismatch == Mismatch::Fail {
                assert!(!facts.answers.iter().any(|answer| matches!(answer, Answer::Set(Which::New, _))));
            }
        });
    }
    assert!(ways > 50_000, "{ways} ways");
}

/// What is true: which password Okta has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Has {
    Old,
    Former,
    New,
    Third,
}

/// Goes every way that is possible where Okta has `has`, with every failure of the calls.
fn every_true_way(facts: &mut Facts, begins: Has, has: Has, at_end: &mut impl FnMut(&Facts, &End, Has)) {
    let call = match decide(facts) {
        Next::End(end) => return at_end(facts, &end, has),
        Next::Call(call) => call,
    };
    let nothing = [Said::NotPermitted, Said::RateLimited, Said::NotSent, Said::Lost];
    let steps: Vec<(Answer, Has)> = match call {
        Call::Read => {
            let mut all = vec![(Answer::Read(None), has), (Answer::Read(Some((facts.user, false))), has)];
            // The date may be late, and never early.
            if has != begins {
                all.push((Answer::Read(Some((facts.user, true))), has));
            }
            all
        }
        Call::Roles => [Admin::Yes, Admin::No, Admin::Unknown].map(|a| (Answer::Roles(a), has)).to_vec(),
        Call::Unlock => [Said::Done, Said::Lost].map(|said| (Answer::Unlock(said), has)).to_vec(),
        Call::Change if has == if facts.names_former() { Has::Former } else { Has::Old } => {
            let done = [Said::Done, Said::Lost].map(|said| (Answer::Change(said), Has::New));
            let other = nothing.into_iter().chain([Said::WrongState, Said::Policy(vec![Reason::Other])]);
            done.into_iter().chain(other.map(|said| (Answer::Change(said), has))).collect()
        }
        Call::Change => [Said::OldWrong, Said::Lost].map(|said| (Answer::Change(said), has)).to_vec(),
        Call::Set(which) => {
            let old = if facts.names_former() { Has::Former } else { Has::Old };
            let to = if which == Which::New { Has::New } else { old };
            let done = [Said::Done, Said::Lost].map(|said| (Answer::Set(which, said), to));
            let other = nothing.into_iter().chain([Said::Policy(vec![Reason::Other])]);
            done.into_iter().chain(other.map(|said| (Answer::Set(which, said), has))).collect()
        }
        Call::Probe => {
            // A policy of the org may let nobody sign in from here.
            let proofs = if has == Has::New { &PROOFS[..] } else { &PROOFS[1..] };
            proofs.iter().map(|proof| (Answer::Probe(*proof), has)).collect()
        }
    };
    for (answer, has) in steps {
        facts.answers.push(answer);
        every_true_way(facts, begins, has, at_end);
        facts.answers.pop();
    }
}

#[test]
fn what_the_end_says_is_true() {
    for mut facts in beginnings() {
        for begins in [Has::Old, Has::Former, Has::New, Has::Third] {
            // Where no sign-in says anything, somebody else's change after the intent looks like
            // ours: that is what `Verify::Change` gives up.
            let by_date = facts.options.verify == Verify::Change || !facts.user.status.can_sign_in();
            if by_date && facts.user.changed_since_intent && matches!(begins, Has::Former | Has::Third) {
                continue;
            }
            every_true_way(&mut facts, begins, begins, &mut |facts, end, has| {
                let lost = facts
                    .answers
                    .iter()
                    .any(|answer| matches!(answer, Answer::Change(Said::Lost) | Answer::Set(_, Said::Lost)));
                match end.outcome {
                    Outcome::Rotated | Outcome::Already | Outcome::Reconciled => {
                        assert_eq!(has, Has::New, "{facts:?} {end:?}");
                    }
                    Outcome::RolledBack => assert_eq!(has, begins, "{facts:?} {end:?}"),
                    Outcome::Refused if !lost => assert_eq!(has, begins, "{facts:?} {end:?}"),
                    Outcome::Unverified => assert!(has == Has::New || lost, "{facts:?} {end:?}"),
                    Outcome::Refused | Outcome::Unknown => {}
                }
            });
        }
    }
}

fn facts(status: Status) -> Facts {
    Facts {
        options: Options::default(),
        old: Old::Given,
        has_former: false,
        user: user(status),
        attempts: 2,
        answers: Vec::new(),
    }
}

/// The calls of a way, and its end.
fn way(mut facts: Facts, answers: &[Answer]) -> (Vec<Call>, End) {
    let mut calls = Vec::new();
    let mut left = answers.iter();
    loop {
        match decide(&facts) {
            Next::End(end) => {
                assert_eq!(left.next(), None, "the way ended before: {calls:?} {end:?}");
                return (calls, end);
            }
            Next::Call(call) => {
                calls.push(call);
                facts.answers.push(left.next().unwrap_or_else(|| panic!("one more: {calls:?}")).clone());
            }
        }
    }
}

/// The rows of the decision table.
#[test]
fn the_table_is_followed() {
    use Answer::{Change, Probe, Read};
    let reconcile = |facts: Facts| Facts {
        options: Options { mismatch: Mismatch::Reconcile { admins: true }, ..facts.options },
        ..facts
    };
    let active = || facts(Status::Active);
    let with = |options: Options| Facts { options, ..active() };
    let code = |facts: Facts, answers: &[Answer]| way(facts, answers).1.code;
    let read = |advanced| Read(Some((user(Status::Active), advanced)));
    let already = End::verified(Outcome::Already);
    // A normal rotation: two calls, and no failed sign-in.
    assert_eq!(
        way(active(), &[Change(Said::Done), Probe(Proof::Proved)]),
        (vec![Call::Change, Call::Probe], End::verified(Outcome::Rotated))
    );
    assert_eq!(code(active(), &[Change(Said::Done), Probe(Proof::Refused)]), Code::Unverified);
    assert_eq!(code(active(), &[Change(Said::Done), Probe(Proof::Inconclusive)]), Code::Unverified);
    let rollback = with(Options { rollback: true, ..Options::default() });
    let back = [Change(Said::Done), Probe(Proof::Refused), Answer::Set(Which::Old, Said::Done)];
    assert_eq!(code(rollback, &back), Code::RolledBack);
    assert_eq!(way(active(), &[Change(Said::OldWrong), Probe(Proof::Proved)]).1, already);
    assert_eq!(code(active(), &[Change(Said::OldWrong), Probe(Proof::Refused)]), Code::OldWrong);
    assert_eq!(code(active(), &[Change(Said::OldWrong), Probe(Proof::Inconclusive)]), Code::Operator);
    // No failed sign-in is left: the date is the evidence.
    let reconciled =
        [Change(Said::OldWrong), Probe(Proof::Refused), Answer::Set(Which::New, Said::Done), read(true)];
    assert_eq!(way(reconcile(active()), &reconciled).1, End::verified(Outcome::Reconciled));
    // A refusal of the policy; one that may mean that it is set already is looked at.
    let policy = |reason| Change(Said::Policy(vec![reason]));
    let history = way(active(), &[policy(Reason::History), Probe(Proof::Refused)]).1;
    assert_eq!((history.code, history.retryable), (Code::Policy, false));
    assert_eq!(way(active(), &[policy(Reason::History), Probe(Proof::Proved)]).1, already);
    assert!(way(active(), &[policy(Reason::MinAge)]).1.retryable);
    assert_eq!(code(active(), &[policy(Reason::MinLength)]), Code::Policy);
    assert_eq!(code(active(), &[Change(Said::NotPermitted)]), Code::NotPermitted);
    let ended = Read(Some((user(Status::Ended), false)));
    assert_eq!(code(active(), &[Change(Said::WrongState), ended]), Code::State);
    let again = [Change(Said::WrongState), read(false), Change(Said::Done), Probe(Proof::Proved)];
    assert_eq!(code(active(), &again), Code::Verified);
    assert_eq!(code(active(), &[Change(Said::RateLimited)]), Code::NotAvailable);
    // A lost answer: the date says whether it was done.
    assert_eq!(way(active(), &[Change(Said::Lost), read(true), Probe(Proof::Proved)]).1, already);
    let again = [Change(Said::Lost), read(false), Change(Said::Done), Probe(Proof::Proved)];
    assert_eq!(code(active(), &again), Code::Verified);
    let stale = way(active(), &[Change(Said::Lost), read(false), Change(Said::OldWrong)]).1;
    assert_eq!((stale.code, stale.retryable), (Code::NotAvailable, true));
    assert_eq!(code(active(), &[Change(Said::Lost), Read(None)]), Code::NotAvailable);
    assert_eq!(
        code(active(), &[Change(Said::Lost), read(true), Probe(Proof::Inconclusive)]),
        Code::NotAvailable
    );
    // Where no sign-in says anything.
    let by_date = |since| {
        let options = Options { verify: Verify::Change, ..Options::default() };
        Facts { user: User { changed_since_intent: since, ..user(Status::Active) }, ..with(options) }
    };
    assert_eq!(code(by_date(false), &[Change(Said::Done), read(true)]), Code::Verified);
    assert_eq!(code(by_date(false), &[Change(Said::Done), read(false)]), Code::Unverified);
    assert_eq!(way(by_date(true), &[Change(Said::OldWrong)]).1, already);
    assert_eq!(code(by_date(false), &[Change(Said::OldWrong)]), Code::OldWrong);
    assert_eq!(way(by_date(false), &[Change(Said::Lost), read(true)]).1, already);
    // Before anything is changed.
    for status in [Status::LockedOut, Status::Provisioned, Status::Ended] {
        assert_eq!(way(facts(status), &[]).1, End::refused(Code::State), "{status:?}");
    }
    assert_eq!(way(facts(Status::Staged), &[Change(Said::Done)]).1, End::verified(Outcome::Rotated));
    let hint = || Facts { user: User { changed_since_intent: true, ..user(Status::Active) }, ..active() };
    assert_eq!(way(hint(), &[Probe(Proof::Proved)]).1, already);
    assert_eq!(code(hint(), &[Probe(Proof::Inconclusive)]), Code::NotAvailable);
    let without_old = || Facts { old: Old::Unknown, ..active() };
    assert_eq!(code(without_old(), &[Probe(Proof::Refused)]), Code::OldWrong);
    let set = [Probe(Proof::Refused), Answer::Set(Which::New, Said::Done), Probe(Proof::Proved)];
    assert_eq!(code(reconcile(without_old()), &set), Code::Verified);
    // Somebody put a wrong value into the vault: the one of before is right.
    let former = || Facts { has_former: true, ..active() };
    let healed = [Change(Said::OldWrong), Change(Said::Done), Probe(Proof::Proved)];
    assert_eq!(way(former(), &healed).1, End::verified(Outcome::Rotated));
    let neither = [Change(Said::OldWrong), Change(Said::OldWrong)];
    assert_eq!(way(former(), &neither).1, End::refused(Code::OldWrong));
    // Somebody has changed it since: perhaps an earlier run.
    let hint = Facts { user: hint().user, ..former() };
    assert_eq!(code(hint, &[Probe(Proof::Refused), Change(Said::OldWrong)]), Code::OldWrong);
    // What earlier runs used up.
    assert_eq!(way(Facts { attempts: 0, ..active() }, &[]).1, End::unknown(Code::Operator));
}
