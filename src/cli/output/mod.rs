//! The only place that prints.
//!
//! The rules of the terminal: results go to standard output, one a line, and nothing else does. Everything else for
//! people goes to standard error; `--quiet` leaves warnings and errors. With `--json` standard output has one object a
//! line, the last of which is `done`, and standard error only warnings and errors. Bars are drawn only on a terminal.
//! Text from strangers (a file's name) goes through [`crate::safe_text::printable`] first. Times are local.
//!
//! | file | |
//! |---|---|
//! | `terminal` | [`Output`]: lines for people and programs |
//! | `streams` | standard output and standard error themselves |
//! | `progress` | bars |
//! | `errors` | what is shown of each error, with its exit code |
//! | `format` | sizes, times and shares in words |
//! | `table` | tables, as wide as the terminal |
//! | `qr` | links as QR codes |
//! | `log`, `structured` | our own log lines |

pub(super) mod errors;
pub(super) mod format;
mod log;
mod progress;
pub(super) mod qr;
mod streams;
mod structured;
mod table;
mod terminal;

pub(super) use self::log::{LogFormat, log};
pub(super) use self::progress::Watched;
pub(super) use self::streams::{columns, rows, stdout, stdout_columns, stdout_is_closed, stdout_is_terminal};
pub(super) use self::table::{Column, table};
pub(super) use self::terminal::{Output, event, help, help_instead, indented, wrapped};
