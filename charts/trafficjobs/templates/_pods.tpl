{{/* Parts that the pods have in common. */}}

{{/* Redis's address for pods of the release's own namespace. */}}
{{- define "trafficjobs.redisHost" -}}
{{- if .Values.redis.enabled -}}{{ include "trafficjobs.fullname" . }}-redis{{- else -}}{{ .Values.externalRedis.host }}{{- end -}}
{{- end -}}

{{- define "trafficjobs.redisPort" -}}
{{- include "trafficjobs.plain" (ternary .Values.redis.service.port .Values.externalRedis.port .Values.redis.enabled) -}}
{{- end -}}

{{/* Whether a login is used: always with our Redis. */}}
{{- define "trafficjobs.redisPasswordRef" -}}
{{- if .root.Values.redis.enabled -}}
name: {{ include "trafficjobs.redisSecret" .root | quote }}
key: {{ .user }}-password
{{- else if or .root.Values.externalRedis.password .root.Values.externalRedis.existingSecret -}}
name: {{ include "trafficjobs.externalSecret" .root | quote }}
key: {{ .root.Values.externalRedis.passwordKey | quote }}
{{- end -}}
{{- end -}}

{{/* Environment of everything that runs our code. (dict "root" $ "user" "api") */}}
{{- define "trafficjobs.env" -}}
{{- $root := .root -}}
{{- $external := ternary (dict) $root.Values.externalRedis $root.Values.redis.enabled }}
{{- if $external.sentinels }}
- name: REDIS_SENTINELS
  value: {{ join "," $external.sentinels | quote }}
- name: REDIS_SENTINEL_MASTER
  value: {{ $external.sentinelMaster | quote }}
{{- with $external.sentinelUsername }}
- name: REDIS_SENTINEL_USERNAME
  value: {{ . | quote }}
{{- end }}
{{- with $external.sentinelPasswordKey }}
- name: REDIS_SENTINEL_PASSWORD
  valueFrom:
    secretKeyRef: {name: {{ $external.existingSecret | quote }}, key: {{ . | quote }}}
{{- end }}
{{- else if $external.cluster }}
- name: REDIS_CLUSTER
  value: {{ join "," $external.cluster | quote }}
{{- else }}
- name: REDIS_IP
  value: {{ include "trafficjobs.redisHost" $root | quote }}
- name: REDIS_PORT
  value: {{ include "trafficjobs.redisPort" $root | quote }}
{{- end }}
{{- with ternary .user $root.Values.externalRedis.username $root.Values.redis.enabled }}
- name: REDIS_USERNAME
  value: {{ . | quote }}
{{- end }}
{{- with include "trafficjobs.redisPasswordRef" . }}
- name: REDIS_PASSWORD
  valueFrom:
    secretKeyRef:
      {{- . | nindent 6 }}
{{- end }}
{{- if and (not $root.Values.redis.enabled) $root.Values.externalRedis.tls.enabled }}
- name: REDIS_TLS
  value: "true"
{{- if $root.Values.externalRedis.tls.caSecret }}
- name: REDIS_CA_FILE
  value: /run/secrets/redis-ca/ca.crt
{{- end }}
{{- end }}
{{- range $key, $value := $root.Values.config }}
- name: {{ regexReplaceAll "([A-Z])" $key "_${1}" | upper }}
  value: {{ include "trafficjobs.plain" $value | quote }}
{{- end }}
- name: QUEUES
  value: {{ include "trafficjobs.queues" (dict "root" $root "key" "queues" "first" $root.Values.config.queueName) | quote }}
- name: ADOPT_QUEUES
  value: {{ include "trafficjobs.queues" (dict "root" $root "key" "adoptQueues") | quote }}
- name: HOME
  value: /tmp
- name: DATA_CACHE
  value: /cache
{{- if include "trafficjobs.operationsConfigMap" $root }}
- name: OPERATIONS_DIR
  value: /operations
{{- end }}
{{- if $root.Values.tracing.endpoint }}
- name: OTEL_EXPORTER_OTLP_ENDPOINT
  value: {{ $root.Values.tracing.endpoint | quote }}
{{- with $root.Values.tracing.existingSecret }}
- name: OTEL_EXPORTER_OTLP_HEADERS
  valueFrom:
    secretKeyRef: {name: {{ . | quote }}, key: {{ $root.Values.tracing.headersKey | quote }}}
{{- end }}
{{- end }}
{{- with $root.Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* What API and upkeep need for telling of ends; workers know none of it. */}}
{{- define "trafficjobs.notifyEnv" -}}
{{- with .Values.notifications.webhooks }}
{{- if .enabled }}
- name: WEBHOOK_SECRET
  valueFrom:
    secretKeyRef: {name: {{ include "trafficjobs.webhooksSecret" $ | quote }}, key: webhook-secret}
- {name: WEBHOOK_ALLOW, value: {{ join "," .allow | quote }}}
{{- end }}
{{- end }}
{{- with .Values.notifications.email }}
{{- if .host }}
- {name: SMTP_HOST, value: {{ .host | quote }}}
- {name: SMTP_PORT, value: {{ include "trafficjobs.plain" .port | quote }}}
- {name: SMTP_TLS, value: {{ .tls | quote }}}
- {name: SMTP_FROM, value: {{ .from | quote }}}
- {name: EMAIL_ALLOW, value: {{ join "," .allow | quote }}}
{{- if .username }}
- {name: SMTP_USERNAME, value: {{ .username | quote }}}
- name: SMTP_PASSWORD
  valueFrom:
    secretKeyRef: {name: {{ .existingSecret | quote }}, key: {{ .passwordKey | quote }}}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* (dict "root" $ "own" .Values.api) */}}
{{- define "trafficjobs.envFrom" -}}
{{- with concat (.root.Values.extraEnvFrom | default list) (.own.extraEnvFrom | default list) }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Mounts and volumes of everything that runs our code. */}}
{{- define "trafficjobs.mounts" -}}
- name: tmp
  mountPath: /tmp
- name: cache
  mountPath: /cache
{{- if include "trafficjobs.operationsConfigMap" . }}
- name: operations
  mountPath: /operations
  readOnly: true
{{- end }}
{{- if and (not .Values.redis.enabled) .Values.externalRedis.tls.enabled .Values.externalRedis.tls.caSecret }}
- name: redis-ca
  mountPath: /run/secrets/redis-ca
  readOnly: true
{{- end }}
{{- end -}}

{{/* (dict "root" $ "cache" dict) */}}
{{- define "trafficjobs.volumes" -}}
- name: tmp
  emptyDir: {}
- name: cache
  {{- $cache := dict }}
  {{- range $key, $value := .cache }}
  {{- if $value }}{{ $_ := set $cache $key $value }}{{ end }}
  {{- end }}
  emptyDir: {{ toJson $cache }}
{{- with include "trafficjobs.operationsConfigMap" .root }}
- name: operations
  configMap:
    name: {{ . | quote }}
{{- end }}
{{- with .root.Values.externalRedis }}
{{- if and (not $.root.Values.redis.enabled) .tls.enabled .tls.caSecret }}
- name: redis-ca
  secret:
    secretName: {{ .tls.caSecret | quote }}
    items: [{key: {{ .tls.caKey | quote }}, path: ca.crt}]
{{- end }}
{{- end }}
{{- end -}}

{{/* Where a pod may run. (dict "own" .Values.api) */}}
{{- define "trafficjobs.scheduling" -}}
{{- with .own.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- with .own.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .own.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .own.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .own.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Metadata of a pod's template: without the chart's version, so that only what changes a pod replaces it. (dict "root" $ "component" "api" "pool" "" "own" .Values.api "annotations" dict) */}}
{{- define "trafficjobs.podMetadata" -}}
{{- $annotations := merge (dict) (.annotations | default dict) (.own.podAnnotations | default dict) (.root.Values.commonAnnotations | default dict) -}}
{{- if and .root.Values.operations.files (ne .component "redis") -}}
{{- $_ := set $annotations "checksum/operations" (toJson .root.Values.operations.files | sha256sum) -}}
{{- end -}}
labels:
  {{- toYaml (merge (include "trafficjobs.selectorLabels" . | fromYaml) (.own.podLabels | default dict) (.root.Values.commonLabels | default dict)) | nindent 2 }}
{{- with $annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* The start of a pod's spec. (dict "root" $ "component" "api" "security" .Values.podSecurityContext "token" false) */}}
{{- define "trafficjobs.podSpec" -}}
serviceAccountName: {{ include "trafficjobs.serviceAccountName" . | quote }}
automountServiceAccountToken: {{ .token | default false }}
enableServiceLinks: false
{{- include "trafficjobs.imagePullSecrets" .root }}
securityContext:
  {{- toYaml .security | nindent 2 }}
{{- end -}}

{{/* How pods are replaced: Kubernetes's own defaults, written down. What is not written by Helm, Helm does not take away when the
type becomes Recreate, and the update is refused. (dict "own" .Values.api) */}}
{{- define "trafficjobs.strategy" -}}
{{- $strategy := .own.strategy | default dict -}}
{{- if ne ($strategy.type | default "") "Recreate" -}}
{{- $usual := dict "type" "RollingUpdate" "rollingUpdate" (dict "maxSurge" "25%" "maxUnavailable" "25%") -}}
{{- $strategy = mergeOverwrite $usual $strategy -}}
{{- end -}}
{{- toYaml $strategy -}}
{{- end -}}
