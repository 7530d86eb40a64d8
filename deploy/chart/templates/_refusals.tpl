{{/*
What is refused before anything reaches the cluster, with the way out. What a template cannot see, such as whether
`partitioned_by` really covers a key, the process refuses at its start.
*/}}

{{/* The pipelines as objects, by file name. */}}
{{- define "tidemark.parsed" -}}
{{- $parsed := dict -}}
{{- range $file, $text := .Values.pipelines -}}
{{- $pipeline := fromYaml $text -}}
{{- if hasKey $pipeline "Error" -}}
{{- fail (printf "pipelines.%s is no YAML: %s" $file $pipeline.Error) -}}
{{- end -}}
{{- if not (and (hasKey $pipeline "name") (kindIs "map" $pipeline.sources)) -}}
{{- fail (printf "pipelines.%s is no pipeline file: it has no `name` or no `sources`. `tidemark validate` says more" $file) -}}
{{- end -}}
{{- $_ := set $parsed $file $pipeline -}}
{{- end -}}
{{- toJson $parsed -}}
{{- end -}}

{{- define "tidemark.refusePipelines" -}}
{{- if and .Values.pipelines .Values.pipelinesFrom.configMap -}}
{{- fail "give `pipelines` or `pipelinesFrom`, not both" -}}
{{- end -}}
{{- if not (or .Values.pipelines .Values.pipelinesFrom.configMap) -}}
{{- fail "there is no pipeline to run; give one: --set-file 'pipelines.purchases\\.yaml=purchases.yaml'" -}}
{{- end -}}
{{- if and .Values.pipelinesFrom.configMap (not .Values.pipelinesFrom.files) -}}
{{- fail "pipelinesFrom.files: name the files of that ConfigMap that are to run" -}}
{{- end -}}
{{- $names := dict -}}
{{- range $file, $pipeline := include "tidemark.parsed" . | fromJson -}}
{{- $name := toString $pipeline.name -}}
{{- if hasKey $names $name -}}
{{- fail (printf "pipelines.%s and pipelines.%s are both named `%s`; a name is a group and a state of its own" (get $names $name) $file $name) -}}
{{- end -}}
{{- $_ := set $names $name $file -}}
{{- end -}}
{{- end -}}

{{/* Rows of one key must meet in one lane, and only a promise or a topic makes them meet across instances. */}}
{{- define "tidemark.refuseReplicas" -}}
{{- $several := ternary "keda.enabled" (printf "replicas: %d" (int .Values.replicas)) .Values.keda.enabled -}}
{{- if or .Values.keda.enabled (gt (int .Values.replicas) 1) -}}
{{- range $file, $pipeline := include "tidemark.parsed" . | fromJson -}}
{{- $keyed := false -}}
{{- range $step := $pipeline.steps -}}
{{- if and (kindIs "map" $step) (or (hasKey $step "window") (hasKey $step "dedupe")) -}}{{- $keyed = true -}}{{- end -}}
{{- end -}}
{{- $promised := true -}}
{{- range $name, $source := $pipeline.sources -}}
{{- if not (and (kindIs "map" $source) (kindIs "map" $source.kafka) (get $source.kafka "partitioned_by")) -}}{{- $promised = false -}}{{- end -}}
{{- end -}}
{{- if and $keyed (not $promised) (ne (toString $pipeline.exchange) "topic") -}}
{{- fail (printf "%s is refused: pipelines.%s has a keyed step (`window` or `dedupe`), and its rows find their lane in the memory of one instance. Run one replica, or promise `partitioned_by` in every source" $several $file) -}}
{{- end -}}
{{- end -}}
{{- if not .Values.state.shared -}}
{{- fail (printf "%s is refused without state.shared: instances hand partitions to each other, and the next owner must find the checkpoint. Give a ReadWriteMany volume with state.shared: true" $several) -}}
{{- end -}}
{{- end -}}
{{- if .Values.keda.enabled -}}
{{- if not .Values.keda.triggers -}}{{- fail "keda.triggers: name the topic and group whose lag is to scale" -}}{{- end -}}
{{- if gt (int .Values.keda.minReplicas) (int .Values.keda.maxReplicas) -}}{{- fail "keda.minReplicas is above keda.maxReplicas" -}}{{- end -}}
{{- end -}}
{{- if and .Values.state.existingClaim (not .Values.state.shared) -}}
{{- fail "state.existingClaim is one volume for all instances: set state.shared too" -}}
{{- end -}}
{{- end -}}

{{/* Values and ConfigMaps can be read by many: passwords and keys stand in secrets. */}}
{{- define "tidemark.refuseSecrets" -}}
{{- range $name, $value := .Values.env -}}
{{- if regexMatch "(?i)(passw|secret|credential|private_?key|(^|_)token$)" $name -}}
{{- fail (printf "env.%s looks like a secret; put it into a Secret and name it under secretEnv" $name) -}}
{{- end -}}
{{- end -}}
{{- $secret := "(sasl\\.password|ssl\\.key\\.password|ssl\\.keystore\\.password|ssl\\.key\\.pem|sasl\\.oauthbearer\\.client\\.secret)" -}}
{{- range $file, $text := .Values.pipelines -}}
{{- range $found := regexFindAll (printf "%s[\"']?\\s*:\\s*[^\\s,}]+" $secret) $text -1 -}}
{{- if not (regexMatch ":\\s*[\"']?\\$\\{[A-Za-z_][A-Za-z0-9_]*$|:\\s*[\"']?\\$\\{[A-Za-z_][A-Za-z0-9_]*\\}" $found) -}}
{{- fail (printf "pipelines.%s holds a secret itself: %s; write ${NAME} there and name a Secret under secretEnv" $file (regexFind $secret $found)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "tidemark.refuse" -}}
{{- include "tidemark.refusePipelines" . -}}
{{- include "tidemark.refuseReplicas" . -}}
{{- include "tidemark.refuseSecrets" . -}}
{{- end -}}
