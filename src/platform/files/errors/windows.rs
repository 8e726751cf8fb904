//! System error codes (`winerror.h`).

use std::io;

const INVALID_FUNCTION: i32 = 1;
const ACCESS_DENIED: i32 = 5;
const INVALID_HANDLE: i32 = 6;
const WRITE_PROTECT: i32 = 19;
const SEEK: i32 = 25;
const CRC: i32 = 23;
const WRITE_FAULT: i32 = 29;
const READ_FAULT: i32 = 30;
const GEN_FAILURE: i32 = 31;
const SHARING_VIOLATION: i32 = 32;
const LOCK_VIOLATION: i32 = 33;
const NOT_SUPPORTED: i32 = 50;
const INVALID_PARAMETER: i32 = 87;
const CALL_NOT_IMPLEMENTED: i32 = 120;
const IO_DEVICE: i32 = 1117;

pub(super) fn is_refusal(error: &io::Error) -> bool {
    is_one_of(error, &[INVALID_FUNCTION, NOT_SUPPORTED, CALL_NOT_IMPLEMENTED])
}

/// A handle with the right to write cannot be had while another program keeps writers out. The content was flushed
/// through the handle that wrote it.
pub(super) fn is_unflushable(error: &io::Error) -> bool {
    is_one_of(error, &[INVALID_HANDLE, WRITE_PROTECT, INVALID_PARAMETER]) || is_denied(error) || is_busy(error)
}

/// Also for a deleted file whose name its last reader keeps, and for a directory in which a file is open. So it is no
/// refusal.
pub(in crate::platform::files) fn is_denied(error: &io::Error) -> bool {
    is_one_of(error, &[ACCESS_DENIED])
}

/// Whether an error means that another program has the file open, or a part of it locked.
pub(in crate::platform::files) fn is_busy(error: &io::Error) -> bool {
    is_one_of(error, &[SHARING_VIOLATION, LOCK_VIOLATION])
}

pub(super) fn is_disk_error(error: &io::Error) -> bool {
    is_one_of(error, &[CRC, SEEK, WRITE_FAULT, READ_FAULT, GEN_FAILURE, IO_DEVICE])
}

pub(super) fn has_no_locks(error: &io::Error) -> bool {
    is_one_of(error, &[INVALID_PARAMETER])
}

fn is_one_of(error: &io::Error, codes: &[i32]) -> bool {
    error.raw_os_error().is_some_and(|code| codes.contains(&code))
}

#[cfg(test)]
mod tests {
    use crate::platform::files::errors;

    use super::*;

    /// The disk is full (112); the path does not exist (3); the name is taken (183).
    #[test]
    fn a_refusal_is_none_of_the_disks_errors() {
        let error = io::Error::from_raw_os_error;
        assert!(errors::is_refusal(&error(NOT_SUPPORTED)) && errors::is_unflushable(&error(WRITE_PROTECT)));
        for passing in [ACCESS_DENIED, SHARING_VIOLATION, LOCK_VIOLATION] {
            assert!(!errors::is_refusal(&error(passing)) && errors::is_unflushable(&error(passing)), "{passing}");
        }
        for real in [CRC, IO_DEVICE, 112, 3, 183] {
            assert!(!errors::is_refusal(&error(real)) && !errors::is_unflushable(&error(real)), "{real}");
        }
    }
}
