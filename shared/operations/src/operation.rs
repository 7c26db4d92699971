//! What one entry of the table says.

use heck::{ToLowerCamelCase, ToPascalCase, ToSnakeCase};

use crate::{EnvVar, Http, Method, OktaUse, Package, ProblemCode, Settings, Size, StateUse, Trigger};

/// The verbs that an operation's name may begin with.
#[rustfmt::skip] // A list.
pub const VERBS: &[&str] =
    &[
        "list", "get", "add", "update", "delete", "assign", "unassign", "activate", "deactivate", "verify",
        "remove", "set", "start", "enrich", "end", "revoke", "lift", "rotate", "watch", "expire", "respond", "find",
    ];

/// One operation; the binary of the same name serves it.
///
/// Only the kebab-case name is typed; every other spelling is computed.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    /// Name of the binary, the artifact directory, the event file and the log
    /// field `operation`: verb, hyphen, resource.
    pub name: &'static str,
    /// The package under `functions/` and the OpenAPI tag.
    pub package: Package,
    /// What starts it.
    pub trigger: Trigger,
    /// What it does in the org: its credential follows.
    pub okta: OktaUse,
    /// What it does with the DynamoDB tables: its permissions follow.
    pub state: &'static [StateUse],
    /// Further groups of environment variables.
    pub settings: &'static [Settings],
    /// Memory, time and concurrency.
    pub size: Size,
    /// One sentence for the references.
    pub summary: &'static str,
}

impl Operation {
    /// `add_tenant`: module and end-to-end test file.
    pub fn module(&self) -> String {
        self.name.to_snake_case()
    }

    /// `AddTenant`: type name.
    pub fn type_name(&self) -> String {
        self.name.to_pascal_case()
    }

    /// `AddTenantFunction`: logical id in `template.yaml`.
    pub fn logical_id(&self) -> String {
        format!("{}Function", self.type_name())
    }

    /// `addTenant`: OpenAPI operationId.
    pub fn operation_id(&self) -> String {
        self.name.to_lower_camel_case()
    }

    /// What the table says of an operation of the API that callers with a token of ours
    /// call.
    pub const fn http(&self) -> Option<&Http> {
        match &self.trigger {
            Trigger::Http(http) => Some(http),
            _ => None,
        }
    }

    /// Method and path template in the API, if it has a route there.
    pub const fn route(&self) -> Option<(Method, &'static str)> {
        self.trigger.route()
    }

    /// Who starts it, for the references.
    pub fn started_by(&self) -> String {
        match self.trigger {
            Trigger::Http(http) => http.access.describe().to_owned(),
            Trigger::Authorizer => "API Gateway, before a request".to_owned(),
            Trigger::InlineHook { .. } | Trigger::EventHook { .. } => "Okta, with the hook secret".to_owned(),
            Trigger::Proxy { .. } => "bearer of a token of the org".to_owned(),
            Trigger::Public { .. } => "anybody".to_owned(),
            Trigger::SecretRotation => "Secrets Manager".to_owned(),
            Trigger::Schedule { every, .. } => format!("a schedule, {}", every.describe()),
            Trigger::Bus { sources, .. } => format!("events of `{}`", sources.join("`, `")),
        }
    }

    /// HTTP status of the successful answer.
    pub const fn success(&self) -> u16 {
        match &self.trigger {
            Trigger::Http(http) => http.success,
            _ => 200,
        }
    }

    /// The predecessor's function that it replaces.
    pub const fn replaces(&self) -> Option<&'static str> {
        match &self.trigger {
            Trigger::Http(http) => http.replaces,
            Trigger::Proxy { replaces, .. } => *replaces,
            _ => None,
        }
    }

    /// Whether a run changes nothing in the org: the same run can be sent again without
    /// a thought.
    pub const fn is_safe(&self) -> bool {
        match &self.trigger {
            Trigger::Http(http) => http.method.is_safe(),
            Trigger::Public { .. } => true,
            Trigger::Schedule { .. } | Trigger::Bus { .. } => {
                matches!(self.okta, OktaUse::None | OktaUse::Read)
            }
            _ => false,
        }
    }

    /// Whether its runs are recorded in the table of events.
    pub const fn is_audited(&self) -> bool {
        let recorded = matches!(
            self.trigger,
            Trigger::Http(_)
                | Trigger::EventHook { .. }
                | Trigger::Schedule { .. }
                | Trigger::Bus { .. }
                | Trigger::SecretRotation
        );
        recorded && !self.is_safe()
    }

    /// Its own problems, beyond the common ones.
    pub const fn problems(&self) -> &'static [ProblemCode] {
        match &self.trigger {
            Trigger::Http(http) => http.problems,
            Trigger::Proxy { problems, .. } | Trigger::Public { problems, .. } => problems,
            _ => &[],
        }
    }

    /// The common problems and the operation's own, in the order of the codes.
    pub fn all_problems(&self) -> Vec<ProblemCode> {
        let common = match self.trigger {
            Trigger::Http(_) | Trigger::Proxy { .. } => ProblemCode::COMMON,
            Trigger::Public { .. } => &[ProblemCode::Internal],
            Trigger::EventHook { .. } => &[
                ProblemCode::InvalidRequest,
                ProblemCode::Unauthorized,
                ProblemCode::Internal,
                ProblemCode::StateUnavailable,
            ],
            _ => &[ProblemCode::Unauthorized, ProblemCode::Internal],
        };
        // Whoever reads what is left of the caller's rights can fail to.
        let rights: &[ProblemCode] =
            if self.http().is_some() { &[ProblemCode::StateUnavailable] } else { &[] };
        let mut codes = [common, rights, self.problems()].concat();
        codes.sort();
        codes.dedup();
        codes
    }

    /// What it does with the tables, with what follows from its trigger.
    pub fn state_uses(&self) -> Vec<StateUse> {
        let rights = self.http().map(|_| [StateUse::ReadsRights, StateUse::Spends]);
        let audits = self.is_audited().then_some(StateUse::Audits);
        let replays = self.http().is_some_and(|http| http.idempotent).then_some(StateUse::Replays);
        self.state.iter().copied().chain(rights.into_iter().flatten()).chain(audits).chain(replays).collect()
    }

    /// The environment variables that its function gets, in the order of
    /// [`EnvVar::ALL`]: those that follow from trigger, org and tables, and those of its
    /// settings.
    pub fn variables(&self) -> Vec<&'static EnvVar> {
        let mut names: Vec<&str> = Vec::new();
        let mut add = |variables: &[EnvVar]| names.extend(variables.iter().map(|variable| variable.name));
        if self.okta != OktaUse::None {
            add(&[EnvVar::OKTA_ORG_URL, EnvVar::OKTA_CREDENTIAL_SECRET_ID, EnvVar::OKTA_RATE_LIMIT_SHARE]);
        }
        if self.http().is_some() {
            add(&[EnvVar::OKTA_TENANT_SHARE]);
        }
        if self.reads_secrets() {
            add(&[EnvVar::SECRETS_EXTENSION_PORT, EnvVar::SECRETS_MANAGER_TTL]);
        }
        if self.route().is_some() {
            add(&[EnvVar::CORS_ALLOW_ORIGIN]);
        }
        if self.has_hook_secret() {
            add(&[EnvVar::HOOK_SECRET_ID]);
        }
        let permissions = self.state_uses().into_iter().flat_map(|state| state.permissions());
        if permissions.into_iter().any(|permission| permission.resource == "StateTable") {
            add(&[EnvVar::STATE_TABLE]);
        }
        if self.is_audited() {
            add(Settings::Records.variables());
        }
        for settings in self.settings {
            add(settings.variables());
        }
        EnvVar::ALL.iter().filter(|variable| names.contains(&variable.name)).collect()
    }

    /// Whether Okta shows the secret of a hook to it.
    pub const fn has_hook_secret(&self) -> bool {
        matches!(self.trigger, Trigger::InlineHook { .. } | Trigger::EventHook { .. })
    }

    /// Whether it reads secrets, through the extension.
    pub fn reads_secrets(&self) -> bool {
        self.okta != OktaUse::None
            || self.has_hook_secret()
            || self.settings.contains(&Settings::ConnectionKeys)
    }
}
