package migration

import "fmt"

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
// Secrets stays unknown, be the Secret there or not. Variables that make no sense since no program could be
// started with so many are an error.
func (m *manifests) environment(c candidate) (Environment, error) {
	namespace := c.workload.Metadata.Namespace
	env := Environment{}
	size := 0
	for _, from := range c.container.EnvFrom {
		if from.ConfigMapRef == nil {
			continue
		}
		if cm, err := m.configMap(namespace, from.ConfigMapRef.Name); err == nil {
			for key, value := range cm.Data {
				env[from.Prefix+key] = Variable{Value: value}
			}
		}
	}
	for _, e := range c.container.Env {
		if e.ValueFrom == nil {
			env[e.Name] = literal(e.Value, env)
		} else {
			env[e.Name] = m.referred(e, c.workload)
		}
		if size += len(e.Name) + len(env[e.Name].Value); size > maxStart {
			return nil, fmt.Errorf("%s: its variables have more than %d bytes, too many for a program", c, maxStart)
		}
	}
	return env, nil
}

// literal may refer to the variables before it.
func literal(text string, before Environment) Variable {
	a := expand(text, before)
	if len(a.Unknown) == 0 {
		return Variable{Value: a.Text}
	}
	from := before[a.Unknown[0]].Elsewhere
	if from == "" {
		from = "$(" + a.Unknown[0] + ")"
	}
	return Variable{Elsewhere: from}
}

func (m *manifests) referred(e envVar, w *workload) Variable {
	namespace := w.Metadata.Namespace
	switch from := e.ValueFrom; {
	case from.ConfigMapKeyRef != nil:
		cm, err := m.configMap(namespace, from.ConfigMapKeyRef.Name)
		if err == nil {
			if value, ok := cm.Data[from.ConfigMapKeyRef.Key]; ok {
				return Variable{Value: value}
			}
		}
		return Variable{Elsewhere: "ConfigMap " + qualified(namespace, from.ConfigMapKeyRef.Name) + ", key " + printable(from.ConfigMapKeyRef.Key)}
	case from.SecretKeyRef != nil:
		return Variable{Elsewhere: "Secret " + qualified(namespace, from.SecretKeyRef.Name) + ", key " + printable(from.SecretKeyRef.Key)}
	case from.FieldRef != nil && from.FieldRef.FieldPath == "metadata.namespace" && namespace != "":
		return Variable{Value: namespace}
	case from.FieldRef != nil && from.FieldRef.FieldPath == "spec.serviceAccountName" && w.pod.ServiceAccountName != "":
		return Variable{Value: w.pod.ServiceAccountName}
	case from.FieldRef != nil:
		return Variable{Elsewhere: "the pod's " + printable(from.FieldRef.FieldPath)}
	}
	return Variable{Elsewhere: "where its valueFrom says"}
}
