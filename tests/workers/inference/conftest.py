"""Where models run in these tests: one thread, no shipped model."""

import pytest

from tests.fakes.portal import PUBLIC_KEY
from workers.inference.answering import make_workplace
from workers.settings import read_settings


@pytest.fixture
def workplace(tmp_path):
    found = make_workplace(
        read_settings(
            {
                "OVERREAD_STATE_DIR": str(tmp_path),
                "OVERREAD_SHIPPED_MODELS": str(tmp_path / "none"),
                "OVERREAD_TORCH_THREADS": "1",
                "OVERREAD_MODEL_KEY": PUBLIC_KEY,
            }
        )
    )
    yield found
    found.decoder.close()
