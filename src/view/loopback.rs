//! A server on this machine alone, for one browser or one player, as long as something is looked at.
//!
//! Its address has 128 random bits in it. A browser gets it among the arguments of the program that opens it, where
//! others could read it; so it opens only once, and after that only who has the cookie that came with it is served.

use std::collections::HashSet;
use std::fmt::Write;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use futures_util::stream;
use tokio::sync::watch;

use crate::manifest::Manifest;
use crate::media;
use crate::media::{HEAD_LEN, Kind};
use crate::open::Seekable;
use crate::safe_text::printable;
use crate::secret::random_hex;
use crate::view::memory::Memory;

/// Bytes that are read and sent at once.
const PIECE: usize = 256 << 10;
/// How long a page may be away until it counts as closed: a reload takes less.
const AWAY: Duration = Duration::from_secs(3);
/// How often a page is told that it is still wanted.
const PULSE: Duration = Duration::from_secs(1);
/// The longest list of tracks that is read, in bytes; and how many boxes may come before it.
const MAX_TRACKS: u64 = 16 << 20;
const MAX_BOXES: usize = 64;
/// The cookie.
const COOKIE: &str = "share";

const STYLE: &str = "html{background:#111;color:#eee;font:16px/1.5 system-ui,sans-serif}body{margin:0 auto;max-width:72rem;padding:1rem}\
h2{font-size:1rem;font-weight:600;margin:2rem 0 .5rem}img,video{display:block;max-width:100%;max-height:85vh;margin:auto}audio{width:100%}\
pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#1c1c1c;padding:1rem;border-radius:.5rem}\
button{font:inherit;padding:.5rem 1.5rem;border-radius:.5rem;border:1px solid #888;background:#222;color:#eee}p{color:#bbb}";
/// A page that is gone shows nothing any more, also when somebody goes back to it.
///
/// A file counts as seen while the page is visible: a photo when it was decoded; a video when a frame of it was
/// presented, since one whose pictures the browser cannot decode plays its sound without an error and is 0 pixels wide;
/// a sound when it plays; a text at once.
const SCRIPT: &str = "const over=()=>{document.querySelector('main').textContent='Closed. Nothing of it is left here.'};\
const tell=word=>fetch(word,{method:'POST',keepalive:true}).catch(()=>{});const failed=()=>tell('failed');\
const visible=then=>{if(document.visibilityState==='visible')then();\
else document.addEventListener('visibilitychange',()=>visible(then),{once:true})};\
document.querySelectorAll('[data-file]').forEach(each=>{let counted=false;\
const seen=()=>visible(()=>{if(!counted){counted=true;tell('seen/'+each.dataset.file)}});\
if(each.tagName==='PRE'){seen();return}\
if(each.tagName==='IMG'){each.decode().then(seen,failed);return}\
each.addEventListener('error',failed,{once:true});if(each.error)failed();\
if(each.tagName==='AUDIO'||'sound' in each.dataset){each.addEventListener('playing',seen);return}\
const sized=()=>{if(!each.videoWidth)failed()};\
if(each.readyState>0)sized();else each.addEventListener('loadedmetadata',sized,{once:true});\
if(each.requestVideoFrameCallback)each.requestVideoFrameCallback((now,frame)=>{if(frame.width>0)seen()});\
else each.addEventListener('timeupdate',()=>{const quality=each.getVideoPlaybackQuality?.();\
if(each.videoWidth>0&&(!quality||quality.totalVideoFrames>quality.droppedVideoFrames))seen()})});\
const alive=new EventSource('alive');alive.addEventListener('over',()=>{alive.close();over()});\
document.querySelector('button').addEventListener('click',()=>{fetch('close',{method:'POST'}).finally(()=>{alive.close();over()})});";

/// What a page has told of what it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PageSaw {
    /// It never came up, or not yet with everything.
    Nothing,
    /// All of it could be shown.
    All,
    /// Something in it could not.
    Failure,
}

/// What is handed out.
pub(crate) enum Content {
    Memory(Memory, Manifest),
    Window(Box<Seekable>),
}

impl Content {
    pub(crate) fn manifest(&self) -> &Manifest {
        match self {
            Self::Memory(_, manifest) => manifest,
            Self::Window(window) => window.manifest(),
        }
    }

    /// Where in all the bytes a file is.
    fn range(&self, number: usize) -> Option<Range<u64>> {
        let entries = &self.manifest().entries;
        let size = entries.get(number)?.size;
        let start = entries[..number].iter().map(|entry| entry.size).sum::<u64>();
        Some(start..start + size)
    }

    async fn read(&self, range: Range<u64>) -> io::Result<Bytes> {
        match self {
            Self::Memory(memory, _) => Ok(Bytes::from(memory.read(range)?.to_vec())),
            Self::Window(window) => {
                let len = usize::try_from(range.end - range.start).unwrap_or(PIECE);
                window.read(range.start, len).await.map_err(io::Error::other)
            }
        }
    }
}

/// What all requests share.
struct Served {
    content: Content,
    token: String,
    cookie: String,
    /// Whether the page was asked for. Its address works once.
    asked: watch::Sender<bool>,
    /// Whether only a player is served, which has no cookies.
    for_player: bool,
    /// How many pages are open.
    pages: watch::Sender<usize>,
    /// Whether it was closed.
    closed: watch::Sender<bool>,
    /// The files that a page has shown, by their numbers; and whether it could not show one.
    seen: Mutex<HashSet<usize>>,
    failed: AtomicBool,
    /// Whether something could not be fetched.
    broke: AtomicBool,
}

/// A server that runs until it is dropped.
pub(crate) struct Loopback {
    served: Arc<Served>,
    address: SocketAddr,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Loopback {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Loopback {
    /// Begins to serve `content`: to a player, or to a browser.
    pub(crate) async fn serve(content: Content, for_player: bool) -> io::Result<Self> {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (pages, closed, asked) = (watch::Sender::new(0), watch::Sender::new(false), watch::Sender::new(false));
        let served = Served {
            content,
            token: random_hex::<16>(),
            cookie: random_hex::<16>(),
            asked,
            for_player,
            pages,
            closed,
            seen: Mutex::default(),
            failed: AtomicBool::new(false),
            broke: AtomicBool::new(false),
        };
        let served = Arc::new(served);
        let router = Router::new()
            .route("/{token}/", get(page))
            .route("/{token}/{number}", get(file))
            .route("/{token}/alive", get(alive))
            .route("/{token}/close", post(close))
            .route("/{token}/seen/{number}", post(seen))
            .route("/{token}/failed", post(failed))
            .with_state(served.clone());
        let task = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { served, address, task })
    }

    /// The page's address, which opens once.
    pub(crate) fn page_url(&self) -> String {
        format!("http://{}/{}/", self.address, self.served.token)
    }

    /// The address of the first file.
    pub(crate) fn file_url(&self) -> String {
        format!("http://{}/{}/0", self.address, self.served.token)
    }

    /// Until somebody has closed the page: by its button, or by going away from it.
    pub(crate) async fn until_closed(&self) {
        let (mut closed, mut pages) = (self.served.closed.subscribe(), self.served.pages.subscribe());
        let away = async {
            // It has come up,
            let _ = pages.wait_for(|pages| *pages > 0).await;
            loop {
                // it went away,
                let _ = pages.wait_for(|pages| *pages == 0).await;
                // and did not come back.
                let back = tokio::time::timeout(AWAY, pages.wait_for(|pages| *pages > 0)).await;
                if back.is_err() {
                    return;
                }
            }
        };
        tokio::select! {
            _ = closed.wait_for(|closed| *closed) => {}
            () = away => {}
        }
    }

    /// Until a browser has asked for the page.
    pub(crate) async fn until_asked(&self) {
        let _ = self.served.asked.subscribe().wait_for(|asked| *asked).await;
    }

    /// What the page has told.
    pub(crate) fn seen(&self) -> PageSaw {
        let seen = self.served.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let entries = self.served.content.manifest().entries.iter().enumerate();
        let mut shown = entries.filter(|(_, entry)| Kind::of(&entry.r#type) != Kind::File);
        if self.served.failed.load(Ordering::SeqCst) {
            PageSaw::Failure
        } else if shown.all(|(number, _)| seen.contains(&number)) {
            PageSaw::All
        } else {
            PageSaw::Nothing
        }
    }

    /// Whether something could not be fetched.
    pub(crate) fn broke(&self) -> bool {
        self.served.broke.load(Ordering::SeqCst)
    }

    /// Ends it: pages are told, and nothing is served any more.
    pub(crate) async fn end(mut self) {
        self.served.closed.send_replace(true);
        // A moment in which pages hear of it.
        let _ = tokio::time::timeout(Duration::from_millis(300), &mut self.task).await;
        self.task.abort();
    }
}

impl Served {
    async fn read(&self, range: Range<u64>) -> io::Result<Bytes> {
        let read = self.content.read(range).await;
        self.broke.fetch_or(read.is_err(), Ordering::SeqCst);
        read
    }

    /// Whether a request comes from the one who was let in, and not after the end. Nobody learns from the answer
    /// whether the address is right.
    fn is_let_in(&self, token: &str, headers: &HeaderMap) -> bool {
        use subtle::ConstantTimeEq;
        let same = |one: &str, other: &str| bool::from(one.as_bytes().ct_eq(other.as_bytes()));
        let cookies = headers.get(header::COOKIE).and_then(|cookies| cookies.to_str().ok()).unwrap_or_default();
        let wanted = format!("{COOKIE}={}", self.cookie);
        !*self.closed.borrow()
            && same(token, &self.token)
            && (self.for_player || cookies.split("; ").any(|cookie| same(cookie, &wanted)))
    }
}

fn secured(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

fn nothing() -> Response {
    secured((StatusCode::NOT_FOUND, "There is nothing here (any more).").into_response())
}

async fn page(State(served): State<Arc<Served>>, Path(token): Path<String>, headers: HeaderMap) -> Response {
    let is_first = !served.for_player && token == served.token && !served.asked.send_replace(true);
    if !is_first && !served.is_let_in(&token, &headers) {
        return nothing();
    }
    let nonce = random_hex::<16>();
    let Ok(html) = html(&served.content, &nonce).await else { return nothing() };
    let policy = format!(
        "default-src 'none'; img-src 'self'; media-src 'self'; connect-src 'self'; style-src 'nonce-{nonce}'; \
         script-src 'nonce-{nonce}'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    );
    let cookie = format!("{COOKIE}={}; HttpOnly; SameSite=Strict; Path=/{}/", served.cookie, served.token);
    let told = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::SET_COOKIE, cookie),
    ];
    secured((told, html).into_response())
}

/// The page: everything that is in it, one below the other.
async fn html(content: &Content, nonce: &str) -> io::Result<String> {
    let manifest = content.manifest();
    let mut html = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\"><title>share</title>\
         <style nonce={nonce}>{STYLE}</style><body><main><p>Opened once. Close this page, and it is gone. <button>Close</button></p>"
    );
    for (number, entry) in manifest.entries.iter().enumerate() {
        let name = entry.name.as_deref().map(printable).unwrap_or_default();
        let _ = write!(html, "<h2>{}</h2>", escaped(&name));
        let _ = match Kind::of(&entry.r#type) {
            Kind::Photo => write!(html, "<img src={number} data-file={number} alt=\"\">"),
            Kind::Video => {
                let sound = if has_pictures(content, number).await { "" } else { " data-sound" };
                write!(html, "<video src={number} data-file={number}{sound} controls playsinline></video>")
            }
            Kind::Sound => write!(html, "<audio src={number} data-file={number} controls></audio>"),
            Kind::Text => {
                let text = content.read(content.range(number).unwrap_or_default()).await?;
                write!(html, "<pre data-file={number}>{}</pre>", escaped(&crate::view::text::visible(&text)))
            }
            Kind::File => write!(html, "<p>This file can only be saved, from the terminal.</p>"),
        };
    }
    let _ = write!(html, "</main><script nonce={nonce}>{SCRIPT}</script>");
    Ok(html)
}

/// Whether a video has a track of pictures. A file that is not read so far is taken to have one.
async fn has_pictures(content: &Content, number: usize) -> bool {
    let range = content.range(number).unwrap_or_default();
    let (mut at, mut boxes) = (range.start, 0);
    // MP4 (ISO/IEC 14496-12): boxes, one of which lists the tracks.
    while let Ok(head) = content.read(at..range.end.min(at + 16)).await
        && let [a, b, c, d, kind @ ..] = &head[..]
        && boxes < MAX_BOXES
    {
        let len = match (u32::from_be_bytes([*a, *b, *c, *d]), kind) {
            (0, _) => range.end - at,
            (1, [_, _, _, _, len @ ..]) => len.try_into().map_or(0, u64::from_be_bytes),
            (len, _) => u64::from(len),
        };
        if kind.starts_with(b"moov") && len <= MAX_TRACKS {
            let Ok(moov) = content.read(at..range.end.min(at + len)).await else { return true };
            // The kind of a track is in its handler: four bytes of version, four of nothing, and this.
            let kinds = moov.windows(16).filter(|window| window.starts_with(b"hdlr")).map(|window| &window[12..16]);
            let kinds: Vec<_> = kinds.collect();
            return kinds.contains(&&b"vide"[..]) || !kinds.contains(&&b"soun"[..]);
        }
        if len < 8 {
            return true;
        }
        (at, boxes) = (at.saturating_add(len).min(range.end), boxes + 1);
    }
    true
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The bytes of a file, or of the part that was asked for.
async fn file(
    State(served): State<Arc<Served>>,
    Path((token, number)): Path<(String, usize)>,
    headers: HeaderMap,
) -> Response {
    let Some(range) = served.content.range(number).filter(|_| served.is_let_in(&token, &headers)) else {
        return nothing();
    };
    let size = range.end - range.start;
    let asked = headers.get(header::RANGE).and_then(|asked| asked.to_str().ok()).and_then(|asked| part_of(asked, size));
    let part = match asked {
        Some(part) if part.is_empty() => {
            let told = [(header::CONTENT_RANGE, format!("bytes */{size}"))];
            return secured((StatusCode::RANGE_NOT_SATISFIABLE, told).into_response());
        }
        Some(part) => part,
        None => 0..size,
    };
    let is_part = headers.contains_key(header::RANGE);
    let head = served.read(range.start..range.start + size.min(HEAD_LEN as u64)).await.unwrap_or_default();
    // By its bytes, so that nothing runs that says it is a picture.
    let kind = media::sniff(&head, size <= HEAD_LEN as u64);
    let kind = if matches!(Kind::of(kind), Kind::Photo | Kind::Video | Kind::Sound) {
        kind
    } else {
        "application/octet-stream"
    };
    let told = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::ACCEPT_RANGES, "bytes".to_owned()),
        (header::CONTENT_LENGTH, (part.end - part.start).to_string()),
        (header::CONTENT_RANGE, format!("bytes {}-{}/{size}", part.start, part.end.saturating_sub(1))),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox".to_owned()),
    ];
    let (start, end) = (range.start + part.start, range.start + part.end);
    let pieces = stream::try_unfold((served, start), move |(served, at)| async move {
        if at >= end {
            return Ok::<_, io::Error>(None);
        }
        let piece = served.read(at..end.min(at + PIECE as u64)).await?;
        if piece.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let at = at + piece.len() as u64;
        Ok(Some((piece, (served, at))))
    });
    let status = if is_part { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
    let mut response = (status, told, Body::from_stream(pieces)).into_response();
    if !is_part {
        response.headers_mut().remove(header::CONTENT_RANGE);
    }
    secured(response)
}

/// `bytes=0-`, `bytes=5-9` or `bytes=-5` (RFC 9110, section 14.1.2), of `size` bytes. Empty: there is no such part.
fn part_of(asked: &str, size: u64) -> Option<Range<u64>> {
    let (first, last) = asked.strip_prefix("bytes=")?.split_once('-')?;
    Some(match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), Ok(last)) if first <= last => first.min(size)..last.saturating_add(1).min(size),
        (Ok(first), Err(_)) if last.is_empty() => first.min(size)..size,
        (Err(_), Ok(last)) if first.is_empty() => size.saturating_sub(last)..size,
        _ => return None,
    })
}

/// Counts a page as open for as long as it is.
struct Counted(Arc<Served>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.pages.send_modify(|pages| *pages -= 1);
    }
}

/// An answer that lasts as long as the page, and whose end tells that it was closed.
async fn alive(State(served): State<Arc<Served>>, Path(token): Path<String>, headers: HeaderMap) -> Response {
    if !served.is_let_in(&token, &headers) {
        return nothing();
    }
    served.pages.send_modify(|pages| *pages += 1);
    let closed = served.closed.subscribe();
    let pulses = stream::unfold((Counted(served), closed, false), |(counted, mut closed, over)| async move {
        if over {
            return None;
        }
        let over = tokio::time::timeout(PULSE, closed.wait_for(|closed| *closed)).await.is_ok();
        let told = if over { "event: over\ndata:\n\n" } else { ":\n\n" };
        Some((Ok::<_, io::Error>(Bytes::from_static(told.as_bytes())), (counted, closed, over)))
    });
    let told = [(header::CONTENT_TYPE, "text/event-stream")];
    secured((told, Body::from_stream(pulses)).into_response())
}

async fn seen(
    State(served): State<Arc<Served>>,
    Path((token, number)): Path<(String, usize)>,
    headers: HeaderMap,
) -> Response {
    if !served.is_let_in(&token, &headers) || served.content.range(number).is_none() {
        return nothing();
    }
    served.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(number);
    secured(StatusCode::NO_CONTENT.into_response())
}

async fn failed(State(served): State<Arc<Served>>, Path(token): Path<String>, headers: HeaderMap) -> Response {
    if !served.is_let_in(&token, &headers) {
        return nothing();
    }
    served.failed.store(true, Ordering::SeqCst);
    secured(StatusCode::NO_CONTENT.into_response())
}

async fn close(State(served): State<Arc<Served>>, Path(token): Path<String>, headers: HeaderMap) -> Response {
    if !served.is_let_in(&token, &headers) {
        return nothing();
    }
    served.closed.send_replace(true);
    secured(StatusCode::NO_CONTENT.into_response())
}

#[cfg(test)]
mod tests {
    use super::part_of;

    #[test]
    fn parts_are_what_was_asked_for() {
        for (asked, part) in [
            ("bytes=0-", Some(0..100)),
            ("bytes=5-9", Some(5..10)),
            ("bytes=5-900", Some(5..100)),
            ("bytes=-5", Some(95..100)),
            ("bytes=-500", Some(0..100)),
            ("bytes=100-", Some(100..100)),
            ("bytes=9-5", None),
            ("bytes=a-b", None),
            ("lines=1-2", None),
        ] {
            assert_eq!(part_of(asked, 100), part, "{asked}");
        }
    }
}
