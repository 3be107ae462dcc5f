#!/usr/bin/env python
"""Django's command-line utility for this project; an installed `usertasks` is the same."""

from config.cli import main

if __name__ == "__main__":
    main()
