//! Tests of viewing a share once.

mod albums;
mod answers;
mod drawing;
mod films;
mod page;
mod photos;
mod placeholders;
mod places;
mod reports;
mod traces;
mod viewing;
