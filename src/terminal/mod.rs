//! The terminal and the desktop of the person who runs the program: what they can show, what is typed there, where
//! the clipboard is.

pub mod clipboard;
pub mod keys;
pub mod session;
pub mod style;
pub mod tmux;
