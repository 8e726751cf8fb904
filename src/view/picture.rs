//! A photo as it is meant to be seen: decoded under limits, turned the right way, and no larger than the screen.

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
use crate::view::room;

/// The largest width and height that are decoded, in pixels.
const MAX_SIDE: u32 = 1 << 15;
/// The most memory that decoding one picture may take, in bytes.
const MAX_DECODED: u64 = 512 << 20;
/// What all pictures of an animation may take, at the size in which they are shown, in bytes.
const MAX_MOVING: usize = 256 << 20;
/// The most pictures of an animation.
const MAX_FRAMES: usize = 10_000;
/// How long decoding an animation may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// The shortest time that a picture of an animation stays.
const SHORTEST: Duration = Duration::from_millis(20);

/// Why a picture is not shown.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unseen {
    /// Nothing that is decoded here.
    #[error("it is not a JPEG, PNG, WebP or GIF")]
    OtherKind,
    /// Decoding it would take more memory than it may.
    #[error("it is too large to be decoded")]
    TooLarge,
    /// It breaks off, or is not what it says.
    #[error("it is damaged")]
    Damaged,
}

/// One picture, and how long it stays.
pub(crate) struct Frame {
    pub(crate) image: RgbaImage,
    pub(crate) delay: Duration,
}

/// A still picture, or one that moves.
pub(crate) struct Picture {
    pub(crate) frames: Vec<Frame>,
}

/// Which format it is, by its own bytes: neither its name nor the sender's word counts.
fn format(bytes: &[u8]) -> Option<ImageFormat> {
    match sniff(&bytes[..bytes.len().min(HEAD_LEN)], bytes.len() <= HEAD_LEN) {
        "image/jpeg" => Some(ImageFormat::Jpeg),
        "image/png" => Some(ImageFormat::Png),
        "image/webp" => Some(ImageFormat::WebP),
        "image/gif" => Some(ImageFormat::Gif),
        _ => None,
    }
}

/// Whether photos of a MIME type are decoded here.
pub(crate) fn is_decoded(mime: &str) -> bool {
    matches!(mime, "image/jpeg" | "image/png" | "image/webp" | "image/gif")
}

/// The most memory that decoding one picture may take here and now, in bytes: what the machine and the container have
/// may be less. Shrinking and turning it take as much again.
fn most() -> u64 {
    room::free().map_or(MAX_DECODED, |free| free / 2).min(MAX_DECODED)
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(most());
    limits
}

impl From<ImageError> for Unseen {
    fn from(error: ImageError) -> Self {
        if matches!(error, ImageError::Limits(_)) { Self::TooLarge } else { Self::Damaged }
    }
}

impl Picture {
    /// Decodes `bytes` to at most `room` pixels of width and height.
    /// `stop` ends the decoding of what moves.
    pub(crate) fn decode(bytes: &[u8], room: (u32, u32), stop: &AtomicBool) -> Result<Self, Unseen> {
        let format = format(bytes).ok_or(Unseen::OtherKind)?;
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
        // Smaller first: turning a large picture copies it.
        let swapped = matches!(
            turned,
            Orientation::Rotate90 | Orientation::Rotate270 | Orientation::Rotate90FlipH | Orientation::Rotate270FlipH
        );
        image = fitted(image, if swapped { (room.1, room.0) } else { room });
        image.apply_orientation(turned);
        Ok(Self { frames: vec![Frame { image: image.into_rgba8(), delay: Duration::MAX }] })
    }

    pub(crate) fn is_still(&self) -> bool {
        self.frames.len() < 2
    }
}

/// Decoders differ in what they hold to: this is for all of them. One picture of an animation has four bytes a pixel.
fn expect_fit(decoder: &impl ImageDecoder) -> Result<(), Unseen> {
    let (width, height) = decoder.dimensions();
    let bytes = (u64::from(width) * u64::from(height)).saturating_mul(4).max(decoder.total_bytes());
    if width > MAX_SIDE || height > MAX_SIDE || bytes > most() { Err(Unseen::TooLarge) } else { Ok(()) }
}

/// All pictures of an animation, as many as there are memory and patience for.
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
            // What came before it is seen.
            Err(_) if !frames.is_empty() => break,
            frame => frame?,
        };
        let delay = Duration::from(frame.delay()).max(SHORTEST);
        let image = fitted(DynamicImage::ImageRgba8(frame.into_buffer()), room).into_rgba8();
        used += image.as_raw().len();
        frames.push(Frame { image, delay });
        let is_enough = used > room_left || frames.len() >= MAX_FRAMES || begun.elapsed() > PATIENCE;
        if is_enough || stop.load(Ordering::SeqCst) {
            break;
        }
    }
    Ok(frames)
}

/// No larger than there is room for, in the same shape.
fn fitted(image: DynamicImage, (width, height): (u32, u32)) -> DynamicImage {
    if image.width() <= width && image.height() <= height {
        return image;
    }
    image.resize(width.max(1), height.max(1), FilterType::Triangle)
}
