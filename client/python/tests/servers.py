"""maskd servers that a test kills, starts again or pauses."""

from __future__ import annotations

import os
import signal

from serving import start_server


class Server:
    """A maskd process, on a port of its own if not told otherwise; killed when the test ends, if it has not been."""

    def __init__(self, listen: str = "127.0.0.1:0") -> None:
        self._process, self.address = start_server(listen=listen)

    def kill(self) -> None:
        """As kill -9 does: no goodbye."""
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.communicate()

    def pause(self) -> None:
        """Keeps its connections, and answers nothing any more."""
        os.kill(self._process.pid, signal.SIGSTOP)

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.returncode is None:
            self.kill()
