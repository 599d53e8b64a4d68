"""Which GPUs a wish stands for, where the machine has none."""

import pytest

from core.engines.gpus import chosen_gpus
from core.errors import Refused


@pytest.mark.parametrize("wish", ["none", "auto"])
def test_without_a_gpu_the_cpu_is_used(wish: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.engines.gpus.gpus", list)

    assert chosen_gpus(wish) == ()


@pytest.mark.parametrize("wish", ["0", "0,x", "all", "", "-1"])
def test_a_gpu_that_is_not_there_is_refused(wish: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.engines.gpus.gpus", list)

    with pytest.raises(Refused) as caught:
        chosen_gpus(wish)

    assert (caught.value.code, caught.value.values) == ("bad_gpus", {"wish": wish, "known": "–"})
