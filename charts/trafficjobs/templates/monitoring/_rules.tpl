{{/* How a rule is written. In an expression `{@` begins a selector of this release's series and `(@` a list of labels that has
those by which it is told from others: namespace and job. */}}

{{/* Bounds of the histogram of waiting times, as JSON; lib/scripts counts by them. */}}
{{- define "trafficjobs.waitBounds" -}}
[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800]
{{- end -}}

{{/* (dict "root" $ "expr" "...") */}}
{{- define "trafficjobs.expr" -}}
{{- $selector := printf "{namespace=%q,job=%q" .root.Release.Namespace (include "trafficjobs.apiJob" .root) -}}
{{- .expr | trim | replace "{@" $selector | replace "(@" "(namespace, job" -}}
{{- end -}}

{{/* (dict "root" $ "record" "..." "expr" "...") */}}
{{- define "trafficjobs.record" -}}
- record: {{ .record }}
  expr: |-
    {{- include "trafficjobs.expr" . | nindent 4 }}
{{- end -}}

{{/* An alert, unless it is left out. `labels` says which release it is of, where the expression's own do not.
(dict "root" $ "alert" "..." "for" "5m" "severity" "warning" "labels" dict "expr" "..." "summary" "..." "description" "...") */}}
{{- define "trafficjobs.alert" -}}
{{- $rules := .root.Values.monitoring.rules -}}
{{- if not (has .alert ($rules.disabled | default list)) -}}
- alert: {{ .alert }}
  expr: |-
    {{- include "trafficjobs.expr" . | nindent 4 }}
  {{- with .for }}
  for: {{ . }}
  {{- end }}
  labels:
    {{- toYaml (merge (dict "severity" .severity) (.labels | default dict) ($rules.alertLabels | default dict)) | nindent 4 }}
  annotations:
    summary: {{ .summary | quote }}
    description: {{ .description | quote }}
    runbook_url: {{ printf "%s#%s" $rules.runbookUrl (lower .alert) | quote }}
{{- end -}}
{{- end -}}

{{/* How much a counter of the release rose within 15 minutes, its first rise included: `increase` does not see that one, because the
scripts make a counter when they first count. It is new, and has its whole value since, where it was not there 15 minutes ago
although the release was. (dict "root" $ "record" "..." "metric" "..." "by" "operation, reason") */}}
{{- define "trafficjobs.rise" -}}
{{- $by := .by | empty | ternary "" (printf ", %s" .by) -}}
{{- $expr := `(
  max by (@BY) (METRIC{@}) unless max by (@BY) (METRIC{@} offset 15m)
  and on (namespace, job) max by (@) (trafficjobs_redis_up{@} offset 15m) == 1
)
or max by (@BY) (increase(METRIC{@}[15m]))` -}}
{{- include "trafficjobs.record" (dict "root" .root "record" .record "expr" ($expr | replace "BY" $by | replace "METRIC" .metric)) -}}
{{- end -}}
