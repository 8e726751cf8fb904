//! The PROXY protocol, versions 1 and 2: a trusted proxy names the client at the beginning of a connection.

use std::io;
use std::time::Duration;

use ppp::{HeaderResult, PartialResult, v1, v2};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::proxies::Announced;

/// Bytes of the longest accepted header. One of version 2 can be longer, but names the client near its beginning, and
/// proxies add a few hundred bytes.
const LONGEST: usize = 4 << 10;
/// Bytes of the longest header of version 1, which is a line.
const LONGEST_LINE: usize = 107;
/// The first bytes of each version.
const SIGNATURES: [&[u8]; 2] = [b"PROXY ", b"\r\n\r\n\0\r\nQUIT\n"];
/// Time between two looks at a header of which a piece is missing. Proxies send it in one piece.
const NEXT_LOOK: Duration = Duration::from_millis(20);

/// The beginning of a connection.
#[derive(Debug, PartialEq, Eq)]
enum Beginning {
    /// A header of this many bytes.
    Header(usize, Announced),
    /// More bytes decide.
    Incomplete,
    /// Not a header.
    Other,
}

/// Reads the header at the beginning of a connection, and nothing else. `None` if there is none.
///
/// # Errors
/// Those of the connection, and a malformed header.
pub(in crate::relay::server) async fn read(stream: &mut TcpStream) -> io::Result<Option<Announced>> {
    let mut bytes = vec![0; LONGEST];
    let mut seen = 0;
    loop {
        let len = stream.peek(&mut bytes).await?;
        match parse(&bytes[..len])? {
            Beginning::Header(len, announced) => {
                stream.read_exact(&mut bytes[..len]).await?;
                return Ok(Some(announced));
            }
            Beginning::Other => return Ok(None),
            // The connection has ended, or what is here already can be seen again at once.
            Beginning::Incomplete if len == 0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            Beginning::Incomplete if len == LONGEST => return Err(io::ErrorKind::InvalidData.into()),
            Beginning::Incomplete => {
                if len == seen {
                    sleep(NEXT_LOOK).await;
                }
                seen = len;
            }
        }
    }
}

fn parse(bytes: &[u8]) -> io::Result<Beginning> {
    let is_beginning = |signature: &&[u8]| bytes.starts_with(signature) || signature.starts_with(bytes);
    if !SIGNATURES.iter().any(is_beginning) {
        return Ok(Beginning::Other);
    }
    // A piece of a line can look malformed.
    let is_line = bytes.starts_with(SIGNATURES[0]);
    let is_cut = is_line && bytes.len() < LONGEST_LINE && !bytes.contains(&b'\n');
    let header = HeaderResult::parse(bytes);
    if is_cut || header.is_incomplete() {
        return Ok(Beginning::Incomplete);
    }
    let malformed = || io::Error::from(io::ErrorKind::InvalidData);
    Ok(match header {
        HeaderResult::V1(header) => {
            let header = header.map_err(|_| malformed())?;
            let announced = match header.addresses {
                v1::Addresses::Tcp4(addresses) => Announced::Client(addresses.source_address.into()),
                v1::Addresses::Tcp6(addresses) => Announced::Client(addresses.source_address.into()),
                v1::Addresses::Unknown => Announced::Unknown,
            };
            Beginning::Header(header.header.len(), announced)
        }
        HeaderResult::V2(header) => {
            let header = header.map_err(|_| malformed())?;
            let announced = match (header.command, &header.addresses) {
                (v2::Command::Proxy, v2::Addresses::IPv4(addresses)) => {
                    Announced::Client(addresses.source_address.into())
                }
                (v2::Command::Proxy, v2::Addresses::IPv6(addresses)) => {
                    Announced::Client(addresses.source_address.into())
                }
                (v2::Command::Local, _) => Announced::Proxy,
                (v2::Command::Proxy, _) => Announced::Unknown,
            };
            Beginning::Header(header.as_bytes().len(), announced)
        }
    })
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    use super::*;

    /// A header of version 2: command and family as bytes, then the payload.
    fn version_2(command: u8, family: u8, payload: &[u8]) -> Vec<u8> {
        let len = u16::try_from(payload.len()).unwrap().to_be_bytes();
        [SIGNATURES[1], &[0x20 | command, family], &len, payload].concat()
    }

    fn ipv4_payload() -> Vec<u8> {
        vec![192, 0, 2, 1, 10, 0, 0, 1, 0x12, 0x34, 0, 80]
    }

    fn announced(bytes: &[u8]) -> Option<Announced> {
        match parse(bytes).ok()? {
            Beginning::Header(len, announced) if len == bytes.len() => Some(announced),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn both_versions_name_the_client() {
        let client = |ip: &str| Some(Announced::Client(ip.parse().unwrap()));
        assert_eq!(announced(b"PROXY TCP4 192.0.2.1 10.0.0.1 4711 80\r\n"), client("192.0.2.1"));
        assert_eq!(announced(b"PROXY TCP6 2001:db8::1 2001:db8::2 4711 80\r\n"), client("2001:db8::1"));
        assert_eq!(announced(&version_2(1, 0x11, &ipv4_payload())), client("192.0.2.1"));
        let six: Vec<u8> = "2001:db8::1".parse::<std::net::Ipv6Addr>().unwrap().octets().into();
        assert_eq!(announced(&version_2(1, 0x21, &[&six[..], &six, &[0; 4]].concat())), client("2001:db8::1"));
        // With further values behind the addresses.
        assert_eq!(announced(&version_2(1, 0x11, &[&ipv4_payload()[..], &[4, 0, 1, 0]].concat())), client("192.0.2.1"));
    }

    #[test]
    fn a_proxy_may_name_nobody() {
        for header in [
            &b"PROXY UNKNOWN\r\n"[..],
            b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n",
            &version_2(1, 0, &[]),
            &version_2(1, 0x31, &[0; 216]),
        ] {
            assert_eq!(announced(header), Some(Announced::Unknown), "{header:?}");
        }
        for header in [version_2(0, 0, &[]), version_2(0, 0x11, &ipv4_payload())] {
            assert_eq!(announced(&header), Some(Announced::Proxy), "{header:?}");
        }
    }

    #[test]
    fn a_request_is_no_header_and_a_damaged_header_no_request() {
        for request in
            [&b"GET / HTTP/1.1\r\n"[..], b"PUT /v1/part/0", b"POST", b"PRI * HTTP/2.0", &[22, 3, 1], b"\r\nGET"]
        {
            assert_eq!(parse(request).unwrap(), Beginning::Other, "{request:?}");
        }
        for damaged in [
            &b"PROXY TCP4 192.0.2.1.5 10.0.0.1 4711 80\r\n"[..],
            b"PROXY TCP4 2001:db8::1 10.0.0.1 4711 80\r\n",
            b"PROXY / HTTP/1.1\r\n",
            &version_2(7, 0x11, &ipv4_payload()),
            &version_2(1, 0x11, &[0; 3]),
        ] {
            assert!(parse(damaged).is_err(), "{damaged:?}");
        }
        for whole in [&b"PROXY TCP4 192.0.2.1 10.0.0.1 4711 80\r\n"[..], &version_2(1, 0x11, &ipv4_payload())] {
            for len in 0..whole.len() {
                assert_eq!(parse(&whole[..len]).unwrap(), Beginning::Incomplete, "{len} of {whole:?}");
            }
        }
    }

    #[tokio::test]
    async fn the_request_behind_the_header_stays_in_the_connection() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let header = b"PROXY TCP4 192.0.2.1 10.0.0.1 4711 80\r\n";
        for (pieces, expected) in [
            (&[&header[..], b"GET"][..], Some(Announced::Client([192, 0, 2, 1].into()))),
            (&[&header[..7], &header[7..30], &header[30..], b"GET"], Some(Announced::Client([192, 0, 2, 1].into()))),
            (&[b"GET"], None),
        ] {
            let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            client.set_nodelay(true).unwrap();
            let (mut stream, _) = listener.accept().await.unwrap();
            let writes = async {
                for piece in pieces {
                    client.write_all(piece).await.unwrap();
                    sleep(NEXT_LOOK).await;
                }
                client.shutdown().await.unwrap();
            };
            let (announced, ()) = tokio::join!(read(&mut stream), writes);
            assert_eq!(announced.unwrap(), expected);
            let mut rest = Vec::new();
            stream.read_to_end(&mut rest).await.unwrap();
            assert_eq!(rest, b"GET");
        }
    }
}
