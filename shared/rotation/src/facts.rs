//! What is known of a rotation.

use crate::policy::Reason;

/// The status of a user, as far as a rotation tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// `ACTIVE`.
    Active,
    /// `PASSWORD_EXPIRED`.
    PasswordExpired,
    /// `RECOVERY`: somebody is about to choose a password; a change ends that.
    Recovery,
    /// `STAGED`: has a password, and cannot sign in yet.
    Staged,
    /// `LOCKED_OUT`.
    LockedOut,
    /// `PROVISIONED`: has no password yet.
    Provisioned,
    /// `SUSPENDED`, `DEPROVISIONED`, and whatever Okta adds.
    Ended,
}

impl Status {
    /// From Okta's word.
    pub fn of(word: &str) -> Self {
        match word {
            "ACTIVE" => Self::Active,
            "PASSWORD_EXPIRED" => Self::PasswordExpired,
            "RECOVERY" => Self::Recovery,
            "STAGED" => Self::Staged,
            "LOCKED_OUT" => Self::LockedOut,
            "PROVISIONED" => Self::Provisioned,
            _ => Self::Ended,
        }
    }

    /// Whether a right password leads to a sign-in.
    pub const fn can_sign_in(self) -> bool {
        matches!(self, Self::Active | Self::PasswordExpired | Self::Recovery)
    }
}

/// A user, as read last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct User {
    /// Its status.
    pub status: Status,
    /// A directory or another IdP has the password (`credentials.provider.type`), not Okta.
    pub is_elsewhere: bool,
    /// Okta is changing the status (`transitioningToStatus`).
    pub is_changing: bool,
    /// The password changed after the new one was kept: perhaps an earlier run did it.
    pub changed_since_intent: bool,
}

/// What is known of the present password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Old {
    /// It was given.
    Given,
    /// It was given, and is the same as the new one.
    SameAsNew,
    /// It was not given.
    Unknown,
}

/// Which password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The one to be.
    New,
    /// The one before.
    Old,
}

/// A call to Okta.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// Read the user again (`getUser`).
    Read,
    /// Look whether the user has an admin role (`listAssignedRolesForUser`).
    Roles,
    /// Unlock the user (`unlockUser`).
    Unlock,
    /// Change the password, with the old one (`changePassword`).
    Change,
    /// Set a password as an admin (`updateUser`).
    Set(Which),
    /// Sign in with the new password (`POST /api/v1/authn`).
    Probe,
}

/// What a call that changes something said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// It is done.
    Done,
    /// The old password is not right. Nothing was changed.
    OldWrong,
    /// The policy refuses the password. Nothing was changed.
    Policy(Vec<Reason>),
    /// The user's status does not allow it. Nothing was changed.
    WrongState,
    /// The credential may not do it, or is refused. Nothing was changed.
    NotPermitted,
    /// Not in this time. Nothing was changed.
    RateLimited,
    /// Okta cannot have received it. Nothing was changed.
    NotSent,
    /// No answer that says anything: done, or not.
    Lost,
}

/// What a sign-in said of a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// It is right.
    Proved,
    /// It is not right, or a policy does not let anybody in from here.
    Refused,
    /// Neither.
    Inconclusive,
}

/// Whether a user has an admin role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admin {
    /// At least one.
    Yes,
    /// None.
    No,
    /// The credential may not look.
    Unknown,
}

/// A call that was made, and what it said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Of [`Call::Read`]: the user; `advanced`: the password has changed since this run began.
    /// [`None`]: the user could not be read.
    Read(Option<(User, bool)>),
    /// Of [`Call::Roles`].
    Roles(Admin),
    /// Of [`Call::Unlock`].
    Unlock(Said),
    /// Of [`Call::Change`].
    Change(Said),
    /// Of [`Call::Set`].
    Set(Which, Said),
    /// Of [`Call::Probe`].
    Probe(Proof),
}

/// What proves that the new password is in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verify {
    /// A sign-in.
    #[default]
    SignIn,
    /// Okta's answer, and the date of the last change: for orgs whose policies let nobody sign
    /// in from here, or everybody without a password first. No sign-in is tried.
    Change,
}

/// Whether something that is off unless asked for is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mismatch {
    /// Stop where the old password is not right.
    #[default]
    Fail,
    /// Set the new one as an admin.
    Reconcile {
        /// Also for users with an admin role.
        admins: bool,
    },
}

/// What a person or a setting says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// What proves the new password.
    pub verify: Verify,
    /// Okta's 200 is enough where the old password was known: somebody looks afterwards.
    pub later: bool,
    /// What is done where the vault's password is not Okta's.
    pub mismatch: Mismatch,
    /// The old password is set again where the new one is not proven.
    pub rollback: bool,
    /// A user who is locked out is unlocked before.
    pub unlock: bool,
}

/// What is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// What was asked for.
    pub options: Options,
    /// What is known of the present password.
    pub old: Old,
    /// The vault has the password of before, too, and the time of the intent is known.
    pub has_former: bool,
    /// The user, when the run began.
    pub user: User,
    /// Failed sign-ins that are left: two at most, fewer after runs that failed.
    pub attempts: u8,
    /// The calls so far, in order.
    pub answers: Vec<Answer>,
}

impl Facts {
    /// Whether a change names the password of before as the present one: the one in use by the
    /// vault was not right.
    pub fn names_former(&self) -> bool {
        self.has_former && self.answers.contains(&Answer::Change(Said::OldWrong))
    }
}
