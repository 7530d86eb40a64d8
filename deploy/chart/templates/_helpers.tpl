{{/* Names, labels and arguments that several objects share. Knows no kind of object. */}}

{{- define "tidemark.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* At most 52 characters: a pod's name is one more dash and number, and a revision's label ten more. */}}
{{- define "tidemark.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else if contains (include "tidemark.name" .) .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "tidemark.name" .) | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "tidemark.selectorLabels" -}}
app.kubernetes.io/name: {{ include "tidemark.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* Of the pods that run pipelines, and not of those that test the release. */}}
{{- define "tidemark.podSelectorLabels" -}}
{{ include "tidemark.selectorLabels" . }}
app.kubernetes.io/component: pipelines
{{- end -}}

{{- define "tidemark.labels" -}}
{{ include "tidemark.selectorLabels" . }}
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | trunc 63 | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 }}
{{- end -}}

{{- define "tidemark.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- define "tidemark.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{ .Values.serviceAccount.name | default (include "tidemark.fullname" .) }}
{{- else -}}
{{ .Values.serviceAccount.name | default "default" }}
{{- end -}}
{{- end -}}

{{- define "tidemark.configMap" -}}
{{ .Values.pipelinesFrom.configMap | default (printf "%s-pipelines" (include "tidemark.fullname" .)) }}
{{- end -}}

{{- define "tidemark.claim" -}}
{{ .Values.state.existingClaim | default (printf "%s-state" (include "tidemark.fullname" .)) }}
{{- end -}}

{{/* The port in HOST:PORT. */}}
{{- define "tidemark.port" -}}
{{ regexFind "[0-9]+$" .Values.httpAddress }}
{{- end -}}

{{/* The port in http://HOST:PORT/PATH; 80 without one. */}}
{{- define "tidemark.otlpPort" -}}
{{ regexFind "[0-9]+$" (regexFind "^http://(\\[[^]]*\\]|[^/:]*):[0-9]+" .Values.otlpEndpoint) | default "80" }}
{{- end -}}

{{/* What tells how many cores there are: a limit that is not set stands for the node's, a request that is not set for none. */}}
{{- define "tidemark.cores" -}}
{{- $requests := .Values.resources.requests | default dict -}}
{{- and (not (hasKey .Values.resources.limits "cpu")) (hasKey $requests "cpu") | ternary "requests.cpu" "limits.cpu" -}}
{{- end -}}

{{/* What the process is started with; $(...) is filled in by Kubernetes. */}}
{{- define "tidemark.args" -}}
{{- $files := .Values.pipelinesFrom.files -}}
{{- if .Values.pipelines -}}{{- $files = keys .Values.pipelines | sortAlpha -}}{{- end -}}
- run
{{- range $files }}
- {{ printf "/etc/tidemark/pipelines/%s" . }}
{{- end }}
- --instance=$(POD_NAME)
- --state-dir=/var/lib/tidemark
- {{ printf "--http=%s" .Values.httpAddress | quote }}
{{- with int .Values.adminPort }}
- --admin=127.0.0.1:{{ . }}
{{- end }}
- --log-format={{ .Values.logFormat }}
- --log-level={{ .Values.logLevel }}
- --threads={{ .Values.threads | int | default "$(CPUS)" }}
{{- with .Values.memory }}
- --memory={{ . }}
{{- end }}
{{- with .Values.otlpEndpoint }}
- {{ printf "--otlp=%s" . | quote }}
{{- end }}
{{- if .Values.revealKeys }}
- --reveal-keys
{{- end }}
{{- if .Values.failFast }}
- --fail-fast
{{- end }}
{{- end -}}

{{/* As the restricted profile of the Pod Security Standards wants it. */}}
{{- define "tidemark.podSecurity" -}}
runAsNonRoot: true
{{- with .Values.user }}
runAsUser: {{ int . }}
runAsGroup: {{ int . }}
fsGroup: {{ int . }}
{{- end }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "tidemark.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}
