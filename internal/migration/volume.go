package migration

import (
	"encoding/base64"
	"fmt"
	"path"
	"slices"
	"strings"
)

type volume struct {
	Name      string    `yaml:"name"`
	ConfigMap *objectIn `yaml:"configMap"`
	Secret    *struct {
		SecretName string `yaml:"secretName"`
	} `yaml:"secret"`
	EmptyDir  *struct{} `yaml:"emptyDir"`
	Projected *struct {
		Sources []struct {
			ConfigMap           *objectIn `yaml:"configMap"`
			Secret              *objectIn `yaml:"secret"`
			ServiceAccountToken *struct {
				Path string `yaml:"path"`
			} `yaml:"serviceAccountToken"`
		} `yaml:"sources"`
	} `yaml:"projected"`
}

// objectIn is a ConfigMap or a Secret as a volume holds it: all its keys, or those that items name.
type objectIn struct {
	Name  string `yaml:"name"`
	Items []struct {
		Key  string `yaml:"key"`
		Path string `yaml:"path"`
	} `yaml:"items"`
}

// key is the key whose text lies at a path of the volume; ok says that there may be one.
func (o objectIn) key(file string) (key string, ok bool) {
	for _, item := range o.Items {
		if path.Clean(item.Path) == file {
			return item.Key, true
		}
	}
	return file, o.Items == nil && !strings.Contains(file, "/")
}

// Origin is where a file of the container comes from.
type Origin struct {
	// From says it for people: "ConfigMap monitoring/adapter-config, key config.yaml", "Secret monitoring/tls".
	// Empty where nothing is mounted: the file lies in the image.
	From string
	// Scratch says that the volume is empty when the pod starts.
	Scratch bool
	// Text is the content, where it is known.
	Text  string
	Known bool
	// Missing says why the text of a ConfigMap's file is not known.
	Missing error
}

// origin follows file to the volume that is mounted there.
func (m *manifests) origin(c candidate, env Environment, file string) Origin {
	file = path.Clean("/" + file)
	mount, inside := c.container.mountOf(file, env)
	if mount == nil {
		return Origin{}
	}
	at := slices.IndexFunc(c.workload.pod.Volumes, func(v volume) bool { return v.Name == mount.Name })
	if at < 0 {
		return Origin{From: "the volume " + printable(mount.Name),
			Missing: fmt.Errorf("%s mounts the volume %s at %s, and has no volume of that name", c, printable(mount.Name), printable(mount.MountPath))}
	}
	v := c.workload.pod.Volumes[at]
	namespace := c.workload.Metadata.Namespace
	switch {
	case v.ConfigMap != nil:
		return m.fromConfigMap(namespace, *v.ConfigMap, inside)
	case v.Secret != nil:
		return Origin{From: "Secret " + qualified(namespace, v.Secret.SecretName)}
	case v.EmptyDir != nil:
		return Origin{From: "the emptyDir " + printable(v.Name), Scratch: true}
	case v.Projected != nil:
		return m.fromProjected(namespace, v, inside)
	default:
		return Origin{From: "the volume " + printable(v.Name)}
	}
}

// mountOf finds the innermost mount that holds file, and the path of the file in its volume.
func (c *container) mountOf(file string, env Environment) (*volumeMount, string) {
	var best *volumeMount
	inside, longest := "", -1
	for i := range c.VolumeMounts {
		v := &c.VolumeMounts[i]
		at := path.Clean("/" + v.MountPath)
		rest, ok := strings.CutPrefix(file, strings.TrimSuffix(at, "/"))
		if !ok || rest != "" && rest[0] != '/' || len(at) <= longest {
			continue
		}
		sub := v.SubPath
		if v.SubPathExpr != "" {
			sub = expand(v.SubPathExpr, env).Text
		}
		best, longest = v, len(at)
		inside = strings.TrimPrefix(path.Join("/", sub, rest), "/")
	}
	return best, inside
}

func (m *manifests) fromConfigMap(namespace string, in objectIn, file string) Origin {
	cm, err := m.configMap(namespace, in.Name)
	if err != nil {
		return Origin{From: "ConfigMap " + qualified(namespace, in.Name), Missing: err}
	}
	o := Origin{From: cm.String()}
	key, ok := in.key(file)
	text, exists := cm.Data[key]
	if encoded, isBinary := cm.BinaryData[key]; isBinary {
		decoded, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			o.Missing = fmt.Errorf("%s, binaryData %s: is not base64", cm, printable(key))
			return o
		}
		text, exists = string(decoded), true
	}
	if !ok || !exists {
		o.Missing = fmt.Errorf("%s has nothing for the file %s", cm, printable(file))
		return o
	}
	return Origin{From: o.From + ", key " + printable(key), Text: text, Known: true}
}

// fromProjected takes the last source that has the file, which is the one that wins.
func (m *manifests) fromProjected(namespace string, v volume, file string) Origin {
	found := Origin{From: "the volume " + printable(v.Name)}
	for _, s := range v.Projected.Sources {
		switch {
		case s.ConfigMap != nil:
			if _, ok := s.ConfigMap.key(file); !ok {
				continue
			}
			if o := m.fromConfigMap(namespace, *s.ConfigMap, file); o.Known || found.Missing == nil && !found.Known {
				found = o
			}
		case s.Secret != nil:
			if _, ok := s.Secret.key(file); ok && s.Secret.Items != nil {
				found = Origin{From: "Secret " + qualified(namespace, s.Secret.Name)}
			}
		case s.ServiceAccountToken != nil && path.Clean(s.ServiceAccountToken.Path) == file:
			found = Origin{From: "the token of the service account in the volume " + printable(v.Name)}
		}
	}
	return found
}

// configMap finds a ConfigMap by its name; manifests that name no namespace fit any.
func (m *manifests) configMap(namespace, name string) (*configMap, error) {
	for i := range m.configMaps {
		c := &m.configMaps[i]
		if there := c.Metadata.Namespace; c.Metadata.Name == name && (there == namespace || there == "" || namespace == "") {
			return c, nil
		}
	}
	return nil, fmt.Errorf("ConfigMap %s is not among the manifests; add it, as `kubectl get deploy,cm -n NAMESPACE -o yaml` prints it", qualified(namespace, name))
}
