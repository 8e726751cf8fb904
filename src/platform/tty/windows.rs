//! The console of Windows. Keys are read as events: `ReadFile` returns text in the console's code page, which lacks
//! characters. Text is written as UTF-16 for the same reason.

use std::io::{self, IsTerminal};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use crossterm_winapi::{Console, ConsoleMode, Handle, HandleType, InputRecord, ScreenBuffer};
use zeroize::Zeroizing;

use crate::platform::tty::line::{Line, SPACE, Step, Units};
use crate::platform::tty::looking::look_for_input;
use crate::platform::tty::size::Size;

/// Bits of the input's mode: Ctrl-C is a signal, input in lines, echo, and keys as escape sequences.
const PROCESSED_INPUT: u32 = 0x1;
const LINE_INPUT: u32 = 0x2;
const ECHO_INPUT: u32 = 0x4;
const VIRTUAL_TERMINAL_INPUT: u32 = 0x200;
/// Bits of the screen's mode: control characters and escape sequences are followed.
const PROCESSED_OUTPUT: u32 = 0x1;
const VIRTUAL_TERMINAL_PROCESSING: u32 = 0x4;
/// The virtual key Alt. A character that was typed by its number comes when it is released.
const ALT: u16 = 0x12;
/// Bytes that are written at once: as many as the standard library writes.
const PIECE: usize = 8192;

/// A stream that may be a console. A process has one console.
pub trait Stream {}

impl<T> Stream for T {}

pub(super) struct Terminal {
    input: Handle,
    output: Handle,
    arrived: Arc<Mutex<Arrived>>,
    /// The beginning of a character that was not written whole.
    begun: Zeroizing<Vec<u8>>,
}

/// Keys that were taken from the console.
struct Arrived {
    units: Units,
    line: Line,
    /// Typed bytes in UTF-8 that nobody has read yet.
    bytes: Zeroizing<Vec<u8>>,
}

impl Default for Arrived {
    fn default() -> Self {
        let bytes = Zeroizing::new(Vec::with_capacity(SPACE));
        Self { units: Units::default(), line: Line::default(), bytes }
    }
}

/// The modes of a console's input and of its screen. In lines, and with echo, the keys are read as events all the same.
#[derive(Clone)]
pub(super) struct Mode {
    input: u32,
    output: u32,
}

pub(super) fn is_controlled_by(_: &Path) -> bool {
    false
}

/// With `TERM`, the terminal may also be a pipe of MSYS.
pub(super) fn follows_sequences(kind: &str) -> bool {
    static CONSOLE: OnceLock<bool> = OnceLock::new();
    let console = CONSOLE.get_or_init(|| {
        let handle = Handle::new(HandleType::CurrentOutputHandle);
        handle.map(ConsoleMode::from).and_then(|console| console.set_mode(followed(console.mode()?))).is_ok()
    });
    *console || !kind.is_empty()
}

/// Whether a person may see the console. Services, scheduled tasks and the windows of MSYS have one that nobody sees;
/// in it a question would wait forever. There none of the standard streams is a console.
fn is_seen() -> bool {
    let is_console = |stream| Handle::new(stream).is_ok_and(|handle| ConsoleMode::from(handle).mode().is_ok());
    let is_msys = std::env::var_os("MSYSTEM").is_some();
    [HandleType::InputHandle, HandleType::OutputHandle].into_iter().any(is_console)
        || (!is_msys && io::stderr().is_terminal())
}

/// The mode of a screen that follows escape sequences.
fn followed(output: u32) -> u32 {
    output | PROCESSED_OUTPUT | VIRTUAL_TERMINAL_PROCESSING
}

pub(super) fn extent(_: &impl Stream) -> (u16, u16) {
    ScreenBuffer::current().map_or((0, 0), |screen| shown(&screen))
}

/// Columns and rows of the visible part of a screen.
fn shown(screen: &ScreenBuffer) -> (u16, u16) {
    let Ok(info) = screen.info() else { return (0, 0) };
    let window = info.terminal_window();
    let len = |from: i16, to: i16| u16::try_from(i32::from(to) - i32::from(from) + 1).unwrap_or(0);
    (len(window.left, window.right), len(window.top, window.bottom))
}

/// Whether keys have arrived is looked up: the calls that wait are unsafe.
pub(super) fn wait_for_input(terminal: &Terminal, longest: Duration) -> io::Result<bool> {
    look_for_input(longest, || terminal.pending())
}

impl Terminal {
    pub(super) fn open() -> io::Result<Self> {
        if !is_seen() {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let (input, output) = (HandleType::CurrentInputHandle, HandleType::CurrentOutputHandle);
        let (input, output) = (Handle::new(input)?, Handle::new(output)?);
        Ok(Self { input, output, arrived: Arc::default(), begun: Zeroizing::default() })
    }

    pub(super) fn open_to_write() -> io::Result<Self> {
        Self::open()
    }

    pub(super) fn try_clone(&self) -> io::Result<Self> {
        let (input, output, arrived) = (self.input.clone(), self.output.clone(), self.arrived.clone());
        Ok(Self { input, output, arrived, begun: Zeroizing::default() })
    }

    pub(super) fn size(&self) -> Option<Size> {
        let (columns, rows) = shown(&ScreenBuffer::from(self.output.clone()));
        (columns > 0 && rows > 0).then_some(Size { columns, rows, cell: None })
    }

    pub(super) fn mode(&self) -> io::Result<Mode> {
        let mode = |handle: &Handle| ConsoleMode::from(handle.clone()).mode();
        Ok(Mode { input: mode(&self.input)?, output: mode(&self.output)? })
    }

    pub(super) fn set_mode(&self, mode: &Mode, flush: bool) -> io::Result<()> {
        let screen = ConsoleMode::from(self.output.clone());
        let before = screen.mode()?;
        screen.set_mode(mode.output)?;
        ConsoleMode::from(self.input.clone()).set_mode(mode.input).inspect_err(|_| drop(screen.set_mode(before)))?;
        if flush { self.forget_input() } else { Ok(()) }
    }

    pub(super) fn forget_input(&self) -> io::Result<()> {
        while self.pending()? > 0 {
            *self.arrived() = Arrived::default();
        }
        Ok(())
    }

    /// The number of bytes that have arrived.
    pub(super) fn pending(&self) -> io::Result<u64> {
        let console = Console::from(self.input.clone());
        while console.number_of_console_input_events()? > 0 {
            let typed = self.typed(&console.read_single_input_event()?);
            self.arrived().bytes.extend_from_slice(typed.as_bytes());
        }
        Ok(self.arrived().bytes.len() as u64)
    }

    pub(super) fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let mode = self.mode()?;
        if mode.has_single_keys() {
            self.pending()?;
        } else if self.arrived().bytes.is_empty() {
            self.wait_for_line(mode.input & ECHO_INPUT != 0)?;
        }
        let bytes = &mut self.arrived().bytes;
        let count = bytes.len().min(space.len());
        space[..count].copy_from_slice(&bytes[..count]);
        bytes.drain(..count);
        Ok(count)
    }

    /// Writes the first [`PIECE`] bytes.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let piece = &bytes[..bytes.len().min(PIECE)];
        let mut text = Zeroizing::new(Vec::with_capacity(self.begun.len() + piece.len()));
        text.extend_from_slice(&self.begun);
        text.extend_from_slice(piece);
        let whole = match std::str::from_utf8(&text) {
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            _ => text.len(),
        };
        self.begun = Zeroizing::new(text[whole..].to_vec());
        let text = Zeroizing::new(String::from_utf8_lossy(&text[..whole]).into_owned());
        if !text.is_empty() {
            Console::from(self.output.clone()).write_char_buffer(text.as_bytes())?;
        }
        Ok(piece.len())
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn arrived(&self) -> MutexGuard<'_, Arrived> {
        self.arrived.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The characters of an event: those of a pressed key, and one that was typed by its number.
    fn typed(&self, event: &InputRecord) -> Zeroizing<String> {
        let mut typed = Zeroizing::new(String::new());
        if let InputRecord::KeyEvent(key) = event
            && key.u_char != 0
            && (key.key_down || key.virtual_key_code == ALT)
        {
            for _ in 0..key.repeat_count.max(1) {
                typed.extend(self.arrived().units.next(key.u_char));
            }
        }
        typed
    }

    /// Waits for a line, and no further. The lock is free meanwhile.
    fn wait_for_line(&mut self, is_shown: bool) -> io::Result<()> {
        let console = Console::from(self.input.clone());
        loop {
            let typed = self.typed(&console.read_single_input_event()?);
            for c in typed.chars() {
                let step = self.arrived().line.push(c);
                match step {
                    Step::Echo(text) if is_shown => _ = self.write(text.as_bytes())?,
                    Step::Echo(_) => {}
                    Step::Done => {
                        let line = self.arrived().line.take();
                        self.arrived().bytes.extend_from_slice(line.as_bytes());
                        self.write(b"\r\n")?;
                        return Ok(());
                    }
                }
            }
        }
    }
}

impl Mode {
    pub(super) fn raw(&self) -> Self {
        let input = self.input & !(PROCESSED_INPUT | LINE_INPUT | ECHO_INPUT) | VIRTUAL_TERMINAL_INPUT;
        Self { input, output: followed(self.output) }
    }

    pub(super) fn hidden(&self) -> Self {
        // A key as an escape sequence would become part of a hidden answer.
        Self { input: self.input & !(ECHO_INPUT | VIRTUAL_TERMINAL_INPUT), output: self.output }
    }

    pub(super) fn has_single_keys(&self) -> bool {
        self.input & LINE_INPUT == 0
    }
}
