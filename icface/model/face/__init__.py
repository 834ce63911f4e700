"""One face of one photo, assembled from its parts: encoded once, posed as often as a control moves."""
