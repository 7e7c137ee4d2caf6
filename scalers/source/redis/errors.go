package redis

import (
	"context"
	"errors"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/trimtab/trimtab/internal/fetch"
)

// refusals are the error codes of Redis for these commands, with their meaning. The text after a code is not repeated:
// a server may quote the password there, and a server that is no Redis may send anything.
func refusals() map[string]string {
	return map[string]string{
		"WRONGPASS":   "the username or the password is wrong, or the user is disabled",
		"NOAUTH":      "a password is required",
		"NOPERM":      "the user may not run the command or read the key",
		"ERR":         "it refuses the command, as for a databaseIndex that it does not have, for a password where it has none, or past its maxclients",
		"LOADING":     "it is loading its data",
		"BUSY":        "it is busy with a script",
		"MASTERDOWN":  "it is a replica whose master is down",
		"CLUSTERDOWN": "its cluster is down",
		"MOVED":       "the key is on another server of its cluster",
		"ASK":         "the key is on another server of its cluster",
		"WRONGTYPE":   "the key became one of another kind",
		"MISCONF":     "it cannot save its data",
		"READONLY":    "it is a replica that refuses the command",
		"DENIED":      "it is in protected mode, and answers only its own host",
	}
}

// reason is err in words that repeat nothing from a server.
func reason(err error) error {
	if refused, ok := errors.AsType[redis.Error](err); ok {
		code, _, _ := strings.Cut(strings.TrimPrefix(refused.Error(), "-"), " ")
		if means, known := refusals()[code]; known {
			return &fetch.Error{Text: "the server answers " + code + ": " + means, Err: err}
		}
		return &fetch.Error{Text: "the server answers an error that Redis does not have", Err: err}
	}
	switch {
	case errors.Is(err, errReplyTooLarge):
		return errReplyTooLarge
	case errors.Is(err, errForeign), errors.Is(err, errOtherKind), errors.Is(err, redis.ErrClosed), errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, redis.ErrPoolTimeout):
		return errBusy
	default:
		return fetch.WithoutAnswer(err)
	}
}

var (
	errOtherKind = errors.New("a list, set, sorted set or hash is expected")
	errBusy      = errors.New("no answer within the time-out, in which all connections to the server were in use")
)
