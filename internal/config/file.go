package config

import (
	"fmt"
	"io"
	"os"
)

// MaxSecretBytes bounds a file with a token, a password, keys or certificates: a Secret holds no more.
const MaxSecretBytes = 1 << 20

// ReadFile reads a file that the operator names, which must have no more than most bytes. What is behind them is not
// read: the name may be that of a device.
func ReadFile(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(data)) > most {
		return nil, fmt.Errorf("%s: the file has more than %d bytes", path, most)
	}
	return data, err
}
