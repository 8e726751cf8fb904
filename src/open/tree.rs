//! The tree that the paths of an album describe, with names that can be created: safe, and distinct in each directory.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use crate::manifest::{Entry, Manifest};
use crate::media;
use crate::open::names::{PathKind, numbered};
use crate::platform::files;
use crate::safe_text::safe_name;

/// The name of a directory whose own one leaves nothing.
const NAMELESS: &str = "directory";

/// The paths of an album's files and directories, from the album's directory.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tree {
    /// The files, in the order of the entries.
    pub files: Vec<PathBuf>,
    /// The directories, each after the one that it is in.
    pub directories: Vec<PathBuf>,
}

impl Tree {
    /// The tree of `manifest`.
    pub(super) fn of(manifest: &Manifest) -> Self {
        let (mut tree, mut names, mut known) = (Self::default(), Names::default(), HashMap::new());
        let mut directory = |path: &'_ [String], names: &mut Names| {
            let mut inner = PathBuf::new();
            for end in 1..=path.len() {
                // Directories with different names may have the same safe name.
                inner = known
                    .entry(path[..end].to_vec())
                    .or_insert_with(|| {
                        let name = safe_name(path[..end].last().map(String::as_str), NAMELESS);
                        let path = names.take(&inner.join(name), PathKind::Directory);
                        tree.directories.push(path.clone());
                        path
                    })
                    .clone();
            }
            inner
        };
        for entry in &manifest.entries {
            let parents = entry.path.split_last().map_or(&[][..], |(_, parents)| parents);
            let path = directory(parents, &mut names).join(file_name(entry, entry.name()));
            tree.files.push(names.take(&path, PathKind::File));
        }
        for path in &manifest.directories {
            directory(path, &mut names);
        }
        tree
    }
}

/// A name that can be created for a file that is called `name`.
pub(super) fn file_name(entry: &Entry, name: Option<&str>) -> String {
    safe_name(name, media::default_name(&entry.r#type))
}

/// The paths that are taken and the last number of each that was taken more than once, by their folded forms.
#[derive(Default)]
struct Names {
    taken: HashSet<PathBuf>,
    numbers: HashMap<PathBuf, u32>,
}

impl Names {
    /// Takes `path`, or the same with the next free number.
    fn take(&mut self, path: &Path, kind: PathKind) -> PathBuf {
        let mut free = path.to_owned();
        while !self.taken.insert(files::folded(&free).into_owned()) {
            let number = self.numbers.entry(files::folded(path).into_owned()).or_default();
            *number += 1;
            free = numbered(path, *number, kind);
        }
        free
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[&[&str]], directories: &[&[&str]]) -> (Vec<String>, Vec<String>) {
        let path = |path: &&[&str]| path.iter().map(|component| (*component).to_owned()).collect::<Vec<_>>();
        let entry = |given: &&[&str]| Entry { path: path(given), ..Entry::new(None, "text/plain".to_owned(), 3) };
        let entries = files.iter().map(entry).collect();
        let mut manifest = Manifest::new(None, entries, 300, false, "2026-11-22".to_owned());
        manifest.directories = directories.iter().map(path).collect();
        let Tree { files, directories } = Tree::of(&manifest);
        let text = |paths: Vec<PathBuf>| paths.iter().map(|path| path.to_string_lossy().replace('\\', "/")).collect();
        (text(files), text(directories))
    }

    #[test]
    fn each_component_is_a_name() {
        let (files, directories) = tree(&[&["a", "b", "x.txt"], &["y.txt"], &["a", "z.txt"]], &[&["a", "c", "d"]]);
        assert_eq!(files, ["a/b/x.txt", "y.txt", "a/z.txt"]);
        assert_eq!(directories, ["a", "a/b", "a/c", "a/c/d"]);
        let (files, directories) = tree(&[&[".ssh", "-rf"], &["../../etc/passwd"], &["CON", " x. "], &[]], &[&["***"]]);
        assert_eq!(files, ["ssh/rf", "passwd", "_CON/x", "text.txt"]);
        assert_eq!(directories, ["ssh", "_CON", "directory"]);
    }

    #[test]
    fn names_that_this_system_takes_for_one_are_distinct() {
        let (placed, directories) = tree(&[&["D", "x"], &["d", "y"], &["a.txt"], &["A.TXT"]], &[]);
        if files::folded(Path::new("A")) == Path::new("A") {
            assert_eq!((placed.join(" "), directories.join(" ")), ("D/x d/y a.txt A.TXT".into(), "D d".into()));
        } else {
            let numbered = ("D/x d (1)/y a.txt A (1).TXT".into(), "D d (1)".into());
            assert_eq!((placed.join(" "), directories.join(" ")), numbered);
        }
    }

    #[test]
    fn names_are_distinct_in_each_directory() {
        let (files, directories) =
            tree(&[&["a", "x"], &["a", "x"], &["b", "x"], &[" a", "y"], &["b:"], &["b_", "z"], &["a", "w"]], &[]);
        assert_eq!(files, ["a/x", "a/x (1)", "b/x", "a (1)/y", "b_", "b_ (1)/z", "a/w"]);
        assert_eq!(directories, ["a", "b", "a (1)", "b_ (1)"]);
    }
}
