// Package fake is a scripted engine.Engine that lives in memory. Tests of the
// command line and of the workbench run against it; engine/enginetest holds it
// to the same contract as the real engine.
//
// What a container "runs" is a Program, a Go function found by the first word
// of its command. A handful that every test wants are built in (true, false,
// echo, cat, sleep, and a sh that knows just enough for one-line scripts); a
// command whose program is not known fails to start as a missing executable
// does.
//
// Nothing is random: identifiers and names come from counters, and time is the
// time package's, so that a test under testing/synctest sees the same screen
// every time.
//
// The invariant: state changes happen under Engine.mu and end with
// Engine.notify, which wakes everybody who waits for a condition. No program,
// callback or blocking send runs under the lock.
package fake
