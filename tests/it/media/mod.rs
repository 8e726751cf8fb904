//! Metadata removal from photos and videos.

mod kept;
mod metadata;
mod orientation;
mod warnings;
