"""The GPUs of this machine, as NVIDIA's management library reads them; none where it can't."""

from collections.abc import Iterable
from dataclasses import dataclass

import pynvml

from core.errors import Refused

#: A GPU is idle with at most so many bytes taken and so many percent of load: what a driver and
#: a desktop use.
_IDLE_BYTES, _IDLE_LOAD = 1024**3, 5


@dataclass(frozen=True, slots=True)
class Gpu:
    """One reading of a GPU.

    Attributes:
        memory_total, memory_free: bytes.
        load: percent of the time in which a kernel ran, over the last second or so.
        temperature: degrees Celsius.
        power: watts; None where the card does not say.
    """

    index: int
    name: str
    memory_total: int
    memory_free: int
    load: int
    temperature: int
    power: float | None


def gpus() -> list[Gpu]:
    """Read every GPU now."""
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return []
    try:
        return [_reading(index) for index in range(pynvml.nvmlDeviceGetCount())]
    finally:
        pynvml.nvmlShutdown()


def chosen(readings: Iterable[Gpu]) -> tuple[int, ...]:
    """Indices of all idle GPUs; where none is idle, of the one with the most free memory."""
    found = list(readings)
    idle = [
        gpu.index
        for gpu in found
        if gpu.memory_total - gpu.memory_free <= _IDLE_BYTES and gpu.load <= _IDLE_LOAD
    ]
    if idle or not found:
        return tuple(sorted(idle))
    return (max(found, key=lambda gpu: gpu.memory_free).index,)


def chosen_gpus(wish: str) -> tuple[int, ...]:
    """GPUs for a wish such as `auto`, `none` or `0,1`.

    `auto` means all that are idle, or the freest; none where the machine has none.

    Raises:
        Refused: `bad_gpus` for another text, or a GPU that is not there.
    """
    if wish == "none":
        return ()
    present = gpus()
    if wish == "auto":
        return chosen(present)
    known = {gpu.index for gpu in present}
    asked = [part.strip() for part in wish.split(",")]
    if not all(part.isdecimal() and int(part) in known for part in asked):
        raise Refused("bad_gpus", wish=wish, known=", ".join(map(str, sorted(known))) or "–")
    return tuple(dict.fromkeys(int(part) for part in asked))


def _reading(index: int) -> Gpu:
    handle = pynvml.nvmlDeviceGetHandleByIndex(index)
    memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
    name = pynvml.nvmlDeviceGetName(handle)
    return Gpu(
        index,
        name if isinstance(name, str) else name.decode(),
        memory.total,
        memory.free,
        pynvml.nvmlDeviceGetUtilizationRates(handle).gpu,
        pynvml.nvmlDeviceGetTemperature(handle, pynvml.NVML_TEMPERATURE_GPU),
        _power(handle),
    )


def _power(handle: object) -> float | None:
    try:
        return float(pynvml.nvmlDeviceGetPowerUsage(handle)) / 1000
    except pynvml.NVMLError:
        return None
