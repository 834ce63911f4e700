"""The timeline: lanes of keyframes, curves and the transport.

Widgets only emit requests; `app.timeline.controller` edits the document.
"""
