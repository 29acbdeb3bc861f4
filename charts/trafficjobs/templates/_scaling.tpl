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

{{/* What scales a pool: keda, hpa, or nothing. (dict "root" $ "own" $pool) */}}
{{- define "trafficjobs.scaledBy" -}}
{{- if include "trafficjobs.keda" .root -}}keda{{- else if .own.autoscaling.enabled -}}hpa{{- end -}}
{{- end -}}

{{/* The Deployments of all pools, each with what scales it, as the API reads them: "tj-worker-default:keda,tj-worker-fixed". */}}
{{- define "trafficjobs.scalerView" -}}
{{- $found := list -}}
{{- range $pool, $own := include "trafficjobs.pools" . | fromJson -}}
{{- $by := include "trafficjobs.scaledBy" (dict "root" $ "own" $own) -}}
{{- $found = append $found (printf "%s-worker-%s:%s" (include "trafficjobs.fullname" $) $pool $by | trimSuffix ":") -}}
{{- end -}}
{{- join "," $found -}}
{{- end -}}

{{- define "trafficjobs.anyDeletionCost" -}}
{{- range $_, $pool := include "trafficjobs.pools" . | fromJson -}}
{{- if $pool.deletionCost -}}true{{- end -}}
{{- end -}}
{{- end -}}

{{/* A rule of egress, said to be for something: the internet, and nothing that is private. */}}
{{- define "trafficjobs.internet" -}}
# For {{ . }}: the internet, and nothing that is private.
- ports: [{port: 80, protocol: TCP}, {port: 443, protocol: TCP}]
  to:
    - ipBlock:
        cidr: 0.0.0.0/0
        except: [0.0.0.0/8, 10.0.0.0/8, 100.64.0.0/10, 127.0.0.0/8, 168.63.129.16/32, 169.254.0.0/16, 172.16.0.0/12, 192.0.0.0/24, 192.88.99.0/24, 192.168.0.0/16, 198.18.0.0/15, 224.0.0.0/4, 240.0.0.0/4]
    - ipBlock:
        cidr: 2000::/3
        except: ["2001::/23", "2002::/16", "3fff::/20"]
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
