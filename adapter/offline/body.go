package offline

import (
	"encoding/json"
	"strings"
)

// body has the fields of an answer that this package reads, for all APIs.
type body struct {
	Kind string `json:"kind"`
	// Message is of a Status.
	Message   string     `json:"message"`
	Items     []bodyItem `json:"items"`
	Resources []struct {
		Name string `json:"name"`
	} `json:"resources"`
}

type bodyItem struct {
	DescribedObject *struct {
		Namespace string `json:"namespace"`
		Name      string `json:"name"`
	} `json:"describedObject"`
	Metadata struct {
		Namespace string `json:"namespace"`
		Name      string `json:"name"`
	} `json:"metadata"`
	MetricName string `json:"metricName"`
	Metric     struct {
		Name string `json:"name"`
	} `json:"metric"`
	MetricLabels map[string]string `json:"metricLabels"`
	Value        Quantity          `json:"value"`
	Usage        usage             `json:"usage"`
	Containers   []struct {
		Name  string `json:"name"`
		Usage usage  `json:"usage"`
	} `json:"containers"`
}

type usage struct {
	CPU    Quantity `json:"cpu"`
	Memory Quantity `json:"memory"`
}

// itemsOf reads the items of an answer, and the message of a refusal. Text that is no object of an API is the message.
func itemsOf(data []byte) (items []Item, message string) {
	var b body
	if json.Unmarshal(data, &b) != nil {
		var text string
		_ = json.Unmarshal(data, &text) // text stays empty if this fails
		return nil, strings.TrimSpace(text)
	}
	switch b.Kind {
	case "Status":
		return nil, b.Message
	case "APIResourceList":
		for _, r := range b.Resources {
			items = append(items, Item{Object: r.Name})
		}
		return items, ""
	case "PodMetrics", "NodeMetrics":
		var one bodyItem
		_ = json.Unmarshal(data, &one) // its kind was read, so this can be read
		b.Items = []bodyItem{one}
	}
	for _, one := range b.Items {
		items = append(items, one.item())
	}
	return items, ""
}

func (b bodyItem) item() Item {
	i := Item{
		Object: b.Metadata.Name, Namespace: b.Metadata.Namespace, Metric: b.MetricName + b.Metric.Name, Labels: b.MetricLabels,
		Value: b.Value, CPU: b.Usage.CPU, Memory: b.Usage.Memory,
	}
	if b.DescribedObject != nil {
		i.Object, i.Namespace = b.DescribedObject.Name, b.DescribedObject.Namespace
	}
	for _, c := range b.Containers {
		i.Containers = append(i.Containers, Container{c.Name, c.Usage.CPU, c.Usage.Memory})
	}
	return i
}
