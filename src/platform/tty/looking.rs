//! The wait for input on systems without a safe call for it.

use std::io;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The pause between two looks: shorter than a person notices.
const PAUSE: Duration = Duration::from_millis(10);

/// Counts pending bytes until there are any, or for `longest`. Returns whether there are any.
pub(super) fn look_for_input(longest: Duration, pending: impl Fn() -> io::Result<u64>) -> io::Result<bool> {
    let begun = Instant::now();
    loop {
        if pending()? > 0 {
            return Ok(true);
        }
        let left = longest.saturating_sub(begun.elapsed());
        if left.is_zero() {
            return Ok(false);
        }
        sleep(PAUSE.min(left));
    }
}
