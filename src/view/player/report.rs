//! Reports of mpv on the file that it plays, through its JSON interface on an inherited socket.
//!
//! Its exit status is no proof of a picture: if mpv cannot decode the picture of a video, it plays the sound in a black
//! window and succeeds.

use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::platform::inherited::{Channel, Inherited};

/// The option for the socket, which mpv 0.33 and later have.
const OPTION: &str = "--input-ipc-client";
/// Numbers of the observed properties.
const TRACKS: u64 = 1;
const PICTURES: u64 = 2;
const SOUND: u64 = 3;
/// The longest report that is kept, in bytes.
const MAX_REPORT: usize = 1 << 20;

/// The part of a file that a player has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shows {
    /// Nothing yet.
    Nothing,
    /// Sound, while its picture was not decoded.
    SoundOnly,
    /// A picture; or sound, if there is no picture.
    All,
}

/// Our end of the socket, and the reports so far.
pub(super) struct Report {
    socket: Channel,
    pending: Vec<u8>,
    has_pictures: bool,
    pictures: bool,
    sound: bool,
}

/// Whether this mpv can report.
pub(super) fn is_possible(program: &Path) -> bool {
    let options = Command::new(program).args(["--no-config", "--list-options"]).stdin(Stdio::null()).output();
    options.is_ok_and(|options| String::from_utf8_lossy(&options.stdout).contains(OPTION))
}

impl Report {
    /// Asks for reports. Also returns the end of the socket that mpv inherits.
    pub(super) fn begin() -> io::Result<(Self, Inherited)> {
        let (mut socket, inherited) = Channel::pair()?;
        for (number, name) in [(TRACKS, "track-list"), (PICTURES, "video-params"), (SOUND, "audio-params")] {
            writeln!(socket, "{}", json!({ "command": ["observe_property", number, name] }))?;
        }
        Ok((Self { socket, pending: Vec::new(), has_pictures: false, pictures: false, sound: false }, inherited))
    }

    /// Reads the reports that have arrived.
    pub(super) fn listen(&mut self) {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = self.socket.read(&mut buffer) {
            self.pending.extend_from_slice(&buffer[..count]);
            while let Some(end) = self.pending.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.pending.drain(..=end).collect();
                if let Ok(event) = serde_json::from_slice(&line) {
                    self.note(&event);
                }
            }
            if self.pending.len() > MAX_REPORT {
                self.pending.clear();
            }
        }
    }

    fn note(&mut self, event: &Value) {
        let data = &event["data"];
        if event["event"] != "property-change" || data.is_null() {
            return;
        }
        match event["id"].as_u64() {
            Some(TRACKS) => {
                // A cover picture is no video.
                let is_film = |track: &Value| track["type"] == "video" && track["albumart"] != true;
                self.has_pictures |= data.as_array().is_some_and(|tracks| tracks.iter().any(is_film));
            }
            // Width and height may come from the file. Only a decoder sets the pixel format.
            Some(PICTURES) => self.pictures |= data["pixelformat"].is_string(),
            Some(SOUND) => self.sound = true,
            _ => {}
        }
    }

    /// The part that was shown so far.
    pub(super) fn shows(&self) -> Shows {
        match (self.has_pictures, self.pictures, self.sound) {
            (_, true, _) | (false, _, true) => Shows::All,
            (true, false, true) => Shows::SoundOnly,
            (_, false, false) => Shows::Nothing,
        }
    }
}
