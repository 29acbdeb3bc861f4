"""Every queue that is measured, a module for each; bench/entrants.py lists them. Each is imported in its own environment
alone.
"""
