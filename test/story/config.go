package story

import (
	"fmt"

	"github.com/trimtab/trimtab/test/lab"
)

// Config is trimtab's configuration in the story: as a user would write it, with the waiting times
// shortened so that minutes show what takes hours.
func Config(ports lab.Ports, prometheus string) string {
	return fmt.Sprintf(`
server: {address: "127.0.0.1:%d"}
leaderElection:
  leaderElectLeaseDuration: 3s
  leaderElectRenewDeadline: 2s
  leaderElectRetryPeriod: 500ms
prometheus: {url: "%s", timeout: 5s}
adapter:
  bindAddress: 127.0.0.1
  securePort: %d
  metricsRelistInterval: 5s
  evaluationInterval: 1s
  rules:
  - seriesQuery: 'http_requests_total{namespace!="",pod!=""}'
    resources:
      overrides: {namespace: {resource: namespace}, pod: {resource: pod}}
    name: {matches: '^(.*)_total$', as: '${1}_per_second'}
    metricsQuery: 'sum(rate(<<.Series>>{<<.LabelMatchers>>}[5s])) by (<<.GroupBy>>)'
scalers: {sources: {allowedNetworks: [127.0.0.0/8]}} # the lab is on this machine
vpa:
  recommender:
    recommenderInterval: 2s
    checkpointInterval: 5s
    checkpointsGcInterval: 10s
    cpuQuery: 'sum by (namespace,pod,container) (rate(container_cpu_usage_seconds_total[10s]))'
clusterScaler:
  scanInterval: 1s
  scaleDownUnneededTime: 15s     # 10m by default
  scaleDownDelayAfterAdd: 10s    # 10m by default
  scaleDownDelayAfterFailure: 5s # 3m by default
  maxNodeProvisionTime: 30s      # 15m by default
  nodeDeleteDelayAfterTaint: 3s  # 5s by default
  kwok:
    groups:
    - name: general
      max: 10
      price: 0.096
      launchDelay: 2s
      template: {instanceType: m5.large, zone: eu-west-1a}
    - name: compute
      max: 4
      price: 0.34
      launchDelay: 2s
      template: {instanceType: c5.2xlarge, zone: eu-west-1a}
`, ports.HTTP, prometheus, ports.MetricsAPI)
}
