// Formats that can hold metadata, whether or not it can be removed here: recognized by a file's bytes, or by the
// extension of its name.

import { HEAD_LEN, kindOf } from "../media.ts";
import { latin1 } from "./bytes.ts";
import { typeOf } from "./kinds.ts";

/**
 * A group of formats, by the metadata that they can hold. Media, which are photos, videos and sounds: location, time,
 * camera. Documents: author, times, comments.
 */
export type Format = "media" | "document";

/**
 * Extensions of photos, raw photos, drawings, videos and sounds. Not those that mean more often something else: `ts`,
 * `mod`, `dat`, `raw`.
 */
const MEDIA =
  " 264 265 3fr 3g2 3gp aac ac3 aif aifc aiff amr ape ari arq arw asf au avi avif avifs bay bmp braw caf cap cin cr2 " +
  "cr3 crm crw cur dcr dcs dds dib divx djv djvu dng dpx dsf dss dts dtshd dv eac3 ec3 eip emf erf exr f4v fff fit " +
  "fits flac fli flv gif gpr gxf h264 hdp hdr heic heics heif heifs hevc hif icns ico iiq insp insv ivf j2c j2k " +
  "jfif jng jp2 jpc jpe jpeg jpf jpg jpm jpx jxl jxr k25 kdc lrv m1v m2t m2ts m2v m4a m4b m4p m4r m4v mef mj2 mjpeg " +
  "mjpg mka mks mkv mlp mng mos mov mp2 mp3 mp4 mpe mpeg mpg mpo mpv mqv mrw mts mxf nef nrw nut oga ogg ogv opus " +
  "orf ori pam pbm pcx pef pfm pgm pict png pnm ppm psb psd ptx qoi qt qtk r3d ra raf ram ras rm rmvb rw2 rwl rwz " +
  "sgi snd sr2 srf srw svg svgz swf tga thd thm tif tiff tod tta vob voc w64 wav wave wbmp wdp webm webp wma wmf " +
  "wmv wv x3f xcf xpm xwd y4m ";
/** Extensions of documents whose formats have a place for an author. */
const DOCUMENTS =
  " ai doc docm docx dot dotm dotx eps epub fb2 fodg fodp fods fodt idml indd mobi azw azw3 mpp msg odb odf odg odm " +
  "odp ods odt one otg otp ots ott oxps pages numbers pdf pot potm potx pps ppsm ppsx ppt pptm pptx ps pub rtf vsd " +
  "vsdx wps xls xlsb xlsm xlsx xlt xltm xltx xps ";

/** Beginnings of files that kinds.ts does not name. */
const MEDIA_BYTES = [
  // TIFF of both byte orders, BigTIFF, and the cameras that changed its number (Olympus, Panasonic, Canon's CRW).
  "II*\0", "MM\0*", "II+\0", "MM\0+", "IIRO", "IIRS", "MMOR", "IIU\0", "II\x1a\0", "II\xbc\x01",
  "FUJIFILMCCD-RAW", "\0MRM", "FOVb", "8BPS", "gimp xcf", "\xff\x0a", "\0\0\0\x0cJXL ", "\0\0\0\x0cjP  ",
  "\xff\x4f\xff\x51", "\x76\x2f\x31\x01", "AT&TFORM", "RIFX", "RF64", "RIFF", "FORM", "caff", "DSD ", "MAC ", "wvpk",
  ".RMF", "FLV\x01", "\x30\x26\xb2\x75\x8e\x66\xcf\x11", "\x1a\x45\xdf\xa3", "\0\0\x01\xba", "\0\0\x01\xb3",
];
/** Names of boxes with which a film begins, behind their lengths. */
const BOXES = ["ftyp", "moov", "mdat"];
/** How the header partition of an MXF file begins (SMPTE 377-1), also behind what may stand before it. */
const MXF = "\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02\x01\x01\x02";
/** Names of things that only office documents and books have in their archive. */
const IN_ARCHIVES = [
  "[Content_Types].xml", "docProps/", "mimetypeapplication/vnd.oasis", "mimetypeapplication/epub",
  "META-INF/container.xml", "word/document", ".iwa", "mimetypeapplication/vnd.adobe.indesign",
];

/** The format of a file with this name that begins with `bytes`. `null`: none that is known to hold metadata. */
export function withMetadata(bytes: Uint8Array, name: string | null): Format | null {
  if (bytes.length === 0) return null;
  const found = byContent(bytes);
  // A name that begins with its only dot has no extension.
  const extension = /[^/]\.([^./]*)$/.exec(name ?? "")?.[1];
  if (found !== null || extension === undefined) return found;
  const word = ` ${extension.replace(/[A-Z]/g, (letter) => letter.toLowerCase())} `;
  return MEDIA.includes(word) ? "media" : DOCUMENTS.includes(word) ? "document" : null;
}

function byContent(bytes: Uint8Array): Format | null {
  const head = latin1(bytes);
  const kind = kindOf(typeOf(bytes, bytes.length < HEAD_LEN));
  const begins = (word: string) => head.startsWith(word);
  if (kind === "photo" || kind === "video" || kind === "sound" || MEDIA_BYTES.some(begins)) return "media";
  if (BOXES.includes(head.slice(4, 8))) return "media";
  // Packets of a transport stream, of 188 bytes, or of 192 as cameras write it.
  const packets = (first: number, each: number) =>
    [0, 1, 2, 3].every((number) => bytes[first + number * each] === 0x47);
  if (packets(0, 188) || packets(4, 192) || head.includes(MXF) || isDrawing(bytes)) return "media";
  const isDocument =
    head.slice(0, 1024).includes("%PDF-") ||
    ["\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "{\\rtf", "%!PS"].some(begins) ||
    (begins("PK\x03\x04") && IN_ARCHIVES.some((name) => head.includes(name)));
  return isDocument ? "document" : null;
}

/** Whether a text is SVG: its first element is. */
function isDrawing(bytes: Uint8Array): boolean {
  const trimmed = (text: string) => text.replace(/^\p{White_Space}+/u, "");
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  let rest = trimmed(text.replace(/^\ufeff+/, ""));
  for (;;) {
    let end;
    if (rest.startsWith("<!--")) end = "-->";
    else if (rest.startsWith("<?")) end = "?>";
    // A document type may have declarations in brackets.
    else if (rest.startsWith("<!")) end = /^[^>]*\[[^>]*>/.test(rest) ? "]>" : ">";
    else break;
    const at = rest.indexOf(end);
    if (at < 0) return false;
    rest = trimmed(rest.slice(at + end.length));
  }
  const name = /^<([^>/\p{White_Space}]*)/u.exec(rest)?.[1];
  return name?.split(":").at(-1) === "svg";
}
