//! A TCP proxy between a client and a relay that a test can stall, cut and restore.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use socket2::SockRef;

use super::time_limit::wait_while;

/// One direction of the line: its rate, and the bytes that may pass before the connection stalls.
#[derive(Default)]
struct Gate {
    state: Mutex<Passed>,
    changed: Condvar,
    /// Bytes in a second; 0: as fast as the machine.
    rate: u32,
    /// The time at which the line has carried everything so far, of all connections.
    free: Mutex<Option<Instant>>,
}

#[derive(Default)]
struct Passed {
    bytes: u64,
    limit: Option<u64>,
    waiting: bool,
}

impl Gate {
    fn pass(&self, bytes: u64) {
        let mut state = self.state.lock().unwrap();
        while state.limit.is_some_and(|limit| state.bytes >= limit) {
            // Notified once: two waiting threads would wake each other forever.
            if !std::mem::replace(&mut state.waiting, true) {
                self.changed.notify_all();
            }
            state = self.changed.wait(state).unwrap();
        }
        state.waiting = false;
        state.bytes += bytes;
        drop(state);
        self.carry(bytes);
    }

    /// Returns when a line of this rate has carried so many more bytes.
    fn carry(&self, bytes: u64) {
        if self.rate == 0 {
            return;
        }
        let mut free = self.free.lock().unwrap();
        let begin = Instant::now().max(free.unwrap_or_else(Instant::now));
        let end = begin + Duration::from_secs(bytes) / self.rate;
        *free = Some(end);
        drop(free);
        thread::sleep(end.saturating_duration_since(Instant::now()));
    }

    fn bytes(&self) -> u64 {
        self.state.lock().unwrap().bytes
    }

    fn stop_at(&self, limit: Option<u64>) {
        self.state.lock().unwrap().limit = limit;
        self.changed.notify_all();
    }

    fn wait_until_stopped(&self) {
        let state = self.state.lock().unwrap();
        drop(wait_while("the line never stood still", &self.changed, state, |state| !state.waiting));
    }
}

#[derive(Default)]
struct Connections {
    open: BTreeMap<u64, TcpStream>,
    /// Connections in total.
    count: u64,
    /// The most connections at one time.
    most: usize,
    asked: u64,
    /// Connections that were cut after `cut_after` bytes.
    cuts: u64,
}

pub(crate) struct Proxy {
    pub(crate) url: String,
    target: Arc<Mutex<String>>,
    /// All open connections, and the count of those since the last cut.
    connections: Arc<(Mutex<Connections>, Condvar)>,
    up: Arc<Gate>,
    down: Arc<Gate>,
    /// The bytes that were sent to the relay, if they are recorded.
    record: Option<Record>,
}

type Record = Arc<Mutex<Vec<u8>>>;

impl Proxy {
    /// A proxy to `target`. Each connection is cut after `cut_after` bytes from the relay.
    pub(crate) fn to(target: &str, cut_after: Option<u64>) -> Self {
        Self::start(target, cut_after, None, 0)
    }

    /// A proxy to `target` over a line that carries `rate` bytes in a second in each direction.
    pub(crate) fn slow(target: &str, rate: u32) -> Self {
        Self::start(target, None, None, rate)
    }

    /// The bytes that the relay sent so far.
    pub(crate) fn down_bytes(&self) -> u64 {
        self.down.bytes()
    }

    /// A proxy to `target` that records the bytes for it.
    pub(crate) fn recording(target: &str) -> Self {
        Self::start(target, None, Some(Record::default()), 0)
    }

    /// The bytes that were sent to the relay.
    pub(crate) fn recorded(&self) -> Vec<u8> {
        self.record.as_ref().unwrap().lock().unwrap().clone()
    }

    fn start(target: &str, cut_after: Option<u64>, record: Option<Record>, rate: u32) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let [up, down] = [(), ()].map(|()| Arc::new(Gate { rate, ..Gate::default() }));
        let target = Arc::new(Mutex::new(target.to_owned()));
        let (leads_to, gates) = (target.clone(), (up.clone(), down.clone()));
        let connections = Arc::<(Mutex<Connections>, Condvar)>::default();
        let known = connections.clone();
        let recorder = record.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(relay) = TcpStream::connect(&*leads_to.lock().unwrap()) else { continue };
                let (up, down) = gates.clone();
                let mut all = known.0.lock().unwrap();
                let number = all.count;
                all.open.insert(number, client.try_clone().unwrap());
                all.count += 1;
                all.most = all.most.max(all.open.len());
                all.asked += 1;
                known.1.notify_all();
                drop(all);
                let (client_too, relay_too) = (client.try_clone().unwrap(), relay.try_clone().unwrap());
                let recorder = recorder.clone();
                thread::spawn(move || pump(client, relay, &up, None, recorder.as_ref()));
                let known = known.clone();
                thread::spawn(move || {
                    let cut = pump(relay_too, client_too, &down, cut_after, None);
                    let mut all = known.0.lock().unwrap();
                    all.open.remove(&number);
                    all.cuts += u64::from(cut);
                });
            }
        });
        Self { url, target, connections, up, down, record }
    }

    /// Connects to another target from now on.
    pub(crate) fn lead_to(&self, target: &str) {
        target.clone_into(&mut self.target.lock().unwrap());
    }

    /// Cuts all connections, and resets the count of new ones.
    pub(crate) fn cut(&self) {
        let mut all = self.connections.0.lock().unwrap();
        for connection in all.open.values() {
            // The system resets the connection when it is closed. A client whose peer had no room for more waits for
            // that room after a shutdown alone, until the system forgets the connection a minute later.
            let _ = SockRef::from(connection).set_linger(Some(Duration::ZERO));
            let _ = connection.shutdown(Shutdown::Both);
        }
        all.asked = 0;
    }

    /// The most connections at one time.
    pub(crate) fn most(&self) -> usize {
        self.connections.0.lock().unwrap().most
    }

    /// The number of connections that were cut after `cut_after` bytes.
    pub(crate) fn cuts(&self) -> u64 {
        self.connections.0.lock().unwrap().cuts
    }

    /// Waits until there were so many connections since the last cut.
    pub(crate) fn wait_until_asked(&self, times: u64) {
        let all = self.connections.0.lock().unwrap();
        drop(wait_while("too few connections came", &self.connections.1, all, |all| all.asked < times));
    }

    /// Stalls after this many bytes from the relay.
    pub(crate) fn stop_down_at(&self, bytes: u64) {
        self.down.stop_at(Some(bytes));
    }

    /// Stalls after this many bytes for the relay.
    pub(crate) fn stop_up_at(&self, bytes: u64) {
        self.up.stop_at(Some(bytes));
    }

    pub(crate) fn wait_until_down_stopped(&self) {
        self.down.wait_until_stopped();
    }

    pub(crate) fn wait_until_up_stopped(&self) {
        self.up.wait_until_stopped();
    }

    /// Lets all bytes pass again.
    pub(crate) fn mend(&self) {
        self.up.stop_at(None);
        self.down.stop_at(None);
    }

    /// A link to the relay, changed to this proxy's address.
    pub(crate) fn link(&self, link: &str) -> String {
        format!("{}#{}", self.url, link.split_once('#').unwrap().1)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // Releases threads that wait at a gate.
        self.mend();
        self.cut();
    }
}

/// Copies bytes until one end closes, or `cut_after` bytes have passed. Returns whether that was the reason.
fn pump(mut from: TcpStream, mut to: TcpStream, gate: &Gate, cut_after: Option<u64>, record: Option<&Record>) -> bool {
    let mut left = cut_after;
    // A slow line carries packets.
    let mut buffer = vec![0; if gate.rate == 0 { 16 << 10 } else { 1400 }];
    let result: io::Result<bool> = (|| {
        loop {
            let count = from.read(&mut buffer)?;
            if count == 0 {
                return Ok(false);
            }
            gate.pass(count as u64);
            to.write_all(&buffer[..count])?;
            if let Some(record) = record {
                record.lock().unwrap().extend_from_slice(&buffer[..count]);
            }
            if let Some(left) = &mut left {
                *left = left.saturating_sub(count as u64);
                if *left == 0 {
                    return Ok(true);
                }
            }
        }
    })();
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
    result.unwrap_or(false)
}

/// A proxy in front of the relay at `target` that answers requests for `path` itself. Returns its URL.
pub(crate) fn answering_for(path: &str, answer: &'static [u8], target: &str) -> String {
    let (request, target) = (format!("GET {path} ").into_bytes(), target.to_owned());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let (request, mut relay) = (request.clone(), TcpStream::connect(&target).unwrap());
            let back = (relay.try_clone().unwrap(), client.try_clone().unwrap());
            thread::spawn(move || pump(back.0, back.1, &Gate::default(), None, None));
            thread::spawn(move || {
                let mut buffer = vec![0; 16 << 10];
                // A client sends its next request after the answer to this one.
                while let Ok(count @ 1..) = client.peek(&mut buffer) {
                    if buffer[..count].starts_with(&request) {
                        return answer_once(client, answer);
                    }
                    if !request.starts_with(&buffer[..count]) {
                        let count = client.read(&mut buffer).unwrap_or(0);
                        if relay.write_all(&buffer[..count]).is_err() {
                            return;
                        }
                    }
                }
                let _ = relay.shutdown(Shutdown::Both);
            });
        }
    });
    url
}

/// Reads the head of a request, answers it, and closes the connection.
fn answer_once(mut client: TcpStream, answer: &[u8]) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && client.read(&mut byte).is_ok_and(|count| count == 1) {
        head.push(byte[0]);
    }
    let _ = client.write_all(answer);
    let _ = client.shutdown(Shutdown::Write);
    let _ = client.read_to_end(&mut Vec::new());
}

/// A server that gives the same answer to every request. Returns its URL.
pub(crate) fn answering(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            answer_once(client, answer);
        }
    });
    url
}
