package local

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The addresses are as a little-endian machine writes them.
const socketTitles = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"

func TestParseSockets(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, proto, table string
		limit              int
		want               []string
		more               bool
	}{
		{"TCP", "tcp", "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1\n" +
			"   1: 020011AC:B002 030011AC:1538 01 00000000:00000000 00:00000000 00000000     0        0 2\n", 9,
			[]string{"tcp 127.0.0.1:8080 listen", "tcp 172.17.0.2:45058 172.17.0.3:5432 established"}, false},
		{"TCP over IPv6", "tcp", "   0: 0000000000000000FFFF0000020011AC:0050 0000000000000000FFFF0000030011AC:C350 06 x\n" +
			"   1: B80D0120000000000000000001000000:0050 00000000000000000000000000000000:0000 0A x\n", 9,
			[]string{"tcp 172.17.0.2:80 172.17.0.3:50000 time wait", "tcp [2001:db8::1]:80 listen"}, false},
		{"UDP has no state", "udp", "  12: 00000000:0035 00000000:0000 07 x\n", 9, []string{"udp 0.0.0.0:53 "}, false},
		{"more than wanted", "udp", strings.Repeat("  12: 00000000:0035 00000000:0000 07 x\n", 3), 2,
			[]string{"udp 0.0.0.0:53 ", "udp 0.0.0.0:53 "}, true},
		{"none", "udp", "", 9, nil, false},
	} {
		list, more, err := parseSockets(strings.NewReader(socketTitles+tt.table), tt.proto, tt.limit)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, c := range list {
			got = append(got, strings.Join(strings.Fields(c.Proto+" "+c.Local+" "+c.Remote), " ")+" "+c.State)
		}
		if d := cmp.Diff(tt.want, got); d != "" || more != tt.more {
			t.Errorf("%s: more: %v\n%s", tt.name, more, d)
		}
	}
	for _, bad := range []string{"x", "0: 01:1 02:2 0A", "0: 0100007F:1F90 00000000 0A", "0: 0100007F:1F90 00000000:0000 ZZ", "0: 0100007F:1F90x 00000000:0000 01"} {
		if list, _, err := parseSockets(strings.NewReader(socketTitles+bad+"\n"), "tcp", 9); err == nil {
			t.Errorf("%q: got %+v, want an error", bad, list)
		}
	}
}
