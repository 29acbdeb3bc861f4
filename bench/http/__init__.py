"""Submits over HTTP: the load, and the Flask + RQ that ours is measured beside."""
