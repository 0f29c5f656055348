{{- define "penstock.name" -}}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{- end }}
{{- define "penstock.image" -}}{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{- end }}
{{- define "penstock.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}{{ .Values.serviceAccount.name | default (printf "%s-agent" (include "penstock.name" .)) }}
{{- else -}}{{ .Values.serviceAccount.name | default "default" }}{{- end -}}
{{- end }}
{{- define "penstock.metadataURL" -}}
{{- if .Values.config.metadataURL -}}{{ .Values.config.metadataURL }}
{{- else if .Values.controlPlane.enabled -}}http://{{ include "penstock.name" . }}-control-plane:{{ .Values.controlPlane.port }}
{{- else -}}{{ fail "config.metadataURL is missing: the address of a control plane" }}{{- end -}}
{{- end }}
