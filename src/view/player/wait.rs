//! Waiting until a player was closed.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::terminal::session::DesktopSession;
use crate::view::ending::{End, Unseen};
use crate::view::full_screen::FullScreen;
use crate::view::keys::Key;
use crate::view::player::report::Shows;
use crate::view::player::{Playable, Player, Playing};

/// A player that exits earlier than this has shown nothing.
const AT_ONCE: Duration = Duration::from_secs(1);
/// The time between two checks whether the player still runs.
const TICK: Duration = Duration::from_millis(50);
/// The exit status of mpv after Ctrl-C or a signal.
const INTERRUPTED: i32 = 4;

/// Plays a file, and waits until the player was closed.
pub(in crate::view) fn play_alone(
    player: &Player,
    what: &Playable<'_>,
    session: &DesktopSession,
    time: Option<Duration>,
    stop: &AtomicBool,
) -> io::Result<End> {
    // On the alternate screen, so that pictures in this terminal are erased.
    let mut screen = if player.in_terminal { Some(FullScreen::open(true)?) } else { None };
    let until = time.map(|time| Instant::now() + time);
    let end = until_closed(player.play(what, session)?, None, until, stop);
    if let Some(screen) = &mut screen {
        screen.write(&player.wipe())?;
        screen.clear()?;
    }
    end
}

/// Waits until a player exits, a key closes it, or the time `until` has come.
pub(in crate::view) fn until_closed(
    mut playing: Playing,
    mut keys: Option<&mut FullScreen>,
    until: Option<Instant>,
    stop: &AtomicBool,
) -> io::Result<End> {
    loop {
        if let Some(status) = playing.child.try_wait()? {
            return Ok(match status.code() {
                // A program that only starts another one and exits has shown nothing.
                Some(0) if !playing.is_mpv && playing.begun.elapsed() < AT_ONCE => End::Unseen(Unseen::EndedAtOnce),
                Some(0) => closed(&mut playing),
                // Ctrl-C or a signal.
                None | Some(INTERRUPTED) => End::Left,
                Some(_) => End::Unseen(Unseen::Player),
            });
        }
        playing.listen();
        if stop.load(Ordering::SeqCst) {
            return Ok(End::Left);
        }
        if until.is_some_and(|until| until <= Instant::now()) {
            return Ok(closed(&mut playing));
        }
        match &mut keys {
            Some(screen) => match screen.key(Some(Instant::now() + TICK), stop)? {
                Some(Key::Interrupt) => return Ok(End::Left),
                Some(Key::Close) => return Ok(closed(&mut playing)),
                _ => {}
            },
            None => std::thread::sleep(TICK),
        }
    }
}

/// The result after a player was closed, from its report if it has one.
fn closed(playing: &mut Playing) -> End {
    match playing.shown() {
        Some(Shows::Nothing) => End::Unseen(Unseen::NothingYet),
        Some(Shows::SoundOnly) => End::Unseen(Unseen::SoundOnly),
        Some(Shows::All) | None => End::SEEN,
    }
}
