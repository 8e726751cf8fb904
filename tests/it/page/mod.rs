//! Tests of the page for recipients in a browser.

mod agreement;
mod engines;
mod opening;
mod seen;
mod tabs;
