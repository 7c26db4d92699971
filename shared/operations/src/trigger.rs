//! What starts an operation.

use crate::ProblemCode;

/// What starts an operation, and what comes with that.
#[derive(Clone, Copy, Debug)]
pub enum Trigger {
    /// A request through API Gateway, after the authorizer.
    Http(Http),
    /// API Gateway itself, before every request of an [`Trigger::Http`] operation.
    Authorizer,
    /// Okta, while it makes a token: `POST` with the secret of the hook, and without an
    /// authorizer before it. The answer is a list of commands.
    InlineHook {
        /// Path of the API.
        path: &'static str,
    },
    /// Okta, after something happened: `GET` with a challenge when the hook is verified,
    /// `POST` with events, both with the secret of the hook and without an authorizer
    /// before them.
    EventHook {
        /// Path of the API.
        path: &'static str,
    },
    /// A request that is passed on to Okta with the token that the caller sent; there
    /// is no authorizer before it, and Okta decides.
    Proxy {
        /// Path template of the API, which ends with a parameter for the rest.
        path: &'static str,
        /// What can go wrong beyond [`ProblemCode::COMMON`].
        problems: &'static [ProblemCode],
        /// The predecessor's function that this operation replaces.
        replaces: Option<&'static str>,
    },
    /// `GET` of what everybody may read; there is no authorizer before it.
    Public {
        /// Path template of the API, with one parameter at most.
        path: &'static str,
        /// What can go wrong beside `internal`.
        problems: &'static [ProblemCode],
    },
    /// Secrets Manager, for each step of a rotation.
    SecretRotation,
    /// A schedule.
    Schedule {
        /// How often.
        every: Every,
        /// The parameter of the template, `ENABLED` or `DISABLED`, that switches the
        /// schedule; none: it is always on.
        enabled_by: Option<&'static str>,
    },
    /// Events on a bus of EventBridge.
    Bus {
        /// The parameter of the template with the name of the bus.
        bus: &'static str,
        /// Which events, by their member `source`: one of these. A source that ends with `*`
        /// stands for all that begin so.
        sources: &'static [&'static str],
    },
}

/// How often a schedule fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Every {
    /// Every so many minutes.
    Minutes(u32),
    /// Every so many hours.
    Hours(u32),
}

impl Every {
    /// As EventBridge has it: `rate(5 minutes)`.
    pub fn rate(self) -> String {
        let (number, unit) = self.parts();
        format!("rate({number} {unit}{})", if number == 1 { "" } else { "s" })
    }

    /// For people: `every 5 minutes`.
    pub fn describe(self) -> String {
        match self.parts() {
            (1, unit) => format!("every {unit}"),
            (number, unit) => format!("every {number} {unit}s"),
        }
    }

    fn parts(self) -> (u32, &'static str) {
        match self {
            Every::Minutes(number) => (number, "minute"),
            Every::Hours(number) => (number, "hour"),
        }
    }
}

/// A request of the API.
#[derive(Clone, Copy, Debug)]
pub struct Http {
    /// HTTP method.
    pub method: Method,
    /// Path template as in `template.yaml`, parameters in braces.
    pub path: &'static str,
    /// Who may call it. The authorizer has no other source.
    pub access: Access,
    /// HTTP status of the successful answer.
    pub success: u16,
    /// What can go wrong beyond [`ProblemCode::COMMON`].
    pub problems: &'static [ProblemCode],
    /// Whether its answer is kept for an `Idempotency-Key`.
    pub idempotent: bool,
    /// The predecessor's function that this operation replaces.
    pub replaces: Option<&'static str>,
}

/// HTTP method of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// Reads.
    Get,
    /// Creates.
    Post,
    /// Replaces or changes.
    Put,
    /// Removes.
    Delete,
    /// Whatever the caller sends: the operation passes it on.
    Any,
}

impl Method {
    /// `GET`, `POST`, `PUT`, `DELETE`, `ANY`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Delete => "DELETE",
            Method::Any => "ANY",
        }
    }

    /// Whether a call with this method changes nothing (RFC 9110, 9.2.1).
    pub const fn is_safe(self) -> bool {
        matches!(self, Method::Get)
    }
}

/// The scope for administering tenants.
pub const DAC_ADMIN: &str = "dac.admin";

/// The scope for delegation.
pub const MANAGED_ACCESS: &str = "managed.access";

/// The scope for responses.
pub const DAC_RESPOND: &str = "dac.respond";

/// The scopes that are ours; every token needs one of them.
pub const SCOPES: [&str; 3] = [DAC_ADMIN, MANAGED_ACCESS, DAC_RESPOND];

/// Who may call an operation of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Superusers: callers with the group `SUPERUSERS`.
    Superuser,
    /// Superusers, and admins of the tenant that `{tenant}` in the path names.
    TenantAdmin,
    /// Superusers, and admins of the tenant whose IdP `{idpId}` in the path names.
    IdpAdmin,
    /// Every caller whose token is accepted.
    AnyUser,
    /// Users with the scope `managed.access`, in their own name: no token that was
    /// issued to act for somebody else.
    ManagedAccess,
    /// Superusers, and callers with the group `RESPONDERS`, both with the scope
    /// `dac.respond`. The operation itself looks whether such a caller is in the group with
    /// the configured id: the name alone is where to look.
    Responder,
}

impl Access {
    /// The words of the API reference.
    pub fn describe(self) -> &'static str {
        match self {
            Access::Superuser => "superuser",
            Access::TenantAdmin => "superuser, admin of the tenant",
            Access::IdpAdmin => "superuser, admin of the tenant of the IdP",
            Access::AnyUser => "any user",
            Access::ManagedAccess => "any user, in their own name",
            Access::Responder => "superuser, responder",
        }
    }

    /// The scope that a token must have.
    pub const fn scope(self) -> &'static str {
        match self {
            Access::ManagedAccess => MANAGED_ACCESS,
            Access::Responder => DAC_RESPOND,
            _ => DAC_ADMIN,
        }
    }
}

/// What API Gateway lets through of one method, per second and at once; more is
/// answered with 429 before a function is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Throttle {
    /// Requests per second, on average.
    pub rate: u32,
    /// Requests at once.
    pub burst: u32,
}

impl Throttle {
    /// For what has no authorizer before it: anybody can send requests there.
    const OPEN: Throttle = Throttle { rate: 50, burst: 100 };
}

impl Trigger {
    /// Method and path template in the API, if the operation has a route there.
    pub const fn route(&self) -> Option<(Method, &'static str)> {
        match self {
            Trigger::Http(http) => Some((http.method, http.path)),
            Trigger::InlineHook { path } => Some((Method::Post, path)),
            Trigger::Public { path, .. } => Some((Method::Get, path)),
            Trigger::EventHook { path } | Trigger::Proxy { path, .. } => Some((Method::Any, path)),
            Trigger::Authorizer
            | Trigger::SecretRotation
            | Trigger::Schedule { .. }
            | Trigger::Bus { .. } => None,
        }
    }

    /// The limit of its own that a route has; `None` where the stage's limit is enough.
    pub const fn throttle(&self) -> Option<Throttle> {
        match self {
            Trigger::InlineHook { .. }
            | Trigger::EventHook { .. }
            | Trigger::Proxy { .. }
            | Trigger::Public { .. } => Some(Throttle::OPEN),
            _ => None,
        }
    }

    /// Whether the service that starts it repeats a call that failed. Such a call needs
    /// a place to go when all repetitions have failed.
    pub const fn has_dead_letters(&self) -> bool {
        matches!(self, Trigger::Schedule { .. } | Trigger::Bus { .. })
    }
}
