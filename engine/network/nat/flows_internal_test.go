package nat

import (
	"net/netip"
	"testing"
)

// TestKernelFlushes: the quick way works on the kernels that tests run on, else
// it would be the slow one that they test.
func TestKernelFlushes(t *testing.T) {
	t.Parallel()
	via, err := openFlows()
	if err != nil {
		t.Fatal(err)
	}
	defer via.Close()
	for _, f := range []flowFilter{
		{addr: netip.MustParseAddr("198.51.100.77"), reply: true}, {addr: netip.MustParseAddr("2001:db8::77"), reply: true},
		{addr: netip.IPv4Unspecified(), port: 9}, {addr: netip.MustParseAddr("2001:db8::77"), port: 9},
	} {
		if err := f.send(via); err != nil {
			t.Errorf("%+v: %v", f, err)
		}
	}
}

// TestSlowFlush chooses the same connections where the kernel cannot.
func TestSlowFlush(t *testing.T) {
	t.Parallel()
	// A filter of nothing is refused by the kernel.
	via, err := openFlows()
	if err != nil {
		t.Fatal(err)
	}
	defer via.Close()
	if err := flush(via, flowFilter{}, staleFlow{claimed: []netip.Addr{netip.MustParseAddr("198.51.100.77")}}); err != nil {
		t.Error(err)
	}
}
