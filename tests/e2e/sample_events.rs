//! The sample events work with Lambda's Invoke API.

use operations::OPERATIONS;
use tests::{TestStack, repository};

#[tokio::test]
async fn every_event_succeeds() {
    for operation in OPERATIONS {
        let stack = TestStack::start().await;
        let event = std::fs::read(repository().join(format!("events/{}.json", operation.name))).unwrap();
        for function in [operation.name.to_owned(), format!("okta-dac-{}", operation.name)] {
            stack.okta().reset();
            let answer = stack.invoke(&function, event.clone()).await;
            assert_eq!(answer.body["statusCode"], operation.success, "{function}: {answer}");
        }
    }
}

#[tokio::test]
async fn an_unknown_function_is_404() {
    let stack = TestStack::start().await;
    let answer = stack.invoke("no-such-function", b"{}".to_vec()).await;
    assert_eq!(answer.status, 404, "{answer}");
    let failed = stack.invoke("get-tenant", b"{}".to_vec()).await;
    assert_eq!((failed.status, failed.header("x-amz-function-error")), (200, "Unhandled"), "{failed}");
}
