package inetaddr_test

import (
	"encoding/json"
	"net/netip"
	"testing"

	"gantry/internal/inetaddr"
)

var texts = []string{
	"0.0.0.0", "1.2.3.4", "255.255.255.255", "127.0.0.11", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1..2.3", "+1.2.3.4", "1.2.3.4 ", "",
	"::", "::1", "1::", "fd00::2", "1:2:3:4:5:6:7:8", "1:0:0:4:0:0:0:8", "1:0:3:0:5:0:7:0", "0:0:1:0:0:1:0:0", "2001:db8::1:0:0:1", "FD00::ABCD",
	"::ffff:1.2.3.4", "1:2:3:4:5:6:1.2.3.4", "::1.2.3.4", "1:2:3:4:5:6:7:1.2.3.4", "1::2::3", ":1", "1:", ":::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9",
	"1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1:2:3:4::5:6:7:8", "12345::", "g::", "+1::", "::1.2.3", "1.2.3.4::", "::1.2.3.4:5",
	"fe80::1%eth0", "fe80::1%", "1.2.3.4%eth0", "%eth0", "fe80::1%a%b", "10.0.0.1\n",
}

// same holds our reading and writing against net/netip's.
func same(t *testing.T, text string) {
	t.Helper()
	want, wantErr := netip.ParseAddr(text)
	if text == "" {
		wantErr = nil
	}
	got, err := inetaddr.Parse(text)
	if (err == nil) != (wantErr == nil) {
		t.Fatalf("%q: %v, %v; net/netip: %v, %v", text, got, err, want, wantErr)
	}
	if err != nil || text == "" {
		return
	}
	if got.String() != want.String() || got.Is4() != want.Is4() || got.Is6() != want.Is6() || got.BitLen() != want.BitLen() || got.Zone() != want.Zone() {
		t.Errorf("%q: %s, net/netip: %s", text, got, want)
	}
	if got.IsUnspecified() != want.IsUnspecified() || string(got.Unmap().Slice()) != string(want.Unmap().AsSlice()) {
		t.Errorf("%q: IsUnspecified %v, Unmap %v", text, got.IsUnspecified(), got.Unmap())
	}
	if string(got.Slice()) != string(want.AsSlice()) {
		t.Errorf("%q: bytes %x, net/netip: %x", text, got.Slice(), want.AsSlice())
	}
	if want.Zone() == "" && inetaddr.FromSlice(want.AsSlice()) != got {
		t.Errorf("%q: From gives %v", text, inetaddr.FromSlice(want.AsSlice()))
	}
	if loop := want.IsLoopback(); got.IsLoopback() != loop && !want.Is4In6() && want.Zone() == "" {
		t.Errorf("%q: loopback %v", text, got.IsLoopback())
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	for _, text := range texts {
		same(t, text)
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range texts {
		f.Add(text)
	}
	f.Fuzz(same)
}

func TestJSON(t *testing.T) {
	t.Parallel()
	type record struct {
		Addrs  []inetaddr.Addr   `json:"addrs"`
		Server inetaddr.AddrPort `json:"server"`
	}
	const text = `{"addrs":["10.0.0.1","fd00::2",""],"server":{"addr":"::1","port":53}}`
	var r record
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(r)
	if err != nil || string(b) != text {
		t.Errorf("%s, %v", b, err)
	}
	if r.Server.String() != "[::1]:53" {
		t.Error(r.Server)
	}
	if err := json.Unmarshal([]byte(`{"addrs":["10.0.0"]}`), &r); err == nil {
		t.Error("a wrong address was read")
	}
}
