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

/// A player that ends sooner than this has shown nothing to anybody.
const AT_ONCE: Duration = Duration::from_secs(1);
/// How often a player is asked whether it still runs.
const TICK: Duration = Duration::from_millis(50);
/// The exit status of mpv when Ctrl-C or a signal ended it.
const INTERRUPTED: i32 = 4;

/// Plays one thing, and waits until it was closed.
pub(in crate::view) fn play_alone(
    player: &Player,
    what: &Playable<'_>,
    session: &DesktopSession,
    time: Option<Duration>,
    stop: &AtomicBool,
) -> io::Result<End> {
    // Pictures in this terminal go with the screen that they are drawn on.
    let mut screen = if player.in_terminal { Some(FullScreen::open(true)?) } else { None };
    let until = time.map(|time| Instant::now() + time);
    let end = until_closed(player.play(what, session)?, None, until, stop);
    if let Some(screen) = &mut screen {
        screen.write(&player.wipe())?;
        screen.clear()?;
    }
    end
}

/// Waits until a player ends, or a key or the moment `until` ends it.
pub(in crate::view) fn until_closed(
    mut playing: Playing,
    mut keys: Option<&mut FullScreen>,
    until: Option<Instant>,
    stop: &AtomicBool,
) -> io::Result<End> {
    loop {
        if let Some(status) = playing.child.try_wait()? {
            return Ok(match status.code() {
                // A program that hands it on to another one, and leaves, has shown nothing.
                Some(0) if !playing.is_mpv && playing.begun.elapsed() < AT_ONCE => End::Unseen(Unseen::EndedAtOnce),
                Some(0) => closed(&mut playing),
                // Somebody pressed Ctrl-C, or killed it.
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

/// The end of a player that was closed: by its own report, where it gives one.
fn closed(playing: &mut Playing) -> End {
    match playing.shown() {
        Some(Shows::Nothing) => End::Unseen(Unseen::NothingYet),
        Some(Shows::SoundOnly) => End::Unseen(Unseen::SoundOnly),
        Some(Shows::All) | None => End::SEEN,
    }
}
