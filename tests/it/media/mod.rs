//! What is taken out of photos and videos.

mod metadata;
