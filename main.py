"""Start ICface Studio."""

from app.application import main

if __name__ == "__main__":
    raise SystemExit(main())
