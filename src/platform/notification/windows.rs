//! The side of Windows.

use std::ffi::OsString;
use std::io;
use std::time::Duration;

use super::message::Notification;

pub(super) fn show(_: Option<OsString>, _: &Notification<'_>, _: Duration) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
