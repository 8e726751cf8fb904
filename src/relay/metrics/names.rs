//! The names of the metrics, and their texts for people. Dashboards and alerts use these names.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use super::labels::Build;
use super::{Metrics, seconds};
use crate::platform::service;

impl Metrics {
    /// Gives all metrics their names.
    pub(super) fn register(&self, all: &mut Registry) {
        let start = Gauge::<i64>::default();
        start.set(seconds(self.started));
        all.register_with_unit("process_start_time", "Start of the process, Unix time", Unit::Seconds, start);
        let own = all.sub_registry_with_prefix("share");
        own.register("build", "The program", Info::new(Build { version: env!("CARGO_PKG_VERSION") }));
        own.register("ready", "Whether the relay should get requests: 1 or 0", self.ready.clone());
        own.register_collector(Box::new(LostEntries));
        self.register_http(own);
        self.register_shares(own);
        self.register_store(own);
    }

    fn register_http(&self, own: &mut Registry) {
        own.register("requests", "Requests by method, route and class of the status", self.requests.clone());
        let what = "Time from the head of a request to the head of its answer; status requests may wait a minute";
        own.register_with_unit("request_duration", what, Unit::Seconds, self.request_time.clone());
        own.register("refusals", "Requests that were refused, by the word in the answer", self.refusals.clone());
        own.register_with_unit("received", "Bytes from clients", Unit::Bytes, self.received.clone());
        own.register_with_unit("sent", "Bytes to clients", Unit::Bytes, self.sent.clone());
        own.register("parts", "Parts of shares that were stored or sent", self.parts.clone());
        own.register("connections", "Connections of clients now", self.connections.clone());
        let what = "End of the certificate, Unix time";
        own.register_with_unit("certificate_expiry_timestamp", what, Unit::Seconds, self.certificate_end.clone());
    }

    fn register_shares(&self, own: &mut Registry) {
        own.register("events", "Steps of shares that this node decided", self.events.clone());
        let what = "Shares in the store, counted hourly and kept current by what this node does";
        own.register("stored_shares", what, self.stored.clone());
        own.register_with_unit("stored", "Bytes of shares at the last count", Unit::Bytes, self.stored_bytes.clone());
        own.register_with_unit(
            "stored_counted_timestamp",
            "Last count, Unix time",
            Unit::Seconds,
            self.counted_at.clone(),
        );
        own.register("reported_shares", "Reported shares at the last count", self.reported.clone());
        let what = "Bytes of reported shares at the last count";
        own.register_with_unit("reported", what, Unit::Bytes, self.reported_bytes.clone());
        let what = "Reports that were refused because there was no room for more reported shares";
        own.register("reports_refused", what, self.reports_refused.clone());
        own.register("sweeps", "Sweeps by outcome", self.sweeps.clone());
        own.register_with_unit("sweep_duration", "Duration of a sweep", Unit::Seconds, self.sweep_time.clone());
        own.register("swept", "Shares that sweeps looked at", self.swept.clone());
        let what = "End of the last sweep that succeeded, or the start of the process, Unix time";
        own.register_with_unit("sweep_success_timestamp", what, Unit::Seconds, self.swept_at.clone());
    }

    fn register_store(&self, own: &mut Registry) {
        own.register("store_operations", "Operations of the store by kind and outcome", self.operations.clone());
        let what = "Duration of an operation; of a read, until its first bytes";
        own.register_with_unit("store_operation_duration", what, Unit::Seconds, self.operation_time.clone());
        own.register("store_deleted_objects", "Objects that were deleted from the store", self.deleted.clone());
        let what = "Difference between the clocks of this machine and of the store when last compared";
        own.register_with_unit("clock_difference", what, Unit::Seconds, self.clock.clone());
    }
}

/// The entries of the log that journald did not take. The log is one of the process, not of a relay.
#[derive(Debug)]
struct LostEntries;

impl Collector for LostEntries {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let count = ConstCounter::new(service::lost_entries());
        let what = "Entries of the log that journald did not take";
        count.encode(encoder.encode_descriptor("log_lost_entries", what, None, count.metric_type())?)
    }
}
