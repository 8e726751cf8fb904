//! Tests of the page for recipients in a browser.

mod agreement;
mod characters;
mod engines;
mod opening;
mod paths;
mod seen;
mod tabs;
mod tools;
