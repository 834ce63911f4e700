"""Judges of edited photos: contact sheets for people's eyes, and measures that need no tracker.

`edits` names what is tried, `subjects` makes the pictures, `sheets` shows them. One module holds
one measure: `flow_steps`, `smears`, `lid_lines`, `mouth_light`, `folds`, `lite0`, `identity`,
`real_or_edited`. `judging` takes them all, `report` prints them.
"""
