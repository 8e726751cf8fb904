//! Everything that can go wrong with a store, a relay, a line or a program, over every kind of store.
//!
//! A few runs of each row happen with all other tests. `tests/every-fault` lets every operation meet every fault, and writes
//! what came of it into SECURITY.md.

mod line;
mod rows;
mod store;
mod world;

pub(crate) use self::store::{Fault, Faults, Faulty, Kind};
pub(crate) use self::world::{is_data, settle};

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::thread;

use self::rows::{Depth, ROWS, Row};
use self::world::{Over, World};

const BEGIN: &str = "<!-- Written by tests/every-fault. -->";
const END: &str = "<!-- The end of it. -->";

#[test]
fn every_row_of_the_table_holds_over_every_store() {
    let depth = match std::env::var("SHARE_FAULTS").as_deref() {
        Ok("full") => Depth::Full,
        _ => Depth::Quick,
    };
    let only = std::env::var("SHARE_FAULTS_ROW").unwrap_or_default();
    let chosen: Vec<&Row> = ROWS.iter().filter(|row| row.what.contains(&only)).collect();
    let over = |over| {
        let runs = chosen.iter().map(|row| {
            let begun = std::time::Instant::now();
            let runs = (row.test)(&World::new(over), depth);
            assert!(runs > 0, "{}: nothing went wrong", row.what);
            eprintln!("{over:?}: {} runs in {:.1} s: {}", runs, begun.elapsed().as_secs_f64(), row.what);
            runs
        });
        runs.collect::<Vec<u64>>()
    };
    let results = thread::scope(|scope| {
        let threads = [Over::Memory, Over::Folder, Over::Bucket].map(|kind| scope.spawn(move || over(kind)));
        threads.map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    });
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("SECURITY.md");
    let document = fs::read_to_string(&path).unwrap();
    let (before, rest) = document.split_once(BEGIN).unwrap();
    let (written, after) = rest.split_once(END).unwrap();
    if depth == Depth::Full && only.is_empty() {
        fs::write(&path, format!("{before}{BEGIN}\n{}{END}{after}", table(&results))).unwrap();
    } else {
        let rows: Vec<&str> = written.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
        assert_eq!(rows.len(), ROWS.len(), "SECURITY.md has another table: tests/every-fault writes it");
        for (row, line) in ROWS.iter().zip(rows) {
            assert!(line.starts_with(&begins(row)), "SECURITY.md: {line}");
            assert_eq!(line.matches("held in ").count(), 3, "{line}");
        }
    }
}

fn begins(row: &Row) -> String {
    format!("| {} | {} | {} |", row.what, row.holds, row.promises)
}

/// What came of all rows: how often things went wrong, and all was well in the end.
fn table(results: &[Vec<u64>; 3]) -> String {
    let mut table =
        "| what goes wrong | what holds | promises | memory | folder | S3 |\n|---|---|---|---|---|---|\n".to_owned();
    for (at, row) in ROWS.iter().enumerate() {
        let cells = results.each_ref().map(|runs| format!(" held in {} runs |", runs[at]));
        writeln!(table, "{}{}", begins(row), cells.concat()).unwrap();
    }
    table
}
