//! Tests of the page for recipients in a browser.

mod access;
mod agreement;
mod albums;
mod characters;
mod damage;
mod delivery;
mod direct;
mod engines;
mod envelope;
mod landing;
mod languages;
mod large;
#[cfg(unix)]
mod logins;
mod oddities;
mod opening;
mod paths;
mod receiving;
mod reports;
mod seen;
mod sending;
mod stripping;
mod tabs;
mod tools;
mod viewer;
mod vocabulary;
mod workers;
