"""ICface: a face editor's engine room, driven by head angles and FACS Action Units."""

__version__ = "0.1.0"
