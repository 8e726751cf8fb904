//! The grammar of paths in a manifest.
//!
//! A path of at most one component is a name, and any text: [`crate::safe_text::safe_name`] makes a file name of it.
//! The components of longer paths, and of directories, describe a tree, so each of them must stand for itself.

use super::content::Manifest;

/// The most components of a path.
pub const MAX_COMPONENTS: usize = 64;
/// The longest component of a path with directories, in characters. Common file systems allow no more, whether they
/// count bytes, characters or UTF-16 units.
pub const MAX_COMPONENT: usize = 255;

/// Whether all paths follow the grammar and form one tree: no file is also a directory, and every directory that is
/// listed is empty.
pub(super) fn are_sound(manifest: &Manifest) -> bool {
    let files = manifest.entries.iter().map(|entry| (&entry.path[..], false));
    let directories = manifest.directories.iter().map(|path| (&path[..], true));
    let mut paths: Vec<(&[String], bool)> = files.chain(directories).collect();
    // In this order, a path is followed by its copies, and then by the paths below it.
    paths.sort_unstable();
    let follows = |pair: &[(&[String], bool)]| {
        let [(one, one_is_directory), (other, other_is_directory)] = pair else { return true };
        let is_same = one == other;
        let is_above = !one.is_empty() && !is_same && other.starts_with(one);
        !is_above && !(is_same && (*one_is_directory || *other_is_directory))
    };
    paths.iter().all(|(path, is_directory)| is_sound(path, *is_directory)) && paths.windows(2).all(follows)
}

/// Whether one path follows the grammar.
fn is_sound(path: &[String], is_directory: bool) -> bool {
    match path {
        [] | [_] if !is_directory => true,
        [] => false,
        components => components.len() <= MAX_COMPONENTS && components.iter().all(|component| is_component(component)),
    }
}

/// Whether a text can be a component of a path with directories.
fn is_component(text: &str) -> bool {
    !matches!(text, "" | "." | "..") && !text.contains(['/', '\\', '\0']) && text.chars().count() <= MAX_COMPONENT
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::content::Entry;

    fn path(text: &str) -> Vec<String> {
        text.split('|').map(str::to_owned).collect()
    }

    fn sound(files: &[&str], directories: &[&str]) -> bool {
        let entry = |text: &&str| Entry { path: path(text), ..Entry::new(None, "text/plain".into(), 3) };
        let entries = files.iter().map(entry).collect();
        let mut manifest = Manifest::new(None, entries, 300, false, "2026-11-22".into());
        manifest.directories = directories.iter().map(|text| path(text)).collect();
        are_sound(&manifest)
    }

    #[test]
    fn a_path_is_a_file_or_a_directory() {
        for (files, directories) in
            [(&["a", "a"][..], &[][..]), (&["a|b", "a|c", "a|b", "ab"], &["a|d", "e"]), (&["..|"], &[])]
        {
            assert_eq!(sound(files, directories), files != ["..|"], "{files:?} {directories:?}");
        }
        for (files, directories) in [
            (&["a", "a|b"][..], &[][..]),
            (&["a|b", "x", "a"], &[]),
            (&["a|b|c", "a|b-", "a|b"], &[]),
            (&["a"], &["a"]),
            (&["a|b"], &["a"]),
            (&["x"], &["a", "a"]),
            (&["x"], &["a", "a|b"]),
            (&["a"], &["a|b"]),
        ] {
            assert!(!sound(files, directories), "{files:?} {directories:?}");
        }
    }

    #[test]
    fn a_name_is_any_text_and_a_component_is_not() {
        let long = "é".repeat(MAX_COMPONENT);
        let deep = vec!["d"; MAX_COMPONENTS].join("|");
        for odd in ["", ".", "..", "a/b", "a\\b", "a\0b", &format!("{long}x")] {
            assert!(sound(&[odd], &[]), "{odd:?}");
            assert!(!sound(&[&format!("a|{odd}")], &[]), "{odd:?}");
            assert!(!sound(&[&format!("{odd}|a")], &[]), "{odd:?}");
            assert!(!sound(&["x"], &[odd]), "{odd:?}");
        }
        assert!(sound(&[&format!("a|{long}"), &deep], &[]));
        assert!(!sound(&[&format!("{deep}|d")], &[]));
        let mut manifest =
            Manifest::new(None, vec![Entry::new(None, "text/plain".into(), 3)], 300, false, String::new());
        assert!(are_sound(&manifest));
        manifest.directories.push(Vec::new());
        assert!(!are_sound(&manifest));
    }
}
