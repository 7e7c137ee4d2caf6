// Package peers starts the programs that trimtab takes the place of, as processes of the lab: prometheus-adapter,
// KEDA's operator and metrics adapter, and VPA's recommender, updater and admission controller.
//
// Each runs with the flags of its own manifests or chart, and under a ServiceAccount of its own, so that the audit log
// tells its calls apart. What differs, because there is no kubelet, stands at its function. KEDA and VPA are built by
// programs.Peers, which must have been built before; prometheus-adapter is among the programs of each lab.
package peers
