"""Broken and hostile files, made from good ones by seeded mutations, and how readers end."""
