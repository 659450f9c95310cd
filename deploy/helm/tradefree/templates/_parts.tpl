{{- define "tradefree.name" -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "tradefree.labels" -}}
app.kubernetes.io/name: tradefree
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "tradefree.selector" -}}
app.kubernetes.io/name: tradefree
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "tradefree.image" -}}
{{ printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) }}
{{- end -}}

{{- define "tradefree.pod" -}}
serviceAccountName: {{ include "tradefree.name" . }}
automountServiceAccountToken: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  seccompProfile: {type: RuntimeDefault}
volumes:
  - name: tmp
    emptyDir: {}
{{- end -}}

{{- define "tradefree.container" -}}
image: {{ include "tradefree.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
envFrom:
  - secretRef:
      name: {{ required "existingSecret: name the Secret that has the settings" .Values.existingSecret }}
volumeMounts:
  - name: tmp
    mountPath: /tmp
{{- end -}}

{{- define "tradefree.settings" -}}
{{- range $name, $value := .Values.settings }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end -}}

{{/* Before a pod's own process: bring the tables to its version. Several at once take turns; a migration that needs the
system stopped refuses, and then the pods of the old version go on. */}}
{{- define "tradefree.migrate" -}}
- name: migrate
  args: [migrate]
  {{- include "tradefree.container" . | nindent 2 }}
  {{- with include "tradefree.settings" . }}
  env:
    {{- . | nindent 4 }}
  {{- end }}
  resources:
    requests: {cpu: 100m, memory: 128Mi}
    limits: {memory: 512Mi}
{{- end -}}
