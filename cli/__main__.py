"""`python -m cli` is `handover`."""

from cli.main import main

if __name__ == "__main__":
    main()
