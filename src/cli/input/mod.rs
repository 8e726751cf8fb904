//! The input of commands: links, passphrases, files, answers.

pub(super) mod files;
pub(super) mod link;
pub(super) mod metadata;
pub(super) mod passphrase;
pub(super) mod prompt;
mod warnings;
