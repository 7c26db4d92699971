//! The kinds of findings, and what is said of one.

use serde::Serialize;

/// A kind of finding in the org; those of tenants are the kinds of the crate `examination`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Code {
    /// The org has no okta-dac app.
    NotPrepared,
    /// An object of one of our names was made by somebody else.
    Foreign,
    /// An object of ours is not as it has to be.
    Wrong,
    /// What `okta-dac org setup` makes is not there.
    Lacking,
    /// The claim `groups` has all groups of a user.
    WideClaim,
    /// Nobody is a superuser.
    NoSuperuser,
    /// A group of a directory or an app has a name that gives rights.
    ImportedGroup,
    /// An active rule above a tenant's rule takes the tenant's users.
    BroaderRule,
    /// An IdP of ours accepts any login.
    AnyLogin,
    /// Domains are verified, and no rule leads their users to the IdP.
    DomainsWithoutRule,
    /// The certificate of an IdP of ours ends within 30 days.
    CertificateEnds,
    /// The record of a tenant's admins group is none.
    EditedRecord,
    /// A connection has a scope that its preset has not.
    GrantTooWide,
    /// A connection has a role that its preset has not.
    RoleTooWide,
    /// A key of a connection is older than 90 days.
    OldCredential,
    /// The event hook does not tell the API of ended rights.
    SilentHook,
    /// A parameter of the deployment is another than the org's.
    Deployment,
    /// The API has a stage beside its own.
    OtherStage,
}

impl Code {
    /// Every code, with its name and what it says, the most dangerous first.
    pub const ALL: [(Self, &'static str, &'static str); 18] = [
        (Self::ImportedGroup, "imported-group", "a group of a directory has a name that gives rights"),
        (Self::AnyLogin, "any-login", "an IdP of a tenant accepts logins of every domain"),
        (Self::RoleTooWide, "role-too-wide", "a connection has a role that its preset has not"),
        (Self::GrantTooWide, "grant-too-wide", "a connection has a scope that its preset has not"),
        (Self::OtherStage, "other-stage", "the API has a stage beside the one of the deployment"),
        (Self::NotPrepared, "not-prepared", "the org has no okta-dac app"),
        (Self::Foreign, "foreign", "an object with one of okta-dac's names was made by somebody else"),
        (Self::Wrong, "wrong", "an object of okta-dac is not as it has to be"),
        (Self::Lacking, "lacking", "what `okta-dac org setup` makes is not there"),
        (
            Self::WideClaim,
            "wide-claim",
            "the claim `groups` has all groups of a user; above 100 Okta fails the request",
        ),
        (Self::Deployment, "deployment", "a parameter of the deployment differs from the org"),
        (Self::SilentHook, "silent-hook", "the event hook does not tell the API of ended rights"),
        (Self::BroaderRule, "broader-rule", "a rule above a tenant's rule takes the tenant's users"),
        (Self::DomainsWithoutRule, "domains-without-rule", "verified domains lead nobody to their IdP"),
        (Self::EditedRecord, "edited-record", "a hand edited the record of a tenant's admins group"),
        (Self::NoSuperuser, "no-superuser", "nobody is a superuser"),
        (Self::CertificateEnds, "certificate-ends", "a certificate of an IdP ends within 30 days"),
        (Self::OldCredential, "old-credential", "a key of a connection is older than 90 days"),
    ];

    fn rank(self) -> (usize, &'static str) {
        let all = Self::ALL.iter().enumerate();
        all.filter(|(_, (code, ..))| *code == self)
            .map(|(rank, (_, name, _))| (rank, *name))
            .next()
            .unwrap_or_default()
    }
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Its kind: of [`Code::ALL`], or of `examination::Kind`.
    pub code: &'static str,
    /// Kind, name and id of the object.
    pub object: String,
    /// What is wrong.
    pub detail: String,
    /// What a person does about it.
    pub cure: String,
    /// Whether `--fix` does it.
    pub fixable: bool,
    /// Whether it is done.
    pub fixed: bool,
    /// How dangerous it is; 0 is worst.
    #[serde(skip)]
    pub rank: usize,
}

impl Finding {
    /// What only a person cures.
    pub fn new(
        code: Code,
        object: impl Into<String>,
        detail: impl Into<String>,
        cure: impl Into<String>,
    ) -> Self {
        let (rank, code) = code.rank();
        let (object, detail, cure) = (object.into(), detail.into(), cure.into());
        Self { code, object, detail, cure, fixable: false, fixed: false, rank }
    }

    /// The same, which `--fix` cures.
    #[must_use]
    pub fn fixable(self) -> Self {
        Self { fixable: true, ..self }
    }

    /// Whether this is of that kind.
    pub fn is(&self, code: Code) -> bool {
        self.code == code.rank().1
    }
}
