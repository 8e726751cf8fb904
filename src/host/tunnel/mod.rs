//! A tunnel: a program of the user makes a port of this computer reachable from elsewhere, under an address that it
//! prints.
//!
//! | file | |
//! |---|---|
//! | `command` | the command, and short names |
//! | `output` | lines, and the addresses in them |
//! | `probe` | the search for the address that leads here |
//! | `running` | the program while it runs |
//! | `opened` | an open tunnel |
//! | `watch` | a tunnel that is lost is opened again |

mod command;
mod error;
mod opened;
mod output;
mod probe;
mod running;
#[cfg(test)]
mod tests;
mod watch;

pub use self::command::TunnelCommand;
pub use self::error::TunnelError;
pub use self::opened::{Tunnel, TunnelOptions};
pub use self::probe::Asked;
pub use self::watch::{TunnelEnd, TunnelEvent};
