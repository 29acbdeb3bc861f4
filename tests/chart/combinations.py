"""Values that people give, by name: what is true of every release is asserted on each of them.

`EVERYTHING` has all options on that go together; the others are single turns, each with what it needs to be accepted.
"""

from tests.chart.rendering import Values, merged

TOLERATIONS = [{"key": "spot", "operator": "Exists", "effect": "NoSchedule"}]
SCHEDULING: Values = {
    "nodeSelector": {"disk": "ssd"},
    "tolerations": TOLERATIONS,
    "affinity": {"nodeAffinity": {}},
    "podAnnotations": {"note": "mine"},
    "podLabels": {"team": "roads"},
}
MORE: Values = {
    "extraEnv": [{"name": "IDLE_WAIT", "value": "5"}],
    "extraEnvFrom": [{"configMapRef": {"name": "more", "optional": True}}],
    "extraVolumes": [{"name": "mine", "emptyDir": {}}],
    "extraVolumeMounts": [{"name": "mine", "mountPath": "/mine"}],
    "extraContainers": [],
    "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
    "priorityClassName": "high",
    "topologySpreadConstraints": [
        {
            "maxSkew": 1,
            "topologyKey": "kubernetes.io/hostname",
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": {"app.kubernetes.io/name": "trafficjobs"}},
        }
    ],
}
KEDA: Values = {"keda": {"enabled": True}}
CPU: Values = {
    "keda": {"enabled": False},
    "worker": {"autoscaling": {"enabled": True}},
    "api": {"autoscaling": {"enabled": True}},
}
EXTERNAL: Values = {"redis": {"enabled": False}, "externalRedis": {"host": "redis.example.com"}}
CA_TLS = merged(
    EXTERNAL,
    {
        "externalRedis": {
            "username": "jobs",
            "existingSecret": "mine",
            "tls": {"enabled": True, "caSecret": "our-ca", "caKey": "ca.pem"},
        }
    },
)
SENTINELS: Values = {
    "redis": {"enabled": False},
    "externalRedis": {"sentinels": ["one.example.com:26379", "two.example.com:26380"], "sentinelMaster": "roads"},
}
SENTINEL_LOGIN = merged(
    SENTINELS,
    {"externalRedis": {"existingSecret": "mine", "sentinelUsername": "asker", "sentinelPasswordKey": "sentinel-password"}},
)
CLUSTER: Values = {
    "redis": {"enabled": False},
    "externalRedis": {"cluster": ["one.example.com:7000", "two.example.com:7001"]},
    "config": {"queueDb": 0, "keyPrefix": "{tj}:"},
}
EXISTING_SECRETS: Values = {
    "redis": {"existingSecret": "my-redis"},
    "api": {"auth": {"existingSecret": "my-tokens"}},
    "notifications": {"webhooks": {"existingSecret": "mine"}},
}
NOTIFICATIONS: Values = {
    "config": {"publicUrl": "https://jobs.example.org"},
    "notifications": {
        "webhooks": {"enabled": True, "allow": [".hooks.svc", "10.1.0.0/16"]},
        "email": {
            "host": "mail.example.org",
            "from": "Jobs <jobs@example.org>",
            "username": "jobs",
            "existingSecret": "mine",
            "allow": ["example.org"],
        },
    },
}
POOLS: Values = {
    "config": {"keyPrefix": "blue:"},
    "workers": {
        "default": {"queues": ["job-queue", "quick"], "adoptQueues": ["job_queue"]},
        "heavy": {"queues": ["heavy"], "concurrency": 1, "keda": {"maxReplicas": 3, "minReplicas": 1, "jobsPerPod": 2.5}},
    },
}
MONITORED: Values = {
    "monitoring": {
        "serviceMonitor": {"enabled": True},
        "podMonitor": {"enabled": True},
        "rules": {"enabled": True},
        "dashboard": {"enabled": True},
    }
}
RELABELING = {"sourceLabels": ["__meta_kubernetes_pod_node_name"], "targetLabel": "node"}
MONITOR: Values = {
    "labels": {"release": "kube-prometheus-stack"},
    "interval": "30s",
    "scrapeTimeout": "10s",
    "relabelings": [RELABELING],
    "metricRelabelings": [{"action": "drop", "regex": "process_.*", "sourceLabels": ["__name__"]}],
}
EVERYTHING = merged(
    KEDA,
    POOLS,
    NOTIFICATIONS,
    MONITORED,
    {
        "monitoring": {
            "labels": {"team": "watch"},
            "serviceMonitor": MONITOR,
            "podMonitor": MONITOR,
            "rules": {"labels": {"role": "alerts"}, "alertLabels": {"team": "roads"}, "disabled": ["TrafficjobsHttpErrors"]},
            "slo": {"startSeconds": 2.5, "objective": 0.999},
            "dashboard": {"folder": "Jobs", "labelValue": "yes"},
        }
    },
    {
        "global": {"imageRegistry": "registry.example.com", "imagePullSecrets": ["one", {"name": "two"}], "storageClass": "fast"},
        "imagePullSecrets": [{"name": "three"}],
        "commonLabels": {"team": "roads", "app.kubernetes.io/part-of": "city"},
        "commonAnnotations": {"owner": "roads@example.com"},
        "extraEnv": [{"name": "CHILD_MAX_JOBS", "value": "500"}],
        "operations": {"files": {"lanes.py": "from lib.operations import operation\n"}},
        "api": merged(
            SCHEDULING,
            MORE,
            {
                "autoscaling": {"enabled": True, "behavior": {"scaleDown": {"stabilizationWindowSeconds": 60}}},
                "auth": {"metricsToken": {"secretName": "scrape"}, "extraTokens": ["ci submit " + "0a" * 32]},
                "ingress": {
                    "enabled": True,
                    "className": "nginx",
                    "tls": [{"hosts": ["trafficjobs.local"], "secretName": "tls"}],
                },
                "httpRoute": {
                    "enabled": True,
                    "parentRefs": [{"name": "gateway"}],
                    "pathPrefix": "/incidents",
                    "hostnames": ["a.example"],
                },
                "service": {"type": "LoadBalancer", "port": 8080, "annotations": {"lb": "internal"}},
                "trustedHosts": ["a.example", ".trafficjobs.local"],
            },
        ),
        "worker": merged(
            SCHEDULING,
            MORE,
            {
                "deletionCost": True,
                "pdb": {"enabled": True, "maxUnavailable": "50%"},
                "dataCache": {"sizeLimit": "2Gi", "medium": "Memory"},
                "keda": {"fallback": {"failureThreshold": 3, "replicas": 1}, "behavior": {"scaleDown": {"policies": []}}},
            },
        ),
        "dashboard": {"scalerView": True},
        "debug": {"enabled": True, **SCHEDULING},
        "backup": {"enabled": True, "timeZone": "Europe/Berlin", "keep": 3, "priorityClassName": "low", **SCHEDULING},
        "redis": {"exporter": {"enabled": True}, "extraConfig": "slowlog-max-len 256\n", **SCHEDULING},
        "networkPolicy": {
            "apiFrom": [{"podSelector": {"matchLabels": {"role": "frontend"}}}],
            "redisFrom": [{"podSelector": {"matchLabels": {"role": "feeder"}}}],
            "extraEgress": [{"ports": [{"port": 443, "protocol": "TCP"}]}],
        },
        "serviceAccount": {"annotations": {"role": "none"}},
        "extraObjects": [
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "mine"}, "data": {"of": "{{ .Release.Name }}"}},
            'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: "{{ .Release.Name }}-text"}\n',
        ],
    },
)

COMBINATIONS: dict[str, Values] = {
    "defaults": {},
    "keda": KEDA,
    "no keda": {"keda": {"enabled": False}},
    "cpu": CPU,
    "pools": merged(KEDA, POOLS),
    "pools without keda": POOLS,
    "everything": EVERYTHING,
    "everything by cpu": merged(EVERYTHING, CPU),
    "existing secrets": merged(KEDA, EXISTING_SECRETS),
    "external": merged(KEDA, EXTERNAL),
    "external with a password": merged(KEDA, EXTERNAL, {"externalRedis": {"password": "s3cret"}}),
    "external with tls": merged(KEDA, CA_TLS),
    "everything on an external one": merged(EVERYTHING, CA_TLS),
    "sentinels": merged(KEDA, SENTINELS),
    "sentinels with a login": merged(KEDA, SENTINEL_LOGIN),
    "sentinels with tls": merged(KEDA, CA_TLS, SENTINEL_LOGIN, {"externalRedis": {"host": ""}}),
    "a cluster": merged(KEDA, CLUSTER),
    "no sign-in": {"api": {"auth": {"enabled": False}}},
    "nothing kept": {"redis": {"persistence": {"enabled": False}}},
    "a claim of mine": {"redis": {"persistence": {"existingClaim": "mine"}}},
    "no policies": {"networkPolicy": {"enabled": False}},
    "accounts of mine": {
        "serviceAccount": {"create": False, "name": "mine"},
        "worker": {"deletionCost": True},
        "dashboard": {"scalerView": True},
    },
    "pools in view": merged(KEDA, POOLS, {"dashboard": {"scalerView": True}}),
    "a fixed pool in view": {"keda": {"enabled": False}, "dashboard": {"scalerView": True}},
    "by digest": {"worker": {"image": {"digest": "sha256:" + "ab" * 32}}},
    "debug": {"debug": {"enabled": True}},
    "backups": {"backup": {"enabled": True}},
    "backups on a claim of mine": {"backup": {"enabled": True, "persistence": {"existingClaim": "mine"}}},
    "notifications": NOTIFICATIONS,
    "webhooks by a secret of mine": {"notifications": {"webhooks": {"enabled": True, "existingSecret": "mine"}}},
    "mail without a login": {"notifications": {"email": {"host": "mail", "from": "a@example.org", "tls": "off", "port": 25}}},
    "scraped": merged(MONITORED, {"redis": {"exporter": {"enabled": True}}}),
    "rules for a Prometheus of mine": {"monitoring": {"rules": {"enabled": True, "job": "mine"}}},
    "traced": {"tracing": {"endpoint": "http://collector.monitoring:4318", "existingSecret": "mine"}},
    "a ConfigMap of operations": {"operations": {"existingConfigMap": "mine"}},
}
