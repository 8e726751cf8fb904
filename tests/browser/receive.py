"""Opens a share in Chromium as a recipient does, and prints what the page shows.

receive.py MODULES LINK EXPECTED [FLAG]...: MODULES is the directory with node_modules, EXPECTED a text in the share,
FLAG an option of the browser."""

import json
import pathlib
import subprocess
import sys

modules, link, expected, *flags = sys.argv[1:]
driver = pathlib.Path(__file__).with_name("driver.mjs")
arguments = ["node", driver, modules, "chromium", *flags]
browser = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def tell(what, **more):
    print(json.dumps({"do": what, **more}), file=browser.stdin, flush=True)
    answer = json.loads(browser.stdout.readline())
    assert "error" not in answer, answer
    return answer["ok"]


tab = tell("tab")


def expect(text):
    code = f"document.querySelector('main').innerText.includes({json.dumps(text)})"
    tell("until", tab=tab, code=code)


tell("goto", tab=tab, url=link)
expect("Press and hold to open")
tell("hold", tab=tab, selector=".hold", milliseconds=1150)
expect(expected)
tell("click", tab=tab, selector='button:text-is("Close")')
expect("Closed and deleted")
print(tell("text", tab=tab))
browser.stdin.close()
browser.wait()
