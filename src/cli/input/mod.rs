//! What a command takes in: a link and a passphrase, files, answers.

pub(crate) mod files;
pub(crate) mod link;
pub(crate) mod metadata;
pub(crate) mod passphrase;
pub(crate) mod prompt;
mod warnings;
