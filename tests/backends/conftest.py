import pytest

from tests.backends.simulators import needs


@pytest.fixture
def nest() -> str:
    needs("pynn:nest")
    return "pynn:nest"
