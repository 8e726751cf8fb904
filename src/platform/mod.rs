//! Code that is particular to Linux, one subject per file, behind signatures that other systems can have too. Nothing
//! else in the program names a system call, a descriptor's number, or a path below `/proc` or `/sys`.

pub mod files;
pub mod inherited;
pub mod memory;
pub mod network;
pub mod process;
pub mod tty;
