//! Linux and the BSDs: one message to the desktop's notification service, over the session bus (D-Bus specification
//! 0.43).
//!
//! `notify-send` and `gdbus` would put the text into their arguments, which every user of this computer can read.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use percent_encoding::percent_decode;
use socket2::{Domain, SockAddr, Socket, Type};

use super::message::Notification;

/// The longest message that is read, in bytes.
const MAX_MESSAGE: usize = 1 << 20;
/// The longest line of the authentication, in bytes.
const MAX_LINE: usize = 4096;

/// Types of messages, and fields of their headers.
const CALL: u8 = 1;
const RETURN: u8 = 2;
const ERROR: u8 = 3;
const PATH: u8 = 1;
const INTERFACE: u8 = 2;
const MEMBER: u8 = 3;
const DESTINATION: u8 = 6;
const SIGNATURE: u8 = 8;

/// The address of the session bus where the environment has none: the socket that systemd makes.
fn usual_address() -> OsString {
    format!("unix:path=/run/user/{}/bus", rustix::process::getuid().as_raw()).into()
}

/// Shows a notification by the service at the bus with this address, or at the usual one.
pub(super) fn show(address: Option<OsString>, notification: &Notification<'_>, within: Duration) -> io::Result<()> {
    let until = Instant::now() + within;
    let address = address.unwrap_or_else(usual_address);
    let mut bus = Bus { stream: connect(address.as_bytes())?, until };
    bus.authenticate()?;
    bus.call(1, &["/org/freedesktop/DBus", "org.freedesktop.DBus", "Hello", "org.freedesktop.DBus"], None)?;
    let service = "org.freedesktop.Notifications";
    let body = notify_body(notification);
    bus.call(2, &["/org/freedesktop/Notifications", service, "Notify", service], Some(("susssasa{sv}i", &body)))
}

/// Connects to the first address of a list that can be used.
fn connect(addresses: &[u8]) -> io::Result<UnixStream> {
    let mut failed = io::Error::other("the session bus has no address that can be used");
    for address in addresses.split(|byte| *byte == b';') {
        let Some(keys) = address.strip_prefix(b"unix:") else { continue };
        for pair in keys.split(|byte| *byte == b',') {
            let connected = if let Some(path) = pair.strip_prefix(b"path=") {
                let path: Vec<u8> = percent_decode(path).collect();
                connect_now(&path)
            } else if let Some(name) = pair.strip_prefix(b"abstract=") {
                let name: Vec<u8> = percent_decode(name).collect();
                connect_now(&[&[0], &*name].concat())
            } else {
                continue;
            };
            match connected {
                Ok(stream) => return Ok(stream),
                Err(error) => failed = error,
            }
        }
    }
    Err(failed)
}

/// Connects without waiting: a bus that no longer accepts connections would let this block for ever. A name that begins
/// with NUL is abstract.
fn connect_now(path: &[u8]) -> io::Result<UnixStream> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.connect(&SockAddr::unix(OsStr::from_bytes(path))?)?;
    socket.set_nonblocking(false)?;
    Ok(OwnedFd::from(socket).into())
}

/// The arguments of `Notify`.
fn notify_body(notification: &Notification<'_>) -> Vec<u8> {
    let escaped = notification.body.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let mut body = Writer::default();
    body.string(notification.app);
    // It replaces no other one, and has no icon.
    body.number(0);
    body.string("");
    body.string(notification.summary);
    body.string(&escaped);
    // No actions.
    body.number(0);
    body.array(|hints| {
        hints.align(8);
        hints.string("urgency");
        hints.signature("y");
        hints.0.push(1);
        hints.align(8);
        hints.string("category");
        hints.signature("s");
        hints.string(notification.category);
    });
    // -1: for as long as the service likes.
    body.number(u32::MAX);
    body.0
}

/// Values in the bus's format, least significant byte first. Each is aligned from the start.
#[derive(Default)]
struct Writer(Vec<u8>);

impl Writer {
    fn align(&mut self, to: usize) {
        self.0.resize(self.0.len().next_multiple_of(to), 0);
    }

    fn number(&mut self, number: u32) {
        self.align(4);
        self.0.extend(number.to_le_bytes());
    }

    fn string(&mut self, text: &str) {
        self.number(u32::try_from(text.len()).unwrap_or(u32::MAX));
        self.0.extend(text.bytes().chain([0]));
    }

    fn signature(&mut self, text: &str) {
        self.0.push(u8::try_from(text.len()).unwrap_or(u8::MAX));
        self.0.extend(text.bytes().chain([0]));
    }

    /// An array of structures or of dictionary entries. Its length does not count the padding before the first one.
    fn array(&mut self, write: impl FnOnce(&mut Self)) {
        self.number(0);
        let at = self.0.len();
        self.align(8);
        let start = self.0.len();
        write(self);
        let len = u32::try_from(self.0.len() - start).unwrap_or(u32::MAX);
        self.0[at - 4..at].copy_from_slice(&len.to_le_bytes());
    }
}

/// A call of a method: its path, interface, name and destination, and its arguments with their types.
fn call(serial: u32, target: &[&str; 4], arguments: Option<(&str, &[u8])>) -> Vec<u8> {
    let body = arguments.map_or(&[][..], |(_, body)| body);
    let mut message = Writer(vec![b'l', CALL, 0, 1]);
    message.number(u32::try_from(body.len()).unwrap_or(u32::MAX));
    message.number(serial);
    message.array(|fields| {
        for (code, text) in [PATH, INTERFACE, MEMBER, DESTINATION].into_iter().zip(target) {
            fields.align(8);
            fields.0.push(code);
            fields.signature(if code == PATH { "o" } else { "s" });
            fields.string(text);
        }
        if let Some((types, _)) = arguments {
            fields.align(8);
            fields.0.push(SIGNATURE);
            fields.signature("g");
            fields.signature(types);
        }
    });
    message.align(8);
    message.0.extend_from_slice(body);
    message.0
}

/// A connection to a bus, until a time.
struct Bus {
    stream: UnixStream,
    until: Instant,
}

impl Bus {
    /// Proves to the bus who we are: it asks the kernel for the user of this socket.
    fn authenticate(&mut self) -> io::Result<()> {
        let user = rustix::process::getuid().as_raw().to_string();
        // Digits in ASCII, in hexadecimal.
        let hex: String = user.chars().flat_map(|digit| ['3', digit]).collect();
        self.write(format!("\0AUTH EXTERNAL {hex}\r\n").as_bytes())?;
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") {
            if line.len() >= MAX_LINE {
                return Err(io::ErrorKind::InvalidData.into());
            }
            let mut byte = [0];
            self.read(&mut byte)?;
            line.push(byte[0]);
        }
        if !line.starts_with(b"OK ") {
            return Err(io::Error::other("the session bus belongs to another user"));
        }
        self.write(b"BEGIN\r\n")
    }

    /// Calls a method, and waits for the reply. One call is under way at a time, so the next reply belongs to it.
    fn call(&mut self, serial: u32, target: &[&str; 4], arguments: Option<(&str, &[u8])>) -> io::Result<()> {
        self.write(&call(serial, target, arguments))?;
        loop {
            match self.message()? {
                RETURN => return Ok(()),
                ERROR => return Err(io::Error::other("no service for notifications answers at the session bus")),
                // A signal.
                _ => {}
            }
        }
    }

    /// Reads a message. Returns its type.
    fn message(&mut self) -> io::Result<u8> {
        let mut head = [0; 16];
        self.read(&mut head)?;
        let number = |at: usize| {
            let bytes = [head[at], head[at + 1], head[at + 2], head[at + 3]];
            let number = if head[0] == b'B' { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) };
            usize::try_from(number).ok().filter(|len| *len <= MAX_MESSAGE).ok_or(io::ErrorKind::InvalidData)
        };
        let (body, fields) = (number(4)?, number(12)?);
        self.read(&mut vec![0; fields.next_multiple_of(8) + body])?;
        Ok(head[1])
    }

    fn read(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        let mut filled = 0;
        while filled < bytes.len() {
            self.stream.set_read_timeout(Some(self.left()?))?;
            match self.stream.read(&mut bytes[filled..])? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => filled += count,
            }
        }
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.set_write_timeout(Some(self.left()?))?;
        self.stream.write_all(bytes)
    }

    fn left(&self) -> io::Result<Duration> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
    }
}
