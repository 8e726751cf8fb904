//! Tests of the sending flow, without a process.

mod chain;
