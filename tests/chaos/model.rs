//! Who may do what now: a second model, which knows nothing of how the product decides.
//!
//! The model follows what was answered, in the order in which the answers came. What is
//! forbidden here must not be done.

use std::collections::{BTreeMap, BTreeSet};

/// A tenant, by its place in the list.
pub(crate) type TenantId = usize;

/// A user: the tenant, and the place among the tenant's users.
pub(crate) type UserId = (TenantId, usize);

/// A token, as it was issued.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    /// For `Authorization`.
    pub(crate) text: String,
    /// The user; `None` for the operator.
    pub(crate) user: Option<UserId>,
    /// Whether the token says that the user is an admin of the own tenant.
    pub(crate) admin: bool,
    /// Place in the order of everything that happened.
    pub(crate) issued: u64,
}

/// What a request does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    /// Looks at a tenant, or changes it as its admin may.
    Of(TenantId),
    /// What a superuser alone may do.
    Operator,
}

/// What is known.
#[derive(Debug, Default)]
pub(crate) struct Model {
    /// Everything that happened has a number.
    now: u64,
    admins: BTreeMap<TenantId, BTreeSet<usize>>,
    suspended: BTreeSet<TenantId>,
    /// When the rights of a user over the own tenant ended last.
    ended: BTreeMap<UserId, u64>,
    /// When all rights of a user ended last.
    revoked: BTreeMap<UserId, u64>,
}

impl Model {
    /// A model of tenants whose first two users are admins.
    pub(crate) fn new(tenants: usize) -> Self {
        let admins = (0..tenants).map(|tenant| (tenant, BTreeSet::from([0, 1]))).collect();
        Self { admins, ..Self::default() }
    }

    /// The next number.
    pub(crate) fn tick(&mut self) -> u64 {
        self.now += 1;
        self.now
    }

    /// The admins of a tenant.
    pub(crate) fn admins(&self, tenant: TenantId) -> &BTreeSet<usize> {
        &self.admins[&tenant]
    }

    pub(crate) fn is_suspended(&self, tenant: TenantId) -> bool {
        self.suspended.contains(&tenant)
    }

    pub(crate) fn assigned(&mut self, (tenant, user): UserId) {
        self.admins.entry(tenant).or_default().insert(user);
    }

    pub(crate) fn unassigned(&mut self, of: UserId) {
        let now = self.tick();
        self.admins.entry(of.0).or_default().remove(&of.1);
        self.ended.insert(of, now);
    }

    pub(crate) fn revoked(&mut self, of: UserId) {
        let now = self.tick();
        self.revoked.insert(of, now);
    }

    pub(crate) fn set_suspended(&mut self, tenant: TenantId, suspended: bool) {
        self.tick();
        match suspended {
            true => self.suspended.insert(tenant),
            false => self.suspended.remove(&tenant),
        };
    }

    /// Why a request with this token must not be done, if it must not.
    pub(crate) fn forbids(&self, token: &Token, deed: Deed) -> Option<&'static str> {
        let of = token.user?;
        let before = |times: &BTreeMap<UserId, u64>| times.get(&of).is_some_and(|time| token.issued < *time);
        match deed {
            Deed::Operator => Some("the user is no superuser"),
            Deed::Of(tenant) if tenant != of.0 => Some("the tenant is another's"),
            Deed::Of(_) if !token.admin => Some("the token says nothing of the tenant"),
            Deed::Of(tenant) if self.is_suspended(tenant) => Some("the tenant is suspended"),
            Deed::Of(_) if before(&self.ended) => Some("the user was taken out of the admins since"),
            Deed::Of(_) if before(&self.revoked) => Some("the user was revoked since"),
            Deed::Of(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_forbids_what_ended() {
        let mut model = Model::new(2);
        let token =
            |model: &mut Model, user, admin| Token { text: String::new(), user, admin, issued: model.tick() };
        let admin = token(&mut model, Some((0, 1)), true);
        assert_eq!(model.forbids(&admin, Deed::Of(0)), None);
        assert!(model.forbids(&admin, Deed::Of(1)).is_some());
        assert!(model.forbids(&admin, Deed::Operator).is_some());
        model.set_suspended(0, true);
        assert!(model.forbids(&admin, Deed::Of(0)).is_some());
        model.set_suspended(0, false);
        model.unassigned((0, 1));
        model.assigned((0, 1));
        assert!(model.forbids(&admin, Deed::Of(0)).is_some(), "a new right is another");
        let admin = token(&mut model, Some((0, 1)), true);
        assert_eq!(model.forbids(&admin, Deed::Of(0)), None);
        model.revoked((0, 1));
        assert!(model.forbids(&admin, Deed::Of(0)).is_some());
        let operator = token(&mut model, None, false);
        assert_eq!(model.forbids(&operator, Deed::Operator), None);
    }
}
