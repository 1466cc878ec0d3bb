"""A real headless Chromium for tests: found, or installed where that is allowed, or said why not."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from playwright.sync_api import Browser, Error, Playwright, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
INSTALL_S = 420
QUIET = (
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


class NoChromiumError(Exception):
    """There is no Chromium, and none could be installed; the message says why."""


@contextmanager
def browser() -> Iterator[Browser]:
    """Start a headless Chromium.

    Raises:
        NoChromiumError: There is none.
    """
    with sync_playwright() as playwright:
        path = find(playwright) or installed()
        # Chromium refuses to sandbox what runs as root.
        arguments = [*QUIET, *(("--no-sandbox",) if os.geteuid() == 0 else ())]
        try:
            started = playwright.chromium.launch(executable_path=str(path), args=arguments)
        except Error as error:
            raise NoChromiumError(f"{path} does not start: {str(error).splitlines()[0]}") from error
        yield started
        started.close()


def find(playwright: Playwright) -> Path | None:
    """The Chromium that is there: on the path, or Debian's, or the one that playwright has downloaded."""
    on_path = (found for name in NAMES if (found := shutil.which(name)) is not None)
    candidates = (*on_path, "/usr/bin/chromium", playwright.chromium.executable_path)
    return next((Path(one) for one in candidates if Path(one).is_file()), None)


def installed() -> Path:
    """Install Debian's package, one process at a time; return the program.

    Raises:
        NoChromiumError: It cannot be installed here.
    """
    if shutil.which("apt-get") is None or not Path("/etc/debian_version").exists():
        raise NoChromiumError("no Chromium on the path, and this is no Debian on which to install it")
    if os.geteuid() != 0:
        raise NoChromiumError(
            "no Chromium on the path, and only root may install it: apt-get install chromium"
        )
    try:
        with FileLock(Path(tempfile.gettempdir()) / "hetedge-chromium.lock", timeout=INSTALL_S):
            # Another process may have installed it while this one waited.
            if (there := shutil.which("chromium")) is None:
                for command in (("update",), ("install", "-y", "--no-install-recommends", "chromium")):
                    _apt(*command)
                there = shutil.which("chromium")
    except Timeout as error:
        raise NoChromiumError(
            f"another process has been installing Chromium for over {INSTALL_S} s"
        ) from error
    if there is None:
        raise NoChromiumError("apt-get has installed no program called chromium")
    return Path(there)


def _apt(*arguments: str) -> None:
    command = ["apt-get", *arguments]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=INSTALL_S, check=False,
            env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise NoChromiumError(f"{' '.join(command)} took over {INSTALL_S} s") from error
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip() or "nothing").splitlines()[-1]
        raise NoChromiumError(f"{' '.join(command)} failed: {said}")
