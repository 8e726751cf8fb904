//! Interoperability with the `age` program, in both directions.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use bytes::BytesMut;
use share::blob::{PART_LEN, padded_len};
use share::seal;
use share::seal::{Lengths, SealError, Sealer, Unsealer};
use share::secret::{Flags, LinkSecret};

use crate::support::noise;

fn identity() -> (age::x25519::Identity, String) {
    use age::secrecy::ExposeSecret;
    let identity = LinkSecret::random(Flags::default()).keys(None).blob_identity;
    let text = identity.to_string().expose_secret().to_owned();
    (identity, text)
}

fn seal(plain: &[u8], identity: &age::x25519::Identity) -> (Vec<u8>, Lengths) {
    let mut sealer = Sealer::new(plain, identity).unwrap();
    let (mut blob, mut buffer, mut parts) = (Vec::new(), BytesMut::new(), 0);
    while sealer.next_part(&mut buffer).unwrap() {
        assert!(blob.len() % PART_LEN == 0, "only the last part is shorter");
        blob.extend_from_slice(&buffer);
        parts += 1;
    }
    let lengths = sealer.lengths().unwrap();
    assert_eq!(lengths.blob_len, blob.len() as u64);
    assert_eq!(parts, blob.len().div_ceil(PART_LEN));
    (blob, lengths)
}

/// Decrypts a blob that arrives in pieces of `piece` bytes.
fn open(mut blob: Vec<u8>, age_len: u64, identity: &age::x25519::Identity, piece: usize) -> Result<Vec<u8>, SealError> {
    let mut plain = Vec::new();
    let mut unsealer = Unsealer::new(identity, age_len);
    for piece in blob.chunks_mut(piece) {
        unsealer.push(piece, &mut plain)?;
    }
    unsealer.finish()?;
    Ok(plain)
}

const SIZES: [usize; 9] = [0, 1, 65_535, 65_536, 65_537, 131_072, PART_LEN - 300, PART_LEN, 2 * PART_LEN + 77];

#[test]
#[ignore = "needs age: tests/all"]
fn a_blob_opens_in_pieces_of_any_length() {
    let (identity, _) = identity();
    for size in SIZES {
        let plain = noise(size, 21);
        let (blob, lengths) = seal(&plain, &identity);
        assert_eq!(lengths.blob_len, padded_len(lengths.age_len));
        assert!(blob.len() as u64 <= seal::longest_blob(size as u64));
        for piece in [PART_LEN, 65_552, 65_551, 100_003] {
            assert!(open(blob.clone(), lengths.age_len, &identity, piece).unwrap() == plain, "{size} in {piece}");
        }
    }
    let (blob, lengths) = seal(b"short", &identity);
    assert_eq!(open(blob, lengths.age_len, &identity, 1).unwrap(), b"short");
}

#[test]
#[ignore = "needs age: tests/all"]
fn every_changed_or_missing_piece_is_detected() {
    let (identity, _) = identity();
    let plain = noise(1000, 22);
    let (blob, Lengths { age_len, .. }) = seal(&plain, &identity);
    let end = usize::try_from(age_len).unwrap();
    for at in 0..end {
        let mut changed = blob.clone();
        changed[at] ^= 0x20;
        assert!(open(changed, age_len, &identity, 4096).is_err(), "byte {at}");
    }
    for length in 0..end {
        assert!(open(blob[..length].to_vec(), length as u64, &identity, 4096).is_err(), "cut to {length}");
        assert!(open(blob[..length].to_vec(), age_len, &identity, 4096).is_err(), "ends at {length}");
    }
    // Chunks cut off, swapped or appended.
    let plain = noise(3 * 65_536, 23);
    let (blob, Lengths { age_len, .. }) = seal(&plain, &identity);
    let end = usize::try_from(age_len).unwrap();
    let chunk = 65_552;
    let head = end - 3 * chunk;
    assert!(open(blob[..end - chunk].to_vec(), (end - chunk) as u64, &identity, PART_LEN).is_err());
    let mut swapped = blob.clone();
    swapped.copy_within(head + chunk..head + 2 * chunk, head);
    assert!(open(swapped, age_len, &identity, PART_LEN).is_err());
    let longer = [&blob[..end], &blob[end - chunk..end]].concat();
    let length = longer.len() as u64;
    assert!(open(longer, length, &identity, PART_LEN).is_err());
    let (_, other) = (identity.clone(), LinkSecret::random(Flags::default()).keys(None).blob_identity);
    assert!(open(blob, age_len, &other, PART_LEN).is_err());
}

#[test]
#[ignore = "needs age: tests/all"]
fn a_hostile_header_is_refused_at_once() {
    let (identity, _) = identity();
    let start = std::time::Instant::now();
    let mut header = b"age-encryption.org/v1\n".to_vec();
    while header.len() < 65_536 {
        header.extend_from_slice(b"-> a\n");
    }
    header.extend_from_slice(format!("\n--- {}\n", "A".repeat(43)).as_bytes());
    for bytes in [header.clone(), header[..4096].to_vec(), b"-> a\n".repeat(13_000), vec![b'\n'; 65_536]] {
        assert!(seal::open_bytes(&bytes, &identity).is_err());
    }
    assert!(start.elapsed().as_secs() < 5);
}

#[test]
#[ignore = "needs age: tests/all"]
fn a_header_is_read_up_to_its_limit() {
    let (identity, _) = identity();
    let others: Vec<_> = (0..60).map(|_| LinkSecret::random(Flags::default()).keys(None).blob_identity).collect();
    for (count, fits) in [(10, true), (60, false)] {
        let recipients: Vec<_> =
            others[..count - 1].iter().chain([&identity]).map(age::x25519::Identity::to_public).collect();
        let to = recipients.iter().map(|recipient| recipient as &dyn age::Recipient);
        let mut sealed = Vec::new();
        let mut writer = age::Encryptor::with_recipients(to).unwrap().wrap_output(&mut sealed).unwrap();
        writer.write_all(b"for many").unwrap();
        writer.finish().unwrap();
        assert_eq!(seal::open_bytes(&sealed, &identity).is_ok(), fits, "{count} recipients");
    }
}

#[test]
#[ignore = "needs age: tests/all"]
fn the_age_program_decrypts_the_beginning_of_a_blob() {
    let directory = tempfile::TempDir::new().unwrap();
    let (identity, text) = identity();
    let key = directory.path().join("key");
    fs::write(&key, text).unwrap();
    for size in SIZES {
        let plain = noise(size, 24);
        let (blob, lengths) = seal(&plain, &identity);
        let mut age = Command::new("age")
            .args(["-d", "-i"])
            .arg(&key)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the age program: tests/setup installs it");
        let mut stdin = age.stdin.take().unwrap();
        let writer = std::thread::spawn(move || {
            stdin.write_all(&blob[..usize::try_from(lengths.age_len).unwrap()]).unwrap();
        });
        let output = age.wait_with_output().unwrap();
        writer.join().unwrap();
        assert!(output.status.success() && output.stdout == plain, "{size} bytes");
    }
}

#[test]
#[ignore = "needs age: tests/all"]
fn a_file_from_the_age_program_opens() {
    let directory = tempfile::TempDir::new().unwrap();
    let (identity, _) = identity();
    for size in SIZES {
        let plain = noise(size, 25);
        let (input, output) = (directory.path().join("in"), directory.path().join("out"));
        fs::write(&input, &plain).unwrap();
        let status = Command::new("age")
            .args(["-r", &identity.to_public().to_string(), "-o"])
            .args([&output, &input])
            .status()
            .expect("the age program: tests/setup installs it");
        assert!(status.success());
        let sealed = fs::read(&output).unwrap();
        let length = sealed.len() as u64;
        assert!(open(sealed, length, &identity, PART_LEN).unwrap() == plain, "{size} bytes");
    }
}
