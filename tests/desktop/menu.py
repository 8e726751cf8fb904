"""Chooses the item of the menu in a module for Nautilus, as Nautilus does, and prints its label.

    menu.py MODULE FILE...

FILE is a URI, or the word "directory".
"""
import importlib.util
import sys

import gi

gi.require_version("Nautilus", "4.0")
from gi.repository import Gio, GObject, Nautilus  # noqa: E402

place, *names = sys.argv[1:]
spec = importlib.util.spec_from_file_location("module", place)
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)


class File:
    """A selected file. Only Nautilus itself can make its own kind."""

    def __init__(self, name):
        self.name = name

    def is_directory(self):
        return self.name == "directory"

    def get_location(self):
        return Gio.File.new_for_uri(self.name)


providers = [kind for kind in vars(module).values() if isinstance(kind, type) and issubclass(kind, GObject.GObject)]
providers = [kind for kind in providers if issubclass(kind, Nautilus.MenuProvider)]
assert len(providers) == 1, providers
items = providers[0]().get_file_items([File(name) for name in names])
for item in items:
    print(item.props.label)
    item.activate()
