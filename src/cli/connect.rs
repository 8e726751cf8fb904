//! The way to where a share waits: a server, the sender's own machine, or a folder that needs no server.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::Access;

use super::failure::Trouble;
use super::{Context, prompt};
use crate::link::{Link, RelayUrl};
use crate::manifest::printable;
use crate::open::OpenError;
use crate::relay::clock::SystemClock;
use crate::relay::http::HttpRelay;
use crate::relay::keeper::{Keeper, Policy};
use crate::relay::probe::MARKER;
use crate::relay::retry::{Patience, Persistent};
use crate::relay::store::folder::{Folder, FolderError};
use crate::relay::{Relay, RelayError};
use crate::secret::{Flags, Pin};

/// How long to try to reach a sender's own machine.
const DIRECT_GIVE_UP: Duration = Duration::from_secs(20);
/// What a command spends at most on sweeping a folder.
const SWEEP_TIME: Duration = Duration::from_secs(2);

/// Where a share waits.
#[derive(Clone, Debug)]
pub(super) struct Way {
    pub(super) url: RelayUrl,
    /// The one key that may answer there.
    pub(super) pin: Option<Pin>,
}

impl Way {
    /// A relay.
    pub(super) fn to(url: RelayUrl) -> Self {
        Self { url, pin: None }
    }

    /// Where `link` leads; `relay` stands in where it does not say.
    pub(super) fn of(link: &Link, relay: RelayUrl) -> Self {
        let direct = link.secret.flags().contains(Flags::DIRECT) && relay.folder().is_none();
        Self { pin: direct.then(|| link.secret.direct_key().pin()), url: relay }
    }

    /// What people call it.
    pub(super) fn name(&self) -> String {
        self.url.name()
    }

    /// Whether the sender's own machine answers there.
    pub(super) fn is_direct(&self) -> bool {
        self.pin.is_some()
    }

    /// What went wrong with opening what is there. `ours`: this device has opened it before. `kept`: it could go on.
    pub(super) fn trouble(&self, error: OpenError, ours: bool, kept: bool) -> Trouble {
        Trouble::Open { relay: self.name(), direct: self.is_direct(), error, ours, kept }
    }

    /// What went wrong with a call that is part of neither flow.
    pub(super) fn refused(&self, error: RelayError) -> Trouble {
        self.trouble(error.into(), false, true)
    }

    /// Asks the person, where a link leads into the folders of this machine and it is not the folder that they use: a
    /// stranger's link must not touch them by itself.
    pub(super) async fn expect_harmless(&self, configured: Option<&RelayUrl>, cx: &Context) -> Result<(), Trouble> {
        if self.url.folder().is_none() || configured == Some(&self.url) {
            return Ok(());
        }
        let name = printable(&self.name());
        if !prompt::possible() {
            return Err(Trouble::usage(
                format!("it leads into {name} on this machine, and that is not the relay you use"),
                format!("if you know that folder: SHARE_RELAY={}", self.url),
            ));
        }
        let question = format!("It leads into the folder {name} on this machine. Look there? [y]es, [n]o");
        let answer = prompt::ask(&question, cx).await?;
        match answer.as_str() {
            "y" | "yes" => Ok(()),
            _ => Err(Trouble::Interrupted(Some("not now: nothing is lost".to_owned()))),
        }
    }
}

/// A relay that can be asked.
pub(super) struct Connected {
    pub(super) relay: Arc<dyn Relay>,
    /// The rules, where we keep them ourselves.
    keeper: Option<Arc<Keeper>>,
}

impl Connected {
    /// Where there is no server, those who send do what it would do.
    pub(super) async fn sweep(&self) {
        if let Some(keeper) = &self.keeper
            && let Ok(Err(error)) = tokio::time::timeout(SWEEP_TIME, keeper.sweep()).await
        {
            tracing::debug!(%error, "the sweep failed");
        }
    }
}

/// What is wrong with a folder, and what to do.
pub(super) fn unfit_folder(error: &FolderError, hint: &str) -> Trouble {
    match error {
        FolderError::InUse(_) => Trouble::local(error.to_string(), "stop that one, or use another folder"),
        FolderError::Ungrouped(_) => {
            Trouble::local(error.to_string(), "chmod g+s makes it; chmod g= keeps it to yourself")
        }
        FolderError::Exposed(_) => Trouble::local(error.to_string(), "chmod o= keeps other users out of it"),
        FolderError::Io(path, error) => Trouble::path(path, error, hint),
    }
}

/// The rules over a folder that was made for use without a server.
async fn folder(path: &Path) -> Result<Arc<Keeper>, Trouble> {
    let name = printable(&path.to_string_lossy());
    let not_ours = || {
        Trouble::usage(format!("{name} is not a folder for shares"), "share relay use file:///… makes one of a folder")
    };
    let data = fs::symlink_metadata(path).map_err(|error| Trouble::path(path, &error, "is the disk there?"))?;
    if !data.is_dir() {
        return Err(not_ours());
    }
    let needed = Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK;
    rustix::fs::access(path, needed)
        .map_err(|errno| Trouble::path(path, &errno.into(), "who shares it must be able to read and write there"))?;
    if !path.join(MARKER).exists() {
        return Err(not_ours());
    }
    let folder = Folder::open(path, true).map_err(|error| unfit_folder(&error, "nothing is lost"))?;
    let keeper = Arc::new(Keeper::new(Arc::new(folder), Arc::new(SystemClock), Policy::default()));
    let checked = keeper.check_clock().await;
    checked.map_err(|error| Trouble::local(format!("{name} cannot be used: {error}"), "may you write there?"))?;
    if keeper.clock_is_wrong() {
        return Err(Trouble::local(
            format!("this machine's clock and the one of {name} differ by minutes"),
            "set the clock; until then nothing is opened and nothing expires",
        ));
    }
    Ok(keeper)
}

impl Context {
    /// How long to try to reach what is at the end of `way`: a person's machine is there now or not.
    pub(super) fn patience_for(&self, way: &Way) -> Duration {
        if way.is_direct() && !self.give_up_said { DIRECT_GIVE_UP } else { self.give_up }
    }

    /// The relay at the end of `way`, asked again for as long as the user has patience.
    pub(super) async fn connect(&self, way: &Way) -> Result<Connected, Trouble> {
        self.connect_for(way, self.patience_for(way)).await
    }

    /// The same, with another patience.
    pub(super) async fn connect_for(&self, way: &Way, give_up: Duration) -> Result<Connected, Trouble> {
        if let Some(path) = way.url.folder() {
            let keeper = folder(&path).await?;
            let relay = self.persistent(keeper.clone(), way.name(), give_up);
            return Ok(Connected { relay, keeper: Some(keeper) });
        }
        let relay = HttpRelay::new(way.url.clone(), way.pin.as_ref(), give_up);
        let relay = relay.map_err(|error| way.refused(error))?;
        Ok(Connected { relay: self.persistent(Arc::new(relay), way.name(), give_up), keeper: None })
    }

    fn persistent(&self, relay: Arc<dyn Relay>, name: String, give_up: Duration) -> Arc<dyn Relay> {
        let (output, longest) = (self.output.clone(), humantime::format_duration(give_up));
        let waiting = Box::new(move |error: &RelayError| {
            output.say(&format!("{name} cannot be reached yet ({error}); trying again for up to {longest}"));
        });
        Arc::new(Persistent::new(relay, Patience::new(give_up), waiting))
    }
}
