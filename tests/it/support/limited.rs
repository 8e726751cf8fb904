//! Programs for which a file system offers less.

use std::path::PathBuf;
use std::process::Command;

use super::sandbox::{Run, Sandbox};

/// The library that takes operations away, compiled in a sandbox.
pub(crate) struct Limited(PathBuf);

impl Limited {
    pub(crate) fn compile(sandbox: &Sandbox) -> Self {
        let library = sandbox.other_home("library").join("limited.so");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/support/limited.c");
        let done = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(source).status().unwrap();
        assert!(done.success());
        Self(library)
    }

    /// A run whose flushes of directories fail while the file `when` exists.
    pub(crate) fn unflushed(&self, run: Run, when: &str) -> Run {
        run.env("LD_PRELOAD", &self.0).env("UNFLUSHED", when)
    }

    /// A run for which every new directory has this mode, whatever it asks for.
    pub(crate) fn modes(&self, run: Run, octal: &str) -> Run {
        run.env("LD_PRELOAD", &self.0).env("MODES", octal)
    }
}
