//! The matrix: each operation, each kind of caller, through the gateway.

use operations::{Access, OPERATIONS};
use tests::{Anonymous, Bearer, Member, Principal, Superuser, TenantAdmin, TestStack};

/// Whether the gateway and the function let the request through: whatever
/// else is wrong with it.
async fn passes(stack: &TestStack, method: &str, path: &str, who: impl Principal) -> Result<(), u16> {
    let token = who.authorization(stack);
    let headers: Vec<_> = token.into_iter().map(|token| ("authorization", token)).collect();
    match stack.raw(method, path, &headers, Vec::new()).await.status {
        refused @ (401 | 403) => Err(refused),
        _ => Ok(()),
    }
}

#[tokio::test]
async fn every_operation_for_every_caller() {
    for operation in OPERATIONS {
        let (method, path) = (operation.method.as_str(), operation.path.replace("{tenant}", "acme"));
        // `acme` is gone after some operations: a stack for each.
        let stack = TestStack::start().await;
        let delegated = stack.token_with(&okta_emulator::TokenRequest {
            login: "superuser@demo.test".to_owned(),
            claims: [("on_behalf".to_owned(), true.into())].into_iter().collect(),
            ..Default::default()
        });
        let acting = if operation.method.is_safe() { Ok(()) } else { Err(403) };
        let own = if operation.access == Access::Superuser { Err(403) } else { Ok(()) };
        let cell = |who: &str| format!("{} as {who}", operation.name);
        assert_eq!(passes(&stack, method, &path, Anonymous).await, Err(401), "{}", cell("nobody"));
        assert_eq!(passes(&stack, method, &path, Member("acme")).await, Err(403), "{}", cell("member"));
        assert_eq!(
            passes(&stack, method, &path, TenantAdmin("globex")).await,
            Err(403),
            "{}",
            cell("neighbour")
        );
        assert_eq!(passes(&stack, method, &path, TenantAdmin("acme")).await, own, "{}", cell("tenant admin"));
        assert_eq!(passes(&stack, method, &path, Bearer(delegated)).await, acting, "{}", cell("delegated"));
        assert_eq!(passes(&stack, method, &path, Superuser).await, Ok(()), "{}", cell("superuser"));
    }
}
