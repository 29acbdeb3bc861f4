"""The HTTP API and the upkeep process beside it."""
