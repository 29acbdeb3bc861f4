"""One call for each script, made by somebody who does not hear the first reply: `CALLS`, by the script's name.

Each takes a stage, whose own queue hears everything, and the same queue seen by the deaf one; it asserts what must be true
after the second sending. A module beside this one has those of one topic.
"""

from tests.chaos.lost_replies import backup, data, deliveries, running, schedules, submitting, upkeep, views
from tests.chaos.lost_replies.registry import CALLS

__all__ = ["CALLS", "backup", "data", "deliveries", "running", "schedules", "submitting", "upkeep", "views"]
