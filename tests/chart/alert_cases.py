"""For each alert what makes it fire, when, and with which labels and words."""

from dataclasses import dataclass

from tests.chart.rendering import FULL, NAMESPACE
from tests.chart.series import CLAIM, HONOURED, HPA, KEDA, REST_OF_TIME, SCALER, Series, turning


@dataclass(frozen=True)
class Case:
    """What makes an alert fire so many minutes after WELL, and what it says then."""

    alert: str
    after: int
    labels: dict[str, str]
    summary: str
    description: str
    series: Series


PLOT = {"operation": "plot"}
QUEUE = {"queue": "job-queue"}
CRITICAL, WARNING = {"severity": "critical"}, {"severity": "warning"}
OURS = {"namespace": NAMESPACE, "job": f"{FULL}-api"}
FIRING = [
    Case(
        "TrafficjobsJobsFail",
        5,
        OURS | WARNING | PLOT,
        "Jobs of plot fail",
        "33.33% of the jobs of plot that ended within 15 minutes failed.",
        {
            'trafficjobs_jobs_failed_total{operation="plot",reason="error"}': turning("3", "9+0x60"),
            'trafficjobs_jobs_completed_total{operation="plot"}': turning("40", "52+0x60"),
        },
    ),
    Case(
        "TrafficjobsJobsFail",
        5,
        OURS | WARNING | {"operation": "new"},
        "Jobs of new fail",
        "100% of the jobs of new that ended within 15 minutes failed.",
        {'trafficjobs_jobs_failed_total{operation="new",reason="error"}': "_x30 6+0x60"},
    ),
    Case(
        "TrafficjobsJobsReaped",
        0,
        OURS | WARNING | PLOT,
        "Workers vanish while they run plot",
        "3 leases of jobs of plot ended within 15 minutes without a word of their worker.",
        {
            'trafficjobs_jobs_reaped_total{operation="plot",reason="lease_ended"}': turning("5", "7+0x60"),
            'trafficjobs_jobs_reaped_total{operation="plot",reason="lost_too_often"}': "_x30 1+0x60",
        },
    ),
    Case(
        "TrafficjobsStaleResults",
        0,
        OURS | WARNING | PLOT,
        "Results of plot come too late",
        "1 results of plot were dropped within 15 minutes, because the jobs had gone on without the worker that brought them.",
        {'trafficjobs_jobs_stale_total{operation="plot"}': turning("5", "6+0x60")},
    ),
    Case(
        "TrafficjobsJobsCrash",
        0,
        OURS | WARNING | PLOT | {"reason": "oom"},
        "plot kills its processes",
        "1 processes died within 15 minutes of jobs of plot (oom).",
        {'trafficjobs_jobs_crashed_total{operation="plot",reason="oom"}': "_x30 1+0x60"},
    ),
    Case(
        "TrafficjobsNurseryRestarts",
        0,
        OURS | WARNING,
        "Workers start their nursery again and again",
        "Workers had to start the process that forks their children 5 times within 15 minutes.",
        {"trafficjobs_nursery_restarts_total": turning("2", "7+0x60")},
    ),
    Case(
        "TrafficjobsDeliveriesFail",
        0,
        OURS | WARNING | {"channel": "webhook"},
        "Deliveries by webhook are given up",
        "2 deliveries by webhook were given up within 15 minutes after their last attempt.",
        {'trafficjobs_deliveries_failed_total{channel="webhook"}': turning("0", "2+0x60")},
    ),
    Case(
        "TrafficjobsJobsWaitLong",
        5,
        OURS | WARNING | QUEUE | {"priority": "normal"},
        "Jobs of queue job-queue wait long",
        "The oldest job of priority normal in queue job-queue has waited for 16m 0s.",
        {'trafficjobs_queue_oldest_age_seconds{queue="job-queue",priority="normal"}': turning("0", "660+60x60")},
    ),
    Case(
        "TrafficjobsQueueWithoutWorkers",
        5,
        OURS | CRITICAL | QUEUE,
        "No worker serves queue job-queue",
        "4 jobs wait in queue job-queue, and no worker that serves it is up.",
        {
            'trafficjobs_queue_depth{queue="job-queue",priority="normal"}': turning("0", "3+0x60"),
            'trafficjobs_queue_depth{queue="job-queue",priority="high"}': turning("0", "1+0x60"),
        },
    ),
    Case(
        "TrafficjobsQueueNearlyFull",
        5,
        OURS | WARNING | QUEUE,
        "Queue job-queue is nearly full",
        "Queue job-queue holds 90% of the jobs that it may; beyond that submits are refused with 429.",
        {
            'trafficjobs_queue_depth{queue="job-queue",priority="normal"}': turning("0", "60+0x60"),
            'trafficjobs_queue_depth{queue="job-queue",priority="high"}': turning("0", "30+0x60"),
            'trafficjobs_queue_workers{queue="job-queue"}': f"3{REST_OF_TIME}",
        },
    ),
    Case(
        "TrafficjobsJobsUnserved",
        10,
        OURS | WARNING | QUEUE,
        "Jobs of queue job-queue are laid aside",
        "2 jobs of queue job-queue are laid aside, because no worker that looked at them knows their operation.",
        {'trafficjobs_queue_unserved{queue="job-queue"}': turning("0", "2+0x60")},
    ),
    Case(
        "TrafficjobsQueueOutgrowsWorkers",
        17,
        OURS | WARNING | {"pool": "default"},
        "Pool default is at its limit and its queues grow",
        "The queues of pool default grow by 2 jobs a minute, although it has all the pods that it may have (10).",
        {
            'trafficjobs_queue_depth{queue="job-queue",priority="normal"}': turning("0", "10+2x60"),
            'trafficjobs_queue_workers{queue="job-queue"}': f"10{REST_OF_TIME}",
        },
    ),
    Case(
        "TrafficjobsApiDown",
        5,
        OURS | CRITICAL,
        "The API of trafficjobs is gone",
        f"Prometheus has had nothing from any pod of the API ({FULL}-api in {NAMESPACE}) for 5 minutes.",
        {"trafficjobs_redis_up": turning("1", "stale")},
    ),
    Case(
        "TrafficjobsHttpErrors",
        6,
        OURS | WARNING,
        "The API answers with errors",
        "33.33% of the requests of the last 5 minutes were answered with a status of 500 or above.",
        {'trafficjobs_http_requests_total{method="POST",route="/jobs",status="500"}': turning("0", "0+6x60")},
    ),
    Case(
        "TrafficjobsUpkeepMissing",
        5,
        OURS | CRITICAL,
        "Nobody does upkeep",
        "Upkeep has not looked for 5 minutes, or never: jobs of dead workers, scheduled and recurring jobs stay where they are.",
        {"trafficjobs_upkeep_age_seconds": turning("0.4", "61+60x60")},
    ),
    Case(
        "TrafficjobsUpkeepMissing",
        5,
        OURS | CRITICAL,
        "Nobody does upkeep",
        "Upkeep has not looked for 5 minutes, or never: jobs of dead workers, scheduled and recurring jobs stay where they are.",
        {"trafficjobs_upkeep_age_seconds": turning("0.4", "stale")},
    ),
    Case(
        "TrafficjobsUpkeepLags",
        5,
        OURS | WARNING | {"task": "deliver"},
        "Upkeep falls behind (deliver)",
        "What upkeep is to deliver has been due for 6m 30s.",
        {'trafficjobs_upkeep_lag_seconds{task="deliver"}': turning("0", "90+60x60")},
    ),
    Case(
        "TrafficjobsRedisDown",
        2,
        OURS | CRITICAL,
        "No pod of the API reaches Redis",
        "No pod of the API has reached Redis for 2 minutes: requests are answered with 503, and running jobs keep their results"
        " to themselves.",
        {"trafficjobs_redis_up": turning("1", "0+0x60")},
    ),
    Case(
        "TrafficjobsRedisMemory",
        5,
        OURS | WARNING,
        "The memory of Redis is nearly used up",
        "Redis uses 90% of maxmemory; at 100 % submits are refused with 503.",
        {"trafficjobs_redis_used_memory_bytes": turning("2000000", "90000000+0x60")},
    ),
    Case(
        "TrafficjobsRedisAofWriteFails",
        1,
        OURS | CRITICAL,
        "Redis cannot write its append-only file",
        "The last write to the append-only file failed: Redis takes no writes any more, and a restart would lose what is not in"
        " the file.",
        {"trafficjobs_redis_aof_last_write_ok": turning("1", "0+0x60")},
    ),
    Case(
        "TrafficjobsRedisAofRewriteFails",
        5,
        OURS | WARNING,
        "Redis cannot shorten its append-only file",
        "The last rewrite of the append-only file failed: the file grows until the volume is full.",
        {"trafficjobs_redis_aof_last_rewrite_ok": turning("1", "0+0x60")},
    ),
    Case(
        "TrafficjobsRedisAofOff",
        5,
        OURS | CRITICAL,
        "Redis keeps no append-only file",
        "appendonly is off: a restart of Redis loses every job and the data.",
        {"trafficjobs_redis_aof_enabled": turning("1", "0+0x60")},
    ),
    Case(
        "TrafficjobsRedisEvicts",
        5,
        OURS | CRITICAL | {"maxmemory_policy": "allkeys-lru"},
        "Redis may throw jobs away",
        "maxmemory-policy is allkeys-lru: where memory runs out Redis deletes jobs rather than refusing new ones.",
        {
            'trafficjobs_redis_info{version="8.1.0",maxmemory_policy="noeviction"}': turning("1", "stale"),
            'trafficjobs_redis_info{version="8.1.0",maxmemory_policy="allkeys-lru"}': "_x30 1+0x60",
        },
    ),
    Case(
        "TrafficjobsVolumeNearlyFull",
        5,
        CRITICAL | {"namespace": NAMESPACE, "persistentvolumeclaim": f"data-{FULL}-redis-0"},
        "The volume of Redis is nearly full",
        f"10% of the volume data-{FULL}-redis-0 is free; when it is full Redis takes no writes.",
        {f"kubelet_volume_stats_available_bytes{CLAIM}": turning("8000000000", "850000000+0x60")},
    ),
    Case(
        "TrafficjobsScalerFails",
        10,
        WARNING | {"namespace": NAMESPACE, "scaledObject": SCALER},
        f"KEDA cannot scale {SCALER}",
        f"KEDA met 5 errors within 5 minutes when it asked for the queues of {SCALER}.",
        {f"keda_scaled_object_errors_total{KEDA}": turning("9", "10+1x60")},
    ),
    Case(
        "TrafficjobsScalerFails",
        11,
        WARNING | {"namespace": NAMESPACE, "scaledObject": SCALER},
        f"KEDA cannot scale {SCALER}",
        f"KEDA met 5 errors within 5 minutes when it asked for the queues of {SCALER}.",
        {f"keda_scaled_object_errors_total{HONOURED}": "_x30 1+1x60"},
    ),
    Case(
        "TrafficjobsScalerPaused",
        60,
        WARNING | {"namespace": NAMESPACE, "scaledObject": SCALER},
        f"{SCALER} is not scaled",
        f"The ScaledObject {SCALER} has been paused for an hour: the number of workers stays whatever waits.",
        {f"keda_scaled_object_paused{KEDA}": turning("0", "1+0x70")},
    ),
    Case(
        "TrafficjobsAutoscalerBlind",
        10,
        WARNING | {"namespace": NAMESPACE, "horizontalpodautoscaler": f"keda-hpa-{SCALER}"},
        f"keda-hpa-{SCALER} does not get its numbers",
        f"The HorizontalPodAutoscaler keda-hpa-{SCALER} has had no number to scale by for 10 minutes; the pods stay as many as"
        " they are.",
        {f"kube_horizontalpodautoscaler_status_current_replicas{{{HPA}}}": turning("0", "3+0x60")},
    ),
]
