//! The function `get-connection-keys`.

fn main() -> lambda_kit::Exit {
    lambda_kit::serve_forward::<connection_keys::GetConnectionKeys>()
}
