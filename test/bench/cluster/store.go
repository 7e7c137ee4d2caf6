package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
)

// store writes pods into etcd as the API server does, which then watches them come.
type store struct {
	url    string
	encode runtime.Encoder
}

func newStore(etcd string, scheme *runtime.Scheme) store {
	return store{etcd + "/v3/kv/txn", protobuf.NewSerializer(scheme, scheme)}
}

// put stores pods that the API server has filled in with all defaults, all of them or none. They must be new.
func (s store) put(ctx context.Context, pods []*corev1.Pod) error {
	type entry struct { // bytes are base64 in JSON
		Key   []byte `json:"key"`
		Value []byte `json:"value"`
	}
	type operation struct {
		Put entry `json:"requestPut"`
	}
	var all []operation
	for _, p := range pods {
		p.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Pod"))
		var stored bytes.Buffer
		if err := s.encode.Encode(p, &stored); err != nil {
			return err
		}
		all = append(all, operation{entry{[]byte("/registry/pods/" + p.Namespace + "/" + p.Name), stored.Bytes()}})
	}
	if len(all) == 0 {
		return nil
	}
	body, err := json.Marshal(map[string]any{"success": all})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	said, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil || resp.StatusCode != http.StatusOK {
		return errors.Join(err, fmt.Errorf("etcd answers %s: %.300s", resp.Status, said))
	}
	return nil
}
