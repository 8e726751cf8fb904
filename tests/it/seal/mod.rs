//! Encryption.

mod interop;
