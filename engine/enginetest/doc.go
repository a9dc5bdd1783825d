// Package enginetest is the conformance suite of engine.Engine: what the fake
// promises to tests of user interfaces, and the local engine to users, is
// written here once and run over both.
//
// The suite needs one busybox-like image in the store (sh, sleep, cat, echo,
// true). It names its containers after the test and removes them, so that it
// can also run against an engine that other tests share. It never sleeps for
// a condition: it waits for events, output or exits, up to Options.Patience.
package enginetest
