"""A mirror of data files on this machine: it can cut the line, ignore ranges, lie, and keep silent."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Mirror:
    """What the mirror holds and how it behaves.

    Attributes:
        url: Its address, with a slash at the end.
        files: Name to contents.
        cuts: For each of the next answers, how many bytes are sent before the line is cut; then whole answers.
        ranges: Whether it can send a part of a file.
        silent_s: How long it waits before it answers.
        encoding: What it says of the encoding of what it sends.
        asked: What was asked for: name, and the value of the header Range (empty where there was none).
    """

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    cuts: list[int] = field(default_factory=list)
    ranges: bool = True
    silent_s: float = 0.0
    encoding: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list)


@contextmanager
def mirror(**files: bytes) -> Iterator[Mirror]:
    """Serve files on a port of this machine; a name's double underscore stands for a dot."""
    held = Mirror(files={name.replace("__", "."): content for name, content in files.items()})

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name, wanted = self.path.lstrip("/").partition("?")[0], self.headers.get("Range", "")
            held.asked.append((name, wanted))
            time.sleep(held.silent_s)
            if name not in held.files:
                self.send_error(404)
                return
            content = held.files[name]
            start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and held.ranges else 0
            if start >= len(content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(content)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            rest = content[start:]
            self.send_response(206 if start else 200)
            if held.encoding:
                self.send_header("Content-Encoding", held.encoding)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            self.send_header("Content-Length", str(len(rest)))
            self.end_headers()
            with suppress(ConnectionError):  # the other side may have gone away
                self.wfile.write(rest[: held.cuts.pop(0)] if held.cuts else rest)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    held.url = f"http://127.0.0.1:{server.server_port}/"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield held
    finally:
        server.shutdown()
        server.server_close()
