package kube

import (
	"fmt"
	"strings"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

func (c Config) rules() *clientcmd.ClientConfigLoadingRules {
	rules := clientcmd.NewDefaultClientConfigLoadingRules() // honours $KUBECONFIG
	rules.ExplicitPath, rules.Warner = c.Kubeconfig, func(error) {}
	return rules
}

// Files are those that a kubeconfig is looked for in, with commas between them.
func Files(cfg Config) string { return strings.Join(cfg.rules().GetLoadingPrecedence(), ", ") }

// Contexts are those that the kubeconfig has; nil where there is no kubeconfig. One that cannot be read is an error.
func Contexts(cfg Config) (map[string]*api.Context, error) {
	found, err := cfg.rules().Load()
	if err != nil || api.IsConfigEmpty(found) {
		return nil, err
	}
	return found.Contexts, nil
}

// Load finds the API server, and the namespace of the context. Its errors are one line with the names of the files.
func Load(cfg Config) (restConfig *rest.Config, namespace string, err error) {
	rules := cfg.rules()
	found := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{CurrentContext: cfg.Context})
	if restConfig, err = found.ClientConfig(); err == nil {
		namespace, _, err = found.Namespace()
	}
	files := Files(cfg)
	if clientcmd.IsEmptyConfig(err) {
		return nil, "", fmt.Errorf("no Kubernetes API server is configured in %s: set --kubeconfig, kubernetes.kubeconfig or $KUBECONFIG to a kubeconfig, or run in a cluster", files)
	}
	if err != nil {
		return nil, "", fmt.Errorf("kubeconfig %s: %s; mend the file, or name another in --kubeconfig, kubernetes.kubeconfig or $KUBECONFIG",
			files, strings.Join(strings.Fields(err.Error()), " "))
	}
	restConfig.QPS, restConfig.Burst, restConfig.Timeout = float32(cfg.QPS), cfg.Burst, cfg.Timeout.Std()
	restConfig.UserAgent = "trimtab"
	return restConfig, namespace, nil
}
