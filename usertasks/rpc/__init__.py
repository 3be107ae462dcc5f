"""LittleHorse's API for user tasks: its own clients, unmodified, work on the same runs as every other door.

Needs the package `littlehorse-client`, which `usertasks[littlehorse]` brings along. `docs/littlehorse.md` says what is
served, and where this server differs from LittleHorse's.
"""
