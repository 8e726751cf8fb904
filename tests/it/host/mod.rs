//! Direct mode in the library, without a process.

mod serving;
