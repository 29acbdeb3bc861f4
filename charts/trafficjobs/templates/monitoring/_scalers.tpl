{{/* Alerts about what scales the pods, by the metrics of KEDA's operator and of kube-state-metrics. */}}
{{- define "trafficjobs.rules.scalers" -}}
{{- $full := include "trafficjobs.fullname" . -}}
{{- $labels := dict "namespace" .Release.Namespace -}}
{{- $scaled := list }}
{{- $autoscalers := .Values.api.autoscaling.enabled | ternary (list (printf "%s-api" $full)) list }}
{{- range $pool, $own := include "trafficjobs.pools" . | fromJson }}
{{- $name := printf "%s-worker-%s" $full $pool }}
{{- if include "trafficjobs.keda" $ }}
{{- $scaled = append $scaled $name }}
{{- $autoscalers = append $autoscalers (printf "keda-hpa-%s" $name) }}
{{- else if $own.autoscaling.enabled }}
{{- $autoscalers = append $autoscalers $name }}
{{- end }}
{{- end }}
{{- if $scaled }}
{{- $names := printf `scaledObject=~"%s"` (join "|" $scaled) }}
{{- /* The operator's own label `namespace` is called exported_namespace where the scrape does not honour labels. */}}
{{ include "trafficjobs.alert" (dict "root" . "alert" "TrafficjobsScalerFails" "for" "10m" "severity" "warning" "labels" $labels
  "expr" (printf `sum by (scaledObject) (
  increase(keda_scaled_object_errors_total{exported_namespace=%q,%s}[5m])
  or increase(keda_scaled_object_errors_total{namespace=%q,exported_namespace="",%s}[5m])
) > 0` .Release.Namespace $names .Release.Namespace $names)
  "summary" "KEDA cannot scale {{ $labels.scaledObject }}"
  "description" "KEDA met {{ $value | printf \"%.0f\" }} errors within 5 minutes when it asked for the queues of {{ $labels.scaledObject }}.") }}
{{ include "trafficjobs.alert" (dict "root" . "alert" "TrafficjobsScalerPaused" "for" "1h" "severity" "warning" "labels" $labels
  "expr" (printf `max by (scaledObject) (
  keda_scaled_object_paused{exported_namespace=%q,%s}
  or keda_scaled_object_paused{namespace=%q,exported_namespace="",%s}
) == 1` .Release.Namespace $names .Release.Namespace $names)
  "summary" "{{ $labels.scaledObject }} is not scaled"
  "description" "The ScaledObject {{ $labels.scaledObject }} has been paused for an hour: the number of workers stays whatever waits.") }}
{{- end }}
{{- if $autoscalers }}
{{- $which := printf `namespace=%q,horizontalpodautoscaler=~"%s"` .Release.Namespace (join "|" $autoscalers) }}
{{ include "trafficjobs.alert" (dict "root" . "alert" "TrafficjobsAutoscalerBlind" "for" "10m" "severity" "warning"
  "expr" (printf `max by (namespace, horizontalpodautoscaler) (kube_horizontalpodautoscaler_status_condition{%s,condition="ScalingActive",status="false"}) == 1
and on (namespace, horizontalpodautoscaler) max by (namespace, horizontalpodautoscaler) (kube_horizontalpodautoscaler_status_current_replicas{%s}) > 0` $which $which)
  "summary" "{{ $labels.horizontalpodautoscaler }} does not get its numbers"
  "description" "The HorizontalPodAutoscaler {{ $labels.horizontalpodautoscaler }} has had no number to scale by for 10 minutes; the pods stay as many as they are.") }}
{{- end }}
{{- end -}}
