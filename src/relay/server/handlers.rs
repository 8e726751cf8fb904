//! Handlers, one for each request. A handler reads the request, calls the relay, and writes the answer.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, RANGE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::IntoResponse;

use super::answers::{Answer, json, json_text, long};
use super::body::{Json, Upload};
use super::host::IsLocal;
use super::limits::Client;
use super::options::Server;
use super::tokens::CreateToken;
use super::waiting;
use crate::relay::wire::{
    self, AllowanceResponse, ClaimRequest, Deposit, Done, FinishRequest, Proof, ReportResponse, Was,
};
use crate::relay::{
    About, Allowance, Checksum, Commit, Content, Create, Credential, Left, MAX_REPORT, RelayError, Report, Reported, V1,
};

/// Runs `work` to its end even if the client disconnects, so that it also cleans up.
async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, RelayError>> + Send + 'static,
) -> Result<T, RelayError> {
    tokio::spawn(work).await.unwrap_or(Err(RelayError::BUSY))
}

pub(super) async fn about(State(server): State<Arc<Server>>, IsLocal(is_local): IsLocal) -> Answer {
    let create = server.options.create.admission(is_local);
    let public_url = server.options.public_url.as_ref().map(ToString::to_string);
    let about = server.relay.about().await?;
    let contact = server.options.contact.clone().or(about.contact);
    let send = server.options.sends();
    Ok(json(StatusCode::OK, &About { create, public_url, contact, send, ..about }))
}

pub(super) async fn create(
    State(server): State<Arc<Server>>,
    IsLocal(is_local): IsLocal,
    client: Client,
    owner: Credential,
    Json(mut create): Json<Create>,
) -> Answer {
    let token = server.options.create.admit(create.create_token.as_deref(), is_local)?;
    create.account = token.as_ref().and_then(CreateToken::limited);
    expect_short_lived(&server, &create).await?;
    let is_new = server.limiter.begin_upload(&client, &owner, token.map(|token| token.hash))?;
    let created = server.relay.create(&owner, &create).await;
    // A transient failure may have created it.
    if is_new && created.as_ref().is_err_and(|error| !error.is_transient()) {
        server.limiter.end_upload(&owner);
    }
    created?;
    Ok(json(StatusCode::CREATED, &Done { v: V1 }))
}

/// Fails if the share would wait for too long. A sender who asks for as long as possible repeats the request then, so
/// this one must not count as a new share.
async fn expect_short_lived(server: &Server, create: &Create) -> Result<(), RelayError> {
    let max = server.relay.about().await?.max_ttl;
    if create.ttl > max { Err(RelayError::TooLongLived { max }) } else { Ok(()) }
}

pub(super) async fn allowance(State(server): State<Arc<Server>>, Json(mut ask): Json<Allowance>) -> Answer {
    let token = server.options.create.admit(Some(&ask.create_token), false)?.ok_or(RelayError::NotAllowed)?;
    server.limiter.take_question(token.hash)?;
    ask.account = Some(token.account());
    let left = Left { until: token.until, ..server.relay.allowance(&ask).await? };
    Ok(json(StatusCode::OK, &AllowanceResponse { v: V1, left }))
}

pub(super) async fn put_part(
    State(server): State<Arc<Server>>,
    PartNumber(number): PartNumber,
    client: Client,
    owner: Credential,
    headers: HeaderMap,
    part: Upload,
) -> Answer {
    let mut sums = headers.get_all(wire::CHECKSUM).iter();
    let crc = sums.next().filter(|_| sums.next().is_none());
    let crc = crc.and_then(|value| value.to_str().ok()).and_then(Checksum::parse);
    let crc = crc.ok_or(RelayError::BadRequest)?;
    let (relay, part) = (server.relay.clone(), part.content());
    let metrics = server.options.metrics.clone();
    server.limiter.take_part(&owner, &part)?;
    let arriving = server.limiter.begin_part(&client).await?;
    let putting = async move {
        let _arriving = arriving;
        relay.put_part(&owner, number, crc, part).await.inspect(|()| metrics.part_stored())
    };
    to_the_end(putting).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub(super) async fn commit(
    State(server): State<Arc<Server>>,
    client: Client,
    owner: Credential,
    body: Upload,
) -> Answer {
    let relay = server.relay.clone();
    // Only senders of a share of this relay get memory.
    let admit = async { relay.status(&owner, &[], Duration::ZERO).await.map(drop) };
    let (commit, _reservation) = body.long_json::<Commit>((&server.bodies, &client), admit).await?;
    let (relay, limiter) = (server.relay.clone(), server.limiter.clone());
    let committing = async move {
        let committed = relay.commit(&owner, &commit).await;
        if matches!(committed, Ok(_) | Err(RelayError::Gone { .. } | RelayError::Committed)) {
            limiter.end_upload(&owner);
        }
        committed
    };
    Ok(json(StatusCode::CREATED, &to_the_end(committing).await?))
}

pub(super) async fn deposit(
    State(server): State<Arc<Server>>,
    IsLocal(is_local): IsLocal,
    client: Client,
    owner: Credential,
    body: Upload,
) -> Answer {
    let arriving = server.limiter.begin_part(&client).await?;
    let (Deposit { mut create, commit, .. }, part) = body.framed::<Deposit<Create, Commit>>().await?;
    let token = server.options.create.admit(create.create_token.as_deref(), is_local)?;
    create.account = token.as_ref().and_then(CreateToken::limited);
    expect_short_lived(&server, &create).await?;
    let (relay, limiter) = (server.relay.clone(), server.limiter.clone());
    let metrics = server.options.metrics.clone();
    let depositing = async move {
        let _arriving = arriving;
        let is_new = limiter.begin_upload(&client, &owner, token.map(|token| token.hash))?;
        let deposited = match limiter.take_part(&owner, &part) {
            Ok(()) => relay.deposit(&owner, &create, &commit, part).await,
            Err(error) => {
                if is_new {
                    limiter.end_upload(&owner);
                }
                return Err(error);
            }
        };
        let is_unfinished = match &deposited {
            Ok(_) | Err(RelayError::Gone { .. } | RelayError::Committed) => false,
            // The part is stored, or may be.
            Err(RelayError::PartsMissing | RelayError::PartDiffers) => true,
            Err(error) => !is_new || error.is_transient(),
        };
        if !is_unfinished {
            limiter.end_upload(&owner);
        }
        deposited.inspect(|_| metrics.part_stored())
    };
    Ok(json(StatusCode::CREATED, &to_the_end(depositing).await?))
}

pub(super) async fn notice(State(server): State<Arc<Server>>, link: Credential) -> Answer {
    Ok(json(StatusCode::OK, &server.relay.notice(&link).await?))
}

pub(super) async fn manifest(
    State(server): State<Arc<Server>>,
    client: Client,
    link: Credential,
    Json(Proof { proof, .. }): Json<Proof>,
) -> Answer {
    let _turn = server.answers.turn(&client).await?;
    let waiting = server.relay.manifest(&link, &proof).await?;
    long(wire::JSON, json_text(&waiting).into(), &server.answers, &client)
}

pub(super) async fn claim(
    State(server): State<Arc<Server>>,
    client: Client,
    link: Credential,
    Json(ClaimRequest { proof, claim_token, .. }): Json<ClaimRequest>,
) -> Answer {
    let (relay, turn) = (server.relay.clone(), server.answers.turn(&client).await?);
    let claiming = async move { relay.claim(&link, &proof, &claim_token).await.map(|claimed| (claimed, turn)) };
    let (claimed, _turn) = to_the_end(claiming).await?;
    match &claimed.part {
        None => long(wire::JSON, json_text(&claimed).into(), &server.answers, &client),
        Some(part) => {
            server.options.metrics.part_sent();
            let mut framed = wire::frame(json_text(&claimed).as_bytes());
            framed.extend_from_slice(part);
            long(wire::BYTES, framed, &server.answers, &client)
        }
    }
}

pub(super) async fn get_part(
    State(server): State<Arc<Server>>,
    PartNumber(number): PartNumber,
    holder: Credential,
    headers: HeaderMap,
) -> Answer {
    let offset = offset(&headers)?;
    let content = server.relay.get_part(&holder, number, offset).await?;
    server.options.metrics.part_sent();
    let len = content.known_len().ok_or(RelayError::BUSY)?;
    let body = match content {
        Content::Whole(bytes) => Body::from(bytes),
        stream => Body::from_stream(stream.into_chunks()),
    };
    let mut response = ([(CONTENT_TYPE, wire::BYTES), (CONTENT_DISPOSITION, "attachment")], body).into_response();
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(len));
    if offset > 0 {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        let range = format!("bytes {offset}-{}/{}", (offset + len).saturating_sub(1), offset + len);
        response.headers_mut().insert(CONTENT_RANGE, HeaderValue::try_from(range).map_err(|_| RelayError::BadRequest)?);
    }
    Ok(response)
}

/// The number of a part: the last segment of its path.
pub(super) struct PartNumber(u32);

impl<S: Send + Sync> FromRequestParts<S> for PartNumber {
    type Rejection = RelayError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, RelayError> {
        let segment = Path::<String>::from_request_parts(parts, state).await;
        segment.ok().and_then(|Path(text)| part_number(&text)).map(Self).ok_or(RelayError::BadRequest)
    }
}

fn part_number(text: &str) -> Option<u32> {
    text.parse().ok().filter(|_| is_digits(text))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit())
}

/// The offset in `Range: bytes=N-`, the only form of a range that is supported. 0 without the header.
fn offset(headers: &HeaderMap) -> Result<u64, RelayError> {
    let mut ranges = headers.get_all(RANGE).iter();
    match (ranges.next(), ranges.next()) {
        (None, _) => Ok(0),
        (Some(range), None) => range.to_str().ok().and_then(open_range).ok_or(RelayError::BadRequest),
        _ => Err(RelayError::BadRequest),
    }
}

fn open_range(range: &str) -> Option<u64> {
    let (unit, range) = range.split_once('=')?;
    let first = range.strip_suffix('-').filter(|first| is_digits(first))?;
    // No part is as long as the greatest number, so a greater one means the same.
    unit.eq_ignore_ascii_case("bytes").then(|| first.parse().unwrap_or(u64::MAX))
}

pub(super) async fn finish(
    State(server): State<Arc<Server>>,
    holder: Credential,
    Json(FinishRequest { receipt, .. }): Json<FinishRequest>,
) -> Answer {
    let relay = server.relay.clone();
    to_the_end(async move { relay.finish(&holder, &receipt).await }).await?;
    Ok(json(StatusCode::OK, &Done { v: V1 }))
}

pub(super) async fn report(
    State(server): State<Arc<Server>>,
    client: Client,
    holder: Credential,
    body: Upload,
) -> Answer {
    let report: Report = body.json(MAX_REPORT).await?;
    report.check()?;
    let (relay, limiter) = (server.relay.clone(), server.limiter.clone());
    let reporting = async move {
        // First, so that nobody without the token of an opener uses up what an address may report.
        let bytes = relay.reportable(&holder).await?;
        let turn = limiter.begin_report(&client, &holder, bytes)?;
        let reported = relay.report(&holder, &report).await?;
        turn.counts();
        Ok(reported)
    };
    let Reported { is_new, at, .. } = to_the_end(reporting).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok(json(status, &ReportResponse { v: V1, at }))
}

pub(super) async fn status(State(server): State<Arc<Server>>, owner: Credential, headers: HeaderMap) -> Answer {
    let (known, wait) = (waiting::known_states(&headers), waiting::wait(&headers));
    let status = server.unless_stopping(server.relay.status(&owner, &known, wait)).await;
    let status = match status {
        Some(status) => status?,
        // The client asks again, and reaches the relay that runs then.
        None => server.relay.status(&owner, &known, Duration::ZERO).await?,
    };
    let tag = [(ETAG, format!("\"{}\"", status.state.word()))];
    if known.contains(&status.state) {
        return Ok((StatusCode::NOT_MODIFIED, tag).into_response());
    }
    Ok((tag, json(StatusCode::OK, &status)).into_response())
}

pub(super) async fn revoke(State(server): State<Arc<Server>>, owner: Credential) -> Answer {
    let (relay, limiter) = (server.relay.clone(), server.limiter.clone());
    let revoking = async move {
        let was = relay.revoke(&owner).await?;
        limiter.end_upload(&owner);
        Ok(was)
    };
    let was = to_the_end(revoking).await?;
    Ok(json(StatusCode::OK, &Was { was }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_has_a_plain_number() {
        assert_eq!((part_number("17"), part_number("0017")), (Some(17), Some(17)));
        for text in ["", "+1", "-1", "1 ", "0x1", "4294967296"] {
            assert_eq!(part_number(text), None, "{text}");
        }
    }

    #[test]
    fn a_range_is_open_at_its_end() {
        assert_eq!((open_range("bytes=7-"), open_range("Bytes=0-")), (Some(7), Some(0)));
        assert_eq!(open_range("bytes=99999999999999999999999-"), Some(u64::MAX));
        for text in ["bytes=7-9", "bytes=-7", "bytes=-", "bytes=1-,2-", "bytes=+7-", "items=7-", "7-", ""] {
            assert_eq!(open_range(text), None, "{text}");
        }
    }
}
