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
    for verify in [Verify::SignIn, Verify::Change, Verify::Later] {
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
                                let options = Options { verify, mismatch, rollback, unlock };
                                all.push(Facts { options, old, user, attempts, answers: Vec::new() });
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
        Call::Probe(which) => PROOFS.map(|proof| Answer::Probe(which, proof)).to_vec(),
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

/// What the table of the specification calls evidence, written down a second time.
fn is_proven(facts: &Facts) -> bool {
    let probed = facts.answers.iter().rev().find_map(|answer| match answer {
        Answer::Probe(Which::New, proof) => Some(*proof == Proof::Proved),
        Answer::Change(Said::Done | Said::Lost) | Answer::Set(_, Said::Done | Said::Lost) => Some(false),
        _ => None,
    });
    if probed == Some(true) {
        return true;
    }
    let done =
        |answer: &Answer| matches!(answer, Answer::Change(Said::Done) | Answer::Set(Which::New, Said::Done));
    match facts.answers.as_slice() {
        [.., last] if done(last) => {
            let is_change = matches!(last, Answer::Change(_));
            (facts.options.verify == Verify::Later && is_change) || facts.user.status == Status::Staged
                // The status as read later.
                || facts.answers.iter().any(|answer| matches!(answer, Answer::Read(Some((user, _))) if user.status == Status::Staged))
        }
        [.., before, Answer::Read(Some((_, true)))] => done(before),
        _ => false,
    }
}

#[test]
fn every_way_ends_soon_with_evidence_and_two_failed_sign_ins_at_most() {
    let mut ways = 0;
    for mut facts in beginnings() {
        let most = facts.attempts.min(2);
        ways += every_way(&mut facts, &mut |facts, end| {
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
    New,
    Third,
}

/// Goes every way that is possible where Okta has `has`, with every failure of the calls.
fn every_true_way(facts: &mut Facts, has: Has, at_end: &mut impl FnMut(&Facts, &End, Has)) {
    let call = match decide(facts) {
        Next::End(end) => return at_end(facts, &end, has),
        Next::Call(call) => call,
    };
    let nothing = [Said::NotPermitted, Said::RateLimited, Said::NotSent, Said::Lost];
    let steps: Vec<(Answer, Has)> = match call {
        Call::Read => {
            vec![(Answer::Read(Some((facts.user, has == Has::New))), has), (Answer::Read(None), has)]
        }
        Call::Roles => [Admin::Yes, Admin::No, Admin::Unknown].map(|a| (Answer::Roles(a), has)).to_vec(),
        Call::Unlock => [Said::Done, Said::Lost].map(|said| (Answer::Unlock(said), has)).to_vec(),
        Call::Change if has == Has::Old => {
            let done = [Said::Done, Said::Lost].map(|said| (Answer::Change(said), Has::New));
            let other = nothing.into_iter().chain([Said::WrongState, Said::Policy(vec![Reason::Other])]);
            done.into_iter().chain(other.map(|said| (Answer::Change(said), has))).collect()
        }
        Call::Change => [Said::OldWrong, Said::Lost].map(|said| (Answer::Change(said), has)).to_vec(),
        Call::Set(which) => {
            let to = if which == Which::New { Has::New } else { Has::Old };
            let done = [Said::Done, Said::Lost].map(|said| (Answer::Set(which, said), to));
            let other = nothing.into_iter().chain([Said::Policy(vec![Reason::Other])]);
            done.into_iter().chain(other.map(|said| (Answer::Set(which, said), has))).collect()
        }
        Call::Probe(which) => {
            let right = matches!((which, has), (Which::New, Has::New) | (Which::Old, Has::Old));
            // A policy of the org may let nobody sign in from here.
            let proofs = if right { &PROOFS[..] } else { &PROOFS[1..] };
            proofs.iter().map(|proof| (Answer::Probe(which, *proof), has)).collect()
        }
    };
    for (answer, has) in steps {
        facts.answers.push(answer);
        every_true_way(facts, has, at_end);
        facts.answers.pop();
    }
}

#[test]
fn what_the_end_says_is_true() {
    for mut facts in beginnings() {
        for begins in [Has::Old, Has::New, Has::Third] {
            // `Later` says what Okta said, and whoever asked looks afterwards.
            every_true_way(&mut facts, begins, &mut |facts, end, has| {
                let lost = facts
                    .answers
                    .iter()
                    .any(|answer| matches!(answer, Answer::Change(Said::Lost) | Answer::Set(_, Said::Lost)));
                match end.outcome {
                    Outcome::Rotated | Outcome::Already | Outcome::Reconciled => {
                        assert_eq!(has, Has::New, "{facts:?} {end:?}");
                    }
                    Outcome::RolledBack => assert_eq!(has, Has::Old, "{facts:?} {end:?}"),
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
    use Which::{New, Old};
    let reconcile = |facts: Facts| Facts {
        options: Options { mismatch: Mismatch::Reconcile { admins: true }, ..facts.options },
        ..facts
    };
    let active = || facts(Status::Active);
    let code = |facts: Facts, answers: &[Answer]| way(facts, answers).1.code;
    // A normal rotation: two calls, and no failed sign-in.
    assert_eq!(
        way(active(), &[Change(Said::Done), Probe(New, Proof::Proved)]),
        (vec![Call::Change, Call::Probe(New)], End::verified(Outcome::Rotated))
    );
    assert_eq!(code(active(), &[Change(Said::Done), Probe(New, Proof::Refused)]), Code::Unverified);
    let rollback = Facts { options: Options { rollback: true, ..Options::default() }, ..active() };
    assert_eq!(
        code(rollback, &[Change(Said::Done), Probe(New, Proof::Refused), Answer::Set(Old, Said::Done)]),
        Code::RolledBack
    );
    let by_date = Facts { options: Options { verify: Verify::Change, ..Options::default() }, ..active() };
    assert_eq!(
        code(by_date, &[Change(Said::Done), Read(Some((user(Status::Active), true)))]),
        Code::Verified
    );
    assert_eq!(
        way(active(), &[Change(Said::OldWrong), Probe(New, Proof::Proved)]).1,
        End::verified(Outcome::Already)
    );
    assert_eq!(code(active(), &[Change(Said::OldWrong), Probe(New, Proof::Refused)]), Code::OldWrong);
    assert_eq!(code(active(), &[Change(Said::OldWrong), Probe(New, Proof::Inconclusive)]), Code::Operator);
    // No failed sign-in is left: the date is the evidence.
    assert_eq!(
        way(
            reconcile(active()),
            &[
                Change(Said::OldWrong),
                Probe(New, Proof::Refused),
                Answer::Set(New, Said::Done),
                Read(Some((user(Status::Active), true)))
            ]
        )
        .1,
        End::verified(Outcome::Reconciled)
    );
    let policy = |reason| Change(Said::Policy(vec![reason]));
    assert!(!way(active(), &[policy(Reason::History)]).1.retryable);
    assert!(way(active(), &[policy(Reason::MinAge)]).1.retryable);
    assert_eq!(code(active(), &[Change(Said::NotPermitted)]), Code::NotPermitted);
    assert_eq!(
        code(active(), &[Change(Said::WrongState), Read(Some((user(Status::Ended), false)))]),
        Code::State
    );
    assert_eq!(
        code(
            active(),
            &[
                Change(Said::WrongState),
                Read(Some((user(Status::Active), false))),
                Change(Said::Done),
                Probe(New, Proof::Proved)
            ]
        ),
        Code::Verified
    );
    assert_eq!(code(active(), &[Change(Said::RateLimited)]), Code::NotAvailable);
    assert_eq!(
        way(active(), &[Change(Said::Lost), Probe(New, Proof::Proved)]).1,
        End::verified(Outcome::Already)
    );
    assert_eq!(
        code(
            active(),
            &[
                Change(Said::Lost),
                Probe(New, Proof::Refused),
                Probe(Old, Proof::Proved),
                Change(Said::Done),
                Probe(New, Proof::Proved)
            ]
        ),
        Code::Verified
    );
    assert_eq!(
        code(active(), &[Change(Said::Lost), Probe(New, Proof::Refused), Probe(Old, Proof::Refused)]),
        Code::Operator
    );
    assert_eq!(code(active(), &[Change(Said::Lost), Probe(New, Proof::Inconclusive)]), Code::NotAvailable);
    // Before anything is changed.
    for (status, code) in
        [(Status::LockedOut, Code::State), (Status::Provisioned, Code::State), (Status::Ended, Code::State)]
    {
        assert_eq!(way(facts(status), &[]).1, End::refused(code), "{status:?}");
    }
    assert_eq!(way(facts(Status::Staged), &[Change(Said::Done)]).1, End::verified(Outcome::Rotated));
    let hint = |flag| User { changed_since_intent: flag, ..user(Status::Active) };
    assert_eq!(
        way(Facts { user: hint(true), ..active() }, &[Probe(New, Proof::Proved)]).1,
        End::verified(Outcome::Already)
    );
    let without_old = || Facts { old: rotation::facts::Old::Unknown, ..active() };
    assert_eq!(code(without_old(), &[Probe(New, Proof::Refused)]), Code::OldWrong);
    assert_eq!(
        code(
            reconcile(without_old()),
            &[Probe(New, Proof::Refused), Answer::Set(New, Said::Done), Probe(New, Proof::Proved)]
        ),
        Code::Verified
    );
    // What earlier runs used up.
    assert_eq!(way(Facts { attempts: 0, ..active() }, &[]).1, End::unknown(Code::Operator));
}
