//! The sources and documents themselves.

mod hints;
mod layers;
mod readme;
mod words;
