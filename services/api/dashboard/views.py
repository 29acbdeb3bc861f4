"""Every page: importing a module of views registers them on the blueprint, in this order."""

from services.api.dashboard import batches, data, entrance, job, jobs, map, overview, schedules, steering, submit
from services.api.dashboard.pages import blueprint

__all__ = ["batches", "blueprint", "data", "entrance", "job", "jobs", "map", "overview", "schedules", "steering", "submit"]
