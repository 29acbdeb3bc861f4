{{/* What monitors and rules share: metadata with the labels by which a Prometheus chooses them, endpoints, the label `job`. */}}

{{/* (dict "root" $ "component" "api" "name" "..." "labels" dict) */}}
{{- define "trafficjobs.monitoringMetadata" -}}
{{- $metadata := include "trafficjobs.metadata" . | fromYaml -}}
{{- $_ := set $metadata "labels" (merge $metadata.labels (.labels | default dict) (.root.Values.monitoring.labels | default dict)) -}}
{{- toYaml $metadata -}}
{{- end -}}

{{/* How a port is scraped, but for its own relabelings. (dict "own" .Values.monitoring.podMonitor) */}}
{{- define "trafficjobs.scraping" -}}
{{- with .own.interval }}
interval: {{ . }}
{{- end }}
{{- with .own.scrapeTimeout }}
scrapeTimeout: {{ . }}
{{- end }}
{{- with .own.metricRelabelings }}
metricRelabelings:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* The label `job` of the API's series. The operator takes the name of the Service for it. */}}
{{- define "trafficjobs.apiJob" -}}
{{- .Values.monitoring.rules.job | default (printf "%s-api" (include "trafficjobs.fullname" .)) -}}
{{- end -}}
