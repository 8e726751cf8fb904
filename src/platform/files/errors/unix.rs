//! Error numbers.

use std::io;

use rustix::io::Errno;

/// On Linux `ENOTSUP` is `EOPNOTSUPP`.
const REFUSALS: [Errno; 6] = [Errno::INVAL, Errno::NOSYS, Errno::OPNOTSUPP, Errno::NOTSUP, Errno::PERM, Errno::ACCESS];

pub(super) fn is_refusal(error: &io::Error) -> bool {
    is_one_of(error, &REFUSALS)
}

pub(super) fn is_unflushable(error: &io::Error) -> bool {
    is_one_of(error, &[Errno::BADF, Errno::ROFS])
}

pub(super) fn is_disk_error(error: &io::Error) -> bool {
    is_one_of(error, &[Errno::IO])
}

pub(super) fn has_no_locks(error: &io::Error) -> bool {
    is_one_of(error, &[Errno::NOLCK])
}

fn is_one_of(error: &io::Error, numbers: &[Errno]) -> bool {
    Errno::from_io_error(error).is_some_and(|number| numbers.contains(&number))
}

#[cfg(test)]
mod tests {
    use crate::platform::files::errors;

    use super::*;

    #[test]
    fn a_refusal_is_none_of_the_disks_errors() {
        for refused in REFUSALS {
            assert!(errors::is_refusal(&refused.into()), "{refused}");
        }
        assert!(errors::is_refusal(&io::ErrorKind::Unsupported.into()));
        for real in [Errno::IO, Errno::NOSPC, Errno::DQUOT, Errno::NOENT, Errno::EXIST, Errno::BADF] {
            assert!(!errors::is_refusal(&real.into()), "{real}");
        }
    }

    #[test]
    fn a_refusal_to_flush_is_none_of_the_disks_errors() {
        for refused in [Errno::INVAL, Errno::OPNOTSUPP, Errno::NOSYS, Errno::BADF, Errno::ACCESS, Errno::ROFS] {
            assert!(errors::is_unflushable(&refused.into()), "{refused}");
        }
        for real in [Errno::IO, Errno::NOSPC, Errno::DQUOT, Errno::NOENT] {
            assert!(!errors::is_unflushable(&real.into()), "{real}");
        }
    }
}
