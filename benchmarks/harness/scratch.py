"""Where the peers are installed: a folder that git ignores, and that is made once."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import Final

from benchmarks.harness.failed import BenchmarkFailed

ROOT: Final = Path(__file__).parents[2]
PEERS: Final = ROOT / "benchmarks" / "peers"
SCRATCH: Final = ROOT / ".bench"
PYTHON: Final = SCRATCH / "venv" / "bin" / "python"
NODE_PROGRAMS: Final = SCRATCH / "node"


def prepare() -> list[str]:
    """
    Install the peers at the versions of their lock files; return a sentence for each that is left out.

    Raises:
        BenchmarkFailed: an installation failed.
    """
    SCRATCH.mkdir(exist_ok=True)
    _once("venv", PEERS / "requirements.txt", _install_python)
    if shutil.which("npm") is None:
        return ["BullMQ is left out: there is no npm."]
    _once("node", PEERS / "package-lock.json", _install_node)
    for program in PEERS.glob("*.mjs"):
        shutil.copy(program, NODE_PROGRAMS)
    return []


def _once(name: str, lock: Path, install: object) -> None:
    stamp = SCRATCH / f"{name}.installed"
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == digest:
        return
    shutil.rmtree(SCRATCH / name, ignore_errors=True)
    sys.stderr.write(f"Installing the peers of {lock.name} into {SCRATCH.name}/{name} ...\n")
    install()  # type: ignore[operator] # one of the two below
    stamp.write_text(digest)


def _install_python() -> None:
    venv.create(SCRATCH / "venv", with_pip=True)
    _run(str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes",
         "-r", str(PEERS / "requirements.txt"))  # fmt: skip


def _install_node() -> None:
    NODE_PROGRAMS.mkdir()
    for name in ("package.json", "package-lock.json"):
        shutil.copy(PEERS / name, NODE_PROGRAMS)
    # As `npm ci`, which refuses a lock file that does not name the optional binaries of all platforms.
    _run("npm", "install", "--no-save", "--silent", "--no-audit", "--no-fund", cwd=NODE_PROGRAMS)


def _run(*line: str, cwd: Path = ROOT) -> None:
    done = subprocess.run(line, cwd=cwd, stdout=sys.stderr, check=False)
    if done.returncode:
        raise BenchmarkFailed(f"{line[0]} ended with {done.returncode} while installing the peers")
