package engine

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// The restart policies. The zero policy is RestartNo.
const (
	RestartNo            = "no"
	RestartOnFailure     = "on-failure"     // after an exit code other than 0, MaximumRetryCount times when that is set
	RestartAlways        = "always"         // and after each boot, even when it was stopped
	RestartUnlessStopped = "unless-stopped" // and after each boot, unless it was stopped
)

// RestartPolicies are all of them.
var RestartPolicies = []string{RestartNo, RestartOnFailure, RestartAlways, RestartUnlessStopped}

// RestartPolicy says whether a container that ends by itself is started again.
// One that somebody stops is not, whatever its policy.
type RestartPolicy struct {
	Name              string `json:"Name"`
	MaximumRetryCount int    `json:"MaximumRetryCount"` // of on-failure; 0: no limit
}

// IsNo tells whether a container with this policy stays ended.
func (p RestartPolicy) IsNo() bool { return p.Name == "" || p.Name == RestartNo }

// String is the policy as --restart takes it.
func (p RestartPolicy) String() string {
	switch {
	case p.IsNo():
		return RestartNo
	case p.MaximumRetryCount > 0:
		return p.Name + ":" + strconv.Itoa(p.MaximumRetryCount)
	}
	return p.Name
}

// Check refuses what is no policy, and one that a container which is removed
// with its end cannot have.
func (p RestartPolicy) Check(autoRemove bool) error {
	switch {
	case p.Name != "" && !slices.Contains(RestartPolicies, p.Name):
		return fmt.Errorf("%w restart policy %q: want no, on-failure[:N], always or unless-stopped", ErrInvalid, p.Name)
	case p.MaximumRetryCount < 0:
		return fmt.Errorf("%w restart policy %q: the number of retries cannot be negative", ErrInvalid, p.Name)
	case p.MaximumRetryCount > 0 && p.Name != RestartOnFailure:
		return fmt.Errorf("%w restart policy %q: only on-failure takes a number of retries", ErrInvalid, p)
	case autoRemove && !p.IsNo():
		return fmt.Errorf("%w restart policy %s: the container is removed when it exits (--rm)", ErrConflict, p)
	}
	return nil
}

// ParseRestartPolicy reads NAME or NAME:N.
func ParseRestartPolicy(s string) (RestartPolicy, error) {
	name, count, counted := strings.Cut(s, ":")
	p := RestartPolicy{Name: name}
	if counted {
		n, err := strconv.Atoi(count)
		if err != nil {
			return p, fmt.Errorf("%w restart policy %q: the number of retries must be an integer", ErrInvalid, s)
		}
		p.MaximumRetryCount = n
		if n == 0 && name != RestartOnFailure {
			return p, fmt.Errorf("%w restart policy %q: only on-failure takes a number of retries", ErrInvalid, s)
		}
	}
	if p.Name == "" {
		p.Name = RestartNo
	}
	return p, p.Check(false)
}
