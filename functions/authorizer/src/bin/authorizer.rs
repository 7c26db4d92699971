//! The custom authorizer's function.

fn main() -> lambda_kit::Exit {
    authorizer::serve()
}
