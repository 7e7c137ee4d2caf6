package migrate

import "maps"

type envVar struct {
	Name      string `yaml:"name"`
	Value     string `yaml:"value"`
	ValueFrom *struct {
		FieldRef *struct {
			FieldPath string `yaml:"fieldPath"`
		} `yaml:"fieldRef"`
		ConfigMapKeyRef *keyRef `yaml:"configMapKeyRef"`
		SecretKeyRef    *keyRef `yaml:"secretKeyRef"`
	} `yaml:"valueFrom"`
}

type keyRef struct {
	Name string `yaml:"name"`
	Key  string `yaml:"key"`
}

type envFrom struct {
	Prefix       string `yaml:"prefix"`
	ConfigMapRef *struct {
		Name string `yaml:"name"`
	} `yaml:"configMapRef"`
}

// environment is what the container's variables hold, as far as the manifests tell. What it takes from
// Secrets stays unknown, be the Secret there or not.
func (m *manifests) environment(c candidate) environment {
	namespace := c.workload.Metadata.Namespace
	env := environment{}
	for _, from := range c.container.EnvFrom {
		if from.ConfigMapRef == nil {
			continue
		}
		if cm, err := m.configMap(namespace, from.ConfigMapRef.Name); err == nil {
			for key, value := range cm.Data {
				env[from.Prefix+key] = variable{value: value}
			}
		}
	}
	for _, e := range c.container.Env {
		if e.ValueFrom == nil {
			env[e.Name] = literal(e.Value, maps.Clone(env))
			continue
		}
		env[e.Name] = m.referred(e, c.workload)
	}
	return env
}

// literal may refer to the variables before it.
func literal(text string, before environment) variable {
	a := expand(text, before)
	if len(a.unknown) == 0 {
		return variable{value: a.text}
	}
	from := before[a.unknown[0]].elsewhere
	if from == "" {
		from = "$(" + a.unknown[0] + ")"
	}
	return variable{elsewhere: from}
}

func (m *manifests) referred(e envVar, w *workload) variable {
	namespace := w.Metadata.Namespace
	switch from := e.ValueFrom; {
	case from.ConfigMapKeyRef != nil:
		cm, err := m.configMap(namespace, from.ConfigMapKeyRef.Name)
		if err == nil {
			if value, ok := cm.Data[from.ConfigMapKeyRef.Key]; ok {
				return variable{value: value}
			}
		}
		return variable{elsewhere: "ConfigMap " + qualified(namespace, from.ConfigMapKeyRef.Name) + ", key " + printable(from.ConfigMapKeyRef.Key)}
	case from.SecretKeyRef != nil:
		return variable{elsewhere: "Secret " + qualified(namespace, from.SecretKeyRef.Name) + ", key " + printable(from.SecretKeyRef.Key)}
	case from.FieldRef != nil && from.FieldRef.FieldPath == "metadata.namespace" && namespace != "":
		return variable{value: namespace}
	case from.FieldRef != nil && from.FieldRef.FieldPath == "spec.serviceAccountName" && w.pod.ServiceAccountName != "":
		return variable{value: w.pod.ServiceAccountName}
	case from.FieldRef != nil:
		return variable{elsewhere: "the pod's " + printable(from.FieldRef.FieldPath)}
	}
	return variable{elsewhere: "where its valueFrom says"}
}
