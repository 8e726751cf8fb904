//! Tests of relays and their stores.

mod buckets;
mod contract;
mod folders;
mod hostile;
mod load;
mod long;
mod manifests;
mod obstacles;
mod protocol;
mod races;
mod server;
mod states;
mod vectors;
