"""Errors of project files."""


class ProjectFileError(ValueError):
    """A project file that cannot be read or written; names the file, the place and the remedy."""
