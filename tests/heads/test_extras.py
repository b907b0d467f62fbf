"""What a missing extra is called."""

import subprocess
import sys

import pytest

SENSES = ", ".join(["neuromem.heads.Sense([[0.0], [1.0]], [0, 1])"] * 2)
SPIKES = ", ".join(["neuromem.heads.Sense([[[0]], [[1]]], [0, 1])"] * 2)


@pytest.mark.parametrize(
    ("package", "use", "extra"),
    [
        (
            "sklearn",
            "neuromem.heads.RidgeReadout",
            "scikit-learn: pip install 'neuromem-snn[data]'",
        ),
        (
            "torch",
            "neuromem.heads.LinearHead().fit([[0.0], [1.0]], [0, 1])",
            "torch: pip install 'neuromem-snn[torch]'",
        ),
        (
            "sklearn",
            f"neuromem.heads.CCAAligner().fit({SENSES})",
            "scikit-learn: pip install 'neuromem-snn[data]'",
        ),
        (
            "torch",
            f"neuromem.heads.ContrastiveAligner().fit({SENSES})",
            "torch: pip install 'neuromem-snn[torch]'",
        ),
        (
            "snntorch",
            f"neuromem.heads.SpikingAligner().fit({SPIKES})",
            "snntorch: pip install 'neuromem-snn[torch]'",
        ),
    ],
)
def test_missing_extra_is_named(package: str, use: str, extra: str) -> None:
    if package == "snntorch":
        pytest.importorskip("torch", reason="torch, which it asks for first, is not installed")
    code = f"import sys; sys.modules[{package!r}] = None; import neuromem.heads; {use}"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "ModuleNotFoundError" in run.stderr
    assert f"needs {extra}" in run.stderr
