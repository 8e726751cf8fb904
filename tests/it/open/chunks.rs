//! Openings where a proxy passes each answer on in chunks, without its length.

use std::collections::VecDeque;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use share::open::{Look, Progress, Seekable, Targets};
use share::relay::Relay;
use share::relay::client::retry::{Backoff, Retrying};
use share::secret::DeviceSecret;

use super::{Screen, Shared, session};
use crate::support::{TestRelay, client_of, noise, served};

/// Damage to the answer with a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    /// Its second half is missing.
    Short,
    /// Bytes follow it.
    Long,
    /// The connection ends in the middle of it.
    Broken,
    /// A web page comes in its place, as from the operator of a tunnel that is closed.
    Page,
}

/// A proxy in front of the server at an address, with a fault for each answer with a part.
struct Chunking {
    faults: Arc<Mutex<VecDeque<Fault>>>,
    url: String,
}

impl Chunking {
    fn before(server: &str, faults: &[Fault]) -> Self {
        let server: SocketAddr = server.trim_start_matches("http://").trim_end_matches('/').parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let faults = Arc::new(Mutex::new(faults.iter().copied().collect::<VecDeque<_>>()));
        let to_come = faults.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let to_come = to_come.clone();
                thread::spawn(move || pass(&client, server, &to_come));
            }
        });
        Self { faults, url }
    }

    fn is_used_up(&self) -> bool {
        self.faults.lock().unwrap().is_empty()
    }
}

/// Passes the requests of one connection to the server.
fn pass(mut client: &TcpStream, server: SocketAddr, faults: &Mutex<VecDeque<Fault>>) -> io::Result<()> {
    let mut requests = BufReader::new(client.try_clone()?);
    loop {
        let (mut head, mut len) = (String::new(), 0);
        while !head.ends_with("\r\n\r\n") {
            let mut line = String::new();
            if requests.read_line(&mut line)? == 0 {
                return Ok(());
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                len = value.trim().parse().unwrap();
            }
            head.push_str(&line);
        }
        let mut body = vec![0; len];
        requests.read_exact(&mut body)?;
        let mut relay = TcpStream::connect(server)?;
        relay.write_all(head.trim_end().as_bytes())?;
        relay.write_all(b"\r\nConnection: close\r\n\r\n")?;
        relay.write_all(&body)?;
        let mut answer = Vec::new();
        relay.read_to_end(&mut answer)?;
        let end = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
        let (head_of_answer, mut body) =
            (String::from_utf8(answer[..end].to_vec()).unwrap(), answer.split_off(end + 4));
        let is_part = head.starts_with("GET /v1/part/");
        let fault = if is_part { faults.lock().unwrap().pop_front().unwrap_or(Fault::None) } else { Fault::None };
        match fault {
            Fault::None => {}
            Fault::Page => {
                let page =
                    "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 6\r\n\r\n<html>";
                client.write_all(page.as_bytes())?;
                continue;
            }
            Fault::Short | Fault::Broken => body.truncate(body.len() / 2),
            Fault::Long => body.extend_from_slice(&[7; 5000]),
        }
        let is_about_length = |line: &&str| {
            let line = line.to_ascii_lowercase();
            line.starts_with("content-length:") || line.starts_with("connection:")
        };
        let lines: Vec<_> = head_of_answer.split("\r\n").filter(|line| !is_about_length(line)).collect();
        client.write_all(format!("{}\r\nTransfer-Encoding: chunked\r\n\r\n", lines.join("\r\n")).as_bytes())?;
        for chunk in body.chunks(10_000) {
            client.write_all(format!("{:x}\r\n", chunk.len()).as_bytes())?;
            client.write_all(chunk)?;
            client.write_all(b"\r\n")?;
        }
        if fault == Fault::Broken {
            return client.shutdown(std::net::Shutdown::Both);
        }
        client.write_all(b"0\r\n\r\n")?;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_share_opens_where_answers_come_in_chunks() {
    let (direct, url) = served(TestRelay::memory().relay);
    let content = noise(6_000_000, 3);
    let retrying = |url: &str| -> Arc<dyn Relay> {
        Arc::new(Retrying::new(client_of(url), Backoff::new(Duration::from_secs(20)), Box::new(|_| {})))
    };
    // Each part is resumed where its answer ended, and what follows it is ignored.
    let pages = [Fault::Page; 3];
    let faults =
        [&pages, &[Fault::Short][..], &pages, &[Fault::Broken, Fault::Short, Fault::Long, Fault::Long]].concat();
    let proxy = Chunking::before(&url, &faults);
    let mut share = Shared::send_to(direct.clone(), &[("a.bin", &content)], None).await;
    share.relay = retrying(&proxy.url);
    let (directory, device, progress) = (tempfile::tempdir().unwrap(), DeviceSecret::random(), Progress::default());
    let look = session(&device, &progress).look(share.relay.clone(), share.keys(None), backoff()).await;
    let Ok(Look::Waits(envelope)) = look else { panic!("it does not wait") };
    let targets = Targets::within(&envelope.manifest, directory.path());
    let received = envelope.prepare(targets).unwrap().claim().await.unwrap().receive(|_| {}).await.unwrap();
    let (saved, finishable) = received.sync().unwrap().note().unwrap().place().unwrap().note().unwrap();
    let saved_in = saved.album.unwrap_or_else(|| directory.path().to_owned());
    assert!(fs::read(saved_in.join("a.bin")).unwrap() == content);
    assert!(finishable.finish().await.is_confirmed() && proxy.is_used_up());

    let proxy = Chunking::before(&url, &[Fault::Short, Fault::Long]);
    let mut share = Shared::send_to(direct, &[("a.bin", &content)], None).await;
    share.relay = retrying(&proxy.url);
    let look = session(&device, &progress).look(share.relay.clone(), share.keys(None), backoff()).await;
    let Ok(Look::Waits(envelope)) = look else { panic!("it does not wait") };
    let claimed = envelope.prepare(Screen).unwrap().claim().await.unwrap();
    let read = claimed.seek().await.unwrap().deliver(async |(seekable, Screen): (Seekable, Screen)| {
        for at in [5_000_000, 0, 5_999_999] {
            let piece = seekable.read(at as u64, 1000).await.unwrap();
            assert_eq!(&piece[..], &content[at..content.len().min(at + 1000)]);
        }
        Ok::<_, ()>(())
    });
    assert!(read.await.is_ok() && proxy.is_used_up());
}

fn backoff() -> Backoff {
    Backoff::new(Duration::from_secs(20))
}
