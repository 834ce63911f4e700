"""Readings fitted to where a face's landmarks went, by what the animator can do.

`icface.motion.reading.fitted` is the door: a motion in, the same motion with fitted controls out.
"""
