//! The flow of sending, without a process.

mod chain;
