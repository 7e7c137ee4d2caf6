// Package config is the section clusterScaler of the configuration file: its settings, their defaults and what is wrong
// with them.
//
// It guarantees that a Config without Problems makes a valid Policy (package plan), DrainConfig and NodeTaints (package
// kube), and options of groups. An empty section has cluster-autoscaler's defaults. The package connects to nothing.
package config
