"""Make sure of a browser and of Chinese fonts for the browser tests, as far as possible here.

A browser of the system comes first, then the system's packages where we are root, then
playwright's own download. What fails is said; the tests decide what that means.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def main() -> None:
    """Install what is missing."""
    packages = [
        *([] if _has_browser() else ["chromium"]),
        *([] if _has_chinese_font() else ["fonts-noto-cjk"]),
    ]
    if packages and shutil.which("apt-get") and os.geteuid() == 0:
        print(f"installing {' '.join(packages)}", flush=True)
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        _try(["apt-get", "update", "-qq"], environment)
        _try(["apt-get", "install", "-y", "-qq", *packages], environment)
    if not _has_browser():
        _try([sys.executable, "-m", "playwright", "install", "chromium"], dict(os.environ))
    if not _has_chinese_font():
        print("no Chinese font was found: screenshots will show boxes", flush=True)


def _has_browser() -> bool:
    return any(shutil.which(name) for name in BROWSERS) or any(
        Path.home().glob(".cache/ms-playwright/chromium-*/*/chrome")
    )


def _has_chinese_font() -> bool:
    if not shutil.which("fc-list"):
        return False
    found = subprocess.run(["fc-list", ":lang=zh"], capture_output=True, text=True, check=False)
    return bool(found.stdout.strip())


def _try(command: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(
        command, env=environment, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        print(f"{' '.join(command)} did not work: {' '.join(last)}", flush=True)


if __name__ == "__main__":
    main()
