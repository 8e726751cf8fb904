//! Tests of encryption.

mod interop;
