//! Directories of a folder: paths of objects, and listings.

use std::fs;
use std::io;
use std::path::Path;
use std::time::UNIX_EPOCH;

use crate::platform::files;
use crate::relay::store::folder::access::FolderAccess;
use crate::relay::store::layout::SHARES;
use crate::relay::store::{Object, StoreError};

/// The path of an object: `v1/<id>/…` is in `v1/<first two digits>/<id>/…`.
pub(super) fn sharded(name: &str) -> String {
    match name.strip_prefix(SHARES).and_then(|rest| rest.strip_prefix('/')) {
        Some(rest) if rest.len() > 2 && rest.is_char_boundary(2) => format!("{SHARES}/{}/{rest}", &rest[..2]),
        _ => name.to_owned(),
    }
}

/// Flushes a directory after a deletion, and removes it and its parents while they are empty.
pub(super) fn remove_empty(root: &Path, directory: &Path, access: FolderAccess) -> io::Result<()> {
    let mut directory = directory;
    while directory.starts_with(root) && directory != root {
        if fs::remove_dir(directory).is_err() {
            break;
        }
        let Some(parent) = directory.parent() else { break };
        directory = parent;
    }
    match access.sync_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// Collects the objects below the directory `path`, whose name as an object would be `directory`, that begin with
/// `prefix` and sort before `before`.
pub(super) fn walk(
    path: &Path,
    directory: &str,
    prefix: &str,
    before: Option<&str>,
    found: &mut Vec<Object>,
) -> Result<(), StoreError> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    for entry in entries {
        let entry = entry?;
        let Ok(component) = entry.file_name().into_string() else { continue };
        if directory == SHARES && component.len() == 2 {
            // The names of objects do not contain the shard.
            walk(&entry.path(), directory, prefix, before, found)?;
            continue;
        }
        let name = if directory.is_empty() { component } else { format!("{directory}/{component}") };
        let wanted = name.starts_with(prefix) || prefix.starts_with(&format!("{name}/"));
        if !wanted || before.is_some_and(|before| name.as_str() >= before) {
            continue;
        }
        match files::entry_data(&entry) {
            Ok(data) if data.is_dir() => walk(&entry.path(), &name, prefix, before, found)?,
            Ok(data) => {
                let written = data.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
                found.push(Object { name, len: data.len(), written: written.unwrap_or_default().as_secs() });
            }
            // Deleted since the directory was read.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
