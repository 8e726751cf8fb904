//! Settings of a bucket, from the usual environment variables.

use std::str::FromStr;

use object_store::ClientOptions;

use crate::relay::Network;
use crate::relay_url::{RelayUrl, RelayUrlError};

/// Errors of the settings of a bucket.
#[derive(Debug, thiserror::Error)]
pub enum BucketError {
    /// Not the address of a bucket.
    #[error("expected a bucket like s3://bucket/prefix")]
    Address,
    /// A setting is missing or invalid.
    #[error("{0}")]
    Settings(String),
}

/// Endpoint, region and credentials of a bucket.
pub(super) struct Settings {
    all: Vec<(String, String)>,
    /// Whether it is on the local network and reached by plain http.
    pub(super) local: bool,
}

impl Settings {
    /// Reads the variables that begin with `prefix`; the values of `endpoints` are addresses.
    pub(super) fn read(
        all: impl Iterator<Item = (String, String)>,
        prefix: &str,
        endpoints: &[&str],
        network: &Network,
    ) -> Result<Self, BucketError> {
        let all: Vec<_> = all.filter(|(name, value)| name.starts_with(prefix) && !value.is_empty()).collect();
        let allow = format!("{prefix}ALLOW_HTTP");
        let is_allowed = all.iter().any(|(name, value)| *name == allow && value.eq_ignore_ascii_case("true"));
        if let Some((name, _)) = all.iter().find(|(_, value)| value.contains(|c: char| c.is_control())) {
            return Err(BucketError::Settings(format!("{name} contains a control character, such as a line break")));
        }
        let mut local = false;
        for (name, value) in all.iter().filter(|(name, _)| endpoints.contains(&name.as_str())) {
            match RelayUrl::parse(value) {
                Ok(url) if value.starts_with("http") && value.contains("://") => {
                    let way = network.proxy_to(url.as_url());
                    way.map_err(|obstacle| BucketError::Settings(format!("{name}: {obstacle}")))?;
                    local |= !url.is_https();
                }
                Ok(_) => return Err(BucketError::Settings(format!("{name} must begin with https:// or http://"))),
                Err(RelayUrlError::PlainHttp(_)) if is_allowed => {}
                Err(error @ RelayUrlError::PlainHttp(_)) => {
                    return Err(BucketError::Settings(format!("{name}: {error}, or set {allow}=true")));
                }
                Err(error) => return Err(BucketError::Settings(format!("{name}: {error}"))),
            }
        }
        Ok(Self { all, local })
    }

    /// Client options that allow plain http only to the local network, whatever the variables are.
    pub(super) fn client(&self) -> ClientOptions {
        ClientOptions::new().with_allow_http(self.local)
    }

    /// Passes all settings to `builder` that it has a key for.
    pub(super) fn fold<B, K: FromStr>(self, builder: B, with: fn(B, K, String) -> B) -> B {
        self.all.into_iter().fold(builder, |builder, (name, value)| match name.to_ascii_lowercase().parse() {
            Ok(key) => with(builder, key, value),
            Err(_) => builder,
        })
    }
}
