package ui_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"gantry/engine"
	"gantry/engine/fake"
	"gantry/ui/uitest"
)

// TestBulkReport: what did not work is named with why, and can be tried again.
func TestBulkReport(t *testing.T) {
	drive(t, 120, 40, stocked, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		e.Inject(fake.OpStop, fake.Fault{Times: 2, Err: &engine.OpError{Op: "stop", Kind: "container", Err: errors.New("its monitor does not answer"), Hint: "wait a moment"}})
		palette(d, "stop db shop-api-1 limited")
		d.Keys("y")
		d.Pass(time.Second)
		wants(t, d, "1 stopped · 2 failed", "its monitor does not answer", "→ wait a moment")
		d.Keys("r")
		d.Pass(time.Second)
		wants(t, d, "✔ stopped all 2")
		for _, name := range []string{"db", "shop-api-1", "limited"} {
			if s := state(t, e, name); s != engine.Exited {
				t.Errorf("%s is %s", name, s)
			}
		}
	})
}

// TestBulkCancel ends what is under way and begins nothing more.
func TestBulkCancel(t *testing.T) {
	many := func(t *testing.T) *fake.Engine {
		e := fake.New()
		e.AddImage(fake.Image{Refs: []string{"a:1"}})
		for _, n := range strings.Fields("aa bb cc dd ee ff gg hh ii jj") {
			e.AddContainer(fake.Container{Name: n, Image: "a:1", State: engine.Running})
		}
		return e
	}
	drive(t, 120, 40, many, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		e.Inject(fake.OpStop, fake.Fault{Delay: time.Hour})
		d.Keys("*", "s", "y")
		d.Pass(time.Second)
		wants(t, d, "0 of 10", "waiting")
		d.Keys("x")
		d.Pass(time.Second)
		wants(t, d, "10 cancelled")
		d.Keys("esc")
		for _, n := range []string{"aa", "jj"} {
			if s := state(t, e, n); s != engine.Running {
				t.Errorf("%s is %s", n, s)
			}
		}
	})
}

// TestNothingFreezes: while any operation hangs, keys go on working, and it can
// be looked at and cancelled.
func TestNothingFreezes(t *testing.T) {
	for _, tt := range []struct {
		name string
		op   fake.Op
		keys func(d *uitest.Driver)
	}{
		{"stop", fake.OpStop, func(d *uitest.Driver) { palette(d, "stop db"); d.Keys("y") }},
		{"start", fake.OpStart, func(d *uitest.Driver) { palette(d, "start migrate") }},
		{"restart", fake.OpRestart, func(d *uitest.Driver) { palette(d, "restart db"); d.Keys("y") }},
		{"kill", fake.OpKill, func(d *uitest.Driver) { palette(d, "kill db KILL") }},
		{"pause", fake.OpPause, func(d *uitest.Driver) { palette(d, "pause db") }},
		{"unpause", fake.OpUnpause, func(d *uitest.Driver) { palette(d, "pause frozen") }},
		{"begin", fake.OpJobStart, func(d *uitest.Driver) { palette(d, "pull busybox:1") }},
		{"rename", fake.OpRename, func(d *uitest.Driver) { palette(d, "rename db other") }},
		{"remove", fake.OpRemove, func(d *uitest.Driver) { palette(d, "rm db"); d.Keys("y") }},
		{"create", fake.OpCreate, func(d *uitest.Driver) { palette(d, "run redis:7") }},
		{"prune", fake.OpPrune, func(d *uitest.Driver) { d.Keys("b") }},
		{"limits", fake.OpInspect, func(d *uitest.Driver) { palette(d, "update limited") }},
		{"commit", fake.OpCommit, func(d *uitest.Driver) { palette(d, "commit db x:1") }},
		{"tag", fake.OpTag, func(d *uitest.Driver) { palette(d, "tag redis:7 x:1") }},
		{"remove image", fake.OpImageRemove, func(d *uitest.Driver) { palette(d, "rmi nginx:1.27"); d.Keys("y") }},
		{"make", fake.OpVolumeCreate, func(d *uitest.Driver) { palette(d, "volume-create box") }},
		{"make", fake.OpNetworkCreate, func(d *uitest.Driver) { palette(d, "network-create box") }},
		{"connect", fake.OpNetworkConnect, func(d *uitest.Driver) { palette(d, "network-connect bridge db") }},
		{"login", fake.OpLogin, func(d *uitest.Driver) { palette(d, "login"); d.Keys("tab", "a", "tab", "b", "enter") }},
		{"logout", fake.OpLogout, func(d *uitest.Driver) { palette(d, "logout"); d.Keys("enter") }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			drive(t, 120, 40, stocked, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
				e.Inject(tt.op, fake.Fault{Delay: time.Hour})
				tt.keys(d)
				d.Pass(time.Second)
				wants(t, d, "◐ ")
				d.Keys("?")
				wants(t, d, "Everywhere")
				d.Keys("esc", ".")
				wants(t, d, "x cancel")
				d.Keys("x")
				d.Pass(time.Second)
				d.Keys("esc", "esc")
				lacks(t, d, "x cancel", "◐ "+tt.name)
				d.Keys(".")
				wants(t, d, "nothing is under way")
			})
		})
	}
}

// TestFailuresAreTold for every operation: what, which, why and what next.
func TestFailuresAreTold(t *testing.T) {
	for _, tt := range []struct {
		op    fake.Op
		keys  func(d *uitest.Driver)
		wants string
	}{
		{fake.OpStop, func(d *uitest.Driver) { palette(d, "stop db"); d.Keys("y") }, "stop container db"},
		{fake.OpStart, func(d *uitest.Driver) { palette(d, "start migrate") }, "start container migrate"},
		{fake.OpRestart, func(d *uitest.Driver) { palette(d, "restart db"); d.Keys("y") }, "restart container db"},
		{fake.OpKill, func(d *uitest.Driver) { palette(d, "kill db KILL") }, "kill container db"},
		{fake.OpPause, func(d *uitest.Driver) { palette(d, "pause db") }, "pause container db"},
		{fake.OpRename, func(d *uitest.Driver) { palette(d, "rename db other") }, "rename container db"},
		{fake.OpRemove, func(d *uitest.Driver) { palette(d, "rm db"); d.Keys("y") }, "remove container db"},
		{fake.OpCreate, func(d *uitest.Driver) { palette(d, "run redis:7") }, "create container"},
		{fake.OpPrune, func(d *uitest.Driver) { d.Keys("b") }, "prune containers"},
		{fake.OpImagePrune, func(d *uitest.Driver) { d.Keys("b") }, "prune images"},
		{fake.OpInspect, func(d *uitest.Driver) { palette(d, "update limited") }, "inspect container limited"},
		{fake.OpCommit, func(d *uitest.Driver) { palette(d, "commit db x:1") }, "commit container db"},
		{fake.OpTag, func(d *uitest.Driver) { palette(d, "tag redis:7 x:1") }, "tag image redis:7"},
		{fake.OpImageRemove, func(d *uitest.Driver) { palette(d, "rmi nginx:1.27"); d.Keys("y") }, "remove image nginx:1.27"},
		{fake.OpLogin, func(d *uitest.Driver) { palette(d, "login reg.example"); d.Keys("tab", "a", "tab", "b", "enter") }, "log in to registry reg.example"},
		{fake.OpVolumeCreate, func(d *uitest.Driver) { palette(d, "volume-create box") }, "create volume box"},
		{fake.OpVolumeRemove, func(d *uitest.Driver) {
			palette(d, "volume-create box")
			d.Pass(time.Second)
			palette(d, "volume-rm box")
			d.Keys("y")
		}, "remove volume box"},
		{fake.OpVolumePrune, func(d *uitest.Driver) { d.Keys("b") }, "prune volumes"},
		{fake.OpNetworkCreate, func(d *uitest.Driver) { palette(d, "network-create box") }, "create network box"},
		{fake.OpNetworkConnect, func(d *uitest.Driver) { palette(d, "network-connect bridge db") }, "connect to network bridge"},
		{fake.OpNetworkPrune, func(d *uitest.Driver) { d.Keys("b") }, "prune networks"},
		{fake.OpJobStart, func(d *uitest.Driver) { palette(d, "pull x") }, "start job"},
	} {
		t.Run(string(tt.op), func(t *testing.T) {
			drive(t, 120, 40, stocked, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
				e.Inject(tt.op, fake.Fault{Err: errors.New("the disk is on fire")})
				tt.keys(d)
				d.Pass(time.Second)
				wants(t, d, "That did not work", "▲ "+tt.wants, "the disk is on fire", "→ ")
				d.Keys("y")
				wants(t, d, "copied")
				d.Keys("esc")
				lacks(t, d, "That did not work")
			})
		})
	}
}

// TestALateAnswerOpensNothing under keys that are meant for something else.
func TestALateAnswerOpensNothing(t *testing.T) {
	drive(t, 120, 40, stocked, func(t *testing.T, e *fake.Engine, d *uitest.Driver) {
		e.Inject(fake.OpPrune, fake.Fault{Delay: 5 * time.Second})
		d.Keys("b", "?")
		d.Pass(10 * time.Second)
		lacks(t, d, "What may go?")
		d.Keys("y", "esc")
		d.Pass(time.Second)
		if state(t, e, "worker") == "gone" {
			t.Error("y was taken for another dialog")
		}
	})
}
