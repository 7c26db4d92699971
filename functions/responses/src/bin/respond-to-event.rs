//! The function `respond-to-event`.

fn main() -> lambda_kit::Exit {
    lambda_kit::serve_task::<responses::RespondToEvent>()
}
