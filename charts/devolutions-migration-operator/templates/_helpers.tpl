{{/* The chart's name, or what is set instead. */}}
{{- define "operator.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* The name of what lies in the release's namespace. */}}
{{- define "operator.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains (include "operator.name" .) .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "operator.name" .) | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* The name of what lies outside the release's namespace: another release of the same name must not meet it. */}}
{{- define "operator.outsideName" -}}
{{- printf "%s-%s" .Release.Namespace (include "operator.fullname" .) -}}
{{- end -}}

{{- define "operator.selectorLabels" -}}
app.kubernetes.io/name: {{ include "operator.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "operator.labels" -}}
{{ include "operator.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name (.Chart.Version | replace "+" "_") }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "operator.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "operator.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- required "serviceAccount.create is false, so set serviceAccount.name to the account that the operator is to use." .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "operator.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{- define "operator.subject" -}}
kind: ServiceAccount
name: {{ include "operator.serviceAccountName" . }}
namespace: {{ .Release.Namespace }}
{{- end -}}

{{/* Where the operator works must be said, once. */}}
{{- define "operator.checkScope" -}}
{{- if and .Values.watchNamespaces .Values.watchAllNamespaces -}}
{{- fail "Both watchNamespaces and watchAllNamespaces are set. Set one of them: the namespaces that the operator works in, or true for all of them." -}}
{{- else if not (or .Values.watchNamespaces .Values.watchAllNamespaces) -}}
{{- fail "It is not said where the operator works. Set watchNamespaces to the namespaces it may work in (--set 'watchNamespaces={migration}'), or watchAllNamespaces=true to let it read and write Secrets by name in all of them." -}}
{{- end -}}
{{- end -}}

{{/* What the operator may do where it works: the requests it makes, and no more. */}}
{{- define "operator.rules" -}}
- apiGroups: [migration.devolutions.net]
  resources: [tenantconnections, ssomigrations, groupreplacements]
  verbs: [get, list, watch]
# Those of a migration's mapping.
- apiGroups: [migration.devolutions.net]
  resources: [groupreplacements]
  verbs: [create]
- apiGroups: [migration.devolutions.net]
  resources: [planapprovals]
  verbs: [list, watch]
- apiGroups: [migration.devolutions.net]
  resources: [tenantconnections/status, ssomigrations/status, groupreplacements/status, planapprovals/status]
  verbs: [patch]
# Credentials are read; checkpoint, snapshots, client secrets, plans and forecasts are kept. Never listed, watched or deleted.
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, create, update]
# Authorities that a connection trusts.
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get]
{{- with .Values.workloadIdentityServiceAccounts }}
# Accounts whose tokens connections show to Entra ID.
- apiGroups: [""]
  resources: [serviceaccounts/token]
  resourceNames: {{ toYaml . | nindent 4 }}
  verbs: [create]
{{- end }}
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end -}}
