"""The recipient's page on a phone: before the photo is opened, while it is shown, and after it was closed."""

import json
import shutil
import subprocess
from pathlib import Path

from drawing import DARK, LIGHT
from scenario import BEGIN, PHOTO, RECIPIENT, ROOT, SENDER

MODULES = ROOT / "target/browser"
# The part of a phone's screen that a browser leaves to a page.
PHONE = {"width": 390, "height": 700, "touch": True, "scale": 2}
# The clock and the randomness of the page: those of the relay are fixed, too.
BEFORE = f"""
const RealDate = Date;
globalThis.Date = class extends RealDate {{
  constructor(...parts) {{ super(...(parts.length === 0 ? [{BEGIN}000] : parts)); }}
  static now() {{ return {BEGIN}000; }}
}};
crypto.getRandomValues = (array) => array.map((_, at) => (at + {RECIPIENT}) * 77);
"""
# The picture in which the phones stand side by side.
ROW = """<!doctype html><style>
body{margin:0;display:flex;gap:36px;padding:9px}
img{width:264px;height:474px;object-fit:cover;object-position:top;border-radius:26px}
img{box-shadow:0 0 0 8px FRAME}
</style><img src="1.png"><img src="2.png"><img src="3.png">
"""
WIDTH = 3 * 264 + 2 * 36 + 2 * 9
# At most 256 colors, one of them transparent.
PALETTE = "split[a][b];[a]palettegen[p];[b][p]paletteuse=dither=sierra2_4a"


class Browser:
    """Chromium, by the driver of the tests."""

    def __init__(self, directory):
        driver = ROOT / "tests/browser/driver.mjs"
        command = ["node", driver, MODULES, "chromium"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.directory = Path(directory)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(60)

    def ask(self, do, **options):
        self.process.stdin.write(json.dumps({"do": do, **options}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise RuntimeError(f"{do} {options}: {answer['error']}")
        return answer["ok"]


def visit(browser, link, dark, shots):
    """Opens a link and closes it. Returns the words that were seen at each step; takes their pictures if there are to
    be any."""
    tab = browser.ask("tab", dark=dark, before=BEFORE, **PHONE)
    words = []

    def step(code):
        browser.ask("until", tab=tab, code=code)
        words.append(browser.ask("text", tab=tab))
        if shots:
            browser.ask("shot", tab=tab, path=str(browser.directory / f"{len(words)}.png"))

    browser.ask("goto", tab=tab, url=link)
    step("document.querySelector('.hold')")
    browser.ask("hold", tab=tab, selector=".hold", milliseconds=1150)
    # The photo was seen as soon as closing is the main action.
    step("document.querySelector('.close.main')")
    browser.ask("click", tab=tab, selector=".close")
    # The page forgets the share when the relay has confirmed the end.
    step("document.querySelector('.stage') === null && sessionStorage.length + localStorage.length === 0")
    browser.ask("close", tab=tab)
    return words


def side_by_side(browser, dark, path):
    """Puts the pictures of the three steps side by side."""
    html, shot = browser.directory / "row.html", browser.directory / "row.png"
    html.write_text(ROW.replace("FRAME", (DARK if dark else LIGHT)["frame"]))
    tab = browser.ask("tab", width=WIDTH, height=100, scale=2)
    browser.ask("goto", tab=tab, url=html.as_uri())
    browser.ask("shot", tab=tab, path=str(shot), transparent=True)
    browser.ask("close", tab=tab)
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", shot, "-vf", PALETTE, "-bitexact", path], check=True)


def small(directory):
    """The photo on the phone as a WebP that is small enough for a corner of another picture."""
    command = ["cwebp", "-quiet", "-resize", "420", "0", "-q", "80", directory / "2.png", "-o", "-"]
    return subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout


def record(sandbox, directory):
    """Opens the photo in a browser. Returns the words of the three steps, and pictures of the photo on the phone in
    light and dark. With a directory, pictures are made, and those of the three steps are written there."""
    relay = sandbox.start("relay", SENDER, "share", "relay", "--listen", "127.0.0.1:0", "--store", "memory:")
    url = relay.stdout.readline().strip()
    shutil.copy(PHOTO, sandbox.home("sender"))
    phones = []
    with Browser(sandbox.root) as browser:
        for dark, name in enumerate(("phone.png", "phone-dark.png")[: 2 if directory else 1]):
            send = ["share", "send", "-q", "--relay", url, "--from", "Anna", "--note", "from the beach", PHOTO.name]
            link = sandbox.run("sender", SENDER + dark, *send).strip()
            words = visit(browser, link, bool(dark), shots=bool(directory))
            opener = json.loads(sandbox.run("sender", SENDER, "share", "status", "--json").splitlines()[0])["opener"]
            if directory:
                side_by_side(browser, bool(dark), directory / name)
                phones.append(small(browser.directory))
    return [text.strip().replace(opener, "two words") for text in words], phones
