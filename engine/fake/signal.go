package fake

import (
	"fmt"
	"strconv"
	"strings"

	"gantry/engine"
)

var signalNumbers = map[string]int{
	"SIGHUP": 1, "SIGINT": 2, "SIGQUIT": 3, "SIGKILL": 9, "SIGUSR1": 10,
	"SIGUSR2": 12, "SIGALRM": 14, "SIGTERM": 15, "SIGCONT": 18, "SIGSTOP": 19, "SIGWINCH": 28,
}

// signalName reads "TERM", "SIGTERM" or "15".
func signalName(s string) (string, error) {
	if n, err := strconv.Atoi(s); err == nil {
		for name, m := range signalNumbers {
			if n == m {
				return name, nil
			}
		}
	}
	name := "SIG" + strings.TrimPrefix(strings.ToUpper(s), "SIG")
	if _, ok := signalNumbers[name]; !ok {
		return "", fmt.Errorf("%w signal %q", engine.ErrInvalid, s)
	}
	return name, nil
}
