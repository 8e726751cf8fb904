//! The sources and documents themselves.

mod hints;
mod layers;
mod numbers;
mod readme;
mod words;
