package migrate

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

// origin is where a file of the container comes from.
type origin struct {
	// from says it for people: "ConfigMap monitoring/adapter-config, key config.yaml", "Secret monitoring/tls".
	// Empty where nothing is mounted: the file lies in the image.
	from string
	// scratch says that the volume is empty when the pod starts.
	scratch bool
	// text is the content, where it is known.
	text  string
	known bool
	// missing says why the text of a ConfigMap's file is not known.
	missing error
}

// origin follows file to the volume that is mounted there.
func (m *manifests) origin(c candidate, env environment, file string) origin {
	file = path.Clean("/" + file)
	mount, inside := c.container.mountOf(file, env)
	if mount == nil {
		return origin{}
	}
	at := slices.IndexFunc(c.workload.pod.Volumes, func(v volume) bool { return v.Name == mount.Name })
	if at < 0 {
		return origin{from: "the volume " + printable(mount.Name),
			missing: fmt.Errorf("%s mounts the volume %s at %s, and has no volume of that name", c, printable(mount.Name), printable(mount.MountPath))}
	}
	v := c.workload.pod.Volumes[at]
	namespace := c.workload.Metadata.Namespace
	switch {
	case v.ConfigMap != nil:
		return m.fromConfigMap(namespace, *v.ConfigMap, inside)
	case v.Secret != nil:
		return origin{from: "Secret " + qualified(namespace, v.Secret.SecretName)}
	case v.EmptyDir != nil:
		return origin{from: "the emptyDir " + printable(v.Name), scratch: true}
	case v.Projected != nil:
		return m.fromProjected(namespace, v, inside)
	default:
		return origin{from: "the volume " + printable(v.Name)}
	}
}

// mountOf finds the innermost mount that holds file, and the path of the file in its volume.
func (c *container) mountOf(file string, env environment) (*volumeMount, string) {
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
			sub = expand(v.SubPathExpr, env).text
		}
		best, longest = v, len(at)
		inside = strings.TrimPrefix(path.Join("/", sub, rest), "/")
	}
	return best, inside
}

func (m *manifests) fromConfigMap(namespace string, in objectIn, file string) origin {
	cm, err := m.configMap(namespace, in.Name)
	if err != nil {
		return origin{from: "ConfigMap " + qualified(namespace, in.Name), missing: err}
	}
	o := origin{from: cm.String()}
	key, ok := in.key(file)
	text, exists := cm.Data[key]
	if encoded, isBinary := cm.BinaryData[key]; isBinary {
		decoded, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			o.missing = fmt.Errorf("%s, binaryData %s: is not base64", cm, printable(key))
			return o
		}
		text, exists = string(decoded), true
	}
	if !ok || !exists {
		o.missing = fmt.Errorf("%s has nothing for the file %s", cm, printable(file))
		return o
	}
	return origin{from: o.from + ", key " + printable(key), text: text, known: true}
}

// fromProjected takes the last source that has the file, which is the one that wins.
func (m *manifests) fromProjected(namespace string, v volume, file string) origin {
	found := origin{from: "the volume " + printable(v.Name)}
	for _, s := range v.Projected.Sources {
		switch {
		case s.ConfigMap != nil:
			if _, ok := s.ConfigMap.key(file); !ok {
				continue
			}
			if o := m.fromConfigMap(namespace, *s.ConfigMap, file); o.known || found.missing == nil && !found.known {
				found = o
			}
		case s.Secret != nil:
			if _, ok := s.Secret.key(file); ok && s.Secret.Items != nil {
				found = origin{from: "Secret " + qualified(namespace, s.Secret.Name)}
			}
		case s.ServiceAccountToken != nil && path.Clean(s.ServiceAccountToken.Path) == file:
			found = origin{from: "the token of the service account in the volume " + printable(v.Name)}
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
