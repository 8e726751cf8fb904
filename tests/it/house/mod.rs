//! The sources and documents themselves.

mod layers;
mod readme;
mod words;
