"""The explorer: sliders and linked grids over torch's own numbers."""
