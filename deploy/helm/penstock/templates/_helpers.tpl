{{- define "penstock.name" -}}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{- end }}
{{- define "penstock.image" -}}{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{- end }}
{{- define "penstock.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}{{ .Values.serviceAccount.name | default (printf "%s-agent" (include "penstock.name" .)) }}
{{- else -}}{{ .Values.serviceAccount.name | default "default" }}{{- end -}}
{{- end }}
{{- define "penstock.headless" -}}{{ include "penstock.name" . }}-headless{{- end }}
{{- /* Where an agent finds its key. */}}
{{- define "penstock.agentKey" -}}
{{- $config := .Values.config -}}
{{- if $config.agentKeySecretKeyRef.name }}
valueFrom: { secretKeyRef: { name: {{ $config.agentKeySecretKeyRef.name }}, key: {{ $config.agentKeySecretKeyRef.key }} } }
{{- else if $config.apiKeySecretKeyRef.name }}
valueFrom: { secretKeyRef: { name: {{ $config.apiKeySecretKeyRef.name }}, key: {{ $config.apiKeySecretKeyRef.key }} } }
{{- else }}
value: {{ required "config.agentKey or config.agentKeySecretKeyRef is missing" ($config.agentKey | default $config.apiKey) | quote }}
{{- end }}
{{- end }}
{{- define "penstock.metadataURL" -}}
{{- if .Values.config.metadataURL -}}{{ .Values.config.metadataURL }}
{{- else if .Values.controlPlane.enabled -}}http://{{ include "penstock.name" . }}-control-plane:{{ .Values.controlPlane.port }}
{{- else -}}{{ fail "config.metadataURL is missing: the address of a control plane" }}{{- end -}}
{{- end }}
