//! The function `enrich-entity-token`.

fn main() -> lambda_kit::Exit {
    lambda_kit::serve_hook::<delegation::EnrichEntityToken>()
}
