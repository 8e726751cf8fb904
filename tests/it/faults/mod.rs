//! Faults of stores, relays, connections and programs, over every kind of store.
//!
//! Each row of the table is a test. All tests together make a few runs of each row; `tests/every-fault` combines every
//! operation with every fault, and writes the counts into SECURITY.md. Only runs in which the fault was observed count.

mod deaths;
mod disk;
mod folders;
mod kill;
mod refusals;
mod reports;
mod rows;
mod soak;

use std::path::Path;
use std::thread;
use std::{env, fs, panic};

use serde_json::{Value, json};

use self::rows::{Depth, ROWS, Row};

use crate::support::{Over, Tally, World};

/// The kinds of stores, in the order of the table's columns.
const STORES: [Over; 3] = [Over::Memory, Over::Folder, Over::Bucket];

/// Runs a row over each kind of store.
fn run(name: &str) {
    let (at, row) = ROWS.iter().enumerate().find(|(_, row)| row.name == name).unwrap();
    let results_to = env::var_os("SHARE_FAULTS_RESULTS");
    let depth = if results_to.is_some() { Depth::Full } else { Depth::Quick };
    let over = |over| {
        let tally = (row.test)(&World::new(over), depth);
        tally.expect_all(row.what);
        eprintln!("{over:?}: {} times: {}: {tally:?}", tally.total(), row.what);
        tally
    };
    let tallies = thread::scope(|scope| {
        let threads = STORES.map(|store| scope.spawn(move || over(store)));
        threads.map(|thread| thread.join().unwrap_or_else(|panic| panic::resume_unwind(panic)))
    });
    if let Some(directory) = results_to {
        // Read by tests/faults-table.
        let path = Path::new(&directory).join(format!("{at:02}-{name}.json"));
        fs::write(path, result(row, &tallies).to_string()).unwrap();
    }
}

/// The result of a row, for `tests/faults-table`.
fn result(row: &Row, tallies: &[Tally; 3]) -> Value {
    json!({
        "what": row.what,
        "holds": row.holds,
        "promises": row.promises,
        "counts": tallies.each_ref().map(Tally::counts),
    })
}

#[test]
fn the_table_in_security_md_has_these_rows() {
    let document = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("SECURITY.md")).unwrap();
    let table = document.split("<!-- Written by tests/every-fault. -->").nth(1).unwrap();
    let rows: Vec<&str> = table.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
    assert_eq!(rows.len(), ROWS.len(), "SECURITY.md has another table: tests/every-fault writes it");
    for (row, line) in ROWS.iter().zip(rows) {
        assert!(line.starts_with(&format!("| {} | {} | {} |", row.what, row.holds, row.promises)), "{line}");
        assert_eq!(line.matches("held in ").count(), STORES.len(), "{line}");
    }
}
