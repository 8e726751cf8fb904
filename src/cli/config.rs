//! `config.toml`: settings that need not be repeated. The environment and the arguments win over it.

use std::fs;
use std::io;
use std::path::PathBuf;

use directories::ProjectDirs;
use serde::Deserialize;
use toml_edit::DocumentMut;

use crate::cli::output::errors::Failure;
use crate::platform::files::Rights;
use crate::safe_text::{printable, reason};
use crate::state::write_private;

/// The keys, each of them optional.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {
    /// The relay to upload to.
    pub(super) relay: Option<String>,
    /// How long a share may wait.
    pub(super) expire: Option<String>,
    /// How long to try again when the relay does not answer.
    pub(super) give_up: Option<String>,
    /// The sender, for recipients.
    pub(super) from: Option<String>,
    /// The network interface on which a direct share is reached.
    pub(super) interface: Option<String>,
    /// The address on which a relay or a direct share listens.
    pub(super) listen: Option<String>,
    /// The address by which people reach it.
    pub(super) public_url: Option<String>,
    /// How things are shown: a program, or what it is drawn with.
    pub(super) viewer: Option<String>,
    /// The command that opens a tunnel to a direct share.
    pub(super) tunnel: Option<String>,
    /// The proxy to connect through.
    pub(super) proxy: Option<String>,
    /// A file of certificate authorities to trust, too.
    pub(super) ca: Option<PathBuf>,
    /// The command that runs when a share was opened.
    pub(super) on_open: Option<String>,
}

/// The file, if this user has a home.
fn path() -> Option<PathBuf> {
    ProjectDirs::from("", "", "share").map(|dirs| dirs.config_dir().join("config.toml"))
}

fn damaged(path: &std::path::Path, what: &str) -> Failure {
    let first = what.lines().next().unwrap_or_default();
    Failure::usage(
        format!("{}: {}", printable(&path.to_string_lossy()), printable(first)),
        "the valid keys are relay, expire, from, give_up, interface, listen, public_url, tunnel, proxy, ca, viewer and \
         on_open",
    )
}

impl Config {
    /// Whether other users of this computer can read the file.
    pub(super) fn is_disclosed() -> bool {
        path().and_then(|path| fs::metadata(path).ok()).is_some_and(|data| Rights::of(&data).admit_others())
    }

    /// Reads the file. One that is not there sets nothing.
    ///
    /// # Errors
    /// If it cannot be read, or has a line that is none of a setting.
    pub(super) fn read() -> Result<Self, Failure> {
        let Some(path) = path() else { return Ok(Self::default()) };
        match fs::read_to_string(&path) {
            Ok(text) => toml_edit::de::from_str(&text).map_err(|error| {
                let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].lines().count().max(1));
                damaged(&path, &format!("line {line}: {}", error.message()))
            }),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Ok(Self::default())
            }
            Err(error) => Err(Failure::path(&path, &error, "fix or remove the file")),
        }
    }
}

/// A value of the file that cannot be used.
pub(super) fn wrong(key: &str, why: &str) -> Failure {
    let file = path().map(|path| path.to_string_lossy().into_owned()).unwrap_or_default();
    Failure::usage(format!("{}: {key}: {why}", printable(&file)), "fix the value there, or set it on the command line")
}

/// Makes `relay` the default, and leaves everything else in the file as it is. Returns the path of the file.
///
/// # Errors
/// If this user has no home, or the file cannot be read or written.
pub(super) fn set_relay(relay: &str) -> Result<PathBuf, Failure> {
    let path = path().ok_or_else(|| Failure::usage("this user has no home directory", "set SHARE_RELAY instead"))?;
    let mut document = match fs::read_to_string(&path) {
        Ok(text) => text.parse::<DocumentMut>().map_err(|error| damaged(&path, error.message()))?,
        Err(_) => DocumentMut::new(),
    };
    document["relay"] = toml_edit::value(relay);
    let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| {
        // A file that is a link, to dotfiles kept elsewhere, stays a link.
        let target = fs::canonicalize(&path).unwrap_or_else(|_| path.clone());
        write_private(&target, document.to_string().as_bytes())
    });
    written.map_err(|error| {
        Failure::local(
            format!("{}: {}", printable(&path.to_string_lossy()), reason(&error)),
            "set SHARE_RELAY in the environment instead",
        )
    })?;
    Ok(path)
}
