package inetaddr_test

import (
	"encoding/json"
	"net/netip"
	"testing"

	"gantry/internal/inetaddr"
)

var texts = []string{
	"", "0.0.0.0", "127.0.0.1", "255.255.255.255", "::", "::1", "1::", "2001:db8::1", "fd00:0:1::2:3", "1:2:3:4:5:6:7:8",
	"::ffff:192.0.2.1", "64:ff9b::192.0.2.33", "1::2:3:4:5:6:7", "fe80::%eth0",
	"1", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.256", "1.2.3.-4", "1.2.3.+4", ":", ":::", "1:2", "1::2::3", "12345::", "g::", "1:2:3:4:5:6:7:8:9",
	"::1:2:3:4:5:6:7:8", "1.2.3.4::", "::1.2.3.4:5", " ::1", "-1::", "+1::",
}

// agree holds the package against net/netip.
func agree(t *testing.T, s string) {
	t.Helper()
	got, err := inetaddr.Parse(s)
	want, wantErr := netip.ParseAddr(s)
	if s == "" || want.Zone() != "" {
		return
	}
	if (err == nil) != (wantErr == nil) {
		t.Errorf("Parse(%q): %v, net/netip: %v", s, err, wantErr)
		return
	}
	if err != nil {
		return
	}
	if string(got.Slice()) != string(want.AsSlice()) || got != inetaddr.FromSlice(want.AsSlice()) {
		t.Errorf("Parse(%q): %v, net/netip: %v", s, got, want)
	}
	if back, err := netip.ParseAddr(got.String()); err != nil || back != want {
		t.Errorf("%v is read as %v by net/netip (%v)", got, back, err)
	}
	if got.Is4() != want.Is4() || got.IsUnspecified() != want.IsUnspecified() {
		t.Errorf("%v: Is4 %v, IsUnspecified %v", got, got.Is4(), got.IsUnspecified())
	}
	if string(got.Unmap().Slice()) != string(want.Unmap().AsSlice()) {
		t.Errorf("Unmap(%v) is %v", got, got.Unmap())
	}
}

func TestAgrees(t *testing.T) {
	t.Parallel()
	for _, s := range texts {
		agree(t, s)
	}
}

func FuzzAgrees(f *testing.F) {
	for _, s := range texts {
		f.Add(s)
	}
	f.Fuzz(agree)
}

func TestJSON(t *testing.T) {
	t.Parallel()
	type box struct{ A, B, C inetaddr.Addr }
	in := box{A: inetaddr.FromSlice([]byte{192, 0, 2, 1}), B: inetaddr.FromSlice(netip.MustParseAddr("2001:db8::1").AsSlice())}
	b, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var out box
	if err := json.Unmarshal(b, &out); err != nil || out != in {
		t.Errorf("%s became %v, %v", b, out, err)
	}
	if inetaddr.FromSlice([]byte{1, 2, 3}).IsValid() {
		t.Error("three bytes are an address")
	}
}
