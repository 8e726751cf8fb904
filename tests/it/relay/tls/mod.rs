//! Relays with a certificate.

mod certified;
mod files;
mod http2;
mod ordering;
mod recovery;
mod renewal;
mod speed;
mod starts;
