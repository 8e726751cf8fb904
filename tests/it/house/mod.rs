//! The sources and documents themselves.

mod broken;
mod layers;
mod readme;
mod sources;
mod words;
