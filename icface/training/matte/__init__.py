"""The matte network's published weights, moved into the product's format."""
