package lab

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"iter"
	"math"
	"net/http"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// Series is a time series with its samples in the order of time. Labels hold the name as __name__.
type Series struct {
	Labels  map[string]string
	Samples []Sample
}

// Sample is a value at a time.
type Sample struct {
	Time  time.Time
	Value float64
}

// pushBatch is how many series go into one request.
const pushBatch = 5000

// Push stores series by the protocol of remote write. Samples may lie up to ten minutes in the future.
func (p *Prometheus) Push(ctx context.Context, all iter.Seq[Series]) error {
	var batch []byte
	count := 0
	for s := range all {
		batch = protowire.AppendTag(batch, 1, protowire.BytesType)
		batch = protowire.AppendBytes(batch, s.encode())
		if count++; count%pushBatch == 0 {
			if err := p.write(ctx, batch); err != nil {
				return err
			}
			batch = batch[:0]
		}
	}
	if len(batch) == 0 {
		return nil
	}
	return p.write(ctx, batch)
}

// encode writes the message TimeSeries of remote write 1.0.
func (s Series) encode() []byte {
	var out []byte
	for name, value := range s.Labels {
		var label []byte
		label = protowire.AppendTag(label, 1, protowire.BytesType)
		label = protowire.AppendString(label, name)
		label = protowire.AppendTag(label, 2, protowire.BytesType)
		label = protowire.AppendString(label, value)
		out = protowire.AppendTag(out, 1, protowire.BytesType)
		out = protowire.AppendBytes(out, label)
	}
	for _, v := range s.Samples {
		var sample []byte
		sample = protowire.AppendTag(sample, 1, protowire.Fixed64Type)
		sample = protowire.AppendFixed64(sample, math.Float64bits(v.Value))
		sample = protowire.AppendTag(sample, 2, protowire.VarintType)
		sample = protowire.AppendVarint(sample, uint64(v.Time.UnixMilli()))
		out = protowire.AppendTag(out, 2, protowire.BytesType)
		out = protowire.AppendBytes(out, sample)
	}
	return out
}

func (p *Prometheus) write(ctx context.Context, message []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.URL+"/api/v1/write", bytes.NewReader(snappy(message)))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	req.Header.Set("Content-Encoding", "snappy")
	req.Header.Set("X-Prometheus-Remote-Write-Version", "0.1.0")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("push to Prometheus: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		body, _ := io.ReadAll(io.LimitReader(resp.Body, 2000))
		return fmt.Errorf("push to Prometheus: %s: %s", resp.Status, bytes.TrimSpace(body))
	}
	return nil
}

// snappy frames data as a block of that format that is one literal: nothing is compressed on the way to a
// process of this machine.
func snappy(data []byte) []byte {
	const literalWithFourBytesOfLength = 63 << 2
	out := binary.AppendUvarint(make([]byte, 0, len(data)+16), uint64(len(data)))
	out = append(out, literalWithFourBytesOfLength)
	out = binary.LittleEndian.AppendUint32(out, uint32(len(data)-1))
	return append(out, data...)
}
