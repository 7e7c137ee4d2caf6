package offline

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// podPattern is a pod as kubectl prints one of a List, of which # stands for its number and @ for its node.
const podPattern = `- apiVersion: v1
  kind: Pod
  metadata:
    annotations:
      kubernetes.io/limit-ranger: 'LimitRanger plugin set: cpu request for container
        web'
      prometheus.io/scrape: "true"
    creationTimestamp: "2026-11-24T10:00:00Z"
    generateName: web-7d5b8c9f4-
    labels:
      app: web
      pod-template-hash: 7d5b8c9f4
    name: web-7d5b8c9f4-#
    namespace: shop
    ownerReferences:
    - apiVersion: apps/v1
      blockOwnerDeletion: true
      controller: true
      kind: ReplicaSet
      name: web-7d5b8c9f4
      uid: 5e9d3c7e-1f0a-4f8e-9a46-0d3a5f1b2c3d
    resourceVersion: "80081#"
    uid: 1b2c3d4e-5f60-4711-8a9b-#
  spec:
    containers:
    - args:
      - --listen=:8080
      - |
        several lines
        - of a script
      env:
      - name: POD_NAME
        valueFrom:
          fieldRef:
            apiVersion: v1
            fieldPath: metadata.name
      - name: GREETING
        value: "- apiVersion: v1"
      image: registry.example.com/shop/web:1.24.3
      imagePullPolicy: IfNotPresent
      livenessProbe:
        failureThreshold: 3
        httpGet:
          path: /healthz
          port: http
          scheme: HTTP
        periodSeconds: 10
        successThreshold: 1
        timeoutSeconds: 1
      name: web
      ports:
      - containerPort: 8080
        name: http
        protocol: TCP
      resources:
        limits:
          memory: 256Mi
        requests:
          cpu: 100m
          memory: 256Mi
      terminationMessagePath: /dev/termination-log
      terminationMessagePolicy: File
      volumeMounts:
      - mountPath: /var/run/secrets/kubernetes.io/serviceaccount
        name: kube-api-access
        readOnly: true
    dnsPolicy: ClusterFirst
    enableServiceLinks: true
    nodeName: @
    preemptionPolicy: PreemptLowerPriority
    priority: 0
    restartPolicy: Always
    schedulerName: default-scheduler
    securityContext: {}
    serviceAccount: default
    serviceAccountName: default
    terminationGracePeriodSeconds: 30
    tolerations:
    - effect: NoExecute
      key: node.kubernetes.io/not-ready
      operator: Exists
      tolerationSeconds: 300
    - effect: NoExecute
      key: node.kubernetes.io/unreachable
      operator: Exists
      tolerationSeconds: 300
    volumes:
    - name: kube-api-access
      projected:
        defaultMode: 420
        sources:
        - serviceAccountToken:
            expirationSeconds: 3607
            path: token
        - configMap:
            items:
            - key: ca.crt
              path: ca.crt
            name: kube-root-ca.crt
        - downwardAPI:
            items:
            - fieldRef:
                apiVersion: v1
                fieldPath: metadata.namespace
              path: namespace
  status:
    conditions:
    - lastProbeTime: null
      lastTransitionTime: "2026-11-24T10:00:01Z"
      status: "True"
      type: Ready
    - lastProbeTime: null
      lastTransitionTime: "2026-11-24T10:00:00Z"
      status: "True"
      type: PodScheduled
    containerStatuses:
    - containerID: containerd://3c7e1f0a4f8e9a460d3a5f1b2c3d3c7e1f0a4f8e9a460d3a5f1b2c3d00000000
      image: registry.example.com/shop/web:1.24.3
      imageID: registry.example.com/shop/web@sha256:3c7e1f0a4f8e9a460d3a5f1b2c3d3c7e1f0a4f8e9a460d3a5f1b2c3d00000000
      lastState: {}
      name: web
      ready: true
      restartCount: 0
      started: true
      state:
        running:
          startedAt: "2026-11-24T10:00:01Z"
    hostIP: 10.0.0.1
    phase: Running
    podIP: 10.1.2.3
    podIPs:
    - ip: 10.1.2.3
    qosClass: Burstable
    startTime: "2026-11-24T10:00:00Z"
`

// nodePattern is a node, likewise.
const nodePattern = `- apiVersion: v1
  kind: Node
  metadata:
    creationTimestamp: "2026-11-24T09:00:00Z"
    labels:
      kubernetes.io/hostname: @
    name: @
  spec: {}
  status:
    allocatable: {cpu: "16", memory: 64Gi, pods: "110"}
    capacity: {cpu: "16", memory: 64Gi, pods: "110"}
    conditions:
    - lastTransitionTime: "2026-11-24T09:01:00Z"
      status: "True"
      type: Ready
`

const podsPerNode = 100

// bigDump is what kubectl prints of a cluster with so many pods. It is written as it is read.
func bigDump(pods int) io.Reader {
	r, w := io.Pipe()
	go func() {
		fmt.Fprint(w, "apiVersion: v1\nitems:\n")
		for i := range pods {
			node := fmt.Sprintf("node-%05d", i/podsPerNode)
			if i%podsPerNode == 0 {
				fmt.Fprint(w, strings.ReplaceAll(nodePattern, "@", node))
			}
			fmt.Fprint(w, strings.NewReplacer("#", fmt.Sprintf("%06d", i), "@", node).Replace(podPattern))
		}
		fmt.Fprint(w, "kind: List\nmetadata:\n  resourceVersion: \"\"\n")
		w.Close()
	}()
	return r
}

// counted counts what is read.
type counted struct {
	io.Reader
	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += int64(n)
	return n, err
}

// BenchmarkBigDump reads what kubectl prints of 100,000 pods, and reports how much memory of the system the process had at most, and
// how much is kept.
func BenchmarkBigDump(b *testing.B) {
	for _, form := range []string{"yaml", "json"} {
		b.Run(form, func(b *testing.B) {
			for range b.N {
				text := &counted{Reader: bigDump(100_000)}
				if form == "json" {
					text.Reader = bigJSON(b, 100_000)
				}
				d := readDump("big", text, wholeText)
				if len(d.problems) > 0 || len(d.Pods) != 100_000 || len(d.Nodes) != 1000 {
					b.Fatalf("%d pods, %d nodes, %v", len(d.Pods), len(d.Nodes), d.problems)
				}
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				b.ReportMetric(float64(m.Sys)/(1<<20), "MiB-of-system")
				runtime.GC()
				runtime.ReadMemStats(&m)
				b.ReportMetric(float64(m.HeapAlloc)/(1<<20), "MiB-kept")
				b.ReportMetric(float64(text.n)/1e6, "MB-text")
				runtime.KeepAlive(d)
			}
		})
	}
}

// bigJSON is bigDump as `kubectl -o json` writes it, without indentation.
func bigJSON(b *testing.B, pods int) io.Reader {
	item := func(pattern string) string {
		raw, err := yaml.YAMLToJSON([]byte(pattern))
		if err != nil {
			b.Fatal(err)
		}
		return string(bytes.Trim(raw, "[]\n"))
	}
	nodeJSON, podJSON := item(strings.ReplaceAll(nodePattern, "@", "NODE")), item(strings.NewReplacer("@", "NODE", "#", "NUMBER").Replace(podPattern))
	r, w := io.Pipe()
	go func() {
		fmt.Fprint(w, `{"apiVersion":"v1","items":[`)
		for i := range pods {
			node := fmt.Sprintf("node-%05d", i/podsPerNode)
			if i%podsPerNode == 0 {
				fmt.Fprint(w, strings.ReplaceAll(nodeJSON, "NODE", node)+",")
			}
			fmt.Fprint(w, strings.NewReplacer("NUMBER", fmt.Sprintf("%06d", i), "NODE", node).Replace(podJSON))
			if i < pods-1 {
				fmt.Fprint(w, ",")
			}
		}
		fmt.Fprint(w, `],"kind":"List","metadata":{"resourceVersion":""}}`)
		w.Close()
	}()
	return r
}
