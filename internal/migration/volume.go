package migration

import (
	"fmt"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Origin is where a file of the container comes from.
type Origin struct {
	// From is the text for people: "ConfigMap monitoring/adapter-config, key config.yaml", "Secret monitoring/tls".
	// Empty where nothing is mounted: the file is in the image.
	From string
	// Scratch says that the volume is empty when the pod starts.
	Scratch bool
	// Text is the content, where it is known.
	Text  string
	Known bool
	// Missing is why the text of a ConfigMap's file is unknown.
	Missing error
}

// origin finds the volume of a file. It reads the content only from a ConfigMap's volume.
func (m *manifests) origin(c candidate, file string) Origin {
	mount, inside := mountOf(c.container.VolumeMounts, path.Clean("/"+file))
	if mount == nil {
		return Origin{}
	}
	o := Origin{From: "the volume " + printable(mount.Name)}
	volumes := c.workload.pod().Volumes
	at := slices.IndexFunc(volumes, func(v corev1.Volume) bool { return v.Name == mount.Name })
	if at < 0 {
		return o
	}
	switch v := volumes[at]; {
	case v.ConfigMap != nil && mount.SubPathExpr == "":
		return m.fromConfigMap(c.workload.Namespace, v.ConfigMap, inside)
	case v.Secret != nil:
		o.From = "Secret " + qualified(c.workload.Namespace, v.Secret.SecretName)
	case v.EmptyDir != nil:
		o.Scratch = true
	}
	return o
}

// mountOf finds the innermost mount that contains file, and the path of the file in its volume.
func mountOf(mounts []corev1.VolumeMount, file string) (*corev1.VolumeMount, string) {
	var best *corev1.VolumeMount
	inside, longest := "", -1
	for i := range mounts {
		v := &mounts[i]
		at := path.Clean("/" + v.MountPath)
		rest, ok := strings.CutPrefix(file, strings.TrimSuffix(at, "/"))
		if !ok || rest != "" && rest[0] != '/' || len(at) <= longest {
			continue
		}
		best, longest = v, len(at)
		inside = strings.TrimPrefix(path.Join("/", v.SubPath, rest), "/")
	}
	return best, inside
}

func (m *manifests) fromConfigMap(namespace string, in *corev1.ConfigMapVolumeSource, file string) Origin {
	cm, err := m.configMap(namespace, in.Name)
	if err != nil {
		return Origin{From: "ConfigMap " + qualified(namespace, in.Name), Missing: err}
	}
	key := file
	if in.Items != nil {
		key = ""
		for _, item := range in.Items {
			if path.Clean(item.Path) == file {
				key = item.Key
			}
		}
	}
	text, exists := cm.Data[key]
	if !exists {
		return Origin{From: cm.String(), Missing: fmt.Errorf("%s has no text for the file %s", cm, printable(file))}
	}
	return Origin{From: cm.String() + ", key " + printable(key), Text: text, Known: true}
}

// configMap finds a ConfigMap by its name. A manifest without a namespace matches any.
func (m *manifests) configMap(namespace, name string) (*object, error) {
	for i := range m.configMaps {
		c := &m.configMaps[i]
		if c.Name == name && (c.Namespace == namespace || c.Namespace == "" || namespace == "") {
			return c, nil
		}
	}
	return nil, fmt.Errorf("ConfigMap %s is not among the manifests; add it, as `kubectl get deploy,cm -n NAMESPACE -o yaml` prints it", qualified(namespace, name))
}
