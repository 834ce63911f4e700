"""Documents become files: clips, animations, sequences and stills, planned and then written."""

from icface.export.choices import EXPORT_PRESETS, STILL, STILL_SUFFIXES, ExportError, ExportOptions
from icface.export.describing import describe
from icface.export.originals import original_at, refusal
from icface.export.plan import ExportPlan, SoundPlan
from icface.export.planning import plan_export
from icface.export.running import Exported, export

__all__ = [
    "EXPORT_PRESETS",
    "STILL",
    "STILL_SUFFIXES",
    "ExportError",
    "ExportOptions",
    "ExportPlan",
    "Exported",
    "SoundPlan",
    "describe",
    "export",
    "original_at",
    "plan_export",
    "refusal",
]
