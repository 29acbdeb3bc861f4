"""The rows of what runs the jobs: workers, API, Redis, upkeep, the data."""

from tools.board.panels import PER, QUEUE, Panel, rate

WORKERS = [
    Panel(
        "Workers and children",
        "short",
        "Workers that beat, those that were told to drain, their child processes, and those of these that wait for a job.",
        {
            "workers": "max(trafficjobs_workers{@})",
            "draining": "max(trafficjobs_workers_draining{@})",
            "children": "max(trafficjobs_children{@})",
            "idle in {{queue}}": f"max by (queue) (trafficjobs_queue_idle_children{{@{QUEUE}}})",
        },
        ("TrafficjobsQueueWithoutWorkers",),
        width=8,
    ),
    Panel(
        "Deaths and restarts",
        "ops",
        "By the second: children that died, by what of, and nurseries that had to be started again.",
        {
            "child: {{reason}}": rate("trafficjobs_child_deaths_total", "", "reason"),
            "nursery": f"max(rate(trafficjobs_nursery_restarts_total{{@}}{PER}))",
        },
        ("TrafficjobsNurseryRestarts", "TrafficjobsJobsCrash"),
        width=8,
    ),
    Panel(
        "Memory of the workers",
        "bytes",
        "Memory of all processes of the workers, what they share counted once, by pool. Wants monitoring.podMonitor.",
        {"{{pool}}": "sum by (pool) (trafficjobs_worker_memory_bytes{w})"},
        width=8,
        stack=True,
    ),
]
HTTP = [
    Panel(
        "Requests",
        "reqps",
        "Requests by the second, by route.",
        {"{{method}} {{route}}": f"sum by (method, route) (rate(trafficjobs_http_requests_total{{@}}{PER}))"},
        width=8,
    ),
    Panel(
        "Refusals and errors",
        "reqps",
        "Requests by the second that were answered with 400 and above, by status.",
        {"{{status}}": f'sum by (status) (rate(trafficjobs_http_requests_total{{@,status=~"[45].."}}{PER}))'},
        ("TrafficjobsHttpErrors",),
        width=8,
    ),
    Panel(
        "Answer time",
        "s",
        "95th percentile until an answer begins, by route. Requests that wait for a job take as long as they are asked to.",
        {
            "{{method}} {{route}}": "histogram_quantile(0.95, sum by (le, method, route)"
            f" (rate(trafficjobs_http_request_duration_seconds_bucket{{@}}{PER})))"
        },
        width=8,
        exemplars=True,
    ),
]
REDIS = [
    Panel(
        "Memory of Redis",
        "bytes",
        "What Redis uses, and the limit beyond which it refuses writes; no limit where that is 0.",
        {"used": "max(trafficjobs_redis_used_memory_bytes{@})", "maxmemory": "max(trafficjobs_redis_maxmemory_bytes{@})"},
        ("TrafficjobsRedisMemory",),
        width=8,
    ),
    Panel(
        "Clients of Redis",
        "short",
        "Connections to Redis.",
        {"connected": "max(trafficjobs_redis_connected_clients{@})"},
        width=8,
    ),
    Panel(
        "Append-only file",
        "bool_yes_no",
        "Whether there is one, and whether its last write and its last rewrite went well.",
        {
            "on": "max(trafficjobs_redis_aof_enabled{@})",
            "written": "max(trafficjobs_redis_aof_last_write_ok{@})",
            "rewritten": "max(trafficjobs_redis_aof_last_rewrite_ok{@})",
        },
        ("TrafficjobsRedisAofWriteFails", "TrafficjobsRedisAofRewriteFails", "TrafficjobsRedisAofOff"),
        width=8,
        kind="stat",
        colours=((0, "red"), (1, "text")),
        text_mode="value_and_name",
    ),
]
UPKEEP = [
    Panel(
        "Upkeep",
        "s",
        "Since upkeep last looked, and how long the longest overdue thing of each task is due.",
        {
            "age": "max(trafficjobs_upkeep_age_seconds{@})",
            "{{task}}": "max by (task) (trafficjobs_upkeep_lag_seconds{@})",
        },
        ("TrafficjobsUpkeepMissing", "TrafficjobsUpkeepLags"),
        width=8,
    ),
    Panel(
        "Deliveries",
        "ops",
        "Webhooks and e-mails by the second: arrived and given up.",
        {
            "{{channel}} delivered": rate("trafficjobs_deliveries_delivered_total", "", "channel"),
            "{{channel}} given up": rate("trafficjobs_deliveries_failed_total", "", "channel"),
        },
        ("TrafficjobsDeliveriesFail",),
        width=8,
    ),
    Panel(
        "Still to be sent, and schedules",
        "short",
        "Deliveries that are still to be sent; jobs that schedules submitted, and times that they missed, within an hour.",
        {
            "to be sent": "max(trafficjobs_deliveries_pending{@})",
            "fired": "max(increase(trafficjobs_schedules_fired_total{@}[1h]))",
            "missed": "max(increase(trafficjobs_schedules_missed_total{@}[1h]))",
        },
        width=8,
    ),
]
DATASET = [
    Panel(
        "Version of the data",
        "short",
        "The version that jobs read; empty where nothing is loaded.",
        {"{{version}}": "max by (version) (trafficjobs_dataset_info{@})"},
        width=8,
        height=4,
        kind="stat",
        text_mode="name",
    ),
    Panel(
        "Incidents",
        "short",
        "Rows of that version.",
        {"rows": "max(trafficjobs_dataset_rows{@})"},
        width=8,
        height=4,
        kind="stat",
        decimals=0,
    ),
    Panel(
        "Age of the data",
        "s",
        "Since that version was loaded.",
        {"age": "max(trafficjobs_dataset_age_seconds{@})"},
        width=8,
        height=4,
        kind="stat",
    ),
]
