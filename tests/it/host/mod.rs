//! Hosting, without a process.

mod serving;
