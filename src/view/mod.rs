//! Showing something once: from memory, on a screen that is ours for that long, and nothing is left.
//!
//! | room | |
//! |---|---|
//! | `ability` | what the terminal and the machine can show |
//! | `memory`, `room` | where the plaintext is meanwhile; how much there is of that |
//! | `screen` | one thing after another, and the keys |
//! | `terminal` | the screen itself, put back as it was |
//! | `picture`, `draw`, `text` | photos decoded; in a terminal's language; text made harmless |
//! | `player`, `report` | videos: a program that gets what is in memory; what it says it has shown |
//! | `browser` | starting one, and whether it came |
//! | `loopback` | a browser, or what is too large for memory: a server for this machine alone |
//!
//! What can be shown, and how, is decided by [`Ability::way`] before a share is opened; [`show`] does it, and returns
//! when it was closed. A share is finished after that and never earlier, so whoever is interrupted may look again.

mod ability;
mod browser;
mod draw;
mod loopback;
mod memory;
mod picture;
mod player;
mod report;
mod room;
mod screen;
mod terminal;
mod text;

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

pub(crate) use self::ability::Ability;
use self::ability::{Graphics, Wish};
use self::loopback::{Content, Loopback, PageSaw};
pub(crate) use self::memory::Memory;
pub(crate) use self::player::program_named;
use self::player::{Playable, Player};
use self::screen::Shown;
use self::terminal::Screen;
pub(crate) use self::text::visible;
use crate::cli::output::Output;
use crate::manifest::{Entry, Manifest};
use crate::media::{HEAD_LEN, Kind};
use crate::open::Seekable;
use crate::terminal::session::Session;
use crate::terminal::style;

/// The longest text that is shown, in bytes.
const MAX_TEXT: u64 = 4 << 20;

/// How one file is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Means {
    /// Drawn in the terminal.
    Draw(Graphics),
    /// Written in the terminal.
    Read,
    /// By a program.
    Play,
    /// By a browser.
    Browse,
}

/// How a share is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Here, from memory.
    Screen,
    /// In a browser, from memory, or piece by piece where it is too large.
    Page { whole: bool },
    /// By a player that fetches it piece by piece.
    Stream,
}

/// How a share could be shown, before anybody is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Showable {
    /// So; in words.
    So(Way, String),
    /// Only coarsely, if somebody wants that.
    Coarsely,
    /// Not here; why.
    Not(&'static str),
}

impl Ability {
    /// Finds out what there is. `wish`: the person's word on it. The terminal is as it was when this ends or is
    /// dropped.
    pub(crate) async fn of_this_place(wish: Option<&str>) -> io::Result<Self> {
        let wish = wish.and_then(Wish::parse);
        watched(move |stop| Self::find(wish, stop)).await
    }

    /// On which screen a window appears, for a question.
    fn place(&self) -> String {
        if self.desktop { format!(" on {}", self.session.screen()) } else { String::new() }
    }

    /// The name of a program that was wished for and is not there.
    pub(crate) fn missing_program(&self) -> Option<&str> {
        match &self.wish {
            Some(Wish::Program(command)) if self.player.is_none() => command.first().map(String::as_str),
            _ => None,
        }
    }

    /// Draws pictures coarsely: somebody wants that.
    pub(crate) fn coarsely(self) -> Self {
        Self { graphics: Some(Graphics::Blocks), ..self }
    }

    fn means(&self, entry: &Entry) -> Option<Means> {
        let is_decoded = picture::is_decoded(&entry.r#type);
        let browser = self.desktop.then_some(Means::Browse);
        let player = self.player.as_ref().map(|_| Means::Play);
        let kind = Kind::of(&entry.r#type);
        match (&self.wish, kind) {
            (_, Kind::File) => None,
            // One that only prints could not take it off its screen.
            (_, Kind::Text) => (entry.size <= MAX_TEXT && !style::is_dumb()).then_some(Means::Read),
            (Some(Wish::Browser), _) => Some(Means::Browse),
            (Some(Wish::Program(_)), _) => player,
            (_, Kind::Photo) if is_decoded => self.graphics.map(Means::Draw).or(browser),
            // A browser shows some of what is not decoded here.
            (_, Kind::Photo) => player.or(browser.filter(|_| entry.r#type == "image/avif")),
            // What draws in the terminal is mute.
            (_, Kind::Sound) if self.player.as_ref().is_some_and(|player| player.in_terminal) => None,
            (_, Kind::Video | Kind::Sound) => player.or(browser),
        }
    }

    /// How a share can be shown here.
    pub(crate) fn way(&self, manifest: &Manifest) -> Showable {
        let means: Vec<Option<Means>> = manifest.entries.iter().map(|entry| self.means(entry)).collect();
        let is_photo = |entry: &Entry| Kind::of(&entry.r#type) == Kind::Photo;
        if means.iter().all(Option::is_none) {
            let is_drawable = |entry: &Entry| is_photo(entry) && picture::is_decoded(&entry.r#type);
            let can_draw = !style::is_dumb() && manifest.total_size() <= memory::limit();
            return match can_draw && manifest.entries.iter().any(is_drawable) {
                true => Showable::Coarsely,
                false if manifest.entries.iter().all(|entry| Kind::of(&entry.r#type) == Kind::File) => {
                    Showable::Not("this kind of file can only be saved")
                }
                false if style::is_dumb() => {
                    Showable::Not("this terminal cannot clear its screen (TERM is dumb or not set)")
                }
                false if manifest.entries.iter().all(|entry| Kind::of(&entry.r#type) == Kind::Text) => {
                    Showable::Not("it is too long")
                }
                false => Showable::Not("nothing here can show it: mpv, on your PATH, could"),
            };
        }
        let in_browser = means.contains(&Some(Means::Browse));
        if manifest.total_size() > memory::limit() {
            let is_film =
                matches!(&manifest.entries[..], [only] if matches!(Kind::of(&only.r#type), Kind::Video | Kind::Sound));
            return match &self.player {
                Some(player) if is_film && player.takes_urls() && !in_browser => {
                    let place = if player.in_terminal { String::new() } else { self.place() };
                    Showable::So(Way::Stream, format!("with {}{place}, piece by piece", player.name()))
                }
                _ if is_film && self.desktop => {
                    Showable::So(Way::Page { whole: false }, format!("in your browser{}, piece by piece", self.place()))
                }
                _ => Showable::Not("it is too large to be shown from memory"),
            };
        }
        if in_browser {
            return Showable::So(Way::Page { whole: true }, format!("in your browser{}", self.place()));
        }
        let player = self.player.as_ref().filter(|_| means.iter().flatten().all(|means| *means == Means::Play));
        Showable::So(
            Way::Screen,
            match player {
                Some(player) if player.in_terminal => {
                    format!("with {}, in this terminal and without sound", player.name())
                }
                Some(player) => format!("with {}{}", player.name(), self.place()),
                None => "here".to_owned(),
            },
        )
    }
}

/// Saves everything, from where it is: called from a key.
pub(crate) type Save = Box<dyn FnMut(&Memory) -> io::Result<Vec<PathBuf>> + Send>;

/// How looking at something ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It was seen and closed, or saved.
    Closed { saved: Vec<PathBuf> },
    /// Somebody left in the middle: it may be looked at again.
    Left,
    /// It could not be shown; why.
    Unseen(String),
}

/// What is shown, and how.
pub(crate) struct View {
    pub(crate) ability: Ability,
    pub(crate) way: Way,
    pub(crate) manifest: Manifest,
    /// After which it is closed by itself.
    pub(crate) time: Option<Duration>,
    /// Saves it, where that is allowed.
    pub(crate) save: Option<Save>,
}

impl View {
    /// Whether all of it is fetched before it is shown.
    pub(crate) fn is_whole(&self) -> bool {
        !matches!(self.way, Way::Stream | Way::Page { whole: false })
    }
}

/// Tells whoever looks to stop when nobody waits for them any more, and waits until the terminal is as it was.
struct Guard {
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Runs what blocks, with a flag that tells it to stop.
async fn watched<T: Send + 'static>(work: impl FnOnce(&AtomicBool) -> io::Result<T> + Send + 'static) -> io::Result<T> {
    let stop = Arc::new(AtomicBool::new(false));
    let (done, ended) = oneshot::channel();
    let flag = stop.clone();
    let thread = std::thread::spawn(move || {
        let end = work(&flag);
        // Nobody waits for it any more.
        let _ = done.send(end);
    });
    let _guard = Guard { stop, thread: Some(thread) };
    ended.await.unwrap_or_else(|_| Err(io::Error::other("the viewer ended early")))
}

/// Shows what is in memory, until it was closed.
pub(crate) async fn show(memory: Memory, view: View, output: &Output) -> io::Result<End> {
    memory.seal()?;
    match view.way {
        Way::Screen => {
            let means: Vec<_> = view.manifest.entries.iter().map(|entry| view.ability.means(entry)).collect();
            let View { ability: Ability { player, session, cell, limits, .. }, manifest, time, save, .. } = view;
            if let ([Some(Means::Play)], Some(player)) = (&means[..], &player) {
                say_where(player, output);
            }
            let shown = Shown { memory, means, manifest, time, save, player, session, cell, limits };
            watched(move |stop| shown.run(stop)).await
        }
        Way::Page { .. } | Way::Stream => {
            let save = match view.save {
                Some(save) => Some((memory.shared()?, save)),
                None => None,
            };
            browse(Content::Memory(memory, view.manifest), save, &view.ability.session, view.time, output).await
        }
    }
}

/// Shows what is fetched piece by piece. It is closed with what comes back.
pub(crate) async fn show_through(window: Seekable, view: View, output: &Output) -> io::Result<End> {
    let head = window.read(0, HEAD_LEN).await.map_err(io::Error::other)?;
    if !player::is_playable(&head) {
        return Ok(End::Unseen(screen::NOT_PLAYABLE.to_owned()));
    }
    let content = Content::Window(Box::new(window));
    let Ability { player, session, .. } = view.ability;
    let (Way::Stream, Some(player)) = (view.way, player) else {
        return browse(content, None, &session, view.time, output).await;
    };
    let loopback = Loopback::serve(content, true).await?;
    let url = loopback.file_url();
    let time = view.time;
    say_where(&player, output);
    let end = watched(move |stop| screen::play_alone(&player, &Playable::Url(&url), &session, time, stop)).await?;
    // A player takes the end of what comes for the end of the film.
    Ok(if loopback.broke() { End::Unseen(BROKE.to_owned()) } else { end })
}

/// What happened to a film that is fetched as it plays.
const BROKE: &str = "the connection to the relay broke";

/// A window may come up behind others.
fn say_where(player: &Player, output: &Output) {
    if !player.in_terminal {
        output.say(&format!("It is shown by {}. Close that, and it is gone.", player.name()));
    }
}

/// Opens a browser, and waits until it has closed the page. `save`: from where `s` saves.
async fn browse(
    content: Content,
    save: Option<(Memory, Save)>,
    session: &Session,
    time: Option<Duration>,
    output: &Output,
) -> io::Result<End> {
    let is_file = |entry: &&Entry| Kind::of(&entry.r#type) == Kind::File;
    let unshown = content.manifest().entries.iter().filter(is_file).count();
    let loopback = Loopback::serve(content, false).await?;
    // First, so that no key is lost that answers what is said.
    let screen = Screen::open(false)?;
    let saves = if save.is_some() { "s saves it. " } else { "" };
    let (saved, until) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(None)));
    let (places, over) = (saved.clone(), until.clone());
    let keys = watched(move |stop| screen::until_closed(screen, save, &places, &over, stop));
    let page = async {
        let url = loopback.page_url();
        if let Err(why) = browser::start(&url, session, || loopback.until_asked()).await {
            // Wherever a browser of this machine is, it shows the page.
            output.say(&format!("No browser loaded the page ({why}). Open this address in a browser on this machine:"));
            output.say(&url);
            output.say(&format!("{saves}q ends this."));
            loopback.until_asked().await;
        }
        *until.lock().unwrap_or_else(PoisonError::into_inner) = time.map(|time| Instant::now() + time);
        output.say(&format!("It is shown in your browser. {saves}Close that page, or press q here, and it is gone."));
        loopback.until_closed().await;
    };
    let end = tokio::select! {
        () = page => End::Closed { saved: Vec::new() },
        end = keys => end?,
    };
    let (seen, broke) = (loopback.seen(), loopback.broke());
    loopback.end().await;
    let saved = std::mem::take(&mut *saved.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(match end {
        End::Closed { .. } if !saved.is_empty() => End::Closed { saved },
        End::Closed { .. } if broke => End::Unseen(BROKE.to_owned()),
        End::Closed { .. } if seen == PageSaw::Failure => {
            End::Unseen("the browser could not show all of it".to_owned())
        }
        // Somebody who never saw it has not closed it.
        End::Closed { .. } if seen == PageSaw::Nothing => End::Left,
        End::Closed { .. } if unshown > 0 => End::Unseen("a file in it can only be saved, and was not".to_owned()),
        end => end,
    })
}

/// From now on a crash writes no memory to a disk, also one of a player; and no other program of this user reads ours.
pub(crate) fn forget_in_crashes() {
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
    let none = rustix::process::Rlimit { current: Some(0), maximum: Some(0) };
    let _ = rustix::process::setrlimit(rustix::process::Resource::Core, none);
}
