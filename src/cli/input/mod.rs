//! What a command takes in: a link and a passphrase, files, answers.

pub(super) mod files;
pub(super) mod link;
pub(super) mod metadata;
pub(super) mod passphrase;
pub(super) mod prompt;
mod warnings;
