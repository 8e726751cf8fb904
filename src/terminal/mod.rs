//! The terminal and the desktop of the user: capabilities, input, and the clipboard.

pub mod clipboard;
pub(crate) mod editor;
pub(crate) mod keys;
pub(crate) mod mode;
pub(crate) mod notice;
pub(crate) mod question;
pub(crate) mod session;
pub(crate) mod style;
pub(crate) mod tmux;
