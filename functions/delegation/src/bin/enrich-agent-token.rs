//! The function `enrich-agent-token`.

fn main() -> lambda_kit::Exit {
    lambda_kit::serve_hook::<delegation::EnrichAgentToken>()
}
