//! All code that depends on the operating system, one subject per file or directory. A subject has one signature, and a
//! side for each system, which the condition `system` selects: `linux`, `unix` (macOS and the BSDs), `windows`. A side
//! refuses operations that its system lacks. No other module uses a system call, a descriptor's number, or a path below
//! `/proc` or `/sys`.

pub mod clipboard;
pub mod detached;
pub mod files;
pub mod inherited;
pub mod memory;
pub mod network;
pub mod notification;
pub mod process;
pub mod service;
pub mod signals;
pub mod socket_file;
pub mod tty;
