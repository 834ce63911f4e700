"""The commands of ``icface``, one module for each; they import what they need when they run."""
