"""Every example runs as a newcomer would run it, and says something."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("script", sorted((ROOT / "examples").glob("*.py")), ids=lambda p: p.stem)
def test_example_runs(script, tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"}
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_readme_example_is_true():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    code = text.split("```python\n")[1].split("```")[0]
    lines = code.splitlines()
    assert any("# (" in line or "# {" in line for line in lines)
    scope: dict = {}
    for line in lines:
        if ".h5" in line or line.startswith(("from ", "memory =", "session =")):
            if ".h5" not in line:
                exec(line, scope)
            continue
        statement, _, comment = line.partition("#")
        if not statement.strip():
            continue
        value = eval(statement, scope)
        if comment.strip().startswith(("(", "{")):
            expected = comment.strip()
            closing = {"(": ")", "{": "}"}[expected[0]]
            assert value == eval(expected[: expected.rindex(closing) + 1]), line
