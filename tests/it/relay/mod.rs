//! Tests of relays and their stores.

mod addresses;
mod answers;
mod buckets;
mod contract;
mod counts;
mod crowds;
mod disclosed;
mod distant;
mod folders;
mod forgotten;
mod forms;
mod hostile;
mod limits;
#[cfg(target_os = "linux")]
mod load;
#[cfg(unix)]
mod logins;
mod long;
mod manifests;
#[cfg(target_os = "linux")]
mod nginx;
#[cfg(target_os = "linux")]
mod obstacles;
#[cfg(unix)]
mod operations;
#[cfg(unix)]
mod places;
#[cfg(unix)]
mod planted;
mod protocol;
mod quotas;
mod races;
mod remembered;
mod reporting;
mod reports;
mod sending;
mod server;
#[cfg(system = "linux")]
mod service;
mod states;
#[cfg(unix)]
mod stopping;
mod tls;
mod unobserved;
mod vectors;
mod visits;
