//! What is shown once.

mod viewing;
