"""A field more needs the field, a migration and what shows it; what is left out is noticed.

Each test adds one to a copy of the sources and runs the walk over the fields there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WALK = "tests/contract/test_fields.py"
BEFORE = "    lesson: str = "
FIELD = '    surprise: str = ""\n    notes: tuple[str, ...] = ()\n'
MIGRATION = """
ALTER TABLE failures ADD COLUMN surprise TEXT NOT NULL DEFAULT '';
ALTER TABLE failures ADD COLUMN notes TEXT NOT NULL DEFAULT '[]';
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The sources, the migrations and the tests of the fields, to be changed."""
    ignored = shutil.ignore_patterns("__pycache__")
    for name in ("failbot", "migrations", "tests/contract", "tests/memory_store"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
    for name in ("pyproject.toml", *(f"tests/{one}.py" for one in COMMON)):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


COMMON = ("__init__", "conftest", "fakes", "make")


def insert(path: Path, text: str, *, before: str) -> None:
    whole = path.read_text("utf-8")
    assert whole.count(before) == 1
    path.write_text(whole.replace(before, text + before), "utf-8")


def failing(copy: Path, *, only: str = "") -> set[str]:
    """The names of the tests of the walk that fail on the copy; of those named so, where given."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--tb=no", "-k", only, WALK],
        capture_output=True,
        cwd=copy,
        env=os.environ | {"PYTHONPATH": str(copy)},
        text=True,
        timeout=120,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    failed = [line for line in done.stdout.splitlines() if line.startswith("FAILED")]
    return {line.partition("::")[2].partition("[")[0].partition(" ")[0] for line in failed}


def test_a_field_with_its_migration_and_its_column_is_whole(copy: Path) -> None:
    """A text and a list: nothing else is touched, and all that is asked of a field holds."""
    insert(copy / "failbot" / "models.py", FIELD, before=BEFORE)
    (copy / "migrations" / "sqlite" / "9999_surprise.sql").write_text(MIGRATION)
    columns = '    "surprise",\n    "notes",\n'
    insert(
        copy / "failbot" / "files" / "exporting.py", columns, before='    "valid_while",\n    "m'
    )
    assert failing(copy) == set()


def test_a_field_without_a_migration_or_a_column_is_noticed(copy: Path) -> None:
    """First it cannot be stored; then a table does not show it."""
    insert(copy / "failbot" / "models.py", FIELD, before=BEFORE)
    assert failing(copy, only="stored") == {"test_a_field_is_stored_and_read_back"}
    (copy / "migrations" / "sqlite" / "9999_surprise.sql").write_text(MIGRATION)
    assert failing(copy, only="column") == {"test_a_field_has_a_column_in_the_table"}


def test_a_field_that_opts_out_is_noticed(copy: Path) -> None:
    """Whoever takes a field out of redaction or search says so in the test, with a reason."""
    metadata = "metadata=says(is_redacted=False, is_searched=False)"
    text = f'    surprise: str = field(default="", {metadata})\n'
    insert(copy / "failbot" / "models.py", text, before=BEFORE)
    (copy / "migrations" / "sqlite" / "9999_surprise.sql").write_text(MIGRATION)
    assert failing(copy, only="opt") == {
        "test_only_the_named_fields_opt_out_of_redaction",
        "test_a_field_is_redacted_or_opts_out",
        "test_a_field_is_searched_or_opts_out",
    }
