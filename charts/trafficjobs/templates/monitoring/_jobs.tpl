{{/* Alerts about jobs, and how often what they look at happened. */}}
{{- define "trafficjobs.rules.jobs" -}}
{{- $rules := .Values.monitoring.rules -}}
{{ include "trafficjobs.rise" (dict "root" . "record" "trafficjobs:jobs_failed:increase15m" "metric" "trafficjobs_jobs_failed_total" "by" "operation, reason") }}
{{ include "trafficjobs.rise" (dict "root" . "record" "trafficjobs:jobs_completed:increase15m" "metric" "trafficjobs_jobs_completed_total" "by" "operation") }}
{{ include "trafficjobs.rise" (dict "root" . "record" "trafficjobs:jobs_reaped:increase15m" "metric" "trafficjobs_jobs_reaped_total" "by" "operation, reason") }}
{{ include "trafficjobs.rise" (dict "root" . "record" "trafficjobs:jobs_stale:increase15m" "metric" "trafficjobs_jobs_stale_total" "by" "operation") }}
{{ include "trafficjobs.rise" (dict "root" . "record" "trafficjobs:jobs_crashed:increase15m" "metric" "trafficjobs_jobs_crashed_total" "by" "operation, reason") }}
{{ include "trafficjobs.rise" (dict "root" . "record" "trafficjobs:nursery_restarts:increase15m" "metric" "trafficjobs_nursery_restarts_total" "by" "") }}
{{ include "trafficjobs.rise" (dict "root" . "record" "trafficjobs:deliveries_failed:increase15m" "metric" "trafficjobs_deliveries_failed_total" "by" "channel") }}
{{ include "trafficjobs.alert" (dict "root" . "alert" "TrafficjobsJobsFail" "for" "5m" "severity" "warning"
  "expr" (printf `sum by (@, operation) (trafficjobs:jobs_failed:increase15m{@})
/ sum by (@, operation) (trafficjobs:jobs_failed:increase15m{@} or trafficjobs:jobs_completed:increase15m{@}) > %v
and sum by (@, operation) (trafficjobs:jobs_failed:increase15m{@}) >= %v` $rules.failureRatio $rules.failuresAtLeast)
  "summary" "Jobs of {{ $labels.operation }} fail"
  "description" "{{ $value | humanizePercentage }} of the jobs of {{ $labels.operation }} that ended within 15 minutes failed.") }}
{{ include "trafficjobs.alert" (dict "root" . "alert" "TrafficjobsJobsReaped" "severity" "warning"
  "expr" (printf `sum by (@, operation) (trafficjobs:jobs_reaped:increase15m{@,reason!="cancelled"}) > %v` $rules.reaped)
  "summary" "Workers vanish while they run {{ $labels.operation }}"
  "description" "{{ $value | printf \"%.0f\" }} leases of jobs of {{ $labels.operation }} ended within 15 minutes without a word of their worker.") }}
{{ include "trafficjobs.alert" (dict "root" . "alert" "TrafficjobsStaleResults" "severity" "warning"
  "expr" (printf `sum by (@, operation) (trafficjobs:jobs_stale:increase15m{@}) > %v` $rules.staleResults)
  "summary" "Results of {{ $labels.operation }} come too late"
  "description" "{{ $value | printf \"%.0f\" }} results of {{ $labels.operation }} were dropped within 15 minutes, because the jobs had gone on without the worker that brought them.") }}
{{ include "trafficjobs.alert" (dict "root" . "alert" "TrafficjobsJobsCrash" "severity" "warning"
  "expr" (printf `sum by (@, operation, reason) (trafficjobs:jobs_crashed:increase15m{@}) > %v` $rules.crashes)
  "summary" "{{ $labels.operation }} kills its processes"
  "description" "{{ $value | printf \"%.0f\" }} processes died within 15 minutes of jobs of {{ $labels.operation }} ({{ $labels.reason }}).") }}
{{ include "trafficjobs.alert" (dict "root" . "alert" "TrafficjobsNurseryRestarts" "severity" "warning"
  "expr" (printf `sum by (@) (trafficjobs:nursery_restarts:increase15m{@}) > %v` $rules.nurseryRestarts)
  "summary" "Workers start their nursery again and again"
  "description" "Workers had to start the process that forks their children {{ $value | printf \"%.0f\" }} times within 15 minutes.") }}
{{ include "trafficjobs.alert" (dict "root" . "alert" "TrafficjobsDeliveriesFail" "severity" "warning"
  "expr" (printf `sum by (@, channel) (trafficjobs:deliveries_failed:increase15m{@}) > %v` $rules.deliveriesFailed)
  "summary" "Deliveries by {{ $labels.channel }} are given up"
  "description" "{{ $value | printf \"%.0f\" }} deliveries by {{ $labels.channel }} were given up within 15 minutes after their last attempt.") }}
{{- end -}}
