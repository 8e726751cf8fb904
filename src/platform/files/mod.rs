//! File operations for which the standard library has no portable function, one subject per module. Each has one
//! signature, and a side for each system.

mod access;
mod errors;
mod flush;
mod identity;
mod names;
mod opening;
mod space;
mod stdout;
mod unnamed;

pub use self::access::{
    HAS_MODES, Rights, belong_to_one_group, check_directory_access, copy_access, give_to_owner_of, have_one_owner,
    is_guarded, is_of_superuser, is_own, make_directory_private, private, private_directory,
    share_directory_with_group, share_with_group, user_id,
};
pub use self::errors::{has_no_locks, is_disk_error, is_refusal, is_unflushable, not_a_file};
pub use self::flush::{flush, flush_at, flush_below};
pub use self::identity::{Identity, is_same, leads_to};
pub use self::names::{folded, is_of_a_stream, rename, rename_new};
pub use self::opening::{entry_data, open_directory, open_unfollowed, read_short};
pub use self::space::{Space, free_space};
pub use self::stdout::{stdout, stdout_is_closed};
#[cfg(system = "linux")]
pub(super) use self::unnamed::descriptor_path;
pub use self::unnamed::{HAS_LASTING_PATHS, create_unnamed, lasting_path, link_unnamed};

/// Whether the lock of a file also keeps others from reading it through another handle: on Windows. There, some file
/// systems cannot replace a file that is open, either (exFAT, network drives).
pub const LOCKS_BIND_READERS: bool = cfg!(windows);
