//! What is taken out of photos and videos.

mod kept;
mod metadata;
mod orientation;
mod warnings;
