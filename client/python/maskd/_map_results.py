"""Results of a call with other values in them: moved to a device, or into another library's arrays."""

from __future__ import annotations

from typing import Any, Callable, TypeVar

from maskd._masking import GeneratedMask, MaskedBatch

Results = TypeVar("Results", bound="tuple[Any, ...]")


def map_results(change: Callable[[Any], Any], results: Results) -> Results:
    """The same tuple, with its fields and further attributes as `change` returns them."""
    values = map(change, results)
    mapped: Results = type(results)(*values) if hasattr(results, "_fields") else type(results)(values)
    for name, value in getattr(results, "__dict__", {}).items():
        setattr(mapped, name, change(value))
    return mapped


def with_kept(kept: Any, results: MaskedBatch | GeneratedMask) -> MaskedBatch:
    """The same results, with `kept` in its place."""
    batch = MaskedBatch(kept, results.mask, results.ids_restore)
    vars(batch).update(vars(results))
    return batch
