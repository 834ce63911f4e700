"""The commands of ``icface``, a module for each subject; they import what they need when they run."""
