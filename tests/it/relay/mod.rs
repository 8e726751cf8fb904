//! Tests of relays and their stores.

mod addresses;
mod answers;
mod buckets;
mod contract;
mod crowds;
mod distant;
mod folders;
mod forgotten;
mod forms;
mod hostile;
mod limits;
mod load;
mod long;
mod manifests;
mod obstacles;
mod places;
mod planted;
mod protocol;
mod races;
mod remembered;
mod sending;
mod server;
mod states;
mod tls;
mod vectors;
mod visits;
