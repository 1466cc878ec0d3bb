"""Fetching published data files: mirrors in order, resumed where the line was cut, checked before they are kept.

pooch holds the digest against what came, and moves the file into place only if it fits; what it lacks is added here:
resuming, other mirrors, and an end within seconds where there is no network.
"""

from __future__ import annotations

import hashlib
import logging
import os
import queue
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import pooch
import requests
import urllib3

from models.data_files import DataError
from models.sources import SourceFile

logger = logging.getLogger(__name__)

SILENCE_S = 5.0
"""How long all mirrors together may keep silent before there is taken to be no network."""

ANSWER_S = 15.0
"""How long one mirror may take to begin its answer, once any of them has answered."""

STALL_S = 20.0
"""How long a line may be dead before it counts as cut."""

TRIES = 5
"""How often one mirror is asked for the rest of a file, as long as each time brings some of it."""

_CHUNK_BYTES = 1 << 16
_LOG_EVERY_S = 5.0
_PARTIAL = ".part"

pooch.get_logger().setLevel(logging.WARNING)


class DownloadError(DataError):
    """A file could not be fetched from any of its addresses.

    Attributes:
        tried: Each address, and in brackets why it failed.
    """

    def __init__(self, file: SourceFile, tried: list[str]) -> None:
        super().__init__(f"{file.name} could not be downloaded: {', '.join(tried)}")
        self.tried = tried


class _MirrorError(Exception):
    """One mirror failed; the message says why."""


def offline() -> bool:
    """Say whether the user wants no attempt at the network: HETEDGE_OFFLINE set, and not to 0.

    Returns:
        True if so.
    """
    return os.environ.get("HETEDGE_OFFLINE", "") not in ("", "0")


def download(file: SourceFile, folder: Path) -> Path:
    """Fetch a file from the first mirror that delivers what was published.

    What comes with a wrong digest is removed, and the next mirror is tried. What a cut line has left is kept, under a
    name that ends in ``.part``, and the next attempt at the same mirror asks for the rest only.

    Args:
        file: The file; it has addresses and a digest.
        folder: Where to put it; made if it does not exist.

    Returns:
        The path of the whole, checked file.

    Raises:
        DownloadError: If no mirror delivers; it lists all addresses with the reasons.
        DataError: If the folder cannot be written.
    """
    tried: list[str] = []
    patience = _Patience(len(file.urls))
    for url in file.urls:
        try:
            path = _from_mirror(file, url, folder, patience)
        except _MirrorError as error:
            tried.append(f"{url} ({error})")
            logger.warning("%s: %s", url, error)
        except OSError as error:
            raise DataError(
                f"{folder}: {file.name} cannot be written ({error.strerror or error}); "
                "set HETEDGE_CACHE to a folder that can be written and has room"
            ) from error
        else:
            for left in folder.glob(f"{file.name}.*{_PARTIAL}"):
                left.unlink()
            return path
    raise DownloadError(file, tried)


def _from_mirror(file: SourceFile, url: str, folder: Path, patience: _Patience) -> Path:
    """Fetch a file from one mirror; where a resumed file proves wrong, once more from its beginning."""
    fetching = _Fetching(patience)
    try:
        return _checked(file, url, folder, fetching)
    except _WrongDigestError as error:
        if not fetching.resumed:
            raise _MirrorError(str(error)) from error
        logger.warning("%s: %s; fetching it once more from its beginning", url, error)
    try:
        return _checked(file, url, folder, fetching)
    except _WrongDigestError as error:
        raise _MirrorError(str(error)) from error


class _WrongDigestError(Exception):
    """What came is not what was published."""


def _checked(file: SourceFile, url: str, folder: Path, fetching: _Fetching) -> Path:
    """Have pooch fetch the file, hold it against its digest, and move it into place or remove it."""
    try:
        return Path(pooch.retrieve(url, file.digest, file.name, folder, downloader=fetching))
    except ValueError as error:
        raise _WrongDigestError("what came has a wrong checksum, or is cut short; it was removed") from error


class _Patience:
    """How long to wait for a mirror's answer: little until any mirror has shown that there is a network."""

    def __init__(self, mirrors: int) -> None:
        self._mirrors_left = mirrors
        self._silence_left_s = SILENCE_S
        self._network = False

    def wait_for(self, url: str, start_byte: int) -> requests.Response:
        """Ask a mirror, and wait for the beginning of its answer.

        Raises:
            _MirrorError: If none comes in time, or the host cannot be reached.
        """
        limit_s = ANSWER_S if self._network else self._silence_left_s / max(self._mirrors_left, 1)
        self._mirrors_left -= 1
        began = time.monotonic()
        try:
            answer = _ask(url, start_byte, limit_s)
            self._network = True
        finally:
            self._silence_left_s = max(self._silence_left_s - (time.monotonic() - began), 0.1)
        return answer


def _ask(url: str, start_byte: int, limit_s: float) -> requests.Response:
    """Ask for a file from a byte on, in a thread, since a silent name server knows no time limit."""
    answers: queue.SimpleQueue[requests.Response | requests.RequestException] = queue.SimpleQueue()
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start_byte}-"} if start_byte else {})

    def ask() -> None:
        try:
            answers.put(requests.get(url, headers=headers, stream=True, timeout=(limit_s, STALL_S)))
        except requests.RequestException as error:
            answers.put(error)

    threading.Thread(target=ask, daemon=True, name=f"asking {urlsplit(url).hostname}").start()
    try:
        answer = answers.get(timeout=limit_s)
    except queue.Empty:
        raise _MirrorError(f"no answer within {limit_s:.1f} s") from None
    if isinstance(answer, requests.RequestException):
        raise _MirrorError(_reason(answer)) from answer
    return answer


def _reason(error: BaseException) -> str:
    """Find the system's own words at the bottom of a chain of network errors."""
    reason = type(error).__name__
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            reason = cause.strerror
        cause = cause.__cause__ or cause.__context__
    return reason


class _Fetching:
    """Fetches one file for pooch, and resumes what was cut.

    Attributes:
        resumed: Whether any bytes of the last file were there before.
    """

    def __init__(self, patience: _Patience) -> None:
        self._patience = patience
        self.resumed = False

    def __call__(self, url: str, output_file: str, _: object) -> None:
        """Write what an address delivers to a file."""
        partial = _partial_path(Path(output_file).parent, url)
        self.resumed = _size(partial) > 0
        for _attempt in range(TRIES):
            before = _size(partial)
            if self._go_on(url, partial):
                os.replace(partial, output_file)
                return
            if _size(partial) <= before:
                break
            logger.info("%s: asking for the rest, from %s", url, _mib(_size(partial)))
        raise _MirrorError(f"the line was cut; {_size(partial)} bytes are kept")

    def _go_on(self, url: str, partial: Path) -> bool:
        """Fetch the rest of a file; return whether it is whole now, as far as its length tells."""
        start_byte = _size(partial)
        with self._patience.wait_for(url, start_byte) as answer:
            if answer.status_code in (requests.codes.ok, requests.codes.partial_content):
                return _append(answer, url, partial)
            if answer.status_code != requests.codes.requested_range_not_satisfiable or not start_byte:
                raise _MirrorError(f"HTTP {answer.status_code} {answer.reason}")
            if answer.headers.get("Content-Range", "") == f"bytes */{start_byte}":
                return True  # all of it was there already; its digest will tell
        partial.unlink()  # longer than the file: it is not its beginning
        return self._go_on(url, partial)


def _append(answer: requests.Response, url: str, partial: Path) -> bool:
    """Write an answer behind what there is, or from the beginning where the mirror sends all of the file."""
    goes_on = answer.status_code == requests.codes.partial_content
    start = _size(partial) if goes_on else 0
    if goes_on and not answer.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
        raise _MirrorError("it sends another part of the file than it was asked for")
    length = answer.headers.get("Content-Length", "")
    whole = start + int(length) if length.isdigit() else None
    of_all = f" of {_mib(whole)}" if whole else ""
    logger.info("downloading %s: from %s%s", url, _mib(start), of_all)
    told = time.monotonic()
    with partial.open("ab" if goes_on else "wb") as out:
        try:
            for chunk in answer.raw.stream(_CHUNK_BYTES, decode_content=False):
                out.write(chunk)
                if time.monotonic() - told > _LOG_EVERY_S:
                    told = time.monotonic()
                    logger.info("%s: %s%s", url, _mib(out.tell()), of_all)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            logger.warning("%s: the line was cut (%s)", url, _reason(error))
            return False
    return whole is None or _size(partial) >= whole


def _partial_path(folder: Path, url: str) -> Path:
    """Name the file that is not whole yet; another mirror's may differ, so each has its own."""
    name = Path(urlsplit(url).path).name
    return folder / f"{name}.{hashlib.sha256(url.encode()).hexdigest()[:8]}{_PARTIAL}"


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _mib(size_bytes: int) -> str:
    return f"{size_bytes / 2**20:.1f} MiB"
