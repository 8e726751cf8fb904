//! Tests of relays and their stores.

mod addresses;
mod answers;
mod buckets;
mod contract;
mod folders;
mod hostile;
mod load;
mod long;
mod manifests;
mod obstacles;
mod places;
mod protocol;
mod races;
mod server;
mod states;
mod vectors;
