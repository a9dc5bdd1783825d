package ociruntime_test

import (
	"testing"
)

func TestHello(t *testing.T) {
	dir := image(t, nil)
	t.Log(sh(t, dir, "echo hello; id; pwd; ls -l /dev; mount; cat /proc/self/status; ls -l /proc/self/fd; ps; cat /proc/self/cgroup; ip a; env"))
}
