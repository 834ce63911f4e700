"""Time in the window: lanes of keys, curves, transport. Nothing here edits the document; `deeds` does what is asked for."""
