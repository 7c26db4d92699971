//! Edits of generated files.
