//! Waiting for files that other programs have open.

use std::io;
use std::thread;
use std::time::Duration;

/// The first pause. Each is twice as long as the one before: 5.1 seconds in total.
const FIRST: Duration = Duration::from_millis(10);
/// The number of pauses.
const PAUSES: u32 = 9;

/// Repeats `attempt` while its error `may_pass`.
///
/// # Errors
/// The last error.
pub(super) fn persistently<T>(
    mut attempt: impl FnMut() -> io::Result<T>,
    may_pass: impl Fn(&io::Error) -> bool,
) -> io::Result<T> {
    for pause in 0..PAUSES {
        match attempt() {
            Err(error) if may_pass(&error) => thread::sleep(FIRST * 2_u32.pow(pause)),
            result => return result,
        }
    }
    attempt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_that_may_pass_is_waited_for_and_any_other_one_is_final() {
        let may_pass = |error: &io::Error| error.kind() == io::ErrorKind::ResourceBusy;
        let fails = |times: usize, kind: io::ErrorKind| {
            let mut attempts = 0;
            let attempt = || {
                attempts += 1;
                if attempts > times { Ok(()) } else { Err(kind.into()) }
            };
            let result: io::Result<()> = persistently(attempt, may_pass);
            (result.map_err(|error| error.kind()), attempts)
        };
        assert_eq!(fails(2, io::ErrorKind::ResourceBusy), (Ok(()), 3));
        let denied = io::ErrorKind::PermissionDenied;
        assert_eq!(fails(1, denied), (Err(denied), 1));
    }
}
