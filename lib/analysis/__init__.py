"""The operations that answer questions about the incidents, one module for each kind of question.

Workers run them in jobs, the API in direct routes, and they are plain functions on any frame:
`from lib.analysis import top_locations`.
"""

from lib.analysis.anomalies import anomalies
from lib.analysis.areas import hotspots, nearby
from lib.analysis.comparing import compare
from lib.analysis.course import (
    average_response_time,
    incident_count_by_date,
    incidents_by_road,
    top_locations,
    unique_issues,
)
from lib.analysis.describing import describe, print_message
from lib.analysis.kinds import issue_breakdown, time_on_feed
from lib.analysis.timing import by_hour, by_weekday, heatmap, trend

__all__ = [
    "anomalies",
    "average_response_time",
    "by_hour",
    "by_weekday",
    "compare",
    "describe",
    "heatmap",
    "hotspots",
    "incident_count_by_date",
    "incidents_by_road",
    "issue_breakdown",
    "nearby",
    "print_message",
    "time_on_feed",
    "top_locations",
    "trend",
    "unique_issues",
]
