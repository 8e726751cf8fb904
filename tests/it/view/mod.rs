//! Tests of viewing a share once.

#[cfg(target_os = "linux")]
mod albums;
#[cfg(target_os = "linux")]
mod answers;
#[cfg(target_os = "linux")]
mod drawing;
#[cfg(target_os = "linux")]
mod films;
mod page;
#[cfg(target_os = "linux")]
mod photos;
#[cfg(target_os = "linux")]
mod placeholders;
#[cfg(target_os = "linux")]
mod places;
#[cfg(target_os = "linux")]
mod reports;
#[cfg(target_os = "linux")]
mod traces;
#[cfg(target_os = "linux")]
mod viewing;
