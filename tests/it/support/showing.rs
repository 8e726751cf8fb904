//! Shares for the viewer, and their status.

use image::{DynamicImage, ImageFormat, Rgb, RgbImage, RgbaImage};

use super::content::noise;
use super::sandbox::{RelayProcess, Sandbox};

pub(crate) fn send(sandbox: &Sandbox, relay: &RelayProcess, args: &[&str]) -> String {
    sandbox.share([&["send", "-q", "--relay", &relay.url], args].concat()).ok()
}

/// A picture of noise whose upper left corner has its own color.
pub(crate) fn picture(width: u32, height: u32, alpha: bool) -> RgbaImage {
    let mut pixels = noise(width as usize * height as usize * 4, 5);
    for pixel in pixels.chunks_exact_mut(4) {
        if !alpha {
            pixel[3] = 255;
        }
    }
    RgbaImage::from_raw(width, height, pixels).unwrap()
}

/// A JPEG whose colors change from corner to corner. `red` is the same in all of it.
pub(crate) fn gradient(width: u32, height: u32, red: u8) -> Vec<u8> {
    let part = |at: u32, length: u32| u8::try_from(255 * at / length).unwrap();
    let image = RgbImage::from_fn(width, height, |x, y| Rgb([red, part(x, width), part(y, height)]));
    encoded(&DynamicImage::ImageRgb8(image), ImageFormat::Jpeg)
}

pub(crate) fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

pub(crate) fn state(sandbox: &Sandbox) -> String {
    let printed = sandbox.share(["status", "--json"]).ok();
    let printed: serde_json::Value = serde_json::from_str(printed.lines().next().unwrap()).unwrap();
    printed["state"].as_str().unwrap().to_owned()
}

/// The status of the last share, as its sender sees it.
pub(crate) fn status(sandbox: &Sandbox) -> String {
    sandbox.share(["status"]).ok()
}
