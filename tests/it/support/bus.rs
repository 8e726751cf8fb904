//! A private session bus with a service for notifications, which answers every call of `Notify`. `busctl` records
//! the calls.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::sandbox::Sandbox;
use super::time_limit::TIME_LIMIT;

/// A bus. Dropping it stops the bus.
pub(crate) struct Bus {
    pub(crate) address: String,
    daemon: Child,
    monitor: Child,
    seen: std::path::PathBuf,
}

impl Bus {
    pub(crate) fn start(sandbox: &Sandbox) -> Self {
        let address = format!("unix:path={}", sandbox.path("bus").display());
        let mut daemon = Command::new("dbus-daemon");
        daemon.args(["--session", "--nofork", "--nopidfile", "--print-address=1"]).arg(format!("--address={address}"));
        let mut daemon = daemon.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(daemon.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let seen = sandbox.path("notified");
        let mut monitor = Command::new("busctl");
        monitor.arg(format!("--address={address}")).args(["--json=short", "monitor", "--match", "member='Notify'"]);
        let out = File::create(&seen).unwrap();
        let mut monitor = monitor.stdout(out).stderr(Stdio::piped()).spawn().unwrap();
        BufReader::new(monitor.stderr.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.contains("Monitoring"), "{line}");
        Self { address, daemon, monitor, seen }
    }

    /// Serves notifications until the bus is stopped.
    pub(crate) fn serve(&self) {
        let mut service = Service::connect(self.address.strip_prefix("unix:path=").unwrap());
        service.call(1, "Hello", &[]);
        let name = "org.freedesktop.Notifications";
        // A string and the flags 0.
        let len = u32::try_from(name.len()).unwrap().to_le_bytes();
        let mut body = [&len[..], name.as_bytes(), &[0]].concat();
        body.resize(body.len().next_multiple_of(4) + 4, 0);
        service.call(2, "RequestName", &body);
        // The answers to both.
        for serial in [1, 2] {
            while service.read().unwrap().reply_to != Some(serial) {}
        }
        std::thread::spawn(move || {
            while let Some(message) = service.read() {
                if message.kind == 1 {
                    service.answer(&message);
                }
            }
        });
    }

    /// The calls of `Notify` so far, once there are `count`.
    pub(crate) fn notified(&self, count: usize) -> Vec<serde_json::Value> {
        let begun = Instant::now();
        loop {
            let text = std::fs::read_to_string(&self.seen).unwrap();
            let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
            let calls: Vec<serde_json::Value> = whole.map(|line| serde_json::from_str(line).unwrap()).collect();
            if calls.len() >= count {
                return calls;
            }
            assert!(begun.elapsed() < TIME_LIMIT, "{text}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        for child in [&mut self.monitor, &mut self.daemon] {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A received message.
struct Message {
    kind: u8,
    serial: u32,
    reply_to: Option<u32>,
    sender: String,
}

/// A connection to the bus, in the format of little-endian machines.
struct Service(UnixStream);

impl Service {
    fn connect(path: &str) -> Self {
        let mut stream = UnixStream::connect(path).unwrap();
        stream.write_all(b"\0AUTH EXTERNAL\r\nDATA\r\n").unwrap();
        // The bus asks for the name of the user, and takes none for that of the socket.
        let mut lines = BufReader::new(stream.try_clone().unwrap());
        let mut line = String::new();
        while !line.starts_with("OK ") {
            line.clear();
            assert!(lines.read_line(&mut line).unwrap() > 0, "the bus refuses us");
        }
        stream.write_all(b"BEGIN\r\n").unwrap();
        Self(stream)
    }

    fn send(&mut self, kind: u8, serial: u32, fields: &[(u8, &str, Vec<u8>)], body: &[u8]) {
        let mut bytes = Vec::new();
        for (code, types, value) in fields {
            bytes.resize(bytes.len().next_multiple_of(8), 0);
            bytes.extend([&[*code, u8::try_from(types.len()).unwrap()], types.as_bytes(), &[0], value].concat());
        }
        let len = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap().to_le_bytes();
        let mut message = [&[b'l', kind, 0, 1][..], &len(body), &serial.to_le_bytes(), &len(&bytes), &bytes].concat();
        message.resize(message.len().next_multiple_of(8), 0);
        message.extend(body);
        self.0.write_all(&message).unwrap();
    }

    fn call(&mut self, serial: u32, member: &str, body: &[u8]) {
        let bus = "org.freedesktop.DBus";
        let mut fields = vec![
            (1, "o", text("/org/freedesktop/DBus")),
            (2, "s", text(bus)),
            (3, "s", text(member)),
            (6, "s", text(bus)),
        ];
        if !body.is_empty() {
            fields.push((8, "g", b"\x02su\0".to_vec()));
        }
        self.send(1, serial, &fields, body);
    }

    /// Answers a call with the number 1.
    fn answer(&mut self, call: &Message) {
        let reply_to = call.serial.to_le_bytes().to_vec();
        let fields = [(5, "u", reply_to), (6, "s", text(&call.sender)), (8, "g", b"\x01u\0".to_vec())];
        self.send(2, 100 + call.serial, &fields, &1u32.to_le_bytes());
    }

    /// The next message. `None`: the bus has stopped.
    fn read(&mut self) -> Option<Message> {
        let mut head = [0; 16];
        self.0.read_exact(&mut head).ok()?;
        let number = |bytes: &[u8], at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
        let (body, fields) = (number(&head, 4) as usize, number(&head, 12) as usize);
        let mut rest = vec![0; fields.next_multiple_of(8) + body];
        self.0.read_exact(&mut rest).ok()?;
        let mut message = Message { kind: head[1], serial: number(&head, 8), reply_to: None, sender: String::new() };
        let mut at = 0;
        while at < fields {
            let len = match rest[at + 2] {
                b'u' => 8,
                b'g' => 4 + usize::from(rest[at + 4]) + 2,
                _ => 8 + number(&rest, at + 4) as usize + 1,
            };
            match rest[at] {
                5 => message.reply_to = Some(number(&rest, at + 4)),
                7 => message.sender = String::from_utf8(rest[at + 8..at + len - 1].to_vec()).unwrap(),
                _ => {}
            }
            at = (at + len).next_multiple_of(8);
        }
        Some(message)
    }
}

/// A string in a field.
fn text(text: &str) -> Vec<u8> {
    [&u32::try_from(text.len()).unwrap().to_le_bytes()[..], text.as_bytes(), &[0]].concat()
}
