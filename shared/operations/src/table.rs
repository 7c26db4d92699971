//! The table itself.

use crate::Access::{Superuser, TenantAdmin};
use crate::Method::{Delete, Get, Post, Put};
use crate::Operation;
use crate::ProblemCode::{
    NameTaken, OperationIncomplete, PayloadTooLarge, TenantAlreadyExists, TenantBroken, TenantBusy,
    TenantNotFound, UnsupportedMediaType,
};
use crate::Resource::Tenants;

/// Every operation, ordered by resource, then name.
#[rustfmt::skip] // One field group per line reads as a table.
pub const OPERATIONS: &[Operation] = &[
    Operation {
        name: "add-tenant", resource: Tenants, method: Post, path: "/tenants", access: Superuser, success: 201,
        problems: &[TenantAlreadyExists, NameTaken, TenantBusy, PayloadTooLarge, UnsupportedMediaType, OperationIncomplete],
        summary: "Create a tenant.", replaces: Some("addTenant"),
    },
    Operation {
        name: "delete-tenant", resource: Tenants, method: Delete, path: "/tenants/{tenant}", access: Superuser, success: 204,
        problems: &[TenantNotFound, TenantBusy, OperationIncomplete],
        summary: "Delete a tenant and everything that carries its name; its users stay.", replaces: Some("deleteTenant"),
    },
    Operation {
        name: "get-tenant", resource: Tenants, method: Get, path: "/tenants/{tenant}", access: TenantAdmin, success: 200,
        problems: &[TenantNotFound, TenantBroken],
        summary: "Get a tenant by its name.", replaces: Some("getTenant"),
    },
    Operation {
        name: "list-tenants", resource: Tenants, method: Get, path: "/tenants", access: Superuser, success: 200,
        problems: &[],
        summary: "List the tenants, page by page.", replaces: Some("listTenants"),
    },
    Operation {
        name: "update-tenant", resource: Tenants, method: Put, path: "/tenants/{tenant}", access: Superuser, success: 200,
        problems: &[TenantNotFound, TenantAlreadyExists, NameTaken, TenantBusy, TenantBroken, PayloadTooLarge, UnsupportedMediaType, OperationIncomplete],
        summary: "Rename, suspend or resume a tenant.", replaces: Some("updateTenant"),
    },
];

/// The operation called `name`.
///
/// Meant for constants: a name that is not in the table does not compile.
///
/// # Panics
///
/// If there is no such operation.
#[expect(clippy::panic, reason = "evaluated at compile time, where it is an error message")]
pub const fn get(name: &str) -> &'static Operation {
    let mut index = 0;
    while index < OPERATIONS.len() {
        if same(OPERATIONS[index].name.as_bytes(), name.as_bytes()) {
            return &OPERATIONS[index];
        }
        index += 1;
    }
    panic!("no operation has this name: see shared/operations/src/table.rs")
}

/// `==` for byte strings in constants.
const fn same(left: &[u8], right: &[u8]) -> bool {
    if left.len() != right.len() {
        return false;
    }
    let mut index = 0;
    while index < left.len() {
        if left[index] != right[index] {
            return false;
        }
        index += 1;
    }
    true
}
