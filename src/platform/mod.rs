//! Code for one system, one subject per module: one signature, and a side for each of the systems. No other module uses
//! a system call, a descriptor's number, or a path below `/proc` or `/sys`.

pub mod dbus;
pub mod detached;
pub mod files;
pub mod inherited;
pub mod memory;
pub mod network;
pub mod process;
pub mod service;
pub mod tty;
