//! The function `reconcile`.

fn main() -> lambda_kit::Exit {
    lambda_kit::serve_task::<reconcile::Reconcile>()
}
