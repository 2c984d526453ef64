"""Which files of a project start its code with the system's Python."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipguard.environments.starters import Starter, find_starter

UNIT = "[Unit]\nDescription=x python3 y.py\n[Service]\nExecStart={}\n"


@pytest.mark.parametrize(
    ("file", "text", "python"),
    [
        ("app.service", UNIT.format("/usr/bin/python3 /home/pi/app.py"), "/usr/bin/python3"),
        ("systemd/app.service", UNIT.format("-/usr/bin/python3.11 -u app.py"),
         "/usr/bin/python3.11"),
        ("app.service", UNIT.format("python3 -m app"), "python3"),
        ("crontab", "# python3 no.py\n*/5 * * * * cd /home/pi && python3 app.py\n", "python3"),
        ("run.sh", "#!/bin/sh\nexec python3 main.py\n", "python3"),
        ("app.service", UNIT.format("/srv/app/.venv/bin/python app.py"), ""),
        ("app.service", UNIT.format("/opt/python3/bin/python3 app.py"), ""),
        ("app.service", UNIT.format("/usr/bin/node app.js"), ""),
        ("run.sh", "#!/bin/sh\n. .venv/bin/activate\npython3 main.py\n", ""),
        ("run.sh", "#!/bin/sh\napt install python3\n", ""),
        ("run.sh", "# python3 main.py\n", ""),
        ("notes.txt", "python3 main.py\n", ""),
        (".hidden/app.service", UNIT.format("python3 -m app"), ""),
    ],
)  # fmt: skip
def test_lines(tmp_path: Path, file: str, text: str, python: str) -> None:
    path = tmp_path / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    assert find_starter(str(tmp_path)) == (Starter(file, python) if python else None)


def test_what_cannot_be_read_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a.sh").mkdir()
    (tmp_path / "b.sh").symlink_to("b.sh")
    (tmp_path / "c.service").write_bytes(b"\xff\xfe ExecStart=python3 x.py")
    assert find_starter(str(tmp_path)) is None
    assert find_starter(str(tmp_path / "missing")) is None
