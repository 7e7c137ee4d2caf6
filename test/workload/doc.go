// Command workload is a web Deployment whose pods are played by kwok, while its work is real.
//
//	workload --kubeconfig FILE --namespace NS [--selector app=web] [--listen 127.0.0.1:0] [--load-file FILE]
//
// Each Running pod of the selector is one operating-system thread that holds real memory. Requests come
// at the wished rate, go to the Ready pods in turn, and each burns a piece of real CPU on the thread of
// its pod. /metrics tells, in the names that cAdvisor and web servers use, what the kernel measured:
//
//	http_requests_total{namespace,pod}                                requests served
//	http_requests_failed_total{namespace}                             requests that no pod took or finished
//	container_cpu_usage_seconds_total{namespace,pod,container}        CPU time of the pod's thread
//	container_memory_working_set_bytes{namespace,pod,container}       bytes that the pod holds
//	workload_wished_requests_per_second                               the rate wished for
//
// The wished rate is a number in the load file, which is read again each second, or is set by
// `curl -X PUT -d 120 http://ADDRESS/load`; of both the later change wins. A file that is missing or
// unreadable changes nothing. The first line on standard output is the address: "listening on HOST:PORT".
//
// It guarantees that the series of a pod are gone as soon as the pod is, that every request is counted
// once, served or failed, and that all requests together use at most --max-cpu cores: above that rate
// each request does less. It does not speak HTTP between client and pod, and keeps nothing.
package main
