//! Recipients with nothing but a browser.

mod engines;
mod opening;
mod seen;
mod tabs;
