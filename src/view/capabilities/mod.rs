//! Capabilities of this terminal and this computer, found out before anything is opened.

mod answers;

use std::io;
use std::sync::atomic::AtomicBool;

use self::answers::{Facts, ask_terminal};
use crate::manifest::{Entry, Manifest};
use crate::media::Kind;
use crate::platform::inherited;
use crate::platform::tty::Cell;
use crate::terminal::session::DesktopSession;
use crate::terminal::style;
use crate::view::graphics::{Graphics, Limits};
use crate::view::player::Player;
use crate::view::{blocking, memory, picture};

/// The longest text that is shown, in bytes.
const MAX_TEXT: u64 = 4 << 20;

/// How one file is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Means {
    /// Drawn in the terminal.
    Draw(Graphics),
    /// Written in the terminal.
    Read,
    /// By a player.
    Play,
    /// By a browser.
    Browse,
}

/// How a share is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presentation {
    /// In the terminal or by a player, from memory.
    Screen,
    /// In a browser.
    Page {
        /// From memory. If not: too large for memory, so it is downloaded piece by piece.
        whole: bool,
    },
    /// By a player, downloaded piece by piece.
    Stream,
}

/// Whether and how a share can be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Showable {
    /// In this way, with the words for the question: `with mpv on display :0 of laptop`.
    So(Presentation, String),
    /// Only as colored blocks, if the user chooses that.
    Coarsely,
    /// Not here.
    Not(Unshowable),
}

/// Why a share cannot be shown here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unshowable {
    /// Files of this kind are not shown.
    #[error("this kind of file can only be saved")]
    Kind,
    /// The terminal can only print.
    #[error("this terminal cannot clear its screen (TERM is dumb or not set)")]
    Dumb,
    /// Its texts are longer than 4 MiB.
    #[error("the text is too long")]
    Long,
    /// Neither the terminal nor a program can show it.
    #[error("the viewer mpv was not found on your PATH")]
    NoProgram,
    /// Neither the terminal nor a browser can show it, and on this system no other program can.
    #[error("neither this terminal nor a browser on this computer can show it")]
    NoBrowser,
    /// It does not fit into memory, and it is not a single video that could be downloaded piece by piece.
    #[error("the share does not fit into memory")]
    Large,
    /// There is no terminal.
    #[error("there is no terminal")]
    NoTerminal,
}

/// The user's setting: `SHARE_VIEWER`, or `viewer` in the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Preference {
    Graphics(Graphics),
    Browser,
    /// A program and its arguments.
    Program(Vec<String>),
}

impl Preference {
    fn parse(text: &str) -> Option<Self> {
        Some(match text.trim() {
            "" => return None,
            "kitty" => Self::Graphics(Graphics::Kitty),
            "iterm" => Self::Graphics(Graphics::Iterm),
            "sixel" => Self::Graphics(Graphics::Sixel),
            "blocks" => Self::Graphics(Graphics::Blocks),
            "browser" => Self::Browser,
            command => Self::Program(command.split_whitespace().map(str::to_owned).collect()),
        })
    }
}

/// Capabilities of this terminal and this computer.
pub struct Capabilities {
    preference: Option<Preference>,
    /// The terminal's graphics protocol, if it has one.
    graphics: Option<Graphics>,
    /// Whether the outer terminal has graphics, and tmux is set not to pass them on.
    is_held_back: bool,
    /// Whether the terminal can only print.
    is_dumb: bool,
    /// The size of a character, if the terminal reports it.
    pub(super) cell: Option<Cell>,
    /// The limits of the terminal for pictures.
    pub(super) limits: Limits,
    /// Whether windows can appear in front of the user: a desktop on this computer.
    desktop: bool,
    /// The session in which windows appear.
    pub(super) session: DesktopSession,
    /// The program that plays videos.
    pub(super) player: Option<Player>,
}

impl Capabilities {
    /// Asks the terminal, and searches for programs. `preference`: the user's setting. The terminal is restored when
    /// this ends or is dropped.
    ///
    /// # Errors
    /// [`io::ErrorKind::Interrupted`] after Ctrl-C; or the terminal is gone.
    pub async fn find(preference: Option<&str>) -> io::Result<Self> {
        let preference = preference.and_then(Preference::parse);
        blocking::run(move |stop| Self::ask(preference, stop)).await
    }

    fn ask(preference: Option<Preference>, stop: &AtomicBool) -> io::Result<Self> {
        let preferred = match &preference {
            Some(Preference::Graphics(graphics)) => Some(*graphics),
            _ => None,
        };
        let Facts { graphics, cell, limits, size, is_held_back } = ask_terminal(preferred, stop)?;
        let session = DesktopSession::find();
        let desktop = session.is_desktop();
        let player = match &preference {
            _ if !Self::runs_programs() => None,
            Some(Preference::Program(command)) => Player::chosen(command),
            // Players ignore the terminal's limits.
            _ => Player::find(desktop, graphics.filter(|_| limits.allow(size, cell))),
        };
        let is_dumb = style::is_dumb();
        Ok(Self { preference, graphics, is_held_back, is_dumb, cell, limits, desktop, session, player })
    }

    /// The screen on which a window appears, in words for the question.
    fn screen(&self) -> String {
        if self.desktop { format!(" on {}", self.session.screen()) } else { String::new() }
    }

    /// The program in the user's settings, if it was not found, or cannot be used on this system.
    pub fn missing_program(&self) -> Option<&str> {
        match &self.preference {
            Some(Preference::Program(command)) if self.player.is_none() => command.first().map(String::as_str),
            _ => None,
        }
    }

    /// Whether programs other than browsers show shares on this system: they need files in memory that they inherit.
    pub fn runs_programs() -> bool {
        inherited::IS_SUPPORTED
    }

    /// Whether photos could be drawn here if tmux passed sequences on (`allow-passthrough`).
    pub fn is_held_back_by_tmux(&self) -> bool {
        self.is_held_back
    }

    /// Draws photos as colored blocks, as the user chose.
    #[must_use]
    pub fn coarsely(self) -> Self {
        Self { graphics: Some(Graphics::Blocks), ..self }
    }

    /// How a file is shown. `None`: not at all.
    pub(super) fn means(&self, entry: &Entry) -> Option<Means> {
        let is_decoded = picture::is_decoded(&entry.r#type);
        let browser = self.desktop.then_some(Means::Browse);
        let player = self.player.as_ref().map(|_| Means::Play);
        match (&self.preference, Kind::of(&entry.r#type)) {
            (_, Kind::File) => None,
            // A terminal that only prints could not clear it.
            (_, Kind::Text) => (entry.size <= MAX_TEXT && !self.is_dumb).then_some(Means::Read),
            (Some(Preference::Browser), _) => Some(Means::Browse),
            (Some(Preference::Program(_)), _) => player,
            (_, Kind::Photo) if is_decoded => self.graphics.map(Means::Draw).or(browser),
            // Browsers show AVIF, which is not decoded here.
            (_, Kind::Photo) => player.or(browser.filter(|_| entry.r#type == "image/avif")),
            // In the terminal players have no sound.
            (_, Kind::Sound) if self.player.as_ref().is_some_and(|player| player.in_terminal) => None,
            (_, Kind::Video | Kind::Sound) => player.or(browser),
        }
    }

    /// How a share can be shown here.
    pub fn showable(&self, manifest: &Manifest) -> Showable {
        self.showable_within(manifest, memory::limit())
    }

    /// How a share can be shown where `limit` bytes may be held in memory.
    fn showable_within(&self, manifest: &Manifest, limit: u64) -> Showable {
        let means: Vec<Option<Means>> = manifest.entries.iter().map(|entry| self.means(entry)).collect();
        let fits = manifest.total_size() <= limit;
        if means.iter().all(Option::is_none) {
            return self.without_means(manifest, fits);
        }
        let in_browser = means.contains(&Some(Means::Browse));
        if !fits {
            return self.piece_by_piece(manifest, in_browser);
        }
        if in_browser {
            return Showable::So(Presentation::Page { whole: true }, format!("in your browser{}", self.screen()));
        }
        let player = self.player.as_ref().filter(|_| means.iter().flatten().all(|means| *means == Means::Play));
        let how = match player {
            Some(player) if player.in_terminal => format!("with {}, in this terminal and without sound", player.name()),
            Some(player) => format!("with {}{}", player.name(), self.screen()),
            None => "here".to_owned(),
        };
        Showable::So(Presentation::Screen, how)
    }

    /// The answer for a share with no file that can be shown as it is.
    fn without_means(&self, manifest: &Manifest, fits: bool) -> Showable {
        let all_are = |kind: Kind| manifest.entries.iter().all(|entry| Kind::of(&entry.r#type) == kind);
        let is_drawable = |entry: &Entry| Kind::of(&entry.r#type) == Kind::Photo && picture::is_decoded(&entry.r#type);
        if !self.is_dumb && fits && manifest.entries.iter().any(is_drawable) {
            return Showable::Coarsely;
        }
        Showable::Not(if all_are(Kind::File) {
            Unshowable::Kind
        } else if self.is_dumb {
            Unshowable::Dumb
        } else if all_are(Kind::Text) {
            Unshowable::Long
        } else if Self::runs_programs() {
            Unshowable::NoProgram
        } else {
            Unshowable::NoBrowser
        })
    }

    /// A share that is too large for memory.
    fn piece_by_piece(&self, manifest: &Manifest, in_browser: bool) -> Showable {
        let is_film =
            matches!(&manifest.entries[..], [only] if matches!(Kind::of(&only.r#type), Kind::Video | Kind::Sound));
        match &self.player {
            Some(player) if is_film && player.takes_urls() && !in_browser => {
                let screen = if player.in_terminal { String::new() } else { self.screen() };
                Showable::So(Presentation::Stream, format!("with {}{screen} while it downloads", player.name()))
            }
            _ if is_film && self.desktop => {
                let how = format!("in your browser{} while it downloads", self.screen());
                Showable::So(Presentation::Page { whole: false }, how)
            }
            _ => Showable::Not(Unshowable::Large),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: u64 = 1000;

    fn capabilities(graphics: Option<Graphics>, desktop: bool) -> Capabilities {
        Capabilities {
            preference: None,
            graphics,
            is_held_back: false,
            is_dumb: false,
            cell: None,
            limits: Limits::default(),
            desktop,
            session: DesktopSession::find(),
            player: None,
        }
    }

    /// With this program in place of a player other than mpv.
    fn with_player(mut capabilities: Capabilities) -> Capabilities {
        let program = std::env::current_exe().unwrap().to_str().unwrap().to_owned();
        capabilities.player = Player::chosen(&[program]);
        assert!(capabilities.player.is_some());
        capabilities
    }

    fn manifest(files: &[(&str, u64)]) -> Manifest {
        let entry = |(kind, size): &(&str, u64)| Entry::new(None, (*kind).to_owned(), *size);
        Manifest::new(None, files.iter().map(entry).collect(), 0, false, String::new())
    }

    /// The presentation, where there is one.
    fn so(capabilities: &Capabilities, files: &[(&str, u64)]) -> Option<Presentation> {
        match capabilities.showable_within(&manifest(files), LIMIT) {
            Showable::So(presentation, _) => Some(presentation),
            Showable::Coarsely | Showable::Not(_) => None,
        }
    }

    #[test]
    fn photos_are_drawn_here_or_in_a_browser_or_as_blocks() {
        let photo = [("image/png", 10)];
        assert_eq!(so(&capabilities(Some(Graphics::Kitty), true), &photo), Some(Presentation::Screen));
        assert_eq!(so(&capabilities(None, true), &photo), Some(Presentation::Page { whole: true }));
        let none = capabilities(None, false);
        assert_eq!(none.showable_within(&manifest(&photo), LIMIT), Showable::Coarsely);
        assert_eq!(so(&none.coarsely(), &photo), Some(Presentation::Screen));
    }

    #[test]
    fn videos_that_are_too_large_for_memory_are_downloaded_piece_by_piece() {
        let (small, large) = ([("video/mp4", LIMIT)], [("video/mp4", LIMIT + 1)]);
        let desktop = capabilities(None, true);
        assert_eq!(so(&desktop, &small), Some(Presentation::Page { whole: true }));
        assert_eq!(so(&desktop, &large), Some(Presentation::Page { whole: false }));
        // Only mpv takes an address that other users do not see.
        let other = with_player(capabilities(None, false));
        assert_eq!(so(&other, &small), Some(Presentation::Screen));
        let large_for_other = other.showable_within(&manifest(&large), LIMIT);
        assert_eq!(large_for_other, Showable::Not(Unshowable::Large));
        let album = [large[0], ("image/png", 1)];
        assert_eq!(desktop.showable_within(&manifest(&album), LIMIT), Showable::Not(Unshowable::Large));
    }

    #[test]
    fn each_reason_against_showing_has_its_own_error() {
        let without_program = if Capabilities::runs_programs() { Unshowable::NoProgram } else { Unshowable::NoBrowser };
        let mut dumb_or_not = capabilities(None, false);
        let mut not = |is_dumb: bool, files: &[(&str, u64)], why: Unshowable| {
            dumb_or_not.is_dumb = is_dumb;
            assert_eq!(dumb_or_not.showable_within(&manifest(files), LIMIT), Showable::Not(why), "{files:?}");
        };
        not(false, &[("application/zip", 1)], Unshowable::Kind);
        not(true, &[("application/zip", 1)], Unshowable::Kind);
        not(true, &[("text/plain", 1)], Unshowable::Dumb);
        not(false, &[("text/plain", MAX_TEXT + 1)], Unshowable::Long);
        not(false, &[("video/mp4", 1)], without_program);
        not(false, &[("image/png", LIMIT + 1)], without_program);
    }
}
