//! The function `authorizer`.

fn main() -> lambda_kit::Exit {
    authorizer::serve()
}
