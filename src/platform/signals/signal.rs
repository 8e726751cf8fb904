//! Kinds of requests.

/// A request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Ctrl-C (SIGINT).
    Interrupt,
    /// SIGTERM, SIGQUIT. On Windows: Ctrl-Break, and a closed console, which leaves five seconds. Windows ends this
    /// program without notice at the end of a session and of the system, as every one that has loaded `user32.dll`.
    End,
    /// SIGHUP. Windows has none.
    Hangup,
}
