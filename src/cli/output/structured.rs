//! Log lines for programs: JSON on standard error, and entries in the journal of systemd.

use std::fmt::{self, Write as _};
use std::io::{self, Write as _};

use jiff::Timestamp;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use crate::platform::service::Journal;

/// The message of an event that has none: the answer to a request.
const REQUEST: &str = "request";
/// The prefix of our fields in the journal.
const PREFIX: &str = "SHARE_";

/// Writes each event as a JSON object: `ts`, `level`, `message` and the fields of the event.
pub(super) struct JsonLines;

impl<S: Subscriber> Layer<S> for JsonLines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let line = json_line(*event.metadata().level(), Fields::of(event), Timestamp::now());
        // In one write, so that lines of threads do not mix. A closed standard error stops no server.
        let _ = io::stderr().lock().write_all(line.as_bytes());
    }
}

fn json_line(level: Level, fields: Fields, now: Timestamp) -> String {
    let mut line = Map::new();
    line.insert("ts".to_owned(), format!("{now:.3}").into());
    line.insert("level".to_owned(), level.as_str().to_ascii_lowercase().into());
    line.insert("message".to_owned(), fields.message.as_deref().unwrap_or(REQUEST).into());
    line.extend(fields.others.into_iter().map(|(name, value)| (name.to_owned(), value)));
    let mut line = Value::Object(line).to_string();
    line.push('\n');
    line
}

/// Writes each event to the journal: as a line for people, and a field for each value.
pub(super) struct JournalEntries(pub(super) Journal);

impl<S: Subscriber> Layer<S> for JournalEntries {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        self.0.write(&entry(*event.metadata().level(), &Fields::of(event)));
    }
}

/// The fields of an entry. The levels are those of syslog(3).
fn entry(level: Level, fields: &Fields) -> Vec<(String, String)> {
    let priority = match level {
        Level::ERROR => "3",
        Level::WARN => "4",
        Level::INFO => "6",
        Level::DEBUG | Level::TRACE => "7",
    };
    let own = fields.others.iter().map(|(name, value)| ([PREFIX, &name.to_ascii_uppercase()].concat(), text(value)));
    let usual = [("PRIORITY", priority.to_owned()), ("SYSLOG_IDENTIFIER", "share".to_owned())];
    let message = ("MESSAGE", fields.line());
    usual.into_iter().chain([message]).map(|(name, value)| (name.to_owned(), value)).chain(own).collect()
}

/// A value without the quotes of JSON.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The fields of an event, in their order.
#[derive(Debug, Default)]
struct Fields {
    message: Option<String>,
    others: Vec<(&'static str, Value)>,
}

impl Fields {
    fn of(event: &Event<'_>) -> Self {
        let mut fields = Self::default();
        event.record(&mut fields);
        fields
    }

    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        match (field.name(), value.into()) {
            ("message", value) => self.message = Some(text(&value)),
            (name, value) => self.others.push((name, value)),
        }
    }

    /// All of it in one line for people.
    fn line(&self) -> String {
        let others = self.others.iter().map(|(name, value)| format!("{name}={}", text(value)));
        self.message.iter().cloned().chain(others).collect::<Vec<_>>().join(" ")
    }
}

impl Visit for Fields {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let mut text = String::new();
        let _ = write!(text, "{value:?}");
        self.put(field, text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Fields {
        let others = vec![("method", "GET".into()), ("status", 200.into()), ("ms", 3.into())];
        Fields { message: None, others }
    }

    #[test]
    fn a_json_line_has_stable_keys() {
        let now = Timestamp::from_millisecond(1_700_000_000_012).unwrap();
        let line = json_line(Level::INFO, request(), now);
        let expected = serde_json::json!({
            "ts": "2023-11-14T22:13:20.012Z", "level": "info", "message": "request", "method": "GET", "status": 200,
            "ms": 3,
        });
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), expected);
        assert!(line.ends_with("}\n") && line.matches('\n').count() == 1, "{line}");
        let said = Fields { message: Some("two\nlines".to_owned()), others: Vec::new() };
        let line = json_line(Level::WARN, said, now);
        assert!(line.contains(r#""message":"two\nlines""#) && line.contains(r#""level":"warn""#), "{line}");
    }

    #[test]
    fn an_entry_of_the_journal_has_a_line_and_a_field_for_each_value() {
        let entry = entry(Level::INFO, &request());
        let entry: Vec<_> = entry.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let expected = [
            ("PRIORITY", "6"),
            ("SYSLOG_IDENTIFIER", "share"),
            ("MESSAGE", "method=GET status=200 ms=3"),
            ("SHARE_METHOD", "GET"),
            ("SHARE_STATUS", "200"),
            ("SHARE_MS", "3"),
        ];
        assert_eq!(entry, expected);
    }
}
