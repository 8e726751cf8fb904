//! Decodes photos: within limits, upright, and no larger than the screen.

use std::io::Cursor;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use image::codecs::gif::GifDecoder;
use image::codecs::webp::WebPDecoder;
use image::imageops::FilterType;
use image::metadata::Orientation;
use image::{
    AnimationDecoder, DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, ImageResult, Limits, RgbaImage,
};

use crate::media::{HEAD_LEN, sniff};
use crate::platform::memory;

/// The largest width and height that are decoded, in pixels.
const MAX_SIDE: u32 = 1 << 15;
/// The most memory for decoding one picture, in bytes.
const MAX_DECODED: u64 = 512 << 20;
/// The most memory for all frames of an animation, at the size in which they are shown, in bytes.
const MAX_MOVING: usize = 256 << 20;
/// The most frames of an animation.
const MAX_FRAMES: usize = 10_000;
/// The longest time for decoding an animation.
const MAX_DECODING: Duration = Duration::from_secs(3);
/// The shortest delay of a frame.
const SHORTEST: Duration = Duration::from_millis(20);

/// Why a picture cannot be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// It has another format.
    #[error("the file is not a JPEG, PNG, WebP or GIF")]
    OtherKind,
    /// Decoding it would exceed the limits.
    #[error("the file is too large to decode")]
    TooLarge,
    /// It is incomplete, or not of the format that its first bytes name.
    #[error("the file is damaged")]
    Damaged,
}

/// A frame, and how long it stays.
pub(super) struct Frame {
    pub(super) image: RgbaImage,
    pub(super) delay: Duration,
}

/// A picture, still or animated.
pub(super) struct Picture {
    pub(super) frames: Vec<Frame>,
}

/// The format, from the picture's bytes. Its name and the sender's type are not trusted.
fn format(bytes: &[u8]) -> Option<ImageFormat> {
    match sniff(&bytes[..bytes.len().min(HEAD_LEN)], bytes.len() <= HEAD_LEN) {
        "image/jpeg" => Some(ImageFormat::Jpeg),
        "image/png" => Some(ImageFormat::Png),
        "image/webp" => Some(ImageFormat::WebP),
        "image/gif" => Some(ImageFormat::Gif),
        _ => None,
    }
}

/// Whether photos of a MIME type can be decoded here.
pub(super) fn is_decoded(mime: &str) -> bool {
    matches!(mime, "image/jpeg" | "image/png" | "image/webp" | "image/gif")
}

/// The most memory for decoding one picture now, in bytes: at most half of the free memory, because shrinking and
/// turning need as much again.
fn most() -> u64 {
    memory::free().map_or(MAX_DECODED, |free| free / 2).min(MAX_DECODED)
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(most());
    limits
}

impl From<ImageError> for DecodeError {
    fn from(error: ImageError) -> Self {
        if matches!(error, ImageError::Limits(_)) { Self::TooLarge } else { Self::Damaged }
    }
}

impl Picture {
    /// Decodes `bytes` to a width and height of at most `room` pixels. `stop` ends the decoding of an animation.
    pub(super) fn decode(bytes: &[u8], room: (u32, u32), stop: &AtomicBool) -> Result<Self, DecodeError> {
        let format = format(bytes).ok_or(DecodeError::OtherKind)?;
        let moving = match format {
            ImageFormat::Gif => {
                let mut decoder = GifDecoder::new(Cursor::new(bytes))?;
                decoder.set_limits(limits())?;
                expect_fit(&decoder)?;
                moving(decoder, room, stop)?
            }
            ImageFormat::WebP => {
                let mut decoder = WebPDecoder::new(Cursor::new(bytes))?;
                decoder.set_limits(limits())?;
                expect_fit(&decoder)?;
                if decoder.has_animation() { moving(decoder, room, stop)? } else { Vec::new() }
            }
            _ => Vec::new(),
        };
        if !moving.is_empty() {
            return Ok(Self { frames: moving });
        }
        let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
        reader.limits(limits());
        let mut decoder = reader.into_decoder()?;
        expect_fit(&decoder)?;
        let turned = decoder.orientation().unwrap_or(Orientation::NoTransforms);
        let mut image = DynamicImage::from_decoder(decoder)?;
        // Shrinks first, because turning copies the picture.
        let swapped = matches!(
            turned,
            Orientation::Rotate90 | Orientation::Rotate270 | Orientation::Rotate90FlipH | Orientation::Rotate270FlipH
        );
        image = fitted(image, if swapped { (room.1, room.0) } else { room });
        image.apply_orientation(turned);
        Ok(Self { frames: vec![Frame { image: image.into_rgba8(), delay: Duration::MAX }] })
    }

    pub(super) fn is_still(&self) -> bool {
        self.frames.len() < 2
    }
}

/// Checks the limits, since not every decoder enforces them. A frame of an animation has four bytes per pixel.
fn expect_fit(decoder: &impl ImageDecoder) -> Result<(), DecodeError> {
    let (width, height) = decoder.dimensions();
    let bytes = (u64::from(width) * u64::from(height)).saturating_mul(4).max(decoder.total_bytes());
    if width > MAX_SIDE || height > MAX_SIDE || bytes > most() { Err(DecodeError::TooLarge) } else { Ok(()) }
}

/// The frames of an animation, as many as memory and time allow.
fn moving<'a>(
    decoder: impl AnimationDecoder<'a> + ImageDecoder,
    room: (u32, u32),
    stop: &AtomicBool,
) -> ImageResult<Vec<Frame>> {
    let begun = Instant::now();
    let mut frames: Vec<Frame> = Vec::new();
    let room_left = usize::try_from(most()).unwrap_or(MAX_MOVING).min(MAX_MOVING);
    let mut used = 0;
    for frame in decoder.into_frames() {
        let frame = match frame {
            // Shows the frames before the damage.
            Err(_) if !frames.is_empty() => break,
            frame => frame?,
        };
        let delay = Duration::from(frame.delay()).max(SHORTEST);
        let image = fitted(DynamicImage::ImageRgba8(frame.into_buffer()), room).into_rgba8();
        used += image.as_raw().len();
        frames.push(Frame { image, delay });
        let is_enough = used > room_left || frames.len() >= MAX_FRAMES || begun.elapsed() > MAX_DECODING;
        if is_enough || stop.load(Ordering::SeqCst) {
            break;
        }
    }
    Ok(frames)
}

/// Shrinks a picture to fit, in the same aspect ratio.
fn fitted(image: DynamicImage, (width, height): (u32, u32)) -> DynamicImage {
    if image.width() <= width && image.height() <= height {
        return image;
    }
    image.resize(width.max(1), height.max(1), FilterType::Triangle)
}
