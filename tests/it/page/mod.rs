//! Recipients with nothing but a browser.

mod agreement;
mod engines;
mod opening;
mod seen;
mod tabs;
