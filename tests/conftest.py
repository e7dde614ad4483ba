"""For all tests."""

from __future__ import annotations

import signal

# What a shell without job control runs in its background ignores Ctrl-C, and so would every command that a test starts
# and interrupts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
