//! The content of a notification.

/// A notification.
pub struct Notification<'a> {
    /// The program that sends it.
    pub app: &'a str,
    /// Its title: plain text.
    pub summary: &'a str,
    /// Its text: plain text.
    pub body: &'a str,
    /// Its category, by the specification of notifications. macOS has none.
    pub category: &'a str,
}
