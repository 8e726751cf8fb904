//! The sources and documents themselves.

mod broken;
mod frozen;
mod layers;
mod readme;
mod sources;
mod words;
