"""The document: everything opened and changed, as one immutable value.

A `Project` never changes; `icface.document.edits` makes new ones that share every part they leave
alone, so that ``is`` tells exactly what an edit touched. Nothing here holds pixels: photos and
clips name files by path and digest. Readings of clips are values as well, compared by their digest.
"""

from icface.document.drivers import GROUPS, Driver, MixRule, mix_target, split_mix_target
from icface.document.faces import Face, FaceEdits
from icface.document.project import Marker, OutputSettings, Project, Region
from icface.document.sources import Clip, DataFile, Medium, ProjectError, Source

__all__ = [
    "GROUPS",
    "Clip",
    "DataFile",
    "Driver",
    "Face",
    "FaceEdits",
    "Marker",
    "Medium",
    "MixRule",
    "OutputSettings",
    "Project",
    "ProjectError",
    "Region",
    "Source",
    "mix_target",
    "split_mix_target",
]
