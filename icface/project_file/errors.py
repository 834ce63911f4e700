"""What is told of a project file that cannot be read or written."""


class ProjectFileError(ValueError):
    """A project file that cannot be read or written; the message names the file, the place in it, and the remedy."""
