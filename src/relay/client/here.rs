//! Questions to an address that may lead to this process.

use std::time::Duration;

use reqwest::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, USER_AGENT};
use reqwest::{Client, Response, StatusCode};
use tokio::time::timeout;

use super::errors::{Errors, silent};
use crate::page;
use crate::relay::here::{Answer, HERE, Here, nonce};
use crate::relay::http::{self, Target};
use crate::relay::{Network, RelayError};
use crate::relay_url::RelayUrl;

/// The longest time for a whole answer.
const TIME: Duration = Duration::from_secs(10);
/// The longest answer in bytes that may be a proof.
const MAX_PROOF: usize = 1 << 10;
/// The user agent of a request that should be answered as a browser's.
const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

/// Asks the server at `origin` whether it is this process.
///
/// # Errors
/// Those of the connection.
pub async fn ask(origin: &RelayUrl, here: &Here, network: &Network) -> Result<Answer, RelayError> {
    let nonce = nonce();
    let (client, errors) = client(origin, network)?;
    let request = client.get(origin.join(&format!("{HERE}{nonce}"))).header(ACCEPT_ENCODING, "identity");
    let asking = async {
        let response = request.send().await.map_err(|error| errors.of(error))?;
        read(response, MAX_PROOF, &errors).await
    };
    let answer = timeout(TIME, asking).await.map_err(|_| silent())??;
    Ok(answer.map_or(Answer::Foreign, |answer| here.judge(&answer, &origin.name(), &nonce)))
}

/// Whether a browser that visits `origin` gets this program's page, and not another server's.
///
/// # Errors
/// Those of the connection.
pub async fn has_our_page(origin: &RelayUrl, network: &Network) -> Result<bool, RelayError> {
    let (client, errors) = client(origin, network)?;
    let request = client.get(origin.join("/")).header(USER_AGENT, BROWSER).header(ACCEPT, "text/html");
    let request = request.header(ACCEPT_ENCODING, "identity");
    let asking = async {
        let response = request.send().await.map_err(|error| errors.of(error))?;
        let is_whole = response.status() == StatusCode::OK && !response.headers().contains_key(CONTENT_ENCODING);
        let page = read(response, page::PAGE.file.plain.len(), &errors).await?;
        Ok(is_whole && page.as_deref() == Some(page::PAGE.file.plain))
    };
    timeout(TIME, asking).await.map_err(|_| silent())?
}

fn client(origin: &RelayUrl, network: &Network) -> Result<(Client, Errors), RelayError> {
    let target = Target::to(origin.as_url());
    let (builder, proxy) = http::builder(TIME, network, target).map_err(RelayError::Hindered)?;
    let errors = Errors::new(target, proxy);
    Ok((builder.build().map_err(|error| errors.of(error))?, errors))
}

/// A body of at most `most` bytes. `None` if it is longer.
async fn read(mut response: Response, most: usize, errors: &Errors) -> Result<Option<Vec<u8>>, RelayError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| errors.of(error))? {
        if body.len() + chunk.len() > most {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body))
}
