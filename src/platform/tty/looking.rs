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

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn the_wait_ends_with_input_with_its_time_or_with_an_error() {
        let looks = Cell::new(0);
        let third = || {
            looks.set(looks.get() + 1);
            Ok(looks.get() / 3)
        };
        assert!(look_for_input(Duration::from_mins(1), third).unwrap());
        assert_eq!(looks.get(), 3);
        assert!(!look_for_input(PAUSE * 2, || Ok(0)).unwrap());
        let closed = || Err(io::ErrorKind::UnexpectedEof.into());
        assert_eq!(look_for_input(Duration::ZERO, closed).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
