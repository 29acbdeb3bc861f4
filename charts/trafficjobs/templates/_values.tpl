{{/* Reading values: numbers, quantities, images, pools, whether KEDA is there. */}}

{{/* A number as people write it: YAML's large ones arrive as floats and would be printed as 1.048576e+06. */}}
{{- define "trafficjobs.plain" -}}
{{- if kindIs "map" . -}}{{ toJson . }}{{- else if kindIs "slice" . -}}{{ join "," . }}{{- else if and (kindIs "float64" .) (eq . (floor .)) -}}{{ int64 . }}{{- else -}}{{ . }}{{- end -}}
{{- end -}}

{{/* The path before all addresses, without a slash at its end; nothing for none. */}}
{{- define "trafficjobs.pathPrefix" -}}
{{- $route := .Values.api.httpRoute -}}
{{- .Values.api.pathPrefix | default (ternary $route.pathPrefix "" $route.enabled) | trimSuffix "/" -}}
{{- end -}}

{{/* Names under which the API may be asked: those that are given, and those that its Service has in the cluster. */}}
{{- define "trafficjobs.trustedHosts" -}}
{{- $service := printf "%s-api" (include "trafficjobs.fullname" .) -}}
{{- $inside := printf "%s.%s.svc" $service .Release.Namespace -}}
{{- concat .Values.api.trustedHosts (list $service (trimSuffix ".svc" $inside) $inside (printf "%s.cluster.local" $inside)) | join "," -}}
{{- end -}}

{{/* Bytes of a quantity such as 512Mi, 1.5Gi, 2G or 1073741824. */}}
{{- define "trafficjobs.bytes" -}}
{{- $text := include "trafficjobs.plain" . -}}
{{- $number := regexFind "^[0-9.]+" $text -}}
{{- $unit := trimPrefix $number $text -}}
{{- $units := dict "" 1 "k" 1000 "M" 1000000 "G" 1000000000 "T" 1000000000000 "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 -}}
{{- if or (not $number) (not (hasKey $units $unit)) -}}
{{- fail (printf "%q is no quantity of memory; write it as 512Mi or 2Gi" $text) -}}
{{- end -}}
{{- mulf (float64 $number) (float64 (get $units $unit)) | floor | int64 -}}
{{- end -}}

{{/* (dict "root" $ "image" .Values.api.image) */}}
{{- define "trafficjobs.image" -}}
{{- $registry := .root.Values.global.imageRegistry | default .image.registry | default .root.Values.image.registry -}}
{{- $tag := .image.tag | default .root.Values.image.tag | default .root.Chart.AppVersion -}}
{{- $name := .image.repository -}}
{{- if $registry -}}{{- $name = printf "%s/%s" $registry $name -}}{{- end -}}
{{- if .image.digest -}}{{ $name }}@{{ .image.digest }}{{- else -}}{{ $name }}:{{ $tag }}{{- end -}}
{{- end -}}

{{- define "trafficjobs.imagePullSecrets" -}}
{{- with concat (.Values.global.imagePullSecrets | default list) (.Values.imagePullSecrets | default list) }}
imagePullSecrets:
  {{- range . }}
  - name: {{ kindIs "string" . | ternary . (get (kindIs "map" . | ternary . dict) "name") | quote }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* "true" where ScaledObjects are made. */}}
{{- define "trafficjobs.keda" -}}
{{- $wanted := toString .Values.keda.enabled -}}
{{- if eq $wanted "auto" -}}
{{- if .Capabilities.APIVersions.Has "keda.sh/v1alpha1/ScaledObject" -}}true{{- end -}}
{{- else if eq $wanted "true" -}}true{{- end -}}
{{- end -}}

{{/* All pools, each laid over `worker`, as JSON: {"<name>": {...}}. */}}
{{- define "trafficjobs.pools" -}}
{{- $pools := dict -}}
{{- range $name, $own := .Values.workers -}}
{{- if $own -}}
{{- $pool := mergeOverwrite (deepCopy $.Values.worker) (deepCopy $own) -}}
{{- $_ := set $pool "adoptQueues" ($pool.adoptQueues | default list) -}}
{{- $_ := set $pool "queues" ($pool.queues | default list) -}}
{{- $_ := set $pools $name $pool -}}
{{- end -}}
{{- end -}}
{{- toJson $pools -}}
{{- end -}}

{{/* Queues of all pools, as comma-separated text. (dict "root" $ "key" "queues" "first" "job-queue") */}}
{{- define "trafficjobs.queues" -}}
{{- $names := list -}}
{{- range $_, $pool := include "trafficjobs.pools" .root | fromJson -}}
{{- $names = concat $names (get $pool $.key) -}}
{{- end -}}
{{- without ($names | sortAlpha) (.first | default "") | join "," -}}
{{- end -}}

{{/* Seconds between SIGTERM and SIGKILL of a worker. (dict "root" $ "pool" $pool) */}}
{{- define "trafficjobs.grace" -}}
{{- if kindIs "invalid" .pool.terminationGracePeriodSeconds -}}
{{- add (ceil .root.Values.config.jobTimeout) 30 -}}
{{- else -}}
{{- int64 .pool.terminationGracePeriodSeconds -}}
{{- end -}}
{{- end -}}

{{/* Bytes a job may allocate: what is left of the container's limit beside supervisor, nursery and mapped data, by children. */}}
{{- define "trafficjobs.memoryPerJob" -}}
{{- $limit := dig "limits" "memory" "" .resources -}}
{{- if ne (toString .memoryPerJob) "auto" -}}
{{- include "trafficjobs.bytes" .memoryPerJob -}}
{{- else if $limit -}}
{{- $share := divf (subf (include "trafficjobs.bytes" $limit | float64) 402653184.0) (float64 .concurrency) | floor | int64 -}}
{{- max $share 0 -}}
{{- else -}}
0
{{- end -}}
{{- end -}}

{{/* Bytes for Redis's data. */}}
{{- define "trafficjobs.maxmemory" -}}
{{- if .Values.redis.maxmemory -}}
{{- include "trafficjobs.bytes" .Values.redis.maxmemory -}}
{{- else -}}
{{- with dig "limits" "memory" "" .Values.redis.resources -}}
{{- mulf (include "trafficjobs.bytes" . | float64) 0.75 | floor | int64 -}}
{{- else -}}
{{- fail "redis.maxmemory: must be set where redis.resources.limits.memory is not; without a limit Redis grows until the node kills it" -}}
{{- end -}}
{{- end -}}
{{- end -}}
