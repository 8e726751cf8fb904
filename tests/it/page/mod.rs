//! Recipients with nothing but a browser.

mod opening;
