//! Recipients with nothing but a browser.

mod agreement;
mod characters;
mod engines;
mod opening;
mod seen;
mod tabs;
