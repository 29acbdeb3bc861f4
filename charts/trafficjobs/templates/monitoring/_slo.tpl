{{/* The objective: how many jobs start in time, and how fast the budget of those that do not is used up. */}}

{{/* Long windows are means over the rate of five minutes, not rates of their own: pods of the API come and go within days, and a
counter that many of them show is right in each of them only while it lives. The group is evaluated once a minute, so that the sum
of the rates is the number of starts, by the minute. */}}
{{- define "trafficjobs.rules.slo.records" -}}
{{- $slo := .Values.monitoring.slo -}}
{{- $bound := printf "%v" $slo.startSeconds -}}
{{- if not (contains "." $bound) }}{{ $bound = printf "%s.0" $bound }}{{ end -}}
{{ include "trafficjobs.record" (dict "root" . "record" "trafficjobs:job_starts:rate5m"
  "expr" `sum by (@) (max by (@, operation) (rate(trafficjobs_job_wait_seconds_count{@}[5m])))`) }}
{{ include "trafficjobs.record" (dict "root" . "record" "trafficjobs:job_starts_in_time:rate5m"
  "expr" (printf `sum by (@) (max by (@, operation) (rate(trafficjobs_job_wait_seconds_bucket{@,le=%q}[5m])))` $bound)) }}
{{- range list "5m" "30m" "1h" "2h" "6h" "1d" "3d" "30d" }}
{{- $mean := ternary "trafficjobs:job_starts%s:rate5m{@}" (printf "avg_over_time(trafficjobs:job_starts%%s:rate5m{@}[%s])" .) (eq . "5m") }}
{{ include "trafficjobs.record" (dict "root" $ "record" (printf "trafficjobs:job_starts_late:ratio_rate%s" .)
  "expr" (printf "clamp_min(1 - %s / %s, 0)" (printf $mean "_in_time") (printf $mean ""))) }}
{{- end }}
{{ include "trafficjobs.record" (dict "root" . "record" "trafficjobs:job_start_budget_left:ratio30d"
  "expr" (printf `1 - trafficjobs:job_starts_late:ratio_rate30d{@} / %s` (include "trafficjobs.budget" (dict "root" . "times" 1)))) }}
{{- end -}}

{{/* The share of late jobs at which the budget of 30 days is used up so many times as fast. (dict "root" $ "times" 14.4) */}}
{{- define "trafficjobs.budget" -}}
{{- round (mulf (subf 1.0 (float64 .root.Values.monitoring.slo.objective)) (float64 .times)) 6 -}}
{{- end -}}

{{- define "trafficjobs.rules.slo.alerts" -}}
{{- $slo := .Values.monitoring.slo -}}
{{- $percent := round (mulf (float64 $slo.objective) 100.0) 2 -}}
{{- range list
  (dict "short" "5m" "long" "1h" "times" 14.4 "severity" "critical")
  (dict "short" "30m" "long" "6h" "times" 6 "severity" "critical")
  (dict "short" "2h" "long" "1d" "times" 3 "severity" "warning")
  (dict "short" "6h" "long" "3d" "times" 1 "severity" "warning") }}
{{- $limit := include "trafficjobs.budget" (dict "root" $ "times" .times) }}
{{ include "trafficjobs.alert" (dict "root" $ "alert" "TrafficjobsJobsStartLate" "severity" .severity "labels" (dict "window" .long)
  "expr" (printf `trafficjobs:job_starts_late:ratio_rate%s{@} > %s
and trafficjobs:job_starts_late:ratio_rate%s{@} > %s
and sum_over_time(trafficjobs:job_starts:rate5m{@}[%s]) * 60 >= %v` .long $limit .short $limit .long $slo.minJobs)
  "summary" (printf "Jobs start late %s often than they may" (eq .short "6h" | ternary "more" (printf "%v times more" .times)))
  "description" (printf "{{ $value | humanizePercentage }} of the jobs that started within %s had waited longer than %v s; %v %% are to start in time." .long $slo.startSeconds $percent)) }}
{{- end }}
{{- end -}}
