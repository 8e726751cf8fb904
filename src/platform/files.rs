//! File operations for which the standard library has no portable function.

use std::fs::{DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, OFlags, RenameFlags};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

/// Renames a file or directory in one step, unless the new name is taken.
///
/// # Errors
/// `AlreadyExists` when the new name is taken; an error for which [`is_refusal`] holds when the file system cannot
/// rename like that; any other error of the file system.
pub fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    Ok(rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE)?)
}

/// Gives a file a second name, which must be free.
///
/// # Errors
/// As [`rename_new`].
pub fn link(from: &Path, to: &Path) -> io::Result<()> {
    Ok(rustix::fs::link(from, to)?)
}

/// Creates a file without a name (`O_TMPFILE`), private to its owner. It vanishes on close unless [`link_unnamed`] gave
/// it a name.
///
/// # Errors
/// Any error of the file system; not every file system and kernel has such files.
pub fn create_unnamed(directory: &Path) -> io::Result<File> {
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    Ok(File::from(rustix::fs::open(directory, flags, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR)?))
}

/// Gives a file from [`create_unnamed`] its name, which must be free.
///
/// # Errors
/// `AlreadyExists` when the name is taken; any other error of the file system.
pub fn link_unnamed(file: &File, path: &Path) -> io::Result<()> {
    Ok(rustix::fs::linkat(CWD, descriptor_path(file), CWD, path, AtFlags::SYMLINK_FOLLOW)?)
}

/// The path by which this process, or a child that inherits the descriptor, can open `file` again.
pub fn descriptor_path(file: &impl AsFd) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", file.as_fd().as_raw_fd()))
}

/// Flushes everything that was written to the file system of `file`.
///
/// # Errors
/// An error for which [`is_unflushable`] holds if the file system does not offer that; any other error of the disk.
pub fn sync_file_system(file: &File) -> io::Result<()> {
    Ok(rustix::fs::syncfs(file)?)
}

/// Whether an error means that the file system, or a guard such as `SELinux` or seccomp, does not offer an operation.
/// An error of the disk (`EIO`, `ENOSPC`) is none of these.
pub fn is_refusal(error: &io::Error) -> bool {
    let is_refusal =
        |errno| matches!(errno, Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::PERM | Errno::ACCESS);
    Errno::from_io_error(error).is_some_and(is_refusal)
}

/// Whether an error means that this process cannot flush a file or directory (fsync(2): "does not support
/// synchronization").
pub fn is_unflushable(error: &io::Error) -> bool {
    is_refusal(error) || matches!(Errno::from_io_error(error), Some(Errno::BADF | Errno::ROFS))
}

/// Whether an error is one of the disk (`EIO`). Some file systems also return it for operations that they do not offer.
pub fn is_disk_error(error: &io::Error) -> bool {
    Errno::from_io_error(error) == Some(Errno::IO)
}

/// Whether an error means that the file system has no locks.
pub fn has_no_locks(error: &io::Error) -> bool {
    is_refusal(error) || Errno::from_io_error(error) == Some(Errno::NOLCK)
}

/// Space on a disk or in a store, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// Free for ordinary users.
    pub free: u64,
    /// Total.
    pub total: u64,
    /// Left of what an operator allows, however much is free.
    pub left: Option<u64>,
}

/// The space on the file system of `path`. `None` if it reports none, as some file systems in user space.
///
/// # Errors
/// Any error of the file system.
pub fn free_space(path: &Path) -> io::Result<Option<Space>> {
    let stat = rustix::fs::statvfs(path)?;
    let bytes = |blocks: u64| blocks.saturating_mul(stat.f_frsize);
    Ok((stat.f_blocks > 0).then(|| Space { free: bytes(stat.f_bavail), total: bytes(stat.f_blocks), left: None }))
}

/// Data that identify a file after a restart. Inode numbers are reused, so they are not enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    device: u64,
    inode: u64,
    /// Length in bytes.
    pub size: u64,
    /// Time of the last write: seconds and nanoseconds. A rename does not change it.
    modified: (i64, i64),
}

impl Identity {
    /// The identity of a file.
    pub fn of(data: &Metadata) -> Self {
        let modified = (data.mtime(), data.mtime_nsec());
        Self { device: data.dev(), inode: data.ino(), size: data.size(), modified }
    }
}

/// Whether two names in one directory are the same file.
pub fn is_same(one: &Metadata, other: &Metadata) -> bool {
    one.ino() == other.ino()
}

/// Whether a file or directory belongs to the user who runs this program.
pub fn is_own(data: &Metadata) -> bool {
    data.uid() == user_id()
}

/// The number of the user who runs this program.
pub fn user_id() -> u32 {
    rustix::process::getuid().as_raw()
}

/// Whether two files or directories belong to the same user.
pub fn have_one_owner(one: &Metadata, other: &Metadata) -> bool {
    one.uid() == other.uid()
}

/// Whether two directories belong to the same group, with all rights and setgid.
pub fn belong_to_one_group(one: &Metadata, other: &Metadata) -> bool {
    let is_of_group = |data| Rights::of(data).admit_group_fully() && Rights::of(data).pass_group_on();
    one.gid() == other.gid() && is_of_group(one) && is_of_group(other)
}

/// Whether a file or directory belongs to the superuser.
pub fn is_of_superuser(data: &Metadata) -> bool {
    data.uid() == 0
}

/// Makes these options fail for a symbolic link.
pub fn unfollowed(options: &mut OpenOptions) -> &mut OpenOptions {
    options.custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
}

/// All of a file of up to `longest` bytes. A FIFO or a device is refused, and not waited for.
///
/// # Errors
/// `InvalidInput` for what is no file, `FileTooLarge`, and those of the file system.
pub fn read_short(path: &Path, longest: u64) -> io::Result<Vec<u8>> {
    let file = OpenOptions::new().read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed()).open(path)?;
    let data = file.metadata()?;
    if data.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    if !data.is_file() {
        return Err(not_a_file());
    }
    let mut bytes = Vec::new();
    file.take(longest + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > longest {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "the file is too long"));
    }
    Ok(bytes)
}

/// The error for a FIFO or a device in place of a file.
pub fn not_a_file() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file")
}

/// Sets the mode of files that these options create to 0600.
pub fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options.mode(0o600)
}

/// A builder of directories with the mode 0700.
pub fn private_directory() -> DirBuilder {
    let mut builder = DirBuilder::new();
    builder.mode(0o700);
    builder
}

/// Gives a file the owner, the group and the mode of another one.
///
/// # Errors
/// Any error of the file system: only the superuser can give a file to another user.
pub fn copy_access(from: &Metadata, to: &File) -> io::Result<()> {
    let is_now = to.metadata()?;
    if (is_now.uid(), is_now.gid()) != (from.uid(), from.gid()) {
        fchown(to, Some(from.uid()), Some(from.gid()))?;
    }
    to.set_permissions(from.permissions())
}

/// Gives a file that the superuser has just made to the owner of its directory, such as a service that must read it.
///
/// # Errors
/// Any error of the file system.
pub fn give_to_owner_of(directory: &Metadata, file: &File) -> io::Result<()> {
    let is_ours = user_id() == 0 && is_of_superuser(&file.metadata()?);
    if is_ours && !is_of_superuser(directory) {
        fchown(file, Some(directory.uid()), Some(directory.gid()))?;
    }
    Ok(())
}

/// Sets the mode of a file to 0660, whatever the process's umask is.
///
/// # Errors
/// Any error of the file system.
pub fn share_with_group(file: &File) -> io::Result<()> {
    file.set_permissions(Permissions::from_mode(0o660))
}

/// Sets the mode of a directory to 2770, so that files in it inherit its group. Does not follow a symbolic link.
///
/// # Errors
/// Any error of the file system.
pub fn share_directory_with_group(path: &Path) -> io::Result<()> {
    open_directory(path)?.set_permissions(Permissions::from_mode(0o2770))
}

/// Opens a directory, and nothing else: not the target of a symbolic link either.
///
/// # Errors
/// `NotADirectory`, or any other error of the file system.
pub fn open_directory(path: &Path) -> io::Result<File> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::RDONLY | OFlags::CLOEXEC;
    Ok(File::from(rustix::fs::open(path, flags, rustix::fs::Mode::empty())?))
}

/// Sets the mode of a directory to 0700. Some file systems have no modes: they ignore or refuse that.
///
/// # Errors
/// An error for which [`is_refusal`] holds if the file system refuses; any other error of the file system.
pub fn make_directory_private(directory: &File) -> io::Result<()> {
    directory.set_permissions(Permissions::from_mode(0o700))
}

/// A path that leads to an open directory whatever happens to its names. `None` if this system has no such paths.
pub fn lasting_path(directory: &File) -> Option<PathBuf> {
    let path = descriptor_path(directory);
    let (there, here) = (std::fs::metadata(&path).ok()?, directory.metadata().ok()?);
    ((there.dev(), there.ino()) == (here.dev(), here.ino())).then_some(path)
}

/// The rights that users other than the owner have in a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rights(u32);

impl Rights {
    /// The rights in a directory.
    pub fn of(data: &Metadata) -> Self {
        Self(data.permissions().mode())
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

/// Checks that this process may read, write and enter a directory.
///
/// # Errors
/// `PermissionDenied` if it may not; any other error of the file system.
pub fn check_directory_access(path: &Path) -> io::Result<()> {
    let needed = rustix::fs::Access::READ_OK | rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK;
    Ok(rustix::fs::access(path, needed)?)
}

/// Standard output without a buffer.
///
/// # Errors
/// The process has too many files open.
pub fn stdout() -> io::Result<File> {
    Ok(File::from(io::stdout().as_fd().try_clone_to_owned()?))
}

/// Whether standard output was closed when the process started. Rust's runtime opens `/dev/null` in its place, for
/// reading and writing.
pub fn stdout_is_closed() -> bool {
    let stdout = io::stdout();
    let null = std::fs::metadata("/dev/null").map(|data| data.rdev());
    let is_null = rustix::fs::fstat(&stdout).is_ok_and(|stat| null.is_ok_and(|null| null == stat.st_rdev));
    is_null && rustix::fs::fcntl_getfl(&stdout).is_ok_and(|flags| flags.contains(OFlags::RDWR))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_none_of_the_disks_errors() {
        for refused in [Errno::INVAL, Errno::OPNOTSUPP, Errno::NOSYS, Errno::PERM, Errno::ACCESS] {
            assert!(is_refusal(&refused.into()), "{refused}");
        }
        for real in [Errno::IO, Errno::NOSPC, Errno::DQUOT, Errno::NOENT, Errno::EXIST, Errno::BADF] {
            assert!(!is_refusal(&real.into()), "{real}");
        }
    }

    #[test]
    fn a_file_keeps_its_identity_when_it_gets_a_name_and_loses_it_when_it_is_written() {
        let directory = tempfile::tempdir().unwrap();
        let [named, renamed] = ["named", "renamed"].map(|name| directory.path().join(name));
        std::fs::write(&named, "before").unwrap();
        let before = Identity::of(&named.metadata().unwrap());
        rename_new(&named, &renamed).unwrap();
        assert_eq!(Identity::of(&renamed.metadata().unwrap()), before);
        std::fs::write(&renamed, "afterwards").unwrap();
        assert_ne!(Identity::of(&renamed.metadata().unwrap()), before);
    }

    /// Journals hold identities, and those of other versions are read.
    #[test]
    fn an_identity_is_stored_flat_under_names_that_stay() {
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        struct Placed {
            path: String,
            #[serde(flatten)]
            identity: Identity,
        }
        let identity = Identity { device: u64::MAX, inode: 2, size: 3, modified: (-4, 5) };
        let placed = Placed { path: "a".to_owned(), identity };
        let text = r#"{"path":"a","device":18446744073709551615,"inode":2,"size":3,"modified":[-4,5]}"#;
        assert_eq!(serde_json::to_string(&placed).unwrap(), text);
        assert_eq!(serde_json::from_str::<Placed>(text).unwrap(), placed);
    }

    #[test]
    fn a_private_directory_admits_nobody_else() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("private");
        private_directory().create(&path).unwrap();
        let rights = Rights::of(&path.metadata().unwrap());
        assert!(!rights.admit_others() && !rights.admit_group());
        share_directory_with_group(&path).unwrap();
        let rights = Rights::of(&path.metadata().unwrap());
        assert!(rights.admit_group_fully() && rights.pass_group_on() && !rights.admit_others());
    }
}
