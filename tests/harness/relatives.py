"""What the explorer calls the relatives of the two poolings."""

NAMES = {"avg": "Average", "adaptive max": "Adaptive max", "adaptive avg": "Adaptive average"}
NAMES["fractional max"] = "Fractional max"
NAMES |= {"lp": "LP", "conv": "Convolution"}
IN_WORDS = {"max": "max"} | {kind: name if name == "LP" else name.lower() for kind, name in NAMES.items()}
