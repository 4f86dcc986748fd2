from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tasks.journal.sealing_keys import parse_keys
from worker.flowerlogins import logins

SCRIPT = Path(__file__).parents[3] / "deploy" / "passwords"


def _make(folder: Path) -> dict[str, str]:
    subprocess.run([str(SCRIPT)], cwd=folder, check=True)  # noqa: S603 - our own script
    lines = (folder / ".env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def test_makes_passwords_that_only_the_owner_can_read(tmp_path: Path) -> None:
    settings = _make(tmp_path)

    assert len(settings["REDIS_PASSWORD"]) == 48
    assert len(parse_keys(settings["POSTROOM_SEALING_KEYS"])) == 1
    assert logins(settings) == [settings["FLOWER_BASIC_AUTH"]]
    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600


def test_two_machines_get_different_ones(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()

    assert _make(tmp_path) != _make(tmp_path / "other")


def test_makes_them_once(tmp_path: Path) -> None:
    assert _make(tmp_path) == _make(tmp_path)


@pytest.mark.parametrize(
    "text",
    ["A=1\nREDIS_PASSWORD=mine\n", "A=1\nREDIS_PASSWORD='mine'", 'A=1\nexport REDIS_PASSWORD="mine"\n'],
    ids=["plain", "without a last line break", "exported"],
)
def test_keeps_what_is_there(text: str, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(text)
    _make(tmp_path)
    lines = (tmp_path / ".env").read_text().splitlines()

    assert lines[:2] == text.splitlines()
    assert [line.split("=")[0] for line in lines[2:]] == ["POSTROOM_SEALING_KEYS", "FLOWER_BASIC_AUTH"]


def test_a_file_with_sealing_keys_needs_no_other(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("POSTROOM_SEALING_KEYS_FILE=/run/secrets/keys\n")

    assert "POSTROOM_SEALING_KEYS" not in _make(tmp_path)


def test_an_empty_value_is_none(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("REDIS_PASSWORD=\n#FLOWER_BASIC_AUTH=ada:commented-out\n")
    settings = _make(tmp_path)

    assert settings["REDIS_PASSWORD"]
    assert settings["FLOWER_BASIC_AUTH"].startswith("postroom:")
