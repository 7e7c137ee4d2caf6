package config

import (
	"fmt"
	"io"
	"os"
)

// MaxSecretBytes bounds a file with a token, a password, keys or certificates. A Secret is no larger.
const MaxSecretBytes = 1 << 20

// ReadFile reads a file that the operator names. A file with more than most bytes is an error, and only so much is
// read, since the name may be a device.
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
