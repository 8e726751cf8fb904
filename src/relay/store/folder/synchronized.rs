//! Folders that another program copies between computers, recognized by the files that it leaves in them.
//!
//! A claim is an object that is created once. In such a folder two computers can both create it, before their copies
//! meet.

use std::fs::{self, Metadata};
use std::path::{Component, Path, PathBuf};

use crate::platform::files::{self, Rights};

/// A program that copies folders, with the file that shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Synchronizer {
    /// Its name.
    pub name: &'static str,
    /// Its file or directory.
    pub marker: PathBuf,
    /// The directory in which it left that.
    pub root: PathBuf,
}

/// The kind of a marker.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    File,
    Directory,
    Any,
}

/// Markers with one name, in the directory that is copied. Maestral is another client of Dropbox. A home directory has
/// `.dropbox` and `.sync` too, as directories: there they hold the settings of Dropbox and Resilio Sync.
const MARKERS: [(&str, Kind, &str); 14] = [
    (".dropbox", Kind::File, "Dropbox"),
    (".dropbox.cache", Kind::Directory, "Dropbox"),
    (".maestral.cache", Kind::Directory, "Maestral"),
    (".stfolder", Kind::Any, "Syncthing"),
    (".nextcloudsync.log", Kind::File, "Nextcloud"),
    (".owncloudsync.log", Kind::File, "Nextcloud or ownCloud"),
    (".csync_journal.db", Kind::File, "ownCloud"),
    (".849C9593-D756-4E56-8D6E-42412F2A707B", Kind::File, "OneDrive"),
    (".tmp.driveupload", Kind::Directory, "Google Drive"),
    (".tmp.drivedownload", Kind::Directory, "Google Drive"),
    (".sync/ID", Kind::File, "Resilio Sync"),
    (".SyncID", Kind::File, "Resilio Sync"),
    (".megaignore", Kind::File, "MEGA"),
    (".SynologyWorkingDirectory", Kind::Directory, "Synology Drive"),
];
/// Beginnings of the name of the journal that Nextcloud and ownCloud keep in each directory that they copy.
const JOURNALS: [&str; 2] = [".sync_", "._sync_"];
/// Its end, after [`JOURNAL_DIGITS`] hexadecimal digits or [`JOURNAL`].
const JOURNAL_END: &str = ".db";
/// Digits of a hash in its name.
const JOURNAL_DIGITS: usize = 12;
/// The word that older versions have in place of the digits.
const JOURNAL: &str = "journal";
/// Directories of macOS for everything that is copied: by the clients of cloud services, and by iCloud.
const OF_MACOS: [([&str; 2], &str); 2] =
    [(["Library", "CloudStorage"], "a cloud service"), (["Library", "Mobile Documents"], "iCloud")];

/// The program that copies the folder `path`, which may not exist yet, if one is known to do so.
pub fn synchronizer(path: &Path) -> Option<Synchronizer> {
    // Symbolic links lead into such folders too.
    let existing = path.ancestors().find_map(|path| path.canonicalize().ok())?;
    existing.ancestors().find_map(marked).or_else(|| of_macos(&existing))
}

/// The program that has left a marker in a directory.
fn marked(directory: &Path) -> Option<Synchronizer> {
    let anyone_writes = Rights::of(&fs::metadata(directory).ok()?).let_anyone_write();
    // In a directory such as `/tmp`, another user could forbid us all folders by an empty file.
    let is_credible = |data: &Metadata| !anyone_writes || files::is_own(data) || files::is_of_superuser(data);
    let found = |name, marker| Synchronizer { name, marker, root: directory.to_owned() };
    let by_name = MARKERS.into_iter().find_map(|(name, kind, service)| {
        let marker = directory.join(name);
        let data = fs::symlink_metadata(&marker).ok()?;
        let fits = match kind {
            Kind::File => data.is_file(),
            Kind::Directory => data.is_dir(),
            Kind::Any => true,
        };
        (fits && is_credible(&data)).then(|| found(service, marker))
    });
    by_name.or_else(|| {
        // A directory above may be unreadable for this process.
        let entries = fs::read_dir(directory).ok()?.flatten();
        let mut journals = entries.filter(|entry| entry.file_name().to_str().is_some_and(is_journal));
        let journal = journals.find(|entry| entry.metadata().is_ok_and(|data| data.is_file() && is_credible(&data)))?;
        Some(found("Nextcloud or ownCloud", journal.path()))
    })
}

fn is_journal(name: &str) -> bool {
    let Some(name) = name.strip_suffix(JOURNAL_END) else { return false };
    let middle = JOURNALS.iter().find_map(|beginning| name.strip_prefix(beginning));
    middle.is_some_and(|middle| {
        middle == JOURNAL || (middle.len() == JOURNAL_DIGITS && middle.bytes().all(|c| c.is_ascii_hexdigit()))
    })
}

/// The program that macOS lets copy a directory.
fn of_macos(path: &Path) -> Option<Synchronizer> {
    let components: Vec<Component> = path.components().collect();
    OF_MACOS.into_iter().find_map(|(names, name)| {
        let at = components.windows(2).position(|pair| pair.iter().zip(names).all(|(a, b)| a.as_os_str() == b))?;
        let marker: PathBuf = components[..at + 2].iter().collect();
        Some(Synchronizer { name, root: marker.clone(), marker })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The program that copies `store` in a directory with these entries; those that end with a slash are directories.
    fn found(entries: &[&str]) -> Option<&'static str> {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().join("Shared");
        fs::create_dir_all(root.join("deep")).unwrap();
        for entry in entries {
            let path = root.join(entry);
            if entry.ends_with('/') {
                fs::create_dir_all(path).unwrap();
            } else {
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, "").unwrap();
            }
        }
        let found = synchronizer(&root.join("deep/store"));
        assert_eq!(found, synchronizer(&root), "a directory is copied with all below it");
        if let Some(found) = &found {
            assert!(found.marker.starts_with(root.canonicalize().unwrap()) && found.marker.exists(), "{found:?}");
        }
        found.map(|found| found.name)
    }

    #[test]
    fn folders_that_programs_copy_are_recognized() {
        for (entry, kind, name) in MARKERS {
            let entry = if kind == Kind::Directory { format!("{entry}/") } else { entry.to_owned() };
            assert_eq!(found(&[&entry]), Some(name), "{entry}");
        }
        assert_eq!(found(&[".stfolder/"]), Some("Syncthing"));
        for journal in [".sync_0d8d87f03b87.db", "._sync_0d8d87f03b87.db", ".sync_journal.db"] {
            assert_eq!(found(&["letter", journal]), Some("Nextcloud or ownCloud"), "{journal}");
        }
    }

    #[test]
    fn settings_of_such_programs_and_other_files_are_no_markers() {
        let settings = [".dropbox/", ".dropbox/info.json", ".sync/", ".sync/settings.dat", ".config/syncthing/"];
        assert_eq!(found(&settings), None);
        assert_eq!(found(&["desktop.ini", ".stignore", "sync_journal.db", ".sync_journal.txt", "Dropbox/"]), None);
        for other in [".sync_settings.db", ".sync_0d8d87f03b8.db", ".sync_0d8d87f03b8g.db", ".sync_0d8d87f03b87.db/"] {
            assert_eq!(found(&[other]), None, "{other}");
        }
    }

    #[test]
    fn directories_of_macos_are_recognized() {
        let of = |path: &str| of_macos(Path::new(path)).map(|found| (found.name, found.marker));
        let cloud = |path: &str| Some(("a cloud service", PathBuf::from(path)));
        let dropbox = "/Users/ann/Library/CloudStorage/Dropbox/team";
        assert_eq!(of(dropbox), cloud("/Users/ann/Library/CloudStorage"));
        assert_eq!(of("/Users/ann/Library/Mobile Documents/x").unwrap().0, "iCloud");
        assert_eq!(of("/Users/ann/CloudStorage/Library"), None);
    }
}
