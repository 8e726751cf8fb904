"""A menu of Nautilus, the file manager of GNOME: sends the selected files by a link that works once.

Needs nautilus-python (python3-nautilus), and share-send.desktop, which has the command and the translated name.
"""

from gi.repository import GObject, Nautilus

try:
    from gi.repository.GioUnix import DesktopAppInfo
except ImportError:
    # Before GLib 2.80.
    from gi.repository.Gio import DesktopAppInfo


class SendOnce(GObject.GObject, Nautilus.MenuProvider):
    """Adds the menu item for files of this computer."""

    def get_file_items(self, *arguments):
        """The item for the selected files. Before its version 43 Nautilus passes its window first."""
        files = arguments[-1]
        entry = DesktopAppInfo.new("share-send.desktop")
        places = [file.get_location() for file in files if not file.is_directory()]
        is_local = all(place.get_path() is not None for place in places)
        if entry is None or not places or len(places) < len(files) or not is_local:
            return []
        item = Nautilus.MenuItem(name="SendOnce::send", label=entry.get_name(), icon="share-send")
        item.connect("activate", lambda _: entry.launch(places, None))
        return [item]
