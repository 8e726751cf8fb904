//! Kinds of requests.

/// A request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Ctrl-C (SIGINT).
    Interrupt,
    /// SIGTERM, SIGQUIT. On Windows: Ctrl-Break, a closed console, the end of the session, the end of the system.
    End,
    /// SIGHUP. Windows has none.
    Hangup,
}
