//! `tokens/<relay>`: the create tokens that relays require from this device.

use std::fs;
use std::io;
use std::path::PathBuf;

use crate::relay_url::RelayUrl;
use crate::state::{StateDir, escaped, write_private};

impl StateDir {
    /// The create token for a relay, if one is kept.
    pub(crate) fn create_token(&self, relay: &RelayUrl) -> Option<String> {
        let text = fs::read_to_string(self.create_token_path(relay).ok()?).ok()?;
        Some(text.trim().to_owned()).filter(|token| !token.is_empty())
    }

    /// Keeps the create token for a relay.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn keep_create_token(&self, relay: &RelayUrl, token: &str) -> io::Result<()> {
        write_private(&self.create_token_path(relay)?, token.as_bytes())
    }

    /// A file for each relay.
    fn create_token_path(&self, relay: &RelayUrl) -> io::Result<PathBuf> {
        Ok(self.subdirectory("tokens")?.join(escaped(&relay.to_string())))
    }
}
