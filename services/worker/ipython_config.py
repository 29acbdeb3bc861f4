"""IPython in the worker's image: what `lib.shell` has is at hand, and the head of the session says so."""

from lib.shell import banner

c = get_config()  # type: ignore[name-defined]  # noqa: F821 - IPython puts it there
c.InteractiveShellApp.exec_lines = ["from lib.shell import *"]
c.TerminalInteractiveShell.banner2 = banner()
c.TerminalInteractiveShell.enable_tip = False
