{{/* Names and labels. */}}

{{- define "trafficjobs.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* At most 36 characters, so that <fullname>-worker-<pool> and what controllers add fit; a long one ends in a digest of itself. */}}
{{- define "trafficjobs.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- $full := .Values.fullnameOverride | default (ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name)) -}}
{{- if gt (len $full) 36 -}}
{{- printf "%s-%s" (trunc 27 $full | trimSuffix "-") (sha256sum $full | trunc 8) -}}
{{- else -}}
{{- $full | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* What selectors use: never changed, since selectors of Deployments cannot be. (dict "root" $ "component" "api") */}}
{{- define "trafficjobs.selectorLabels" -}}
app.kubernetes.io/name: {{ include "trafficjobs.name" .root | quote }}
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
{{- with .component }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- with .pool }}
trafficjobs.io/pool: {{ . | quote }}
{{- end }}
{{- end -}}

{{/* Labels of the user never take the place of those by which the parts find each other. */}}
{{- define "trafficjobs.labels" -}}
{{- $ours := include "trafficjobs.selectorLabels" . | fromYaml -}}
{{- $_ := set $ours "helm.sh/chart" (printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-") -}}
{{- $_ := set $ours "app.kubernetes.io/managed-by" .root.Release.Service -}}
{{- $defaults := dict "app.kubernetes.io/part-of" "trafficjobs" "app.kubernetes.io/version" .root.Chart.AppVersion -}}
{{- toYaml (merge $ours (.root.Values.commonLabels | default dict) $defaults) -}}
{{- end -}}

{{/* The metadata of an object. (dict "root" $ "component" "api" "name" "..." "annotations" dict "pool" "...") */}}
{{- define "trafficjobs.metadata" -}}
name: {{ .name }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "trafficjobs.labels" . | nindent 2 }}
{{- with merge (dict) (.annotations | default dict) (.root.Values.commonAnnotations | default dict) }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "trafficjobs.serviceAccountName" -}}
{{- if .root.Values.serviceAccount.create -}}
{{- printf "%s-%s" (include "trafficjobs.fullname" .root) .component -}}
{{- else -}}
{{- .root.Values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end -}}

{{- define "trafficjobs.redisSecret" -}}
{{- .Values.redis.existingSecret | default (printf "%s-redis" (include "trafficjobs.fullname" .)) -}}
{{- end -}}

{{- define "trafficjobs.externalSecret" -}}
{{- .Values.externalRedis.existingSecret | default (printf "%s-external-redis" (include "trafficjobs.fullname" .)) -}}
{{- end -}}

{{- define "trafficjobs.tokensSecret" -}}
{{- .Values.api.auth.existingSecret | default (printf "%s-tokens" (include "trafficjobs.fullname" .)) -}}
{{- end -}}

{{- define "trafficjobs.webhooksSecret" -}}
{{- .Values.notifications.webhooks.existingSecret | default (printf "%s-webhooks" (include "trafficjobs.fullname" .)) -}}
{{- end -}}

{{- define "trafficjobs.operationsConfigMap" -}}
{{- if .Values.operations.existingConfigMap -}}
{{- .Values.operations.existingConfigMap -}}
{{- else if .Values.operations.files -}}
{{- include "trafficjobs.fullname" . }}-operations
{{- end -}}
{{- end -}}
