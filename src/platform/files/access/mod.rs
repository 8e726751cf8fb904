//! The owners of files and directories, and the rights of others in them.
//!
//! Windows has access lists instead of modes. A new file or directory inherits the list of its directory: in a user's
//! profile it admits that user, the administrators and the system. On Windows this program neither reads nor changes
//! lists: everything counts as the user's own, and nobody else as admitted. Outside the profile that may be false.

use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io;
use std::path::Path;

#[cfg(unix)]
mod unix;
#[cfg(unix)]
use unix as side;
#[cfg(windows)]
mod windows;
#[cfg(windows)]
use windows as side;

/// Whether modes decide who can use a file or directory.
pub const HAS_MODES: bool = cfg!(unix);

/// Whether a file or directory belongs to the user who runs this program. On Windows everything does.
pub fn is_own(data: &Metadata) -> bool {
    side::is_own(data)
}

/// The number of the user who runs this program. `None` on Windows, where users have none.
pub fn user_id() -> Option<u32> {
    side::user_id()
}

/// Whether two files or directories belong to the same user. On Windows all do.
pub fn have_one_owner(one: &Metadata, other: &Metadata) -> bool {
    side::have_one_owner(one, other)
}

/// Whether two directories belong to the same group, with all rights and setgid. On Windows no two do.
pub fn belong_to_one_group(one: &Metadata, other: &Metadata) -> bool {
    let is_of_group = |data| Rights::of(data).admit_group_fully() && Rights::of(data).pass_group_on();
    side::have_one_group(one, other) && is_of_group(one) && is_of_group(other)
}

/// Whether a file or directory belongs to the superuser. On Windows nothing does.
pub fn is_of_superuser(data: &Metadata) -> bool {
    side::is_of_superuser(data)
}

/// Sets the mode of files that these options create to 0600.
pub fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    side::private(options)
}

/// A builder of directories with the mode 0700.
pub fn private_directory() -> DirBuilder {
    side::private_directory()
}

/// Gives a file the owner, the group and the mode of another one. On Windows the file keeps the access list of its
/// directory.
///
/// # Errors
/// Any error of the file system: only the superuser can give a file to another user.
pub fn copy_access(from: &Metadata, to: &File) -> io::Result<()> {
    side::copy_access(from, to)
}

/// Gives a file that the superuser has just made to the owner of its directory, such as a service that must read it.
///
/// # Errors
/// Any error of the file system.
pub fn give_to_owner_of(directory: &Metadata, file: &File) -> io::Result<()> {
    side::give_to_owner_of(directory, file)
}

/// Sets the mode of a file to 0660, whatever the process's umask is.
///
/// # Errors
/// Any error of the file system.
pub fn share_with_group(file: &File) -> io::Result<()> {
    side::share_with_group(file)
}

/// Sets the mode of a directory to 2770, so that files in it inherit its group. Does not follow a symbolic link.
///
/// # Errors
/// Any error of the file system.
pub fn share_directory_with_group(path: &Path) -> io::Result<()> {
    side::share_directory_with_group(path)
}

/// Sets the mode of a directory to 0700. Some file systems have no modes: they ignore or refuse that.
///
/// # Errors
/// An error for which [`super::is_refusal`] holds if the file system refuses; any other error of the file system.
pub fn make_directory_private(directory: &File) -> io::Result<()> {
    side::make_directory_private(directory)
}

/// Checks that this process may read, write and enter a directory.
///
/// # Errors
/// `PermissionDenied` if it may not; any other error of the file system.
pub fn check_directory_access(path: &Path) -> io::Result<()> {
    side::check_directory_access(path)
}

/// Whether the functions of this module account for the rights of others in a file or directory. On Windows they do so
/// only for what is below the user's profile, whose access list keeps other users out.
pub fn is_guarded(path: &Path) -> bool {
    side::is_guarded(path)
}

/// The rights that users other than the owner have in a directory: its mode. On Windows others count as without rights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rights(u32);

impl Rights {
    /// The rights in a directory.
    pub fn of(data: &Metadata) -> Self {
        Self(side::mode(data))
    }

    /// Whether users outside the group have any right in it.
    pub fn admit_others(self) -> bool {
        self.0 & 0o007 != 0
    }

    /// Whether the group has any right in it.
    pub fn admit_group(self) -> bool {
        self.0 & 0o070 != 0
    }

    /// Whether the group has all rights in it.
    pub fn admit_group_fully(self) -> bool {
        self.0 & 0o070 == 0o070
    }

    /// Whether users other than the owner may write to it, or to what is in it.
    pub fn admit_other_writers(self) -> bool {
        self.0 & 0o022 != 0
    }

    /// Whether users outside the group may write to it.
    pub fn let_anyone_write(self) -> bool {
        self.0 & 0o002 != 0
    }

    /// Whether only the owner of a file in it may rename or remove that file (sticky).
    pub fn protect_names(self) -> bool {
        self.0 & 0o1000 != 0
    }

    /// Whether files in it inherit its group (setgid).
    pub fn pass_group_on(self) -> bool {
        self.0 & 0o2000 != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_directory_admits_nobody_else() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("private");
        private_directory().create(&path).unwrap();
        let data = path.metadata().unwrap();
        let rights = Rights::of(&data);
        assert!(!rights.admit_others() && !rights.admit_group() && is_own(&data));
        check_directory_access(&path).unwrap();
        let gone = check_directory_access(&directory.path().join("gone")).unwrap_err();
        assert_eq!(gone.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn windows_guards_the_profile_alone() {
        let home = std::env::home_dir().unwrap();
        assert!(is_guarded(&home) || !home.exists());
        assert_eq!(is_guarded(Path::new("/")), !cfg!(windows));
    }

    #[cfg(unix)]
    #[test]
    fn a_directory_of_a_group_admits_the_group_alone() {
        let directory = tempfile::tempdir().unwrap();
        share_directory_with_group(directory.path()).unwrap();
        let rights = Rights::of(&directory.path().metadata().unwrap());
        assert!(rights.admit_group_fully() && rights.pass_group_on() && !rights.admit_others());
    }
}
