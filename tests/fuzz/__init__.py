"""Broken and hostile files, made from good ones by seeded mutations, and what the readers make of them."""
