//! Notifications on the desktop.
//!
//! Linux and the BSDs have a service for them on the session bus, macOS has a script. Windows shows notifications of
//! installed applications only, so there is none there.

#[cfg(any(target_vendor = "apple", test))]
#[cfg_attr(not(target_vendor = "apple"), expect(dead_code, reason = "the tests check the script on every system"))]
mod apple;
#[cfg(all(unix, not(target_vendor = "apple")))]
mod dbus;
mod message;
#[cfg(system = "windows")]
mod windows;

use std::ffi::OsString;
use std::io;
use std::time::Duration;

#[cfg(target_vendor = "apple")]
use apple as side;
#[cfg(all(unix, not(target_vendor = "apple")))]
use dbus as side;
#[cfg(system = "windows")]
use windows as side;

pub use self::message::Notification;

/// Whether an environment variable names the screen of a desktop session, as in X11 and Wayland. On macOS and Windows a
/// session has none.
pub const NAMES_SCREEN: bool = cfg!(all(unix, not(target_vendor = "apple")));

/// Whether a notification without an error was shown. macOS reports none if the user has not allowed notifications of
/// the program that shows them, Script Editor.
pub const ARE_CONFIRMED: bool = cfg!(not(target_vendor = "apple"));

/// Shows a notification. Gives up after `within`. `bus`: the address of the session bus, if it is not the usual one.
///
/// # Errors
/// There is no service for notifications, or it does not answer in time.
pub fn show(bus: Option<OsString>, notification: &Notification<'_>, within: Duration) -> io::Result<()> {
    side::show(bus, notification, within)
}
