"""What the expert lesson measures with: shifts, receptive fields, alternatives to pooling, training, memory traffic."""

from .alternatives import adaptive_windows, costs, layer_by_layer, side_by_side
from .bandwidth import bandwidth, bytes_moved
from .reader import in_short, moved, reading_pages, recorded, right, small_reader, teach
from .receptive import effective_field, field_pages, receptive_field, rows_holding
from .shifts import BlurPool2d, changed, relative_change, shift_pages
from .table import Folded, Table
from .training import WAYS, compare_ways, digit_task, scattered_task, small_network

__all__ = [
    "WAYS",
    "BlurPool2d",
    "Folded",
    "Table",
    "adaptive_windows",
    "bandwidth",
    "bytes_moved",
    "changed",
    "compare_ways",
    "costs",
    "digit_task",
    "effective_field",
    "field_pages",
    "in_short",
    "layer_by_layer",
    "moved",
    "reading_pages",
    "receptive_field",
    "recorded",
    "relative_change",
    "right",
    "rows_holding",
    "scattered_task",
    "shift_pages",
    "side_by_side",
    "small_network",
    "small_reader",
    "teach",
]
