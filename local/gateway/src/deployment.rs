//! What is deployed: the template, its functions, and what stands around them.

use std::sync::Arc;
use std::time::Duration;

use aws_emulator::Vault;
use aws_emulator::faults::Faults;

use crate::lambda::Lambda;
use crate::policy_cache::PolicyCache;
use crate::tables::Tables;
use crate::template::Template;
use crate::throttle::Buckets;

/// What all servers of the local stack share.
pub(crate) struct Deployment {
    pub(crate) template: Template,
    pub(crate) lambda: Lambda,
    pub(crate) policies: PolicyCache,
    pub(crate) buckets: Buckets,
    /// Secrets Manager and Parameter Store, as the extension reads them.
    pub(crate) vault: Vault,
    pub(crate) tables: Tables,
    pub(crate) faults: Arc<Faults>,
    /// What API Gateway answers where Lambda has no environment left for a function.
    pub(crate) throttled_status: u16,
}

impl Deployment {
    pub(crate) fn new(
        template: Template,
        lambda: Lambda,
        vault: Vault,
        tables: Tables,
        throttled_status: u16,
    ) -> Self {
        let policies = PolicyCache::new(Duration::from_secs(template.authorizer.ttl_seconds));
        Self {
            template,
            lambda,
            policies,
            buckets: Buckets::default(),
            vault,
            tables,
            faults: Arc::default(),
            throttled_status,
        }
    }
}
