//! A SOCKS5 proxy (RFC 1928) that answers as a test wants.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// The behavior of a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SocksReply {
    /// Requires a user name and a password.
    Password,
    /// Accepts no password.
    WrongPassword,
    /// Answers each request for a connection with this code.
    Code(u8),
    /// Closes the connection after it was asked.
    Closes,
    /// Speaks another protocol.
    OtherProtocol,
}

/// A proxy on this machine.
pub(crate) struct Socks {
    /// Its host and port.
    pub(crate) address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Socks {
    pub(crate) fn start(reply: SocksReply) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, asked) = (listener.local_addr().unwrap().to_string(), Arc::<Mutex<Vec<String>>>::default());
        let to_note = asked.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let to_note = to_note.clone();
                thread::spawn(move || answer(client, reply, &to_note));
            }
        });
        Self { address, asked }
    }

    /// The hosts that clients asked for.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn answer(mut client: TcpStream, reply: SocksReply, asked: &Mutex<Vec<String>>) -> io::Result<()> {
    if reply == SocksReply::OtherProtocol {
        let _ = client.read(&mut [0; 4096])?;
        return client.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    }
    let mut offer = [0; 2];
    client.read_exact(&mut offer)?;
    let mut methods = vec![0; offer[1].into()];
    client.read_exact(&mut methods)?;
    match reply {
        SocksReply::Password if !methods.contains(&2) => return client.write_all(&[5, 0xff]),
        SocksReply::Password | SocksReply::WrongPassword => {
            client.write_all(&[5, 2])?;
            let _ = client.read(&mut [0; 600])?;
            return client.write_all(&[1, u8::from(reply == SocksReply::WrongPassword)]);
        }
        _ => client.write_all(&[5, 0])?,
    }
    let mut request = [0; 4];
    client.read_exact(&mut request)?;
    let len = match request[3] {
        1 => 4,
        4 => 16,
        _ => {
            let mut len = [0];
            client.read_exact(&mut len)?;
            len[0].into()
        }
    };
    let mut host = vec![0; len];
    client.read_exact(&mut host)?;
    client.read_exact(&mut [0; 2])?;
    let name = if request[3] == 3 { String::from_utf8(host).unwrap() } else { format!("{host:?}") };
    asked.lock().unwrap().push(name);
    match reply {
        SocksReply::Code(code) => client.write_all(&[5, code, 0, 1, 0, 0, 0, 0, 0, 0]),
        _ => Ok(()),
    }
}
