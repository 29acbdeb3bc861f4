{{/* Alerts about API, upkeep and Redis. */}}
{{- define "trafficjobs.rules.service" -}}
{{- $rules := .Values.monitoring.rules -}}
{{ include "trafficjobs.alert" (dict "root" . "alert" "TrafficjobsApiDown" "for" "5m" "severity" "critical"
  "expr" `absent(trafficjobs_redis_up{@})`
  "summary" "The API of trafficjobs is gone"
  "description" "Prometheus has had nothing from any pod of the API ({{ $labels.job }} in {{ $labels.namespace }}) for 5 minutes.") }}
{{ include "trafficjobs.alert" (dict "root" . "alert" "TrafficjobsHttpErrors" "for" "5m" "severity" "warning"
  "expr" (printf `sum by (@) (rate(trafficjobs_http_requests_total{@,status=~"5.."}[5m]))
/ sum by (@) (rate(trafficjobs_http_requests_total{@}[5m])) > %v
and sum by (@) (increase(trafficjobs_http_requests_total{@,status=~"5.."}[5m])) > 5` $rules.httpErrorRatio)
  "summary" "The API answers with errors"
  "description" "{{ $value | humanizePercentage }} of the requests of the last 5 minutes were answered with a status of 500 or above.") }}
{{ include "trafficjobs.alert" (dict "root" . "alert" "TrafficjobsUpkeepMissing" "for" "5m" "severity" "critical"
  "expr" (printf `max by (@) (trafficjobs_upkeep_age_seconds{@}) > %s
or max by (@) (trafficjobs_redis_up{@}) == 1 unless max by (@) (trafficjobs_upkeep_age_seconds{@})` (include "trafficjobs.plain" $rules.upkeepAgeSeconds))
  "summary" "Nobody does upkeep"
  "description" "Upkeep has not looked for 5 minutes, or never: jobs of dead workers, scheduled and recurring jobs stay where they are.") }}
{{ include "trafficjobs.alert" (dict "root" . "alert" "TrafficjobsUpkeepLags" "for" "5m" "severity" "warning"
  "expr" (printf `max by (@, task) (trafficjobs_upkeep_lag_seconds{@}) > %s` (include "trafficjobs.plain" $rules.upkeepLagSeconds))
  "summary" "Upkeep falls behind ({{ $labels.task }})"
  "description" "What upkeep is to {{ $labels.task }} has been due for {{ $value | humanizeDuration }}.") }}
{{ include "trafficjobs.alert" (dict "root" . "alert" "TrafficjobsRedisDown" "for" "2m" "severity" "critical"
  "expr" `max by (@) (trafficjobs_redis_up{@}) == 0`
  "summary" "No pod of the API reaches Redis"
  "description" "No pod of the API has reached Redis for 2 minutes: requests are answered with 503, and running jobs keep their results to themselves.") }}
{{ include "trafficjobs.alert" (dict "root" . "alert" "TrafficjobsRedisMemory" "for" "5m" "severity" "warning"
  "expr" (printf `max by (@) (trafficjobs_redis_used_memory_bytes{@}) / (max by (@) (trafficjobs_redis_maxmemory_bytes{@}) > 0) > %v` $rules.redisMemoryRatio)
  "summary" "The memory of Redis is nearly used up"
  "description" "Redis uses {{ $value | humanizePercentage }} of maxmemory; at 100 % submits are refused with 503.") }}
{{ include "trafficjobs.alert" (dict "root" . "alert" "TrafficjobsRedisAofWriteFails" "for" "1m" "severity" "critical"
  "expr" `max by (@) (trafficjobs_redis_aof_last_write_ok{@}) == 0`
  "summary" "Redis cannot write its append-only file"
  "description" "The last write to the append-only file failed: Redis takes no writes any more, and a restart would lose what is not in the file.") }}
{{ include "trafficjobs.alert" (dict "root" . "alert" "TrafficjobsRedisAofRewriteFails" "for" "5m" "severity" "warning"
  "expr" `max by (@) (trafficjobs_redis_aof_last_rewrite_ok{@}) == 0`
  "summary" "Redis cannot shorten its append-only file"
  "description" "The last rewrite of the append-only file failed: the file grows until the volume is full.") }}
{{ include "trafficjobs.alert" (dict "root" . "alert" "TrafficjobsRedisAofOff" "for" "5m" "severity" "critical"
  "expr" `max by (@) (trafficjobs_redis_aof_enabled{@}) == 0`
  "summary" "Redis keeps no append-only file"
  "description" "appendonly is off: a restart of Redis loses every job and the data.") }}
{{ include "trafficjobs.alert" (dict "root" . "alert" "TrafficjobsRedisEvicts" "for" "5m" "severity" "critical"
  "expr" `max by (@, maxmemory_policy) (trafficjobs_redis_info{@,maxmemory_policy!="noeviction"}) == 1`
  "summary" "Redis may throw jobs away"
  "description" "maxmemory-policy is {{ $labels.maxmemory_policy }}: where memory runs out Redis deletes jobs rather than refusing new ones.") }}
{{- if and .Values.redis.enabled .Values.redis.persistence.enabled }}
{{- $claim := .Values.redis.persistence.existingClaim | default (printf "data-%s-0" (include "trafficjobs.redisHost" .)) }}
{{- $volume := printf `namespace=%q,persistentvolumeclaim=%q` .Release.Namespace $claim }}
{{ include "trafficjobs.alert" (dict "root" . "alert" "TrafficjobsVolumeNearlyFull" "for" "5m" "severity" "critical"
  "expr" (printf `max by (namespace, persistentvolumeclaim) (kubelet_volume_stats_available_bytes{%s})
/ max by (namespace, persistentvolumeclaim) (kubelet_volume_stats_capacity_bytes{%s}) < %v` $volume $volume $rules.volumeFreeRatio)
  "summary" "The volume of Redis is nearly full"
  "description" "{{ $value | humanizePercentage }} of the volume {{ $labels.persistentvolumeclaim }} is free; when it is full Redis takes no writes.") }}
{{- end }}
{{- end -}}
