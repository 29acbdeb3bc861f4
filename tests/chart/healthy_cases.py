"""Series of releases that are well, or no worse than one alert says, and near to what the alerts look for."""

from tests.chart.series import CLAIM, HONOURED, HPA, KEDA, NOT_SCALING, REST_OF_TIME, Series

GONE = "stale _x19"
_RESET = "+0x40 0+0x50"

# By what they show: the series that differ from those at rest, and the alerts that may fire.
HEALTHY: dict[str, tuple[Series, set[str]]] = {
    "at rest": ({}, set()),
    "nobody asks": ({'trafficjobs_http_requests_total{method="GET",route="/healthz",status="200"}': f"100{REST_OF_TIME}"}, set()),
    "busy": (
        {
            'trafficjobs_jobs_completed_total{operation="plot"}': "0+60x95",
            'trafficjobs_jobs_failed_total{operation="plot",reason="error"}': "0+5x95",
            'trafficjobs_queue_depth{queue="job-queue",priority="normal"}': "0 40 35 50 30 45 40+0x90",
            'trafficjobs_queue_oldest_age_seconds{queue="job-queue",priority="normal"}': f"120{REST_OF_TIME}",
            'trafficjobs_queue_workers{queue="job-queue"}': f"10{REST_OF_TIME}",
            'trafficjobs_http_requests_total{method="POST",route="/jobs",status="202"}': "0+600x95",
            'trafficjobs_http_requests_total{method="POST",route="/jobs",status="503"}': "0+5x95",
            NOT_SCALING: f"0{REST_OF_TIME}",
            f"kube_horizontalpodautoscaler_status_current_replicas{{{HPA}}}": f"10{REST_OF_TIME}",
        },
        set(),
    ),
    "few failures": (
        {'trafficjobs_jobs_failed_total{operation="rare",reason="error"}': "_x30 2+0x9 4+0x60"},
        set(),
    ),
    "all counters start again": (
        {
            'trafficjobs_jobs_completed_total{operation="plot"}': "500+10x40 0+10x50",
            'trafficjobs_jobs_failed_total{operation="plot",reason="error"}': f"300{_RESET}",
            'trafficjobs_jobs_reaped_total{operation="plot",reason="lease_ended"}': f"300{_RESET}",
            'trafficjobs_jobs_stale_total{operation="plot"}': f"300{_RESET}",
            'trafficjobs_jobs_crashed_total{operation="plot",reason="signal"}': f"300{_RESET}",
            'trafficjobs_deliveries_failed_total{channel="email"}': f"300{_RESET}",
            "trafficjobs_nursery_restarts_total": f"300{_RESET}",
            'trafficjobs_http_requests_total{method="POST",route="/jobs",status="500"}': f"300{_RESET}",
            f"keda_scaled_object_errors_total{KEDA}": f"300{_RESET}",
        },
        set(),
    ),
    "claims end where jobs are cancelled": (
        {'trafficjobs_jobs_reaped_total{operation="plot",reason="cancelled"}': "0+0x30 5+0x60"},
        set(),
    ),
    "a paused queue": (
        {
            'trafficjobs_queue_paused{queue="job-queue"}': f"1{REST_OF_TIME}",
            'trafficjobs_queue_depth{queue="job-queue",priority="normal"}': f"50{REST_OF_TIME}",
            'trafficjobs_queue_oldest_age_seconds{queue="job-queue",priority="normal"}': "0+60x95",
        },
        set(),
    ),
    "workers come from zero": (
        {
            'trafficjobs_queue_depth{queue="job-queue",priority="normal"}': "0+0x30 20+0x3 0+0x60",
            'trafficjobs_queue_workers{queue="job-queue"}': "0+0x32 2+0x60",
        },
        set(),
    ),
    "many jobs arrive at once, and workers come": (
        {
            'trafficjobs_queue_depth{queue="job-queue",priority="normal"}': "0+0x30 70-1x60",
            'trafficjobs_queue_workers{queue="job-queue"}': "0+0x30 1 5 10+0x60",
        },
        set(),
    ),
    "a queue without a limit": (
        {
            'trafficjobs_queue_depth_limit{queue="job-queue"}': f"0{REST_OF_TIME}",
            'trafficjobs_queue_depth{queue="job-queue",priority="normal"}': f"5000{REST_OF_TIME}",
            'trafficjobs_queue_workers{queue="job-queue"}': f"1{REST_OF_TIME}",
        },
        set(),
    ),
    "a Redis without a limit of memory": ({"trafficjobs_redis_maxmemory_bytes": f"0{REST_OF_TIME}"}, set()),
    "one of two pods does not reach Redis": (
        {
            'trafficjobs_redis_up{pod="one"}': "1+0x30 0+0x60",
            'trafficjobs_queue_depth{pod="one",queue="job-queue",priority="normal"}': "0+0x30 stale",
        },
        set(),
    ),
    "the pods of the API are replaced": (
        {
            'trafficjobs_redis_up{pod="one"}': "1+0x40 stale",
            'trafficjobs_redis_up{pod="three"}': "_x38 1+0x60",
            'trafficjobs_jobs_crashed_total{pod="one",operation="plot",reason="signal"}': "8+0x40 stale",
            'trafficjobs_jobs_crashed_total{pod="three",operation="plot",reason="signal"}': "_x38 8+0x60",
            'trafficjobs_jobs_crashed_total{operation="plot",reason="signal"}': "8+0x40 stale",
        },
        set(),
    ),
    "the API was away, and what it counted was not new": (
        {
            "trafficjobs_redis_up": f"1+0x29 {GONE} 1+0x50",
            'trafficjobs_jobs_crashed_total{operation="plot",reason="signal"}': f"8+0x29 {GONE} 8+0x50",
        },
        {"TrafficjobsApiDown"},
    ),
    "Redis was away, and what was counted was not new": (
        {
            "trafficjobs_redis_up": "1+0x29 0+0x19 1+0x50",
            "trafficjobs_upkeep_age_seconds": f"0.4+0x29 {GONE} 0.4+0x50",
            'trafficjobs_jobs_crashed_total{operation="plot",reason="signal"}': f"8+0x29 {GONE} 8+0x50",
        },
        {"TrafficjobsRedisDown"},
    ),
    "a release that is being installed": (
        {
            "trafficjobs_redis_up": "_x3 0+0x0 1+0x90",
            "trafficjobs_upkeep_age_seconds": "_x5 0.4+0x90",
            'trafficjobs_jobs_completed_total{operation="plot"}': "_x9 1+0x90",
            'trafficjobs_jobs_failed_total{operation="plot",reason="error"}': "_x9 1+0x90",
            'trafficjobs_jobs_crashed_total{operation="plot",reason="signal"}': "_x95",
            "trafficjobs_nursery_restarts_total": "_x95",
            f"keda_scaled_object_errors_total{KEDA}": "0+36x3 108+0x90",
            f"keda_scaled_object_errors_total{HONOURED}": "0+36x3 108+0x90",
            NOT_SCALING: "1+0x4 0+0x90",
            f"kube_horizontalpodautoscaler_status_current_replicas{{{HPA}}}": "1+0x5 0+0x90",
            f"kubelet_volume_stats_available_bytes{CLAIM}": "_x95",
        },
        set(),
    ),
}
