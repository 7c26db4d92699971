//! Records of who changed what: where they are in the table of events.
//!
//! The table's key is `delegator` and `at`. Records of delegation have the delegator's id
//! as `delegator`; records of changes have what this module says. Ids of Okta users begin
//! with `00u`: nobody reads one for the other.

/// Name of the sparse index of records that have not ended, by `open` and `at`.
pub const OPEN_INDEX: &str = "open";

/// Value of the attribute `open`, which is removed when the run has ended.
pub const OPEN: &str = "yes";

/// The value of `delegator` of a record: of a tenant's, by the tenant's id, or of what
/// concerns the whole org.
pub fn event_partition(tenant_id: Option<&str>) -> String {
    match tenant_id {
        Some(id) => format!("tenant#{id}"),
        None => "org".to_owned(),
    }
}

/// Key of the item with the grants of a user: whom the user lets act for them.
pub fn grants_item(delegator: &str) -> String {
    format!("grants#{delegator}")
}
