//! Tests of relays and their stores.

mod answers;
mod buckets;
mod contract;
mod folders;
mod hostile;
mod long;
mod manifests;
mod obstacles;
mod protocol;
mod races;
mod remembered;
mod server;
mod states;
mod vectors;
mod visits;
