"""Series of a release at rest, as Prometheus has them of the API, KEDA, kube-state-metrics and the kubelet.

A series is written as in promtool's tests, one value a minute, without the labels that say whose it is: `fill` gives those of
the API to each series of ours, as two of its pods show it, or the one that it names.
"""

from tests.chart.rendering import FULL, NAMESPACE

Series = dict[str, str]

MINUTES = 100
REST_OF_TIME = f"+0x{MINUTES}"
CLAIM = f'{{namespace="{NAMESPACE}",persistentvolumeclaim="data-{FULL}-redis-0"}}'
SCALER = f"{FULL}-worker-default"
KEDA = f'{{namespace="keda",exported_namespace="{NAMESPACE}",scaledObject="{SCALER}"}}'
HONOURED = f'{{namespace="{NAMESPACE}",scaledObject="{SCALER}"}}'
HPA = f'namespace="{NAMESPACE}",horizontalpodautoscaler="keda-hpa-{SCALER}"'
NOT_SCALING = f'kube_horizontalpodautoscaler_status_condition{{{HPA},condition="ScalingActive",status="false"}}'

# Minutes after which every sickness below begins: at first all is well.
WELL = 30


def turning(well: str, sick: str) -> str:
    """One value until WELL, and from then on what is said of each minute after it."""
    return f"{well}+0x{WELL - 1} {sick}"


# A release that nobody uses, its workers at zero. What others measure of it is there too.
REST: Series = {
    "trafficjobs_redis_up": f"1{REST_OF_TIME}",
    'trafficjobs_redis_info{version="8.1.0",maxmemory_policy="noeviction"}': f"1{REST_OF_TIME}",
    "trafficjobs_redis_used_memory_bytes": f"2000000{REST_OF_TIME}",
    "trafficjobs_redis_maxmemory_bytes": f"100000000{REST_OF_TIME}",
    "trafficjobs_redis_aof_enabled": f"1{REST_OF_TIME}",
    "trafficjobs_redis_aof_last_write_ok": f"1{REST_OF_TIME}",
    "trafficjobs_redis_aof_last_rewrite_ok": f"1{REST_OF_TIME}",
    "trafficjobs_upkeep_age_seconds": f"0.4{REST_OF_TIME}",
    'trafficjobs_upkeep_lag_seconds{task="reap"}': f"0{REST_OF_TIME}",
    'trafficjobs_upkeep_lag_seconds{task="deliver"}': f"0{REST_OF_TIME}",
    'trafficjobs_queue_depth{queue="job-queue",priority="normal"}': f"0{REST_OF_TIME}",
    'trafficjobs_queue_depth{queue="job-queue",priority="high"}': f"0{REST_OF_TIME}",
    'trafficjobs_queue_depth_limit{queue="job-queue"}': f"100{REST_OF_TIME}",
    'trafficjobs_queue_oldest_age_seconds{queue="job-queue",priority="normal"}': f"0{REST_OF_TIME}",
    'trafficjobs_queue_unserved{queue="job-queue"}': f"0{REST_OF_TIME}",
    'trafficjobs_queue_paused{queue="job-queue"}': f"0{REST_OF_TIME}",
    'trafficjobs_queue_workers{queue="job-queue"}': f"0{REST_OF_TIME}",
    "trafficjobs_nursery_restarts_total": f"2{REST_OF_TIME}",
    'trafficjobs_jobs_failed_total{operation="plot",reason="error"}': f"3{REST_OF_TIME}",
    'trafficjobs_jobs_completed_total{operation="plot"}': f"40{REST_OF_TIME}",
    'trafficjobs_jobs_crashed_total{operation="plot",reason="signal"}': f"8{REST_OF_TIME}",
    'trafficjobs_http_requests_total{method="GET",route="/healthz",status="200"}': f"100+12x{MINUTES}",
    f"kubelet_volume_stats_available_bytes{CLAIM}": f"8000000000{REST_OF_TIME}",
    f"kubelet_volume_stats_capacity_bytes{CLAIM}": f"8500000000{REST_OF_TIME}",
    f"keda_scaled_object_errors_total{KEDA}": f"9{REST_OF_TIME}",
    f"keda_scaled_object_paused{KEDA}": f"0{REST_OF_TIME}",
    # At zero replicas an autoscaler says itself that it does not scale.
    NOT_SCALING: f"1{REST_OF_TIME}",
    f"kube_horizontalpodautoscaler_status_current_replicas{{{HPA}}}": f"0{REST_OF_TIME}",
}


def fill(series: Series, namespace: str = NAMESPACE, job: str = f"{FULL}-api") -> Series:
    """The series with the labels of the API's pods; of another release where one is named."""
    found: Series = {}
    for name, values in series.items():
        if not name.startswith("trafficjobs_"):
            found[name.replace(f'"{NAMESPACE}"', f'"{namespace}"').replace(FULL, job.removesuffix("-api"))] = values
            continue
        metric, _, labels = name.rstrip("}").partition("{")
        for pod in ['pod="one"', 'pod="two"'] if 'pod="' not in labels else [""]:
            own = f'namespace="{namespace}",job="{job}",{pod}'.rstrip(",")
            found[f"{metric}{{{own}{',' if labels else ''}{labels}}}"] = values
    return found
