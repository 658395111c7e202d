"""The state of a run on disk: whatever a run needs to go on as if it had not stopped."""

from __future__ import annotations

import json
import random
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from model.training.options import TrainingOptions

FILE = "state.pt"


def write_state(run: Path, parts: dict[str, Any], options: TrainingOptions) -> None:
    """Write the parts, the options and the random states atomically: a kill leaves the last whole file."""
    state = {**parts, "options": json.dumps(asdict(options)), "random": _random_states()}
    part = run / "state.part"
    torch.save(state, part)
    part.replace(run / FILE)


def read_state(run: Path) -> dict[str, Any] | None:
    """What `write_state` wrote, on the CPU; sets the random states. None without a state."""
    path = run / FILE
    if not path.exists():
        return None
    state: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
    if "random" in state:  # states of the first version have none
        _set_random_states(state["random"])
    return state


def seed_everything(seed: int) -> None:
    """Seed Python, numpy and torch."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - libraries below draw from the global state
    torch.manual_seed(seed)


def _random_states() -> dict[str, Any]:
    kind, keys, *rest = np.random.get_state(legacy=True)  # noqa: NPY002 - as above
    return {
        "python": random.getstate(),
        "numpy": [kind, keys.tolist(), *map(float, rest)],  # type: ignore[union-attr]
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }


def _set_random_states(states: dict[str, Any]) -> None:
    random.setstate(states["python"])
    kind, keys, position, has_gauss, cached = states["numpy"]
    restored = (kind, np.array(keys, dtype=np.uint32), int(position), int(has_gauss), cached)
    np.random.set_state(restored)  # noqa: NPY002 - as above
    torch.set_rng_state(states["torch"])
    if states["cuda"] and len(states["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(states["cuda"])
