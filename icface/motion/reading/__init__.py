"""Readings of faces made truer than a network's alone: fitted to where the landmarks went, by what the animator can do.

`icface.motion.reading.fitted` is the door: a motion in, the same motion with fitted controls out.
"""
