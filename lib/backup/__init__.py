"""Backup and restore of a release: one file of everything that it holds, and the way back. See docs/backup.md.

`form` is the file, `taking` reads a release, `staging` brings a file to Redis beside what is there, `restoring` puts it in place.
"""
