//! The file of create tokens: read whole, and replaced whole under its lock.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

use crate::cli::output::errors::{Failure, Hint};
use crate::cli::output::format::quoted;
use crate::cli::relay::token::line::{self, BadLine, TokenLine};
use crate::durable_fs::{lock, parent};
use crate::platform::files;
use crate::relay::server::CreateToken;
use crate::safe_text::printable;
use crate::state::{read_all, replace};

/// The longest file that is read, in bytes.
const LONGEST: u64 = 4 << 20;

/// The text of a file of tokens.
///
/// # Errors
/// Those of the file system, and a file that is too long or no text.
pub(super) fn read(path: &Path) -> io::Result<String> {
    String::from_utf8(files::read_short(path, LONGEST)?).map_err(|_| io::ErrorKind::InvalidData.into())
}

/// The tokens in a file, and its text.
pub(super) fn load(path: &Path) -> Result<(Vec<TokenLine>, String), Failure> {
    let text = read(path).map_err(|error| Failure::path(path, &error, remedy(path, error.kind())))?;
    let lines = line::parse(&text).map_err(|bad| malformed(path, bad))?;
    Ok((lines, text))
}

/// The next step when a file cannot be read.
fn remedy(path: &Path, why: io::ErrorKind) -> Hint {
    if why == io::ErrorKind::PermissionDenied {
        return Hint::line("make the file readable for the user that runs `share`");
    }
    Hint::run(format!("share relay token NAME --create-token-file {}", quoted(&path.to_string_lossy())))
}

/// The tokens without their names.
pub(super) fn tokens(lines: Vec<TokenLine>) -> Vec<CreateToken> {
    lines.into_iter().map(|line| line.token).collect()
}

/// The error for a line that cannot be used. Its content may be a secret.
pub(super) fn malformed(path: &Path, BadLine { number, repeats }: BadLine) -> Failure {
    let path = printable(&path.to_string_lossy());
    if let Some(first) = repeats {
        return Failure::usage(
            format!("{path}: line {number} has the name or the token of line {first}"),
            Hint::line("delete one of them"),
        );
    }
    Failure::usage(
        format!("{path}: line {number} is not a create token"),
        Hint::line("to make tokens: share relay token NAME; a token of your own has at least 16 characters"),
    )
}

/// Replaces the text of a file by what `change` makes of it. Readers see the old file or the new one, and other writers
/// wait.
pub(super) fn change(path: &Path, change: impl FnOnce(&str) -> Result<String, Failure>) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::path(path, &error, "nothing was changed");
    // A symbolic link stays one.
    let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let beside = files::LOCKS_BIND_READERS.then(|| locked_beside(&real)).transpose().map_err(failed)?;
    let file = if beside.is_some() { opened(&real) } else { locked(&real) }.map_err(failed)?;
    let old = String::from_utf8(read_all(&file).map_err(failed)?);
    let old = old.map_err(|_| failed(io::ErrorKind::InvalidData.into()))?;
    let like = file.metadata().map_err(failed)?;
    // This closes the file unless it is the locked one: Windows may refuse to replace a file that is open.
    let _lock = beside.unwrap_or(file);
    let new = change(&old)?;
    replace(&real, new.as_bytes(), &like).map_err(failed)
}

/// A lock that does not keep readers from the file: on a file beside it.
fn locked_beside(path: &Path) -> io::Result<File> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let file = opened(Path::new(&name))?;
    lock(&file)?;
    Ok(file)
}

/// The open file of that name, which is made if it is missing. A symbolic link is refused, since the directory may
/// belong to a user with fewer rights.
fn opened(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    let file = files::open_unfollowed(files::private(&mut options), path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(files::not_a_file()) }
}

/// The locked file of that name, which is made if it is missing.
fn locked(path: &Path) -> io::Result<File> {
    loop {
        let file = opened(path)?;
        lock(&file)?;
        // Another writer may have replaced it while this one waited.
        match files::leads_to(path, &file) {
            Ok(true) => {
                if file.metadata()?.len() == 0 {
                    files::give_to_owner_of(&fs::metadata(parent(path))?, &file)?;
                }
                return Ok(file);
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_can_be_read_while_it_is_changed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tokens");
        for (old, new) in [("", "one"), ("one", "two")] {
            let replaced = change(&path, |text| {
                assert_eq!((text, read(&path).unwrap()), (old, old.to_owned()));
                Ok(new.to_owned())
            });
            assert!(replaced.is_ok() && read(&path).unwrap() == new);
        }
    }

    #[test]
    fn a_lock_beside_a_file_keeps_other_writers_out() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tokens");
        let _lock = locked_beside(&path).unwrap();
        let other = File::open(directory.path().join("tokens.lock")).unwrap();
        assert!(matches!(other.try_lock(), Err(fs::TryLockError::WouldBlock)));
    }
}
