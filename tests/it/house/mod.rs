//! The sources and documents themselves.

mod layers;
mod numbers;
mod readme;
mod words;
