//! The function `okta-proxy`.

fn main() -> lambda_kit::Exit {
    lambda_kit::serve_forward::<okta_proxy::OktaProxy>()
}
