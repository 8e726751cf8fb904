//! Formats that can hold metadata, whether or not [`crate::media::strip`] can clean them: recognized by a file's bytes,
//! or by the extension of its name.

use crate::media::strip::contains;
use crate::media::{HEAD_LEN, Kind, sniff};

/// A group of formats, by the metadata that they can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A photo, a video or a sound: location, time, camera.
    Media,
    /// A document: author, times, comments.
    Document,
}

/// Extensions of photos, raw photos, drawings, videos and sounds. Not those that mean more often something else: `ts`,
/// `mod`, `dat`, `raw`.
const MEDIA: &str = " 264 265 3fr 3g2 3gp aac ac3 aif aifc aiff amr ape ari arq arw asf au avi avif avifs bay bmp \
    braw caf cap cin cr2 cr3 crm crw cur dcr dcs dds dib divx djv djvu dng dpx dsf dss dts dtshd dv eac3 ec3 eip \
    emf erf exr f4v fff fit fits flac fli flv gif gpr gxf h264 hdp hdr heic heics heif heifs hevc hif icns ico iiq \
    insp insv ivf j2c j2k jfif jng jp2 jpc jpe jpeg jpf jpg jpm jpx jxl jxr k25 kdc lrv m1v m2t m2ts m2v m4a m4b \
    m4p m4r m4v mef mj2 mjpeg mjpg mka mks mkv mlp mng mos mov mp2 mp3 mp4 mpe mpeg mpg mpo mpv mqv mrw mts mxf nef \
    nrw nut oga ogg ogv opus orf ori pam pbm pcx pef pfm pgm pict png pnm ppm psb psd ptx qoi qt qtk r3d ra raf ram \
    ras rm rmvb rw2 rwl rwz sgi snd sr2 srf srw svg svgz swf tga thd thm tif tiff tod tta vob voc w64 wav wave wbmp \
    wdp webm webp wma wmf wmv wv x3f xcf xpm xwd y4m ";
/// Extensions of documents whose formats have a place for an author.
const DOCUMENTS: &str = " ai doc docm docx dot dotm dotx eps epub fb2 fodg fodp fods fodt idml indd mobi azw azw3 \
    mpp msg odb odf odg odm odp ods odt one otg otp ots ott oxps pages numbers pdf pot potm potx pps ppsm ppsx ppt \
    pptm pptx ps pub rtf vsd vsdx wps xls xlsb xlsm xlsx xlt xltm xltx xps ";

/// Beginnings of files that [`sniff`] does not name: at an offset, these bytes.
const MEDIA_BYTES: [(usize, &[u8]); 38] = [
    // TIFF of both byte orders, BigTIFF, and the cameras that changed its number (Olympus, Panasonic, Canon's CRW).
    (0, b"II*\0"),
    (0, b"MM\0*"),
    (0, b"II+\0"),
    (0, b"MM\0+"),
    (0, b"IIRO"),
    (0, b"IIRS"),
    (0, b"MMOR"),
    (0, b"IIU\0"),
    (0, b"II\x1a\0"),
    (0, b"II\xbc\x01"),
    (0, b"FUJIFILMCCD-RAW"),
    (0, b"\0MRM"),
    (0, b"FOVb"),
    (0, b"8BPS"),
    (0, b"gimp xcf"),
    (0, b"\xff\x0a"),
    (0, b"\0\0\0\x0cJXL "),
    (0, b"\0\0\0\x0cjP  "),
    (0, b"\xff\x4f\xff\x51"),
    (0, b"\x76\x2f\x31\x01"),
    (0, b"AT&TFORM"),
    (0, b"RIFX"),
    (0, b"RF64"),
    (0, b"RIFF"),
    (0, b"FORM"),
    (0, b"caff"),
    (0, b"DSD "),
    (0, b"MAC "),
    (0, b"wvpk"),
    (0, b".RMF"),
    (0, b"FLV\x01"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"),
    (0, b"\x1a\x45\xdf\xa3"),
    (0, b"\0\0\x01\xba"),
    (0, b"\0\0\x01\xb3"),
    (4, b"ftyp"),
    (4, b"moov"),
    (4, b"mdat"),
];
/// How the header partition of an MXF file begins (SMPTE 377-1), also behind what may stand before it.
const MXF: &[u8] = b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02\x01\x01\x02";
/// Names of things that only office documents and books have in their archive.
const IN_ARCHIVES: [&[u8]; 8] = [
    b"[Content_Types].xml",
    b"docProps/",
    b"mimetypeapplication/vnd.oasis",
    b"mimetypeapplication/epub",
    b"META-INF/container.xml",
    b"word/document",
    b".iwa",
    b"mimetypeapplication/vnd.adobe.indesign",
];

/// The format of a file that begins with `head`, and whose name has this extension, without a dot. `None`: none that is
/// known to hold metadata.
pub fn with_metadata(head: &[u8], extension: Option<&str>) -> Option<Format> {
    if head.is_empty() {
        return None;
    }
    by_content(head).or_else(|| {
        let extension = format!(" {} ", extension?.to_ascii_lowercase());
        match () {
            () if MEDIA.contains(&extension) => Some(Format::Media),
            () if DOCUMENTS.contains(&extension) => Some(Format::Document),
            () => None,
        }
    })
}

fn by_content(head: &[u8]) -> Option<Format> {
    let begins = |(at, bytes): &(usize, &[u8])| head.get(*at..).is_some_and(|rest| rest.starts_with(bytes));
    let kind = Kind::of(sniff(head, head.len() < HEAD_LEN));
    if matches!(kind, Kind::Photo | Kind::Video | Kind::Sound) || MEDIA_BYTES.iter().any(begins) {
        return Some(Format::Media);
    }
    // Packets of a transport stream, of 188 bytes, or of 192 as cameras write it.
    let packets = |first: usize, each: usize| (0..4).all(|number| head.get(first + number * each) == Some(&0x47));
    if packets(0, 188) || packets(4, 192) || contains(head, MXF) || is_drawing(head) {
        return Some(Format::Media);
    }
    let is_document = contains(&head[..head.len().min(1024)], b"%PDF-")
        || head.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
        || head.starts_with(b"{\\rtf")
        || head.starts_with(b"%!PS")
        || (head.starts_with(b"PK\x03\x04") && IN_ARCHIVES.iter().any(|name| contains(head, name)));
    is_document.then_some(Format::Document)
}

/// Whether a text is SVG: its first element is.
fn is_drawing(head: &[u8]) -> bool {
    let text = String::from_utf8_lossy(head);
    let mut rest = text.trim_start_matches('\u{feff}').trim_start();
    loop {
        let end = match rest {
            _ if rest.starts_with("<!--") => "-->",
            _ if rest.starts_with("<?") => "?>",
            // A document type may have declarations in brackets.
            _ if rest.starts_with("<!") => match rest.split_once('>') {
                Some((declared, _)) if declared.contains('[') => "]>",
                _ => ">",
            },
            _ => break,
        };
        let Some((_, after)) = rest.split_once(end) else { return false };
        rest = after.trim_start();
    }
    let name =
        rest.strip_prefix('<').and_then(|rest| rest.split(|c: char| c.is_whitespace() || ">/".contains(c)).next());
    name.is_some_and(|name| name.rsplit(':').next() == Some("svg"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_or_a_name_tell() {
        let media = Some(Format::Media);
        for (head, extension) in [
            (&b"nothing that is known"[..], "mts"),
            (b"nothing that is known", "MXF"),
            (b"nothing that is known", "jpg"),
            (b"\0\x01\x02", "cr2"),
            (b"II+\0\x08\0\0\0", "tif"),
            (b"II+\0\x08\0\0\0", ""),
            (b"MM\0+", "bin"),
            (b"FUJIFILMCCD-RAW 0201", "txt"),
            (b"<?xml version=\"1.0\"?>\n<!-- by me --><svg:svg xmlns:svg=\"x\">", "txt"),
            (b"<!DOCTYPE svg [<!ENTITY a \"b\">]>\n<svg>", ""),
            (b"\0\0\0\x18ftypheic", ""),
        ] {
            assert_eq!(with_metadata(head, Some(extension)), media, "{head:?} {extension}");
        }
        let mut stream = vec![0; 800];
        for at in [4, 196, 388, 580] {
            stream[at] = 0x47;
        }
        assert_eq!(with_metadata(&stream, None), media);
        assert_eq!(with_metadata(&[&[0; 70][..], MXF].concat(), None), media);
        let document = Some(Format::Document);
        for (head, extension) in [
            (&b"%PDF-1.7"[..], ""),
            (b"junk\n%PDF-1.4", "bin"),
            (b"PK\x03\x04....word/document.xml", "zip"),
            (b"PK\x03\x04....mimetypeapplication/epub+zip", ""),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", ""),
            (b"{\\rtf1{\\info{\\author x}}}", ""),
            (b"nothing that is known", "docx"),
        ] {
            assert_eq!(with_metadata(head, Some(extension)), document, "{head:?} {extension}");
        }
        for (head, extension) in [
            (&b"a text"[..], Some("txt")),
            (b"a text", None),
            (b"export const x = 1;", Some("ts")),
            (b"-----BEGIN", Some("key")),
            (b"PK\x03\x04....notes.txt", Some("zip")),
            (b"<html><svg></svg></html>", Some("html")),
            (b"", Some("jpg")),
        ] {
            assert_eq!(with_metadata(head, extension), None, "{head:?} {extension:?}");
        }
    }
}
