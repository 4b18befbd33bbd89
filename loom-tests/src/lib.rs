//! Model checks; the models are in `tests/`, and run with `cargo loom`.
