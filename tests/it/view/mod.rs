//! What is shown once.

mod answers;
mod drawing;
mod places;
mod viewing;
