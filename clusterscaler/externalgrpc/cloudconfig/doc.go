// Package cloudconfig knows the file of cluster-autoscaler's --cloud-config for its provider externalgrpc: how its server
// is reached.
//
// It guarantees that what it accepts is what the provider can connect with, and that an error says which setting is to be
// mended and how. It reads no file: the text is an argument, of bounded size.
package cloudconfig
