//! What is shown once.

mod answers;
mod drawing;
mod page;
mod places;
mod viewing;
