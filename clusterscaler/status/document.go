package status

// document is the text of the ConfigMap, with the names of cluster-autoscaler's API of the status.
type document struct {
	Time             string      `yaml:"time"`
	AutoscalerStatus string      `yaml:"autoscalerStatus"`
	ClusterWide      clusterWide `yaml:"clusterWide"`
	NodeGroups       []nodeGroup `yaml:"nodeGroups,omitempty"`
}

type clusterWide struct {
	Health    health    `yaml:"health"`
	ScaleUp   scaleUp   `yaml:"scaleUp"`
	ScaleDown scaleDown `yaml:"scaleDown"`
}

type nodeGroup struct {
	Name      string      `yaml:"name"`
	Health    groupHealth `yaml:"health"`
	ScaleUp   scaleUp     `yaml:"scaleUp"`
	ScaleDown scaleDown   `yaml:"scaleDown"`
}

// times are when a condition was looked at last, and since when it is what it is.
type times struct {
	LastProbeTime      string `yaml:"lastProbeTime"`
	LastTransitionTime string `yaml:"lastTransitionTime"`
}

type health struct {
	Status     string     `yaml:"status"`
	NodeCounts nodeCounts `yaml:"nodeCounts"`
	times      `yaml:",inline"`
}

type groupHealth struct {
	Status              string     `yaml:"status"`
	NodeCounts          nodeCounts `yaml:"nodeCounts"`
	CloudProviderTarget int        `yaml:"cloudProviderTarget"`
	MinSize             int        `yaml:"minSize"`
	MaxSize             int        `yaml:"maxSize"`
	times               `yaml:",inline"`
}

type nodeCounts struct {
	Registered       registered `yaml:"registered"`
	LongUnregistered int        `yaml:"longUnregistered"`
	Unregistered     int        `yaml:"unregistered"`
}

type registered struct {
	Total        int     `yaml:"total"`
	Ready        int     `yaml:"ready"`
	NotStarted   int     `yaml:"notStarted"`
	BeingDeleted int     `yaml:"beingDeleted,omitempty"`
	Unready      unready `yaml:"unready"`
}

type unready struct {
	Total           int `yaml:"total"`
	ResourceUnready int `yaml:"resourceUnready"`
}

type scaleUp struct {
	Status      string       `yaml:"status"`
	BackoffInfo *backoffInfo `yaml:"backoffInfo,omitempty"`
	times       `yaml:",inline"`
}

type backoffInfo struct {
	ErrorCode    string `yaml:"errorCode"`
	ErrorMessage string `yaml:"errorMessage"`
}

type scaleDown struct {
	Status     string `yaml:"status"`
	Candidates int    `yaml:"candidates,omitempty"`
	times      `yaml:",inline"`
}
