//! Folders that are used as stores: how they are opened, and the errors of those that are unfit.

use std::fs;
use std::io;
use std::path::Path;

use crate::cli::context::Context;
use crate::cli::output::errors::{Failure, Hint};
use crate::cli::output::{Output, format};
use crate::durable_fs::parent;
use crate::platform::files::{self, Rights};
use crate::relay::store::folder::{Folder, FolderError, Sharing, Synchronizer, located, synchronizer};
use crate::relay::store::layout::PRIVATE;
use crate::safe_text::{printable, reason};

/// The end of a hint where shares may wait in the folder.
pub(super) const STILL_REVOCABLE: &str = "; shares that wait there can still be revoked";

/// The store in a directory. `hint` is for a directory that is unfit.
pub(super) fn open(path: &Path, sharing: Sharing, hint: impl Into<Hint>) -> Result<Folder, Failure> {
    expect_one_copy(path, "")?;
    open_copied(path, sharing, hint)
}

/// The same, even if a program copies the directory.
pub(super) fn open_copied(path: &Path, sharing: Sharing, hint: impl Into<Hint>) -> Result<Folder, Failure> {
    Folder::open(path, sharing).map_err(|error| failure(&error, hint))
}

/// Fails if a program copies the folder between computers. `more` ends the hint.
pub(super) fn expect_one_copy(path: &Path, more: &str) -> Result<(), Failure> {
    let Some(Synchronizer { name, marker, root }) = synchronizer(path) else { return Ok(()) };
    let [path, marker, root] = [path, &marker, &root].map(|path| printable(&path.to_string_lossy()));
    let what = format!(
        "{name} copies {path} to other computers ({marker}): two of them could open the same share before the copies \
         meet"
    );
    let hint = format!(
        "use a directory outside {root}, even if {name} is set to ignore this one, or a bucket or a relay{more}"
    );
    Err(Failure::local(what, hint))
}

/// A folder, after the user was informed where its files lie and who can read them.
pub(super) fn introduced(folder: Folder, cx: &Context) -> Folder {
    let place = folder.place();
    let path = printable(&place.path.to_string_lossy());
    if place.is_new_inside {
        let outside = parent(&place.path).to_string_lossy();
        cx.output.info(&format!("Other users can enter {}, so everything is stored in {path}", printable(&outside)));
    }
    if place.is_readable_by_others {
        cx.output.warn(&format!(
            "the file system of {path} has no modes: other users of this machine can read and copy the encrypted data"
        ));
    }
    if !files::is_guarded(&place.path) {
        cx.output.warn(&format!(
            "{path} is outside your profile: other users of this computer may be able to read, copy and delete the \
             encrypted data"
        ));
    }
    folder
}

/// Reports that other users may read files that were saved at `path`.
pub(super) fn report_unguarded(path: &Path, output: &Output) {
    if !files::is_guarded(path) {
        let path = printable(&path.to_string_lossy());
        output.info(&format!("{path} is outside your profile: other users of this computer may be able to read it."));
    }
}

/// The error of a directory that cannot be a store.
pub(super) fn failure(error: &FolderError, hint: impl Into<Hint>) -> Failure {
    match error {
        FolderError::InUse(_) => Failure::local(
            error.to_string(),
            Hint::line("stop the other relay, use another folder, or start each relay with --shared-folder"),
        ),
        FolderError::Ungrouped(_) => Failure::local(
            error.to_string(),
            Hint::line("to share the folder with its group: chmod g+s; to keep it private: chmod g="),
        ),
        FolderError::Unlockable(_, why) => Failure::local(
            format!("{error}: {}", reason(why)),
            Hint::line("use a directory on another file system, or start the relay with --shared-folder"),
        ),
        FolderError::Exposed { given, found, .. } => Failure::local(error.to_string(), exposed_hint(given, found)),
        FolderError::Two { .. } => Failure::local(
            error.to_string(),
            Hint::line("move the one that is not in use to another place, or remove it if it is empty"),
        ),
        FolderError::NotOurs(_) | FolderError::Link(_) => Failure::local(
            error.to_string(),
            if files::HAS_MODES {
                Hint::line("use a new directory; to share one with a group: chgrp GROUP, chmod 2770")
            } else {
                Hint::line("use a new directory")
            },
        ),
        FolderError::Planted(_) => Failure::local(
            error.to_string(),
            Hint::line(
                "use a new directory; for a USB stick or an SMB share: mount it with umask=077 or dir_mode=0700",
            ),
        ),
        FolderError::Replaceable(_) => {
            let proc =
                if files::HAS_LASTING_PATHS { "start share where the proc file system is mounted, or " } else { "" };
            Failure::local(error.to_string(), format!("{proc}use a directory that other users cannot write to"))
        }
        FolderError::OfGroup(path) => {
            let address = Hint::line(format!("use its own address: file://{}", printable(&path.to_string_lossy())));
            Failure::local(error.to_string(), address)
        }
        FolderError::Writable(_) => Failure::local(
            error.to_string(),
            Hint::line("mount it with umask=077 (USB stick) or dir_mode=0700,file_mode=0600 (SMB), and your uid="),
        ),
        FolderError::Io(path, error) => {
            let is_denied = error.kind() == io::ErrorKind::PermissionDenied;
            let access = is_denied.then(|| access_hint(path)).flatten();
            Failure::path(path, error, access.unwrap_or_else(|| hint.into()))
        }
    }
}

/// A hint for a store in a directory that other users can enter.
fn exposed_hint(given: &Path, found: &Path) -> Hint {
    let shown = |path: &Path| format::quoted(&path.to_string_lossy());
    let is_own = |path: &Path| fs::symlink_metadata(path).is_ok_and(|data| files::is_own(&data));
    match (is_own(given), is_own(found)) {
        (true, true) => Hint::run(format!("chmod o= {}", shown(given))),
        (_, true) => Hint::line(format!("use another directory, or move {} away if it is of no use", shown(found))),
        _ => Hint::line(format!("run share as the owner of {0}, or move {0} away if it is of no use", shown(found))),
    }
}

/// A hint for a directory to which this process has no access: a command that changes nothing else.
fn access_hint(path: &Path) -> Option<Hint> {
    let (user, shown) = (files::user_id()?, format::quoted(&path.to_string_lossy()));
    let data = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Some(Hint::run(format!("sudo install -d -o {user} -m 700 {shown}")));
        }
        found => found.ok()?,
    };
    let rights = Rights::of(&data);
    if !data.is_dir() || files::is_own(&data) || rights.admit_group() || rights.admit_others() {
        return None;
    }
    // Everything in a private directory must be of one owner. Another directory may hold anything.
    let chown = format!("sudo chown -R {user} {shown}");
    let is_ours = path.ends_with(PRIVATE);
    Some(if is_ours { Hint::run(chown) } else { Hint::line(format!("if {shown} is only for shares: {chown}")) })
}

/// Whether only its owner can use a folder. `false` where folders have no modes.
pub(super) fn is_private(path: &Path) -> bool {
    let is_closed = |place| fs::metadata(place).is_ok_and(|data| !Rights::of(&data).admit_group());
    files::HAS_MODES && located(path).is_ok_and(is_closed)
}
