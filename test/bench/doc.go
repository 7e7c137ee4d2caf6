// Command bench measures trimtab and prometheus-adapter as an HPA controller meets them: real processes behind
// the APIService of a real API server, in front of a real Prometheus, all on this machine.
//
// It prints a table for people and writes JSON for programs. The same requests, objects and series are used for
// both; each has the machine to itself while it is measured. Latencies are those of the caller, the API
// server's proxying included; CPU is that of the adapter's process alone, as the kernel counts it, so that
// requests per CPU second tell what one core serves whatever else the machine does.
package main
