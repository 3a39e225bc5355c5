"""What the lessons and the explorer say, computed by torch: windows and shares, forwards and backwards."""
