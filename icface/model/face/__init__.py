"""A face of one photo, assembled from its parts: encoded once, posed at every change."""
