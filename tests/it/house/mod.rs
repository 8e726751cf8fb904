//! Tests of the sources and documents themselves.

mod broken;
mod frozen;
mod hints;
mod layers;
mod numbers;
mod readme;
mod sources;
mod words;
