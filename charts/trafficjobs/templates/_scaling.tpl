{{/* Scaling by CPU. (dict "name" "..." "own" .Values.api.autoscaling "container" "api") */}}
{{- define "trafficjobs.cpuScaling" -}}
scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: {{ .name }}}
minReplicas: {{ int64 .own.minReplicas }}
maxReplicas: {{ int64 .own.maxReplicas }}
metrics:
  - type: ContainerResource
    containerResource:
      name: cpu
      container: {{ .container }}
      target: {type: Utilization, averageUtilization: {{ int64 .own.targetCPUUtilizationPercentage }}}
{{- with .own.behavior }}
behavior:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "trafficjobs.anyDeletionCost" -}}
{{- range $_, $pool := include "trafficjobs.pools" . | fromJson -}}
{{- if $pool.deletionCost -}}true{{- end -}}
{{- end -}}
{{- end -}}

{{/* Where API and workers may go: DNS and Redis. */}}
{{- define "trafficjobs.egress" -}}
- ports: [{port: 53, protocol: UDP}, {port: 53, protocol: TCP}]
{{- $ports := list (include "trafficjobs.redisPort" .) }}
{{- if not .Values.redis.enabled }}
{{- range concat (.Values.externalRedis.sentinels | default list) (.Values.externalRedis.cluster | default list) }}
{{- $ports = append $ports (splitList ":" . | last) }}
{{- end }}
{{- end }}
- ports:
    {{- range $ports | uniq }}
    - {port: {{ . }}, protocol: TCP}
    {{- end }}
  {{- if .Values.redis.enabled }}
  to:
    - podSelector:
        matchLabels:
          {{- include "trafficjobs.selectorLabels" (dict "root" . "component" "redis") | nindent 10 }}
  {{- end }}
{{- with .Values.networkPolicy.extraEgress }}
{{ toYaml . }}
{{- end }}
{{- end -}}
