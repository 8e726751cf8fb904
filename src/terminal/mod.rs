//! The terminal and the desktop of the person who runs the program: what they can show, what is typed there, where
//! the clipboard is.

pub mod clipboard;
pub(crate) mod editor;
pub(crate) mod keys;
pub(crate) mod mode;
pub(crate) mod question;
pub(crate) mod session;
pub(crate) mod style;
pub(crate) mod tmux;
