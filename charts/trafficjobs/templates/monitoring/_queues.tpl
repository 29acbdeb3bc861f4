{{/* Alerts about what waits. */}}
{{- define "trafficjobs.rules.queues" -}}
{{- $rules := .Values.monitoring.rules -}}
{{ include "trafficjobs.alert" (dict "root" . "alert" "TrafficjobsJobsWaitLong" "for" "5m" "severity" "warning"
  "expr" (printf `max by (@, queue, priority) (trafficjobs_queue_oldest_age_seconds{@}) > %s
unless on (namespace, job, queue) max by (@, queue) (trafficjobs_queue_paused{@}) == 1` (include "trafficjobs.plain" $rules.oldestAgeSeconds))
  "summary" "Jobs of queue {{ $labels.queue }} wait long"
  "description" "The oldest job of priority {{ $labels.priority }} in queue {{ $labels.queue }} has waited for {{ $value | humanizeDuration }}.") }}
{{ include "trafficjobs.alert" (dict "root" . "alert" "TrafficjobsQueueWithoutWorkers" "for" "5m" "severity" "critical"
  "expr" `sum by (@, queue) (max by (@, queue, priority) (trafficjobs_queue_depth{@})) > 0
and on (namespace, job, queue) max by (@, queue) (trafficjobs_queue_workers{@}) == 0
unless on (namespace, job, queue) max by (@, queue) (trafficjobs_queue_paused{@}) == 1`
  "summary" "No worker serves queue {{ $labels.queue }}"
  "description" "{{ $value }} jobs wait in queue {{ $labels.queue }}, and no worker that serves it is up.") }}
{{ include "trafficjobs.alert" (dict "root" . "alert" "TrafficjobsQueueNearlyFull" "for" "5m" "severity" "warning"
  "expr" (printf `sum by (@, queue) (max by (@, queue, priority) (trafficjobs_queue_depth{@}))
/ (max by (@, queue) (trafficjobs_queue_depth_limit{@}) > 0) > %v` $rules.queueFillRatio)
  "summary" "Queue {{ $labels.queue }} is nearly full"
  "description" "Queue {{ $labels.queue }} holds {{ $value | humanizePercentage }} of the jobs that it may; beyond that submits are refused with 429.") }}
{{ include "trafficjobs.alert" (dict "root" . "alert" "TrafficjobsJobsUnserved" "for" "10m" "severity" "warning"
  "expr" `max by (@, queue) (trafficjobs_queue_unserved{@}) > 0`
  "summary" "Jobs of queue {{ $labels.queue }} are laid aside"
  "description" "{{ $value }} jobs of queue {{ $labels.queue }} are laid aside, because no worker that looked at them knows their operation.") }}
{{- range $pool, $own := include "trafficjobs.pools" . | fromJson }}
{{- $pods := int64 $own.replicas }}
{{- if include "trafficjobs.keda" $ }}{{ $pods = int64 $own.keda.maxReplicas }}
{{- else if $own.autoscaling.enabled }}{{ $pods = int64 $own.autoscaling.maxReplicas }}{{ end }}
{{- $queues := printf `queue=~"%s"` (concat $own.queues $own.adoptQueues | join "|") }}
{{- if $pods }}
{{ include "trafficjobs.alert" (dict "root" $ "alert" "TrafficjobsQueueOutgrowsWorkers" "for" "15m" "severity" "warning" "labels" (dict "pool" $pool)
  "expr" (printf `sum by (@) (max by (@, queue, priority) (deriv(trafficjobs_queue_depth{@,%s}[15m]))) * 60 > 0.5
and on (namespace, job) max by (@) (trafficjobs_queue_workers{@,%s}) >= %d` $queues $queues $pods)
  "summary" (printf "Pool %s is at its limit and its queues grow" $pool)
  "description" (printf "The queues of pool %s grow by {{ $value | humanize }} jobs a minute, although it has all the pods that it may have (%d)." $pool $pods)) }}
{{- end }}
{{- end }}
{{- end -}}
