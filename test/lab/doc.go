// Package lab starts a real cluster on this machine: etcd, kube-apiserver, kube-controller-manager with
// its HPA controller, kube-scheduler, kwok that plays the nodes, a Prometheus and a Redis, each as the
// process that it is in production. Only the kubelet is played.
//
// It guarantees free ports and a folder of its own, so that several labs can run side by side; that no
// process outlives the one that started the lab, however that ends; that each wait is for a condition,
// and shows what the cluster looked like when the condition does not come. Its files are removed when
// it is stopped, except after a failure, when their place is printed.
package lab
