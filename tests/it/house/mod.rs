//! Tests of the sources and documents themselves.

mod broken;
mod documents;
mod frozen;
mod hints;
mod languages;
mod layers;
mod numbers;
mod pictures;
mod pieces;
mod readme;
mod sources;
mod voice;
mod words;
