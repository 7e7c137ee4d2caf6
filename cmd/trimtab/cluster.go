package main

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/metadata"

	"github.com/trimtab/trimtab/internal/kube"
)

// clusterFlags choose the cluster, as kubectl's flags do.
type clusterFlags struct{ kubeconfig, context string }

// define adds the flags to a set of cmd's flags.
func (f *clusterFlags) define(flags *pflag.FlagSet, cmd *cobra.Command) {
	flags.StringVar(&f.kubeconfig, "kubeconfig", "", "kubeconfig `file`, as for kubectl")
	flags.StringVar(&f.context, "context", "", "`name` of a context of the kubeconfig, instead of its current one")
	must(cmd.RegisterFlagCompletionFunc("context", func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		contexts, _ := kube.Contexts(f.config())
		return slices.Sorted(maps.Keys(contexts)), cobra.ShellCompDirectiveNoFileComp
	}))
}

// over is a configuration with the values of the flags instead of its own.
func (f *clusterFlags) over(c kube.Config) kube.Config {
	c.Kubeconfig, c.Context = cmp.Or(f.kubeconfig, c.Kubeconfig), f.context
	return c
}

// config is the configuration of a command without a configuration file.
func (f *clusterFlags) config() kube.Config {
	var c kube.Config
	c.SetDefaults()
	return f.over(c)
}

// completionTimeout bounds the time of one completion, completionNames its number of names.
const (
	completionTimeout = 3 * time.Second
	completionNames   = 500
)

// names are the names of objects in the cluster, for completion; none where they cannot be read.
func (f *clusterFlags) names(ctx context.Context, resource, namespace, begun string) (names []cobra.Completion, _ cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(ctx, completionTimeout)
	defer cancel()
	cfg, own, err := kube.Load(f.config())
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	client, err := metadata.NewForConfig(cfg)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	if resource != "pods" { // the other kinds have no namespace
		namespace, own = "", ""
	}
	found, err := client.Resource(corev1.SchemeGroupVersion.WithResource(resource)).Namespace(cmp.Or(namespace, own)).List(ctx, metav1.ListOptions{Limit: completionNames})
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	for _, object := range found.Items {
		if strings.HasPrefix(object.Name, begun) {
			names = append(names, object.Name)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
