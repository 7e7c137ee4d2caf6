package group

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/trimtab/trimtab/internal/config"
)

// readOption reads an option by the name that cluster-autoscaler gives it in tags and annotations.
func readOption(name, text string, into *Options) error {
	switch name {
	case "scaledownutilizationthreshold":
		return readShare(text, &into.UtilizationThreshold)
	case "scaledowngpuutilizationthreshold":
		return readShare(text, &into.GPUUtilizationThreshold)
	case "scaledownunneededtime":
		return readDuration(text, &into.UnneededTime)
	case "scaledownunreadytime":
		return readDuration(text, &into.UnreadyTime)
	case "maxnodeprovisiontime":
		return readDuration(text, &into.MaxNodeProvisionTime)
	case "maxnodestartuptime":
		return readDuration(text, &into.MaxNodeStartupTime)
	case "ignoredaemonsetsutilization":
		b, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("%.80q is neither true nor false", text)
		}
		into.IgnoreDaemonSets = &b
		return nil
	}
	return fmt.Errorf("%.80q is no option%s", name, config.Suggest(name, []string{
		"scaledownutilizationthreshold", "scaledowngpuutilizationthreshold", "scaledownunneededtime", "scaledownunreadytime",
		"maxnodeprovisiontime", "maxnodestartuptime", "ignoredaemonsetsutilization",
	}))
}

func readShare(text string, into **float64) error {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || !share(n) {
		return fmt.Errorf("%.80q is not a number between 0 and 1", text)
	}
	*into = &n
	return nil
}

func readDuration(text string, into **config.Duration) error {
	var d config.Duration
	if err := d.UnmarshalText([]byte(text)); err != nil {
		return err
	}
	*into = &d
	return nil
}

func readCount(text string, into *int) error {
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil || n < 0 {
		return fmt.Errorf("%.80q is not a number of nodes", text)
	}
	*into = int(n)
	return nil
}

func readLabel(key, value string, into *Description) error {
	if problems := append(validation.IsQualifiedName(key), validation.IsValidLabelValue(value)...); len(problems) > 0 {
		return fmt.Errorf("%.80q with the value %.80q is no label: %s", key, value, problems[0])
	}
	if into.Template.Labels == nil {
		into.Template.Labels = map[string]string{}
	}
	into.Template.Labels[key] = value
	return nil
}

// readTaint reads what stands behind the key: VALUE:EFFECT.
func readTaint(key, text string, into *Description) error {
	if problems := validation.IsQualifiedName(key); len(problems) > 0 {
		return fmt.Errorf("%.80q is no key of a taint: %s", key, problems[0])
	}
	at := strings.LastIndex(text, ":")
	if at < 0 || !slices.Contains(effects(), text[at+1:]) {
		return fmt.Errorf("%.80q is not VALUE:EFFECT with one of the effects %v", text, effects())
	}
	into.Template.Taints = append(into.Template.Taints, Taint{Key: key, Value: text[:at], Effect: text[at+1:]})
	return nil
}

func readResource(name, text string, into *Description) error {
	q, err := resource.ParseQuantity(text)
	if err != nil || q.Sign() < 0 {
		return fmt.Errorf("%.80q is not a quantity such as 4, 500m or 16Gi", text)
	}
	if into.Template.Capacity == nil {
		into.Template.Capacity = map[string]string{}
	}
	into.Template.Capacity[name] = text
	return nil
}

// readGPUs reads the two annotations that say together how many GPUs of which resource a node has.
func readGPUs(annotations map[string]string, into *Description) error {
	count, counted := annotations[gpuCountAnnotation]
	name := annotations[gpuTypeAnnotation]
	switch {
	case !counted:
		return nil
	case name == "":
		return errors.New("is of no use without the annotation " + gpuTypeAnnotation + ", such as nvidia.com/gpu")
	}
	var told Description
	if err := readResource(name, count, &told); err != nil {
		return err
	}
	*into = into.or(&told)
	return nil
}

// each reads the parts of a list with commas.
func each(list string, read func(item string) error) error {
	for item := range strings.SplitSeq(list, ",") {
		if item = strings.TrimSpace(item); item == "" {
			continue
		}
		if err := read(item); err != nil {
			return err
		}
	}
	return nil
}

func effects() []string {
	return []string{string(corev1.TaintEffectNoSchedule), string(corev1.TaintEffectPreferNoSchedule), string(corev1.TaintEffectNoExecute)}
}
